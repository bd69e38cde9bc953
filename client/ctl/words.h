/* SPDX-License-Identifier: MIT */
/*
 * words.h - the numbers of the public API as words
 *
 * The same in tables and in JSON, and as options take them.
 */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include "client/ctl/options.h"
#include "client/ringbus.h"

/* Each stores one of the API's numbers in an int. */
extern const struct options_type words_framing_type;
extern const struct options_type words_producers_type;
extern const struct options_type words_isolation_type;
extern const struct options_type words_slow_type;
extern const struct options_type words_clear_type;

/* For a number that means nothing: "?". */
const char *words_framing(int framing);
const char *words_producers(int producers);
const char *words_isolation(int isolation);
const char *words_wait(int wait);
const char *words_role(int role);
const char *words_state(int state);
const char *words_slow(int slow);
const char *words_clear(int clear);

/* Its role; of consumers also "group" and "worker". */
const char *words_member(const struct ringbus_member *member);

/* "open", "paused", "broken", "ended" or "damaged". */
const char *words_stream(const struct ringbus_info *info);

#endif
