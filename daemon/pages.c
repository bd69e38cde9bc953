/* SPDX-License-Identifier: MIT */
/*
 * pages.c - see pages.h
 */
#include "daemon/pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "daemon/log.h"
#include "daemon/service.h"

/* Linux 6.1; absent from the headers of some builders. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE (UINT64_C(2) << 20)
#define WORDS (RB_CPUS_MAX / 64)

/* ------------------------------------------------------------------ wishes */

static bool
is_empty(const struct rb_numbers *numbers)
{
	uint64_t any = 0;

	for (int i = 0; i < WORDS; i++)
		any |= numbers->words[i];
	return any == 0;
}

/* The lowest; of a set that is not empty. */
static unsigned
first_of(const struct rb_numbers *numbers)
{
	unsigned i = 0;

	while (numbers->words[i] == 0)
		i++;
	return i * 64 + (unsigned)__builtin_ctzll(numbers->words[i]);
}

static bool
is_wished(const struct rb_config_channel *config, enum rb_placement kind)
{
	switch (kind) {
	case RB_PLACEMENT_PREFAULT:
		return config->prefault;
	case RB_PLACEMENT_LOCK:
		return config->lock;
	case RB_PLACEMENT_HUGE_PAGES:
		return config->huge_pages;
	case RB_PLACEMENT_NUMA_NODE:
		return !is_empty(&config->numa_node);
	case RB_PLACEMENT_CPUS:
		return !is_empty(&config->cpus);
	default:
		return false;
	}
}

/* --------------------------------------------------------------- one by one */

typedef int (*step_fn)(const struct rb_segment *piece, const void *context);

/* One that took longer than the watchdog waits would end the daemon. */
static int
in_pieces(const struct rb_segment *s, step_fn step, const void *context)
{
	int err = 0;

	for (uint64_t at = 0; at < s->size && err == 0;
	     at += RB_SEGMENT_PIECE) {
		struct rb_segment piece = {
			.base = (char *)s->base + at,
			.size = rb_min_u64(s->size - at, RB_SEGMENT_PIECE),
		};

		rb_service_works();
		err = step(&piece, context);
	}
	return err;
}

/* Each page once, though the slots are mapped twice. */
static int
everywhere(const struct rb_hosted *hosted, step_fn step, const void *context)
{
	int err = 0;

	for (int i = 0; i < RB_FILES && err == 0; i++)
		err = in_pieces(&hosted->channel.segments[i], step, context);
	return err;
}

static int
populate(const struct rb_segment *piece, const void *context)
{
	(void)context;
	return rb_segment_populate(piece, true);
}

static int
lock(const struct rb_segment *piece, const void *context)
{
	(void)context;
	return mlock(piece->base, piece->size) < 0 ? -errno : 0;
}

static void
unlock_all(const struct rb_hosted *hosted)
{
	for (int i = 0; i < RB_FILES; i++)
		munlock(hosted->channel.segments[i].base,
			hosted->channel.segments[i].size);
}

/* A part of it would be charged, and help nobody. */
static int
lock_all(const struct rb_hosted *hosted)
{
	int err = everywhere(hosted, lock, NULL);

	if (err < 0)
		unlock_all(hosted);
	return err;
}

/* The advice is for what is read back from swap; a kernel without it has not the
 * other either. */
static int
collapse(const struct rb_segment *piece, const void *context)
{
	(void)context;
	madvise(piece->base, piece->size, MADV_HUGEPAGE);
	return madvise(piece->base, piece->size, MADV_COLLAPSE) < 0 ? -errno
								    : 0;
}

static int
enlarge(const struct rb_hosted *hosted)
{
	struct rb_segment s = hosted->channel.segments[RB_FILE_RING];

	s.size = s.size / HUGE_PAGE * HUGE_PAGE;
	return s.size == 0 ? -ERANGE : in_pieces(&s, collapse, NULL);
}

/* -EINVAL would stand for anything. */
static int
check_node(unsigned node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", node);
	return access(path, F_OK) < 0 && errno == ENOENT ? -ENODEV : 0;
}

static int
bind_to_node(const struct rb_segment *piece, const void *context)
{
	const struct rb_numbers *node = context;

	return syscall(SYS_mbind, piece->base, piece->size, MPOL_PREFERRED,
		       node->words, RB_CPUS_MAX + 1, MPOL_MF_MOVE) < 0
		       ? -errno
		       : 0;
}

static int
go_to_node(const struct rb_hosted *hosted, const struct rb_numbers *node)
{
	int err = check_node(first_of(node));

	return err < 0 ? err : everywhere(hosted, bind_to_node, node);
}

static int
check_cpus(const struct rb_numbers *cpus)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	for (long i = n < 0 ? 0 : n; i < RB_CPUS_MAX; i++)
		if ((cpus->words[i / 64] >> i % 64 & 1) != 0)
			return -ENODEV;
	return 0;
}

static int
grant(struct rb_hosted *hosted, const struct rb_config_channel *config,
      enum rb_placement kind)
{
	switch (kind) {
	case RB_PLACEMENT_PREFAULT:
		/* What others have filled is there. */
		return hosted->hidden[0] != '\0'
			       ? everywhere(hosted, populate, NULL)
			       : 0;
	case RB_PLACEMENT_LOCK:
		return lock_all(hosted);
	case RB_PLACEMENT_HUGE_PAGES:
		return enlarge(hosted);
	case RB_PLACEMENT_NUMA_NODE:
		return go_to_node(hosted, &config->numa_node);
	default:
		return check_cpus(&config->cpus);
	}
}

/* ------------------------------------------------------------------- all */

static void
tell(const struct rb_hosted *hosted, enum rb_placement kind, int err)
{
	rb_log_warning("channel %s: %s is not granted (%s): %s", hosted->name,
		       rb_placement_names[kind], strerror(-err),
		       rb_placement_why(kind, err));
}

static void
place_one(struct rb_hosted *hosted, const struct rb_config_channel *config,
	  enum rb_placement kind)
{
	struct rb_placed placed = { .asked = is_wished(config, kind) };

	if (placed.asked) {
		placed.err = grant(hosted, config, kind);
		placed.granted = placed.err == 0;
	} else if (kind == RB_PLACEMENT_LOCK &&
		   (hosted->placed >> kind & 1) != 0) {
		unlock_all(hosted);
	}
	if (placed.asked && kind == RB_PLACEMENT_NUMA_NODE)
		placed.number = first_of(&config->numa_node);
	if (placed.err < 0)
		tell(hosted, kind, placed.err);
	hosted->placed &= ~(1U << kind);
	hosted->placed |= (unsigned)placed.granted << kind;
	rb_placement_write(&hosted->channel.meta->placement, kind, &placed);
}

/* Nothing is done twice that would not do more. */
static bool
is_done(const struct rb_hosted *hosted, const struct rb_config_channel *config,
	enum rb_placement kind)
{
	return (hosted->placed >> kind & 1) != 0 && is_wished(config, kind) &&
	       kind < RB_PLACEMENT_NUMA_NODE;
}

void
rb_pages_place(struct rb_hosted *hosted, const struct rb_config_channel *config)
{
	static const enum rb_placement order[] = {
		RB_PLACEMENT_PREFAULT,   RB_PLACEMENT_NUMA_NODE,
		RB_PLACEMENT_HUGE_PAGES, RB_PLACEMENT_LOCK,
		RB_PLACEMENT_CPUS,
	};

	for (unsigned i = 0; i < RB_ARRAY_SIZE(order); i++)
		if (!is_done(hosted, config, order[i]))
			place_one(hosted, config, order[i]);
	rb_placement_write_cpus(&hosted->channel.meta->placement,
				config->cpus.words);
}

/* Where there is no such node, or nobody may choose, that is told later. */
void
rb_pages_prefer(const struct rb_config_channel *config)
{
	static bool preferred;

	if (config != NULL && !is_empty(&config->numa_node)) {
		preferred = syscall(SYS_set_mempolicy, MPOL_PREFERRED,
				    config->numa_node.words,
				    RB_CPUS_MAX + 1) == 0;
	} else if (preferred) {
		syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
		preferred = false;
	}
}

const char *
rb_pages_describe(const struct rb_change *change)
{
	const struct rb_key *key = change->key;
	bool is_taken_back = change->after[0] == '\0' ||
			     strcmp(change->after, "false") == 0;

	if (key == &rb_keys[RB_KEY_CHANNEL_prefault] ||
	    (key == &rb_keys[RB_KEY_CHANNEL_huge_pages] && is_taken_back) ||
	    (key == &rb_keys[RB_KEY_CHANNEL_numa_node] && is_taken_back))
		return "for when it is made anew; memory that is there stays "
		       "as it is";
	if (key == &rb_keys[RB_KEY_CHANNEL_numa_node])
		return "live, for memory that no member has in use";
	return "live";
}

static int
foresee_lock(uint64_t size)
{
	struct rlimit limit;

	if (geteuid() == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return 0;
	return limit.rlim_cur < size ? -ENOMEM : 0;
}

int
rb_pages_foresee(const struct rb_config_channel *config, enum rb_placement kind,
		 uint64_t size)
{
	if (!is_wished(config, kind))
		return 0;
	switch (kind) {
	case RB_PLACEMENT_LOCK:
		return foresee_lock(size);
	case RB_PLACEMENT_HUGE_PAGES:
		return size < HUGE_PAGE ? -ERANGE : 0;
	case RB_PLACEMENT_NUMA_NODE:
		return check_node(first_of(&config->numa_node));
	case RB_PLACEMENT_CPUS:
		return check_cpus(&config->cpus);
	default:
		return 0;
	}
}
