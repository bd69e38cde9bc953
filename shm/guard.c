/* SPDX-License-Identifier: MIT */
/*
 * guard.c - see guard.h
 */
#include "shm/guard.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shm/channel.h"

#define ENTRIES 32 /* of a chunk */

/* A mapped file. Its tail may follow once more, as a mirror. */
struct view {
	uint64_t base; /* 0: none */
	uint64_t size;
	uint64_t mapping; /* the mirror included */
};

/* What an entry says. A child inherits the table and nothing that is mapped. */
struct views {
	struct view of[RB_FILES];
	uint64_t pid; /* who has mapped it */
};

#define WORDS (sizeof(struct views) / sizeof(uint64_t))

struct rb_guard {
	struct rb_word32 taken;
	struct rb_word64 version; /* odd while the words change */
	struct rb_word64 words[WORDS];
};

struct chunk {
	struct rb_guard entries[ENTRIES];
	struct rb_word64 next; /* its address; 0: none yet */
};

static struct chunk first;

static_assert(sizeof(struct views) ==
		      RB_FILES * sizeof(struct view) + sizeof(uint64_t),
	      "no padding");

/* ------------------------------------------------------------- the table */

static struct chunk *
next_of(const struct chunk *chunk)
{
	/* ORDER(guard, acquire) - that it is all zeroes, or what its entries
	 * say. */
	uint64_t next = rb_word64_load_acquire(&chunk->next);

	return (struct chunk *)(uintptr_t)next;
}

/* Also if another thread was faster. */
static struct chunk *
grow(struct chunk *last)
{
	void *more = mmap(NULL, sizeof(*last), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t next = 0;

	if (more == MAP_FAILED)
		return NULL;
	/* ORDER(guard, acq_rel) - as in next_of(). */
	if (rb_word64_cas_acq_rel(&last->next, &next, (uintptr_t)more))
		return more;
	munmap(more, sizeof(*last));
	return (struct chunk *)(uintptr_t)next;
}

static bool
take(struct rb_guard *guard)
{
	uint32_t taken = 0;

	/* ORDER(guard, acq_rel) - what its last owner did with it is done. */
	return rb_word32_cas_acq_rel(&guard->taken, &taken, 1);
}

static struct rb_guard *
find_free(void)
{
	for (struct chunk *c = &first, *next; c != NULL; c = next) {
		for (unsigned i = 0; i < ENTRIES; i++)
			if (take(&c->entries[i]))
				return &c->entries[i];
		next = next_of(c);
		if (next == NULL)
			next = grow(c);
	}
	return NULL;
}

static void
write_views(struct rb_guard *guard, const struct views *views)
{
	/* ORDER(none, relaxed) - the entry is ours. */
	uint64_t version = rb_word64_load_relaxed(&guard->version);
	uint64_t words[WORDS];

	memcpy(words, views, sizeof(words));
	/* ORDER(guard, relaxed) - by the fence that follows. */
	rb_word64_store_relaxed(&guard->version, version + 1);
	/* ORDER(guard, release) - that it changes, before the change. */
	rb_fence_release();
	for (unsigned i = 0; i < WORDS; i++)
		/* ORDER(none, relaxed) - between the two. */
		rb_word64_store_relaxed(&guard->words[i], words[i]);
	/* ORDER(guard, release) - the words, before that they are whole. */
	rb_word64_store_release(&guard->version, version + 2);
}

/* False if it is being changed. */
static bool
read_views(const struct rb_guard *guard, struct views *ret)
{
	/* ORDER(guard, acquire) - before the words. */
	uint64_t version = rb_word64_load_acquire(&guard->version);
	uint64_t words[WORDS];

	for (unsigned i = 0; i < WORDS; i++)
		/* ORDER(none, relaxed) - between the two looks. */
		words[i] = rb_word64_load_relaxed(&guard->words[i]);
	/* ORDER(guard, acquire) - the words before the second look. */
	rb_fence_acquire();
	memcpy(ret, words, sizeof(words));
	/* ORDER(guard, relaxed) - by the fence above. */
	return version % 2 == 0 &&
	       rb_word64_load_relaxed(&guard->version) == version;
}

struct rb_guard *
rb_guard_enter(const struct rb_channel *channel)
{
	struct rb_guard *guard = find_free();
	struct views views = { .pid = (uint64_t)getpid() };

	if (guard == NULL)
		return NULL;
	for (int i = 0; i < RB_FILES; i++) {
		const struct rb_segment *s = &channel->segments[i];

		views.of[i] = (struct view){ (uintptr_t)s->base, s->size,
					     s->mapping };
	}
	write_views(guard, &views);
	return guard;
}

void
rb_guard_leave(struct rb_guard *guard)
{
	const struct views none = { 0 };

	if (guard == NULL)
		return;
	write_views(guard, &none);
	/* ORDER(guard, release) - we are done with it. */
	rb_word32_store_release(&guard->taken, 0);
}

/* --------------------------------------------------------------- the signal */

static const struct view *
view_at(const struct views *views, uint64_t address)
{
	for (int i = 0; i < RB_FILES; i++)
		if (address - views->of[i].base < views->of[i].mapping)
			return &views->of[i];
	return NULL;
}

/* The file that `address` is in, with those of the same channel; or NULL. */
static const struct view *
find(uint64_t address, struct views *ret)
{
	uint64_t pid = (uint64_t)getpid();

	for (struct chunk *c = &first; c != NULL; c = next_of(c))
		for (unsigned i = 0; i < ENTRIES; i++) {
			const struct view *view;

			if (!read_views(&c->entries[i], ret) || ret->pid != pid)
				continue;
			view = view_at(ret, address);
			if (view != NULL)
				return view;
		}
	return NULL;
}

/* Ours alone, all zeroes, and as little inherited as what it stands for. `at`
 * is NULL for anywhere. */
static void *
map_own(void *at, uint64_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		    (at != NULL ? MAP_FIXED : 0);
	void *own = mmap(at, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (own == MAP_FAILED)
		return NULL;
	madvise(own, size, MADV_DONTFORK);
	madvise(own, size, MADV_DONTDUMP);
	return own;
}

/* From the page of `address` on nothing is left of a file that was shortened, in
 * this look at it. */
static bool
fill(const struct view *view, uint64_t address)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t page = address & ~(page_size - 1);
	uint64_t offset = page - view->base;
	uint64_t end = offset < view->size ? view->size : view->mapping;

	return map_own((void *)(uintptr_t)page, end - offset) != NULL;
}

/* What is missing stays zero: of another's folder meta may be shortened as well,
 * and a fault in here would be the last. */
static void
copy_meta(struct rb_meta *copy, struct rb_meta *at)
{
	struct iovec to = { copy, sizeof(*copy) }, from = { at, sizeof(*at) };

	if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 &&
	    errno != EFAULT) /* a sandbox forbids it */
		memcpy(copy, at, sizeof(*copy));
}

/* Other threads find either the old meta there or all of the new one. */
static bool
break_channel(const struct view *meta)
{
	struct rb_meta *at = (void *)(uintptr_t)meta->base;
	struct rb_meta *copy = map_own(NULL, meta->size);

	if (copy == NULL)
		return false;
	copy_meta(copy, at);
	rb_channel_say_broken(copy);
	if (mremap(copy, meta->size, meta->size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   at) == at)
		return true;
	munmap(copy, meta->size);
	return false;
}

bool
rb_guard_handle(const void *address, bool breaks)
{
	struct views views;
	const struct view *view = find((uintptr_t)address, &views);
	const struct view *meta = &views.of[RB_FILE_META];

	/* Nobody but the daemon writes to meta, and to itself it breaks nothing. */
	if (view == NULL || (view == meta && !breaks))
		return false;
	if (breaks && !break_channel(meta))
		return false;
	return view == meta || fill(view, (uintptr_t)address);
}

/* A fault comes again, and tells more of itself than we could. All else does not:
 * what a process has sent, or the kernel says of memory that nobody touched. */
void
rb_guard_decline(const siginfo_t *info)
{
	signal(SIGBUS, SIG_DFL);
	if (info->si_code <= 0 || info->si_code > BUS_MCEERR_AR)
		raise(SIGBUS);
}
