/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - what the verbs of ringbusctl share
 *
 * A verb is a table entry: how it is called, its options, and a function that
 * does it and returns the exit code. main() parses, runs it and cleans up, so
 * that every verb takes --socket, --json and --help in the same way.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ctl/exit.h"
#include "client/ctl/options.h"
#include "client/ringbus.h"

#define CTL_SECOND_NS INT64_C(1000000000)

/* How long one wait on a channel lasts before we look around: for signals, for
 * a reader of our output that is gone, for something to say. */
#define CTL_SLICE_NS INT64_C(100000000)

struct ctl;
struct output;

/* Of the words that call it, "channel create", there are one or two. */
#define CTL_WORDS_MAX 2

struct ctl_verb {
	const char *name;
	const char *alias;    /* one word for the same; may be NULL */
	const char *operands; /* "CHANNEL [FILE]" */
	const char *brief;    /* a line for the list of verbs */
	const char *help; /* what --help says below the usage; may be NULL */
	int min_operands;
	int max_operands;
	bool is_plugin; /* of monitoring: misused it is UNKNOWN, code 3 */
	const struct options_entry *options;
	const void *defaults; /* of the struct behind `options` */
	size_t args_size;
	enum ctl_exit (*run)(struct ctl *ctl, void *args);
};

/* Options of every verb. */
struct ctl_common {
	const char *socket;
	const char *shm_dir; /* of those that only look */
	bool json;
	bool help;
	bool version; /* only in front of the verb */
};

struct ctl {
	const struct ctl_verb *verb;
	const char *called; /* the verb's name or its alias */
	struct ctl_common common;
	char **operands; /* NULL-terminated */
	int n_operands;
	struct ringbus *bus;  /* NULL until ctl_connect() */
	struct ringbus *gone; /* the daemon's, if ctl->bus is a folder since */
	bool is_alone;        /* looks at a folder, without a daemon */
};

/* NULL-terminated, in the order in which help shows them. */
extern const struct ctl_verb *const ctl_verbs[];
extern const struct ctl_verb ctl_ls;
extern const struct ctl_verb ctl_show;
extern const struct ctl_verb ctl_why;
extern const struct ctl_verb ctl_hist;
extern const struct ctl_verb ctl_metrics;
extern const struct ctl_verb ctl_top;
extern const struct ctl_verb ctl_stat;
extern const struct ctl_verb ctl_check;
extern const struct ctl_verb ctl_wait;
extern const struct ctl_verb ctl_doctor;
extern const struct ctl_verb ctl_dump;
extern const struct ctl_verb ctl_inspect;
extern const struct ctl_verb ctl_pub;
extern const struct ctl_verb ctl_tail;
extern const struct ctl_verb ctl_journal_ls;
extern const struct ctl_verb ctl_journal_verify;
extern const struct ctl_verb ctl_journal_dump;
extern const struct ctl_verb ctl_journal_replay;
extern const struct ctl_verb ctl_journal_trim;
extern const struct ctl_verb ctl_ping;
extern const struct ctl_verb ctl_end;
extern const struct ctl_verb ctl_mend;
extern const struct ctl_verb ctl_create;
extern const struct ctl_verb ctl_remove;
extern const struct ctl_verb ctl_consumers;
extern const struct ctl_verb ctl_evict;
extern const struct ctl_verb ctl_bridge;
extern const struct ctl_verb ctl_reset;
extern const struct ctl_verb ctl_pause;
extern const struct ctl_verb ctl_status;
extern const struct ctl_verb ctl_events;
extern const struct ctl_verb ctl_resume;
extern const struct ctl_verb ctl_completion;
extern const struct ctl_verb ctl_reload;
extern const struct ctl_verb ctl_config_check;
extern const struct ctl_verb ctl_config_show;
extern const struct ctl_verb ctl_config_diff;
extern const struct ctl_verb ctl_config_schema;
extern const struct ctl_verb ctl_help;
extern const struct ctl_verb ctl_version;

/* The verb that the first of `n` words call, how many these are, and by which of
 * its names they do; NULL if they call none. */
const struct ctl_verb *ctl_find_verb(char *const words[], int n, int *ret_words,
				     const char **ret_called);

/* Whether there are verbs of two words of which this is the first. */
bool ctl_is_group(const char *word);

/* Connects to the daemon, or says why not. */
enum ctl_exit ctl_connect(struct ctl *ctl);

/* Says that a connect has failed so. `more` is added to what can be done, or "". */
enum ctl_exit ctl_not_connected(const struct ctl *ctl, int err,
				const char *more);

/*
 * For verbs that only look: the daemon if it answers within a second, else the folder
 * of its channels, which is told on stderr; with --shm-dir that folder alone.
 */
enum ctl_exit ctl_connect_to_look(struct ctl *ctl);

/* A call has failed so since: true if that means that the daemon has gone or is
 * stopped, and ctl->bus is now a folder, where to ask once more. Taps that were
 * opened before stay. */
bool ctl_look_alone(struct ctl *ctl, int err);

/* For verbs that look at the channel that is their first operand: connects, and opens
 * a tap that is closed with ctl->bus; or says why not. */
enum ctl_exit ctl_look_at(struct ctl *ctl, const struct ringbus_channel **ret);

/* For verbs that are a request about the channel that is their first operand:
 * connects, asks, and confirms that it is DONE, or says why not. */
enum ctl_exit ctl_request(struct ctl *ctl,
			  int (*request)(struct ringbus *bus,
					 const char *channel),
			  const char *done);

/* A line on stderr: "ringbusctl: VERB CHANNEL: ...". */
void ctl_say(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says that a call on ctl->bus failed, in the daemon's words if it has any. */
enum ctl_exit ctl_refused(const struct ctl *ctl, int err);

/* The same for failures that the daemon has no part in. */
enum ctl_exit ctl_failed(const struct ctl *ctl, int err);

/* Writes the rest of the output, or says why it cannot be written. */
enum ctl_exit ctl_finish(const struct ctl *ctl, struct output *out);

/* With --json: {"channel": ..., DONE: true}. */
enum ctl_exit ctl_confirm(const struct ctl *ctl, const char *done);

/* "consumer app (pid 12) is 34 slots behind, at sequence 99" */
#define CTL_LAGGARD_TEXT 192
const char *ctl_describe_laggard(const struct ringbus_member *member,
				 char *text);

/* Says what is wrong with the command line. */
enum ctl_exit ctl_misused(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* CLOCK_MONOTONIC. */
int64_t ctl_now_ns(void);

#endif
