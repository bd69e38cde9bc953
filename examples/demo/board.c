/* SPDX-License-Identifier: MIT */
/*
 * board.c - see board.h
 *
 * Nothing promises that pread(2) sees a pwrite(2) whole, so each note carries a
 * seal, and a reader that finds it broken reads again.
 */
#include "examples/demo/board.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEAL UINT64_C(0x5ea1ed)

struct sealed_note {
	struct note note;
	uint64_t seal;
};

/* Only ever a file: for its offsets. */
struct board {
	struct sealed_note notes[N_ROLES];
	char whys[N_ROLES][WHY_SIZE];
	struct report reports[N_ROLES];
};

#define PLACE_OF(field, role)                                                  \
	((off_t)(offsetof(struct board, field) +                               \
		 (size_t)(role) * sizeof(((struct board *)NULL)->field[0])))

static uint64_t
seal_of(const struct note *note)
{
	return SEAL ^ (uint64_t)note->sequence ^ note->n_events << 1;
}

/* Memory files fail to be written or read only where memory itself fails. */
static void
put(const struct demo *demo, const void *data, size_t size, off_t offset)
{
	if (pwrite(demo->board, data, size, offset) != (ssize_t)size)
		_exit(1);
}

static void
get(const struct demo *demo, void *data, size_t size, off_t offset)
{
	if (pread(demo->board, data, size, offset) != (ssize_t)size)
		_exit(1);
}

int
board_open(void)
{
	struct demo demo = { .board = memfd_create("board", MFD_CLOEXEC) };

	if (demo.board < 0 || ftruncate(demo.board, sizeof(struct board)) < 0)
		return -errno;
	for (int role = 0; role < N_ROLES; role++)
		board_note(&demo, role, -1, 0);
	return demo.board;
}

void
board_note(const struct demo *demo, enum role role, int64_t sequence,
	   uint64_t n_events)
{
	struct sealed_note sealed = { { sequence, n_events }, 0 };

	sealed.seal = seal_of(&sealed.note);
	put(demo, &sealed, sizeof(sealed), PLACE_OF(notes, role));
}

struct note
board_read_note(const struct demo *demo, enum role role)
{
	struct sealed_note sealed;

	do
		get(demo, &sealed, sizeof(sealed), PLACE_OF(notes, role));
	while (sealed.seal != seal_of(&sealed.note));
	return sealed.note;
}

void
board_report(const struct demo *demo, enum role role,
	     const struct report *report)
{
	struct report complete = *report;

	complete.is_complete = false;
	put(demo, &complete, sizeof(complete), PLACE_OF(reports, role));
	complete.is_complete = true;
	put(demo, &complete, sizeof(complete), PLACE_OF(reports, role));
}

void
board_read_report(const struct demo *demo, enum role role, struct report *ret)
{
	get(demo, ret, sizeof(*ret), PLACE_OF(reports, role));
}

int
board_fail(const struct demo *demo, enum role role, const char *fmt, ...)
{
	char why[WHY_SIZE] = "";
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	put(demo, why, sizeof(why), PLACE_OF(whys, role));
	return -1;
}

int
board_fail_bus(const struct demo *demo, enum role role, const char *what,
	       int err, const struct ringbus *bus)
{
	const char *said = bus != NULL ? ringbus_error(bus) : "";

	return board_fail(demo, role, "%s: %s%s%s", what, ringbus_strerror(err),
			  said[0] != '\0' ? ": " : "", said);
}

void
board_read_why(const struct demo *demo, enum role role, char why[WHY_SIZE])
{
	get(demo, why, WHY_SIZE, PLACE_OF(whys, role));
	why[WHY_SIZE - 1] = '\0';
}
