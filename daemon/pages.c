/* SPDX-License-Identifier: MIT */
/*
 * pages.c - see pages.h
 */
#include "daemon/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/log.h"
#include "daemon/service.h"

void
rb_pages_tune(const struct rb_hosted *hosted,
	      const struct rb_config_channel *config)
{
	const struct rb_channel *c = &hosted->channel;

	if (config->huge_pages &&
	    madvise(c->slots, 2 * rb_geometry_slots_size(&c->geometry),
		    MADV_HUGEPAGE) < 0)
		rb_log_warning("channel %s: no huge pages: %s; see "
			       "/sys/kernel/mm/transparent_hugepage/"
			       "shmem_enabled",
			       hosted->name, strerror(errno));
	for (int i = 0; i < RB_FILES; i++) {
		const struct rb_segment *s = &c->segments[i];

		if (config->lock && mlock(s->base, s->mapping) < 0)
			rb_log_warning("channel %s: cannot lock %s: %s; raise "
				       "the limit (LimitMEMLOCK=)",
				       hosted->name, rb_file_names[i],
				       strerror(errno));
	}
}

void
rb_pages_prefault(const struct rb_hosted *hosted)
{
	for (int i = 0; i < RB_FILES; i++) {
		const struct rb_segment *s = &hosted->channel.segments[i];
		int err;

		rb_service_works();
		err = rb_segment_populate(s, true);
		if (err < 0)
			rb_log_warning("channel %s: cannot prefault %s: %s",
				       hosted->name, rb_file_names[i],
				       strerror(-err));
	}
}
