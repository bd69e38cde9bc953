/* SPDX-License-Identifier: MIT */
/*
 * placement.c - see placement.h
 */
#include "shm/placement.h"

#include <errno.h>
#include <string.h>

#define ASKED UINT64_C(1)
#define GRANTED UINT64_C(2)
#define NUMBER_SHIFT 8
#define ERRNO_SHIFT 32
#define ERRNO_MAX 4095

const char *const rb_placement_names[RB_PLACEMENTS] = {
	[RB_PLACEMENT_PREFAULT] = "prefault",
	[RB_PLACEMENT_LOCK] = "lock",
	[RB_PLACEMENT_HUGE_PAGES] = "huge_pages",
	[RB_PLACEMENT_NUMA_NODE] = "numa_node",
	[RB_PLACEMENT_CPUS] = "cpus",
};

struct rb_placed
rb_placement_read(const struct rb_meta_placement *at, enum rb_placement kind)
{
	/* ORDER(none, relaxed) - to look at. */
	uint64_t word = rb_word64_load_relaxed(&at->wishes[kind]);
	uint64_t err = word >> ERRNO_SHIFT;

	return (struct rb_placed){
		.asked = (word & ASKED) != 0,
		.granted = (word & GRANTED) != 0,
		.number = (unsigned)(word >> NUMBER_SHIFT & UINT16_MAX),
		.err = err > ERRNO_MAX ? -EBADMSG : -(int)err,
	};
}

void
rb_placement_write(struct rb_meta_placement *at, enum rb_placement kind,
		   const struct rb_placed *placed)
{
	uint64_t word = (placed->asked ? ASKED : 0) |
			(placed->granted ? GRANTED : 0) |
			(uint64_t)placed->number << NUMBER_SHIFT |
			(uint64_t)(unsigned)-placed->err << ERRNO_SHIFT;

	/* ORDER(none, relaxed) - to look at. */
	rb_word64_store_relaxed(&at->wishes[kind], word);
}

void
rb_placement_read_cpus(const struct rb_meta_placement *at,
		       uint64_t ret[RB_CPUS_MAX / 64])
{
	for (unsigned i = 0; i < RB_CPUS_MAX / 64; i++)
		/* ORDER(none, relaxed) - any set of CPUs is a good one. */
		ret[i] = rb_word64_load_relaxed(&at->cpus[i]);
}

void
rb_placement_write_cpus(struct rb_meta_placement *at,
			const uint64_t cpus[RB_CPUS_MAX / 64])
{
	for (unsigned i = 0; i < RB_CPUS_MAX / 64; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_word64_store_relaxed(&at->cpus[i], cpus[i]);
}

static const char *
why_unlocked(int err)
{
	if (err == -EAGAIN)
		return "a part of it is not to be had; free some memory";
	return "the limit of locked memory is too low; raise it by "
	       "LimitMEMLOCK= of the service";
}

static const char *
why_small(int err)
{
	switch (err) {
	case -ERANGE:
		return "the ring is smaller than a huge page; take more slots";
	case -EINVAL:
		return "this kernel makes none here; it needs Linux 6.1 with "
		       "CONFIG_TRANSPARENT_HUGEPAGE, a folder on a tmpfs, and "
		       "no `deny` in "
		       "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	default:
		return "not enough memory hangs together; take them early "
		       "after "
		       "the boot, or write 1 to /proc/sys/vm/compact_memory";
	}
}

static const char *
why_elsewhere(int err)
{
	switch (err) {
	case -ENODEV:
		return "this machine has no such node; see `numactl "
		       "--hardware`";
	case -EPERM:
	case -ENOSYS:
		return "mbind is forbidden here; allow it by SystemCallFilter= "
		       "of the service";
	default:
		return "the node has not enough free memory, or is not one of "
		       "those the service may use (AllowedMemoryNodes=)";
	}
}

const char *
rb_placement_why(enum rb_placement kind, int err)
{
	switch (kind) {
	case RB_PLACEMENT_LOCK:
		return why_unlocked(err);
	case RB_PLACEMENT_HUGE_PAGES:
		return why_small(err);
	case RB_PLACEMENT_NUMA_NODE:
		return why_elsewhere(err);
	case RB_PLACEMENT_CPUS:
		return "this machine has not all of these CPUs; see `lscpu -e`";
	default:
		return strerrordesc_np(-err);
	}
}
