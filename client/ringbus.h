/* SPDX-License-Identifier: MIT */
/*
 * ringbus.h - the LMAX Disruptor between processes
 *
 * A daemon, ringbusd, owns named channels: ring buffers in shared memory. A
 * process connects to it, opens a channel as producer, consumer or tap, and from
 * then on publishes and reads without the daemon, without locks, and unless
 * somebody has to be put to sleep or woken without system calls.
 *
 *	struct ringbus *bus;                  struct ringbus *bus;
 *	struct ringbus_producer *p;           struct ringbus_consumer *c;
 *	int64_t s;                            struct ringbus_event e;
 *
 *	ringbus_connect(NULL, &bus);          ringbus_connect(NULL, &bus);
 *	ringbus_producer_open(bus, "orders",  ringbus_consumer_open(bus, "orders",
 *	                      NULL, &p);                          NULL, &c);
 *	s = ringbus_producer_claim(p, 1, -1); while (ringbus_consumer_wait(c, -1)
 *	fill(ringbus_producer_slot(p, s));           >= 0) {
 *	ringbus_producer_publish(p, s, s);            while (ringbus_consumer_next(
 *	                                                     c, &e) > 0)
 *	                                                      use(e.data, e.size);
 *	                                              ringbus_consumer_commit(c);
 *	                                      }
 *
 * Words. A channel is a ring of slots. A sequence numbers slots from 0 on, for
 * ever. A producer claims slots, fills them, and publishes them. A consumer
 * waits for published slots, reads them, and commits: then they may be
 * overwritten, and consumers declared to come after it may read them. A producer
 * that finds the ring full waits for the slowest consumer. A tap reads copies,
 * holds nobody up, and is told how much it missed.
 *
 * Framing. On a `fixed` channel each slot is one event of event_size bytes. On a
 * `framed` one an event has any length from 0 to a quarter of the ring and takes
 * as many slots as it needs; its sequence is that of its first slot, so the
 * sequences of events have gaps. Events are contiguous in memory always.
 *
 * Processes. Whoever dies, at whatever instruction, leaves the others running:
 * the daemon learns it from the kernel, lets the next single producer in, fills
 * what a dead multi producer had claimed with tombstones (every reader skips
 * them), and releases or keeps the place of a dead consumer as its channel says.
 * If the daemon itself is gone, open handles go on; only opening and closing
 * need it. Mappings are not inherited over fork(): a child must connect anew,
 * and touching a handle of its parent there ends in SIGSEGV. A process that
 * calls exec() without closing its handles holds its places until it ends.
 *
 * Threads. A bus and each handle belong to one thread at a time; several threads
 * may use several handles of one bus, but open and close them one at a time.
 * Only the functions marked "any thread" may be called while another thread is
 * inside the same handle; these may also be called from signal handlers.
 *
 * Errors. Functions return 0, a count or a sequence, or a negative errno from
 * the list at the function. Every function that takes a bus can also return
 * -ECONNRESET (the daemon is gone), -ETIMEDOUT (it does not answer) and -EPROTO
 * (it does not make sense). ringbus_strerror() explains one, ringbus_error()
 * tells what the daemon had to say about the last refusal. The library prints
 * nothing, starts no threads and installs no signal handlers.
 *
 * Times. Timeouts are in nanoseconds of CLOCK_MONOTONIC; RINGBUS_FOREVER waits
 * without limit, RINGBUS_NOW not at all.
 */
#ifndef RINGBUS_H
#define RINGBUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGBUS_VERSION_MAJOR 0
#define RINGBUS_VERSION_MINOR 1
#define RINGBUS_VERSION_PATCH 0

#define RINGBUS_FOREVER INT64_C(-1)
#define RINGBUS_NOW INT64_C(0)

/* Names of channels and members are 1 to 63 of A-Z a-z 0-9 . _ - and start with
 * neither a dot nor a dash. */
#define RINGBUS_NAME_SIZE 64

#define RINGBUS_API __attribute__((visibility("default")))

struct ringbus;          /* a connection to a daemon */
struct ringbus_channel;  /* a mapped channel, part of an open handle */
struct ringbus_producer; /* a handle that publishes */
struct ringbus_consumer; /* a handle that reads and gates */
struct ringbus_tap;      /* a handle that only looks */

/* How a handle waits; see ringbus.yaml(5). */
#define RINGBUS_WAIT_DEFAULT 0 /* as the channel says */
#define RINGBUS_WAIT_BUSY_SPIN 1
#define RINGBUS_WAIT_YIELDING 2
#define RINGBUS_WAIT_SLEEPING 3
#define RINGBUS_WAIT_BLOCKING 4
#define RINGBUS_WAIT_PHASED_BACKOFF 5

#define RINGBUS_FIXED 0
#define RINGBUS_FRAMED 1

#define RINGBUS_SINGLE 0
#define RINGBUS_MULTI 1

/* The version of the library that runs, "0.1.0". Static. */
RINGBUS_API const char *ringbus_version(void);

/* A sentence for a negative errno that this library returned. Static. */
RINGBUS_API const char *ringbus_strerror(int64_t err);

/* "busy_spin" for RINGBUS_WAIT_BUSY_SPIN and so on, NULL for a number that is
 * none; and back, -EINVAL for a name that is none. Static. */
RINGBUS_API const char *ringbus_wait_name(int wait);
RINGBUS_API int ringbus_wait_by_name(const char *name);

/*** The connection *******************************************************/

/*
 * Connects to the daemon at `socket`. NULL means the one that RINGBUS_SOCKET in
 * the environment names, or else the user's own
 * ($XDG_RUNTIME_DIR/ringbus/control.sock, /dev/shm/ringbus-UID/.control.sock) if
 * it is there, or else the system's (/run/ringbus/control.sock).
 *
 *   -ENOENT, -ECONNREFUSED  no daemon there
 *   -EACCES                 the socket is not for us
 *   -ENAMETOOLONG           longer than a socket address
 *   -EPROTONOSUPPORT        the daemon has another version or memory layout
 *   -EMFILE, -ENFILE, -ENOMEM
 *   -ECONNRESET, -EPROTO    the daemon went away, or is none
 *   -ETIMEDOUT              it does not answer
 *   -EUSERS                 too many connections
 *
 * *ret is the caller's until ringbus_close(). It keeps a descriptor, which is
 * closed on exec.
 */
RINGBUS_API int ringbus_connect(const char *socket, struct ringbus **ret);

/* Closes the connection and every handle still open on it. NULL is allowed. */
RINGBUS_API void ringbus_close(struct ringbus *bus);

/*
 * What was said with the last refusal on this connection: what was asked for and
 * what to do, or "". Valid until the next call on the bus. NULL asks for the last
 * ringbus_connect() of this thread that failed: the socket tried last, and what
 * the daemon said, if it said something.
 */
RINGBUS_API const char *ringbus_error(const struct ringbus *bus);

/* The path of the socket we are connected to. Valid as long as the bus. */
RINGBUS_API const char *ringbus_socket(const struct ringbus *bus);

/* Asks the daemon for a sign of life: its pid. */
RINGBUS_API int64_t ringbus_ping(struct ringbus *bus);

/*
 * The name of the channel at `index`, counted from 0, into `name`
 * (RINGBUS_NAME_SIZE bytes). -ENOENT behind the last one. Channels may come and
 * go between two calls.
 */
RINGBUS_API int ringbus_list(struct ringbus *bus, unsigned index, char *name);

/* What a channel is made of. Start from RINGBUS_CHANNEL_OPTIONS_INIT. */
struct ringbus_channel_options {
	size_t size;    /* of this struct */
	uint64_t slots; /* power of two */
	uint64_t
		slot_size; /* bytes; of a framed channel a power of two >= 16 */
	uint64_t history;  /* slots kept for late joiners, at most slots / 2 */
	int framing;       /* RINGBUS_FIXED or RINGBUS_FRAMED */
	int producers;     /* RINGBUS_SINGLE or RINGBUS_MULTI */
	int wait;          /* RINGBUS_WAIT_..., for handles that don't choose */
};

#define RINGBUS_CHANNEL_OPTIONS_INIT                                           \
	{                                                                      \
		sizeof(struct ringbus_channel_options), 65536, 64, 0, 0, 0, 0  \
	}

/*
 * Creates a channel, if the daemon's configuration lets us (`dynamic:`). NULL
 * options are the initial ones.
 *
 *   -EINVAL  a name or number that cannot be    -EEXIST  the name is taken
 *   -EACCES  we may not create channels         -EUSERS  too many, or too large
 *   -ENOSPC  too little shared memory
 */
RINGBUS_API int ringbus_create(struct ringbus *bus, const char *channel,
			       const struct ringbus_channel_options *options);

/*
 * Removes a channel that was created by ringbus_create(). -EBUSY while members
 * are attached, -EACCES if it is not ours to remove, -ENOENT.
 */
RINGBUS_API int ringbus_remove(struct ringbus *bus, const char *channel);

/*
 * Ends the stream of a channel that we may publish to, for good: producers get
 * -ESHUTDOWN, consumers read what is there and then get it too. -EACCES,
 * -ENOENT.
 */
RINGBUS_API int ringbus_end(struct ringbus *bus, const char *channel);

/*** Producers ************************************************************/

struct ringbus_producer_options {
	size_t size;      /* of this struct */
	const char *name; /* for people; NULL: "producer" */
	int wait;         /* RINGBUS_WAIT_..., for a full ring */
	int cancellable;  /* not 0: ringbus_producer_cancel() will be used */
};

#define RINGBUS_PRODUCER_OPTIONS_INIT                                          \
	{                                                                      \
		sizeof(struct ringbus_producer_options), NULL, 0, 0            \
	}

/*
 * Opens a channel to publish. NULL options are the initial ones. *ret is the
 * caller's until ringbus_producer_close() or ringbus_close().
 *
 *   -ENOENT           no such channel
 *   -EACCES           we may not publish to it
 *   -EBUSY            it has its single producer
 *   -EUSERS           all its places are taken
 *   -ESHUTDOWN        its stream has ended
 *   -EINVAL           a name or option that cannot be
 *   -EPROTONOSUPPORT  the channel has another layout than this library
 *   -EBADMSG          the channel's memory is damaged
 *   -ENOMEM, -EMFILE
 */
RINGBUS_API int ringbus_producer_open(
	struct ringbus *bus, const char *channel,
	const struct ringbus_producer_options *options,
	struct ringbus_producer **ret);

/* Gives up what is claimed and not published, and leaves. NULL is allowed. */
RINGBUS_API void ringbus_producer_close(struct ringbus_producer *producer);

/*
 * Claims the next n slots of a fixed channel and returns the highest sequence
 * of them; the lowest is that - n + 1. They are ours to write until published,
 * all in a row in memory. Waits while the ring is full.
 *
 *   -EINVAL      n < 1, n above the capacity, or the channel is framed
 *   -EAGAIN      full now (RINGBUS_NOW)
 *   -ETIMEDOUT   full all the time
 *   -EDEADLK     full, and only this thread could make room: by publishing, or
 *                by committing on a consumer of the same bus and channel that
 *                it was the last to wait on
 *   -EBUSY       multi producer: the last claim is not all published
 *   -ECANCELED   ringbus_producer_cancel()
 *   -ESHUTDOWN   the stream has ended
 *   -ESTALE      the daemon has given this handle to another
 *   -EBADMSG     multi producer: the channel's memory is damaged
 *
 * After -EAGAIN, -ETIMEDOUT and -EDEADLK ringbus_producer_blocker() tells who is
 * in the way. A single producer may have several claims outstanding.
 */
RINGBUS_API int64_t ringbus_producer_claim(struct ringbus_producer *producer,
					   int64_t n, int64_t timeout_ns);

/*
 * Claims as many slots as are free, at least 1 and at most n, and returns the
 * highest; *ret_lowest is the lowest. Does not wait. Errors as above.
 */
RINGBUS_API int64_t ringbus_producer_claim_available(
	struct ringbus_producer *producer, int64_t n, int64_t *ret_lowest);

/*
 * The slot of a sequence that we have claimed: event_size bytes, 8-byte aligned
 * and writable until it is published. The next sequence's slot lies slot_size
 * bytes further, also across the end of the ring.
 */
RINGBUS_API void *ringbus_producer_slot(struct ringbus_producer *producer,
					int64_t sequence);

/*
 * Publishes the claimed slots lowest..highest and wakes who waits for them.
 * A single producer publishes in order. -EINVAL if they are not claimed or not
 * next; -ESHUTDOWN if the stream has ended, and consumers may not read them.
 */
RINGBUS_API int ringbus_producer_publish(struct ringbus_producer *producer,
					 int64_t lowest, int64_t highest);

/*
 * Gives claimed slots up. Of a single producer they must be the end of what it
 * has claimed, and are claimed again next time; of a multi producer readers skip
 * them. -EINVAL.
 */
RINGBUS_API int ringbus_producer_abandon(struct ringbus_producer *producer,
					 int64_t lowest, int64_t highest);

/*
 * Claims room for one event of `size` bytes, on a channel of either framing,
 * and returns its sequence; *ret_data is where to write it, 8-byte aligned.
 * Errors as for ringbus_producer_claim(), and -EMSGSIZE if no event of this
 * channel can be so large.
 */
RINGBUS_API int64_t
ringbus_producer_claim_event(struct ringbus_producer *producer, size_t size,
			     int64_t timeout_ns, void **ret_data);

/* Publishes, or gives up, the event claimed at `sequence`. Errors as for
 * ringbus_producer_publish() and ringbus_producer_abandon(). */
RINGBUS_API int ringbus_producer_publish_event(
	struct ringbus_producer *producer, int64_t sequence);
RINGBUS_API int ringbus_producer_abandon_event(
	struct ringbus_producer *producer, int64_t sequence);

/*
 * Claims, copies `size` bytes and publishes: the simple way. On a fixed channel
 * the rest of the slot becomes zero. Returns the sequence, or an error of
 * ringbus_producer_claim_event() or ringbus_producer_publish().
 */
RINGBUS_API int64_t ringbus_producer_write(struct ringbus_producer *producer,
					   const void *data, size_t size,
					   int64_t timeout_ns);

/* Slots that could be claimed now: 0 to the capacity. */
RINGBUS_API int64_t
ringbus_producer_remaining(struct ringbus_producer *producer);

/* The claim that waits, or the next that would, returns -ECANCELED, once. Any
 * thread. Of a multi producer only if it was opened as cancellable. */
RINGBUS_API void ringbus_producer_cancel(struct ringbus_producer *producer);

/*** Consumers ************************************************************/

/* Where a consumer that does not resume starts, and a tap. */
#define RINGBUS_FROM_NOW INT64_C(-1)
#define RINGBUS_FROM_OLDEST INT64_C(-2)

struct ringbus_consumer_options {
	size_t size;      /* of this struct */
	const char *name; /* NULL: "consumer-" and the pid */
	int wait;         /* RINGBUS_WAIT_... */
	int64_t from;     /* RINGBUS_FROM_NOW or RINGBUS_FROM_OLDEST */
};

#define RINGBUS_CONSUMER_OPTIONS_INIT                                          \
	{                                                                      \
		sizeof(struct ringbus_consumer_options), NULL, 0,              \
			RINGBUS_FROM_NOW                                       \
	}

/*
 * Opens a channel to read and gate. A name that the channel's configuration
 * declares takes its place in the graph, and resumes where it was if it was
 * kept; any other joins as an independent consumer. From the moment this
 * returns no event is lost. FROM_OLDEST starts with the oldest event that is
 * surely still there: at least the channel's history.
 *
 * Errors as for ringbus_producer_open(); -EBUSY if the name is attached.
 */
RINGBUS_API int ringbus_consumer_open(
	struct ringbus *bus, const char *channel,
	const struct ringbus_consumer_options *options,
	struct ringbus_consumer **ret);

/* Leaves; what is not committed is read again by the next one of that name if
 * the channel keeps it. NULL is allowed. */
RINGBUS_API void ringbus_consumer_close(struct ringbus_consumer *consumer);

/*
 * Waits until there is something to read and returns the highest sequence that
 * may be read now.
 *
 *   -EAGAIN     nothing now (RINGBUS_NOW)
 *   -ETIMEDOUT  nothing all the time
 *   -ECANCELED  ringbus_consumer_halt()
 *   -ESHUTDOWN  the stream has ended and all of it was read
 *   -ESTALE     the daemon has given this consumer to another
 *   -EBADMSG    the channel's memory is damaged
 */
RINGBUS_API int64_t ringbus_consumer_wait(struct ringbus_consumer *consumer,
					  int64_t timeout_ns);

struct ringbus_event {
	const void *data; /* in the ring; until it is committed. On a fixed
			   * channel the next event is slot_size bytes further,
			   * also across the end of the ring */
	size_t size;      /* bytes */
	int64_t sequence; /* of its first slot */
	int64_t last;     /* its last slot: the same on a fixed channel */
};

/*
 * The next event of what the last wait found: 1, or 0 if there is no further
 * one, or -EBADMSG. Tombstones are skipped. Does not wait.
 */
RINGBUS_API int ringbus_consumer_next(struct ringbus_consumer *consumer,
				      struct ringbus_event *ret);

/*
 * Commits everything that ringbus_consumer_next() has returned. Once a batch is
 * enough. -ESTALE if the daemon has given this consumer to another; then
 * nothing is committed.
 */
RINGBUS_API int ringbus_consumer_commit(struct ringbus_consumer *consumer);

/*
 * Takes one event: 0 to go on; > 0 to stop after it; < 0 to stop before it, so
 * that it is not committed. `end_of_batch` is not 0 for the last event that is
 * there now.
 */
typedef int (*ringbus_handler_fn)(void *context,
				  const struct ringbus_event *event,
				  int end_of_batch);

/*
 * Hands what is there now to `handler`, at most `max` events, and commits.
 * Returns how many it handled, which may be 0; what the handler returned, if
 * that was < 0; or an error of ringbus_consumer_wait(). Does not wait.
 */
RINGBUS_API int64_t ringbus_consumer_poll(struct ringbus_consumer *consumer,
					  int64_t max,
					  ringbus_handler_fn handler,
					  void *context);

/*
 * LMAX's batch event processor: waits, hands each event to `handler`, commits
 * once a batch, until somebody says stop. Returns 0 after
 * ringbus_consumer_halt(); what the handler returned, if that was not 0;
 * -ESHUTDOWN at the end of the stream; -ESTALE or -EBADMSG. May be called again.
 */
RINGBUS_API int ringbus_consumer_run(struct ringbus_consumer *consumer,
				     ringbus_handler_fn handler, void *context);

/* The wait or run that is on, or the next one, ends. Any thread. A sleeper
 * notices within 50 ms. */
RINGBUS_API void ringbus_consumer_halt(struct ringbus_consumer *consumer);

/* The highest sequence committed; -1 before the first. */
RINGBUS_API int64_t
ringbus_consumer_sequence(const struct ringbus_consumer *consumer);

/*** Taps *****************************************************************/

struct ringbus_tap_options {
	size_t size;  /* of this struct */
	int64_t from; /* RINGBUS_FROM_..., or a sequence */
	int wait;     /* RINGBUS_WAIT_...; nobody wakes a tap, so that blocking
		       * ones sleep 5 ms at most */
};

#define RINGBUS_TAP_OPTIONS_INIT                                               \
	{                                                                      \
		sizeof(struct ringbus_tap_options), RINGBUS_FROM_NOW, 0        \
	}

/* Opens a channel to look at, all of it read-only. Errors as for
 * ringbus_producer_open(). */
RINGBUS_API int ringbus_tap_open(struct ringbus *bus, const char *channel,
				 const struct ringbus_tap_options *options,
				 struct ringbus_tap **ret);

/* Leaves. NULL is allowed. */
RINGBUS_API void ringbus_tap_close(struct ringbus_tap *tap);

/*
 * Copies the next event into `buffer` and returns its sequence; *ret_size is
 * its size. What was overwritten before it could be read is skipped and counted.
 *
 *   -EMSGSIZE   the buffer is too small: *ret_size tells, the event stays
 *   -EAGAIN, -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, -EBADMSG as for
 *   ringbus_consumer_wait()
 */
RINGBUS_API int64_t ringbus_tap_read(struct ringbus_tap *tap, void *buffer,
				     size_t buffer_size, size_t *ret_size,
				     int64_t timeout_ns);

/* Slots that this tap missed so far. */
RINGBUS_API int64_t ringbus_tap_lost(const struct ringbus_tap *tap);

/* The read that waits, or the next one, returns -ECANCELED, once. Any thread. */
RINGBUS_API void ringbus_tap_cancel(struct ringbus_tap *tap);

/*** Looking at a channel *************************************************/

/* The channel behind a handle. Valid until the handle is closed. */
RINGBUS_API const struct ringbus_channel *ringbus_producer_channel(
	const struct ringbus_producer *producer);
RINGBUS_API const struct ringbus_channel *ringbus_consumer_channel(
	const struct ringbus_consumer *consumer);
RINGBUS_API const struct ringbus_channel *ringbus_tap_channel(
	const struct ringbus_tap *tap);

struct ringbus_info {
	size_t size; /* of this struct; set it before the call */
	char name[RINGBUS_NAME_SIZE];
	uint64_t generation; /* differs each time the channel is made anew */
	uint64_t slots;
	uint64_t slot_size;  /* bytes from one slot to the next */
	uint64_t event_size; /* largest event, bytes */
	uint64_t history;
	uint64_t memory; /* bytes of shared memory, all in all */
	int framing;
	int producers;
	int wait;
	int ended;      /* not 0: the stream has ended */
	int64_t cursor; /* highest sequence published; of a multi-producer
			      * channel the highest claimed */
	int64_t gating; /* slowest gating consumer; the cursor if none */
};

/* What the channel is and how far it has come. Reads shared memory only, so it
 * works without the daemon. -EINVAL if `size` is not one we know. */
RINGBUS_API int ringbus_channel_info(const struct ringbus_channel *channel,
				     struct ringbus_info *ret);

#define RINGBUS_PRODUCER 0
#define RINGBUS_CONSUMER 1

#define RINGBUS_MEMBERS_MAX 64 /* of each role, of one channel */

#define RINGBUS_MEMBER_ATTACHED 1
#define RINGBUS_MEMBER_ABSENT 2 /* kept: gates although nobody is there */
#define RINGBUS_MEMBER_DYING                                                   \
	3 /* its process is dead, its claim not yet mended */
#define RINGBUS_MEMBER_DECLARED 4 /* in the configuration, not there, no gate */

struct ringbus_member {
	size_t size; /* of this struct; set it before the call */
	char name[RINGBUS_NAME_SIZE];
	unsigned index;
	int role;         /* RINGBUS_PRODUCER or RINGBUS_CONSUMER */
	int state;        /* RINGBUS_MEMBER_...; once a consumer is shown as
			   * attached it misses nothing published later */
	int gates;        /* not 0: producers wait for it */
	int64_t pid;      /* 0 if it is not attached */
	uint64_t after;   /* bit i: comes after consumer i */
	int64_t sequence; /* highest committed; of a single producer highest
			   * published, of a multi producer -1 */
	int64_t lag;      /* slots published and not yet committed */
	uint64_t sleeps;  /* times it slept */
	uint64_t missed;  /* sleeps that no wake-up ended */
	uint64_t wakes;   /* times it woke others by a system call */
};

/*
 * The member at `index`, of the given role, below RINGBUS_MEMBERS_MAX. 1, or 0 if
 * there is none at this place, or -EINVAL for a role or size that is none.
 */
RINGBUS_API int ringbus_channel_member(const struct ringbus_channel *channel,
				       int role, unsigned index,
				       struct ringbus_member *ret);

/*
 * The consumer that kept the last claim waiting, as above: 1, or 0 if it was
 * nobody but producers themselves.
 */
RINGBUS_API int ringbus_producer_blocker(
	const struct ringbus_producer *producer, struct ringbus_member *ret);

#ifdef __cplusplus
}
#endif

#endif
