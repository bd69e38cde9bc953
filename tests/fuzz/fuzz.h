/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets share: the input as a row of choices
 *
 * A target is fuzz_NAME.c with LLVMFuzzerTestOneInput(). clang's libFuzzer
 * drives it for `make fuzz`; `make test` replays tests/fuzz/corpus/NAME with it,
 * see replay.c. The bytes are no copy of a message or a segment: they choose what
 * is done and which fields lie, and the rest is as an honest peer would have it.
 * So a corpus outlives a change of the layout, and most inputs come far.
 *
 * Behind the end of the input all bytes are zero.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

/* So many little-endian bytes, at most 8. */
static inline uint64_t
input_bytes(struct input *in, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n && in->left > 0; i++, in->left--)
		value |= (uint64_t)*in->at++ << 8 * i;
	return value;
}

/* One of 0 to n - 1, for n up to 256. */
static inline unsigned
input_below(struct input *in, unsigned n)
{
	return (unsigned)input_bytes(in, 1) % n;
}

/* A small number, one near a bound of the protocol, or any. */
int64_t input_number(struct input *in);

/* What has to be true whatever the input is. Says what is not, and aborts. */
#define fuzz_expect(what)                                                      \
	((what) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #what))
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* A result is >= 0, or one of these errors; ends with 0. */
void fuzz_expect_result(int64_t result, ...);

/* A new folder in /dev/shm, or where $T_SHM_DIR says. Kept; removed with what is
 * left in it when the process ends. */
const char *fuzz_new_folder(void);

/* Descriptors of this process, but for pipes: those are the sanitizer's. */
unsigned fuzz_count_fds(void);

/* A folder and all that is in it; no link is followed. */
void fuzz_remove_folder(const char *path);

#endif
