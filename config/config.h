/* SPDX-License-Identifier: MIT */
/*
 * config.h - the configuration as a checked struct
 *
 * rb_config_load() reads one YAML file and the drop-ins beside it
 * (conf.d/[name].yaml, in byte order) into a struct that the daemon can trust:
 * every value is in range, every name is a file name, every `after` names a
 * declared consumer, and no consumer waits for itself. What is wrong is told in
 * a list of problems, each with file, line and column, so that one run shows
 * them all. Nothing here prints, opens a socket or touches shared memory.
 */
#ifndef RB_CONFIG_H
#define RB_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "shm/limits.h"

#define RB_CONFIG_PATH_SIZE 108 /* what fits in a sockaddr_un */
#define RB_CONFIG_FILE_SIZE 256 /* of other paths */
#define RB_CONFIG_WORD_SIZE 256 /* of names in the world outside */
#define RB_CONFIG_SERVERS_SIZE 512
#define RB_ACCESS_MAX 32 /* entries of one access list */
#define RB_ACCESS_WORDS_SIZE 200

enum rb_config_framing {
	RB_CONFIG_FIXED,
	RB_CONFIG_FRAMED,
};

enum rb_config_producers {
	RB_CONFIG_SINGLE,
	RB_CONFIG_MULTI,
};

/* In the order of enum rb_wait_kind (shm/wait.h). */
enum rb_config_wait {
	RB_CONFIG_BUSY_SPIN,
	RB_CONFIG_YIELDING,
	RB_CONFIG_SLEEPING,
	RB_CONFIG_BLOCKING,
	RB_CONFIG_PHASED_BACKOFF,
};

/* What becomes of a consumer's gate when its process dies. */
enum rb_config_on_death {
	RB_CONFIG_RELEASE, /* the gate goes with the process */
	RB_CONFIG_KEEP,    /* the gate stays and the name resumes there */
};

/* What is done about one that is too slow, in the order of enum rb_slow. */
enum rb_config_slow {
	RB_CONFIG_GATE,  /* producers wait for it */
	RB_CONFIG_EVICT, /* up to a limit, then it is thrown out */
	RB_CONFIG_PARK,  /* up to a limit, then they go on without it */
	RB_CONFIG_LOSSY, /* they never wait for it */
};

/* What becomes of slots that everybody has read, as enum rb_clear. */
enum rb_config_clear {
	RB_CONFIG_CLEAR_NONE,
	RB_CONFIG_CLEAR_ZERO,
};

/* Where the segments are, as enum rb_isolation. */
enum rb_config_isolation {
	RB_CONFIG_NAMED,
	RB_CONFIG_SEALED,
};

/* What is done about a producer that has claimed and does not publish, while what
 * others have published waits behind it. */
enum rb_config_stuck {
	RB_CONFIG_STUCK_WAIT,
	RB_CONFIG_STUCK_KILL, /* its process is killed, then mended after */
};

/* When what a journal has written counts as safe. */
enum rb_config_sync {
	RB_CONFIG_SYNC_ALWAYS,   /* once the disk has it */
	RB_CONFIG_SYNC_INTERVAL, /* the same, asked for now and then */
	RB_CONFIG_SYNC_NONE,     /* once the kernel has it */
};

/* What a journal does when the disk is full. */
enum rb_config_on_full {
	RB_CONFIG_FULL_STALL,
	RB_CONFIG_FULL_DROP,
};

enum rb_config_io {
	RB_CONFIG_IO_AUTO,
	RB_CONFIG_IO_URING,
	RB_CONFIG_IO_SYNC,
};

/* Of a bridge, seen from the channel. */
enum rb_config_direction {
	RB_CONFIG_EXPORT,
	RB_CONFIG_IMPORT,
};

enum rb_config_start {
	RB_CONFIG_OLDEST,
	RB_CONFIG_NEWEST,
};

enum rb_access_kind {
	RB_ACCESS_ANY,
	RB_ACCESS_USER,
	RB_ACCESS_GROUP,
	RB_ACCESS_CREATOR, /* of a dynamic channel, for those lists alone */
};

/* One entry of an access list: `any`, `user:NAME|UID`, `group:NAME|GID`,
 * `creator`. */
struct rb_access_entry {
	enum rb_access_kind kind;
	uint32_t id;
};

/* Who may do one thing. An absent list lets in everyone who can connect. */
struct rb_access_list {
	bool given;
	unsigned n_entries;
	struct rb_access_entry entries[RB_ACCESS_MAX];
	/* For messages: the first entries as the file has them, with commas
	 * between, as many as fit. */
	unsigned n_words;
	char words[RB_ACCESS_WORDS_SIZE];
};

/* Who may do what with a channel. Without a list of admins who may publish is
 * one. */
struct rb_config_access {
	struct rb_access_list publish;
	struct rb_access_list consume;
	struct rb_access_list tap;
	struct rb_access_list admin;
};

/* A set of CPUs or nodes: bit i % 64 of word i / 64. */
struct rb_numbers {
	uint64_t words[RB_CPUS_MAX / 64];
};

struct rb_config_consumer {
	char name[RB_NAME_SIZE];
	uint64_t after; /* bit i: waits for consumers[i] of this channel */
	enum rb_config_on_death on_death;
	int64_t keep_for_ns; /* how long an absent one gates; 0 for ever */
	enum rb_config_slow slow;
	uint64_t max_lag;     /* slots; 0: no limit */
	int64_t max_stall_ns; /* without progress; 0: no limit */
	bool group;           /* workers that share its events */
	uint64_t key_offset; /* of a group: what it keeps in order by, in the */
	uint64_t key_size;   /* event, bytes; size 0: nothing */
};

/* What ringbus-journal does with a channel. */
struct rb_config_journal {
	bool given;                    /* the channel has one */
	char dir[RB_CONFIG_FILE_SIZE]; /* empty: the usual one */
	char consumer[RB_NAME_SIZE];
	enum rb_config_sync sync;
	int64_t sync_interval_ns;
	uint64_t segment_bytes;
	uint64_t retain_bytes; /* 0: no limit */
	int64_t retain_ns;     /* 0: no limit */
	enum rb_config_on_full on_full;
	bool direct;
	enum rb_config_io io;
};

/* What ringbus-bridge does with it. */
struct rb_config_bridge {
	bool given;
	enum rb_config_direction direction;
	char servers[RB_CONFIG_SERVERS_SIZE]; /* URLs, commas between them */
	char stream[RB_CONFIG_WORD_SIZE];
	char subject[RB_CONFIG_WORD_SIZE];
	char consumer[RB_NAME_SIZE]; /* of an exporting one */
	unsigned max_events;         /* in one message */
	uint64_t max_bytes;          /* likewise */
	int64_t linger_ns;
	unsigned window; /* messages under way */
	bool manage_stream;
	unsigned replicas;
	int64_t duplicates_ns;
	uint64_t stream_bytes; /* 0: no limit */
	int64_t stream_age_ns; /* 0: no limit */
	enum rb_config_start start;
	char state[RB_CONFIG_FILE_SIZE]; /* empty: the usual one */
	char credentials[RB_CONFIG_FILE_SIZE];
	char nkey[RB_CONFIG_FILE_SIZE];
	char ca[RB_CONFIG_FILE_SIZE];
	char certificate[RB_CONFIG_FILE_SIZE];
	char key[RB_CONFIG_FILE_SIZE];
	bool tls;
	char tls_name[RB_CONFIG_WORD_SIZE]; /* empty: the server's */
};

struct rb_config_channel {
	char name[RB_NAME_SIZE];
	uint64_t slots;
	uint64_t slot_size; /* bytes; event_size of a fixed channel */
	uint64_t history;   /* slots kept for late joiners */
	enum rb_config_framing framing;
	enum rb_config_producers producers;
	enum rb_config_wait wait;
	enum rb_config_clear clear;
	enum rb_config_isolation isolation;
	bool latency; /* of events is measured */
	bool strict;  /* what dies with its producer stops the stream */
	enum rb_config_stuck stuck;
	int64_t stuck_after_ns;
	char type[RB_NAME_SIZE]; /* of the events; empty: not declared */
	unsigned version;        /* of that type */
	unsigned fill_size;      /* of the pattern of new slots; 0: zeroes */
	uint8_t fill[RB_FILL_SIZE];
	bool prefault;               /* touch every page at creation */
	bool lock;                   /* mlock the segments in the daemon */
	bool huge_pages;             /* ask for transparent huge pages */
	struct rb_numbers numa_node; /* none, or the one that is preferred */
	struct rb_numbers cpus;      /* for who works on it */
	unsigned max_producers;
	unsigned max_consumers;
	unsigned max_members_per_user; /* 0: no limit of its own */
	struct rb_config_access access;
	struct rb_config_journal journal;
	struct rb_config_bridge bridge;
	unsigned n_consumers; /* those of journal and bridge included */
	struct rb_config_consumer consumers[RB_CONSUMERS_MAX];
};

/* What clients may create on their own; nothing unless `allow` is given. */
struct rb_config_dynamic {
	struct rb_access_list allow;
	struct rb_config_access access; /* to all of them */
	unsigned max_channels;
	uint64_t max_bytes; /* sum of the segments of all dynamic channels */
	unsigned max_channels_per_user; /* 0: half of all, as below */
	uint64_t max_bytes_per_user;
};

struct rb_origins;

struct rb_config {
	char socket[RB_CONFIG_PATH_SIZE];  /* empty: not given */
	char shm_dir[RB_CONFIG_PATH_SIZE]; /* empty: not given */
	int64_t drain_ns;              /* how long a stop waits for members */
	unsigned max_clients;          /* connections at one time */
	unsigned max_clients_per_user; /* 0: a quarter of them */
	unsigned max_members_per_user; /* over all channels */
	struct rb_access_list admin;   /* nobody but the owner if absent */
	struct rb_config_dynamic dynamic;
	unsigned n_channels;
	struct rb_config_channel *channels; /* in the order of declaration */
	struct rb_origins *origins;         /* where each value was given */
};

#define RB_CONFIG_PROBLEMS_MAX 20

/*
 * What is wrong with a configuration: whole lines, ready to print, each
 * `file:line:column: message`, then the offending line and a caret, and where a
 * key looks misspelt the nearest right one. At most RB_CONFIG_PROBLEMS_MAX are
 * kept; n_problems counts all.
 */
struct rb_config_report {
	unsigned n_problems;
	char *text; /* NUL-terminated, NULL if there is none */
};

void rb_config_report_deinit(struct rb_config_report *report);

/*
 * Reads `path` and its drop-ins. On success 0 and *ret is the caller's, to be
 * freed by rb_config_free(). On a bad configuration -EINVAL, and `report` tells
 * why; on a file that cannot be read its errno (negative), `report` naming the
 * file; on no memory -ENOMEM.
 */
int rb_config_load(const char *path, struct rb_config_report *report,
		   struct rb_config **ret);

/* The same for a text in memory, called `name` in messages; no drop-ins. */
int rb_config_parse(const char *name, const char *text, size_t size,
		    struct rb_config_report *report, struct rb_config **ret);

struct rb_config *rb_config_free(struct rb_config *config);

/* The channel of this name, or NULL. */
const struct rb_config_channel *rb_config_find(const struct rb_config *config,
					       const char *name);

/*
 * Where the value of a key was given, "file:line:column"; `path` has the keys from
 * the top with dots between, `channels.orders.slots`. NULL: nowhere, it is the
 * built-in default or, of a channel, what `defaults.slots` says.
 */
const char *rb_config_origin(const struct rb_config *config, const char *path);

/* A channel with every key at its default, for dynamic channels too. */
void rb_config_channel_init(struct rb_config_channel *channel);

#define RB_CONFIG_WHY_SIZE 640 /* for any `why`, a long cycle being cut */

/*
 * Checks a channel across its keys, as the loader does after parsing, for one
 * that came in by another way. 0, or -EINVAL with one sentence in `why`.
 */
int rb_config_channel_check(const struct rb_config_channel *channel, char *why,
			    size_t why_size);

/*
 * Checks one consumer in the same way, be it among the channel's own or one that
 * wants to join them. Of `after` it looks only at consumers that the channel
 * has; whom else the joining one may name is for the caller to know. A PARK
 * without `max_lag` is one with the channel's history.
 */
int rb_config_consumer_check(const struct rb_config_channel *channel,
			     const struct rb_config_consumer *consumer,
			     char *why, size_t why_size);

/*
 * Sizes and durations as in the file: "64KiB", "64Ki", "65536", "64kB";
 * "250us", "1m30s". 0, or -EINVAL for anything else and -ERANGE for what does
 * not fit; *ret is written on success only.
 */
int rb_config_parse_size(const char *text, uint64_t *ret);
int rb_config_parse_duration(const char *text, int64_t *ret_ns);

/* The example in config/ringbus.yaml, as the daemon carries it. */
extern const char rb_config_builtin[];

#endif
