/* SPDX-License-Identifier: MIT */
/*
 * internal.h - the structs behind the opaque types of ringbus.h
 *
 * Every handle has an attachment: the mapped channel and what the daemon knows
 * us by. A bus keeps a list of them, to close what the caller left
 * open, and so that a producer can find out whether the consumer it waits for
 * is in its own thread's hands.
 */
#ifndef RB_CLIENT_INTERNAL_H
#define RB_CLIENT_INTERNAL_H

#include <pthread.h>

#define RINGBUS_NO_INLINE /* this is where the functions are */
#include "client/ringbus.h"
#include "shm/barrier.h"
#include "shm/channel.h"
#include "shm/control.h"
#include "shm/group.h"
#include "shm/member.h"
#include "shm/sequencer.h"
#include "shm/tap.h"

#define RB_SOCKET_SIZE 108

/* Where a daemon was found. */
struct rb_place {
	char socket[RB_SOCKET_SIZE];
	bool is_users; /* only there for this user: others' daemons are none */
	int64_t patience_ns; /* with each of its answers */
};

struct ringbus {
	int fd;    /* of the connection, or of `folder` */
	pid_t pid; /* whose connection it is: not a forked child's */
	struct rb_place place;
	struct ringbus *next; /* of all of this process: fork.c */
	char error[RB_CONTROL_TEXT_SIZE];
	bool is_silent;       /* the daemon did not answer in time */
	bool is_unread;       /* it went away before it had read the request */
	pthread_mutex_t lock; /* of the list */
	struct rb_attachment *attachments;
	bool stays;   /* asks nobody but the daemon that it is connected to */
	char *folder; /* of channels, looked at without a daemon; NULL: it has
		       * one */
	struct dirent **names; /* in the folder, as they were listed last */
	int n_names;
	struct rb_findings *findings; /* of ringbus_inspect(), or NULL */
};

struct ringbus_channel {
	struct rb_channel shm;
};

struct rb_attachment {
	struct ringbus *bus;
	struct rb_attachment *next;
	struct ringbus_channel channel; /* its bell is ours, closed with it */
	char name[RB_NAME_SIZE];        /* of the channel */
	enum rb_role role;
	enum rb_wait_kind wait;
	uint32_t index;
	uint32_t epoch;
	uint64_t
		generation; /* of the channel: another may have its name by now */
	int64_t missed;     /* slots that it asked for and that were gone */
	bool is_replay; /* a tap, of a consumer that is still in the journal */
};

/* How a handle wants in; all zeroes will do for a producer. */
struct rb_attach {
	const char *member; /* NULL: the daemon finds a name */
	int wait;           /* RINGBUS_WAIT_... */
	const char *type;   /* NULL: whatever it is */
	unsigned type_version;
	/* Of a consumer: */
	int64_t from;      /* enum rb_from, or a sequence */
	const char *after; /* names with blanks between; NULL: as declared */
	const struct rb_consumer_spec *spec; /* but its `after`; NULL: none */
	bool is_slow_set;                    /* spec->slow is a wish */
};

/*
 * The first words of a handle are for the calls that ringbus.h inlines: they see
 * them as struct ringbus_inlined_producer and ringbus_inlined_consumer.
 */
struct ringbus_producer {
	alignas(RB_LINE) char *slots;
	uint64_t mask; /* slots - 1 */
	uint64_t slot_size;
	/* What is stored at a publish; NULL where that is more than a store. */
	struct rb_sequence *cursor;
	const struct rb_word32 *wanted,
		*stream; /* see rb_sequencer_is_quiet() */
	uint64_t
		quiet; /* a value of `wanted` for which nobody sleeps any more */
	int64_t ahead; /* slots: so early a line is asked for; 0: never */
	struct rb_sequencer sequencer;

	struct rb_attachment attachment;
	int full; /* RINGBUS_FULL_... */
	int64_t full_timeout_ns;
};

/* How a consumer comes by its events. */
enum rb_reader {
	RB_READER_DIRECT,  /* reads the ring, which producers keep for it */
	RB_READER_LAGGING, /* reads copies, for it may be overtaken */
	RB_READER_WORKER,  /* takes what no other worker of its group has */
	RB_READER_REPLAY,  /* is in the journal, and comes to the ring */
};

/* What a lagging reader has beside the barrier; see lagging.c. */
struct rb_lagging {
	struct rb_tap tap;
	/* Of the last event and of the one before, in turn: who hands out one
	 * has looked at the next. */
	struct {
		void *bytes;
		size_t size;
	} copies[2];
	unsigned turn;
};

/* What a worker holds and has not yet done; see worker.c. */
struct rb_holding {
	struct rb_work *taken; /* by ringbus_consumer_next(), to be committed */
	size_t n_taken;
	size_t size;         /* room in `taken` */
	bool may_take;       /* one, since the last wait */
	struct rb_work hand; /* what a handler has, or is to have again */
	bool has_hand;
	unsigned attempt;
};

struct ringbus_consumer {
	int64_t next; /* to hand out; first, as above */
	const char *slots;
	uint64_t mask;
	uint64_t slot_size;
	uint64_t event_size;
	const struct rb_word64
		*stamps;   /* NULL: all that is available are events */
	uint64_t is_plain; /* reads the ring, and each slot is an event */
	union {
		struct rb_barrier barrier;
		struct rb_worker worker; /* which begins with a barrier */
	};

	struct rb_attachment attachment;
	enum rb_reader reader;
	struct rb_word64 thread; /* that waited last; see rb_thread_id() */
	int64_t lost;            /* slots, up to what is committed */
	int64_t passed; /* lost slots passed over and not yet committed */
	/* Slots without events, from the first up to `next`, that
	 * ringbus_consumer_span() passed over to find none; see span.c. */
	int64_t void_from, void_next;
	struct rb_lagging lagging;
	struct rb_holding holding;
	struct rb_replay *replay; /* of RB_READER_REPLAY; see replay.h */
	struct rb_word32 fd; /* 1 + the descriptor of doorbell.c; 0: none */
	bool is_armed;
};

#define RB_IS_INLINED(type, field, inlined)                                    \
	static_assert(offsetof(struct ringbus_##type, field) ==                \
			      offsetof(struct ringbus_inlined_##type,          \
				       inlined),                               \
		      "as programs have been compiled")

static_assert(sizeof(struct ringbus_inlined_producer) == 88 &&
		      sizeof(struct ringbus_inlined_consumer) == 64 &&
		      RB_STREAM_OPEN == 0 && RB_STAMP_EVENT == 1,
	      "other ones need another soname");
RB_IS_INLINED(producer, slots, slots);
RB_IS_INLINED(producer, mask, mask);
RB_IS_INLINED(producer, slot_size, slot_size);
RB_IS_INLINED(producer, cursor, cursor);
RB_IS_INLINED(producer, wanted, wanted);
RB_IS_INLINED(producer, stream, stream);
RB_IS_INLINED(producer, quiet, quiet);
RB_IS_INLINED(producer, ahead, ahead);
RB_IS_INLINED(producer, sequencer.next, next);
RB_IS_INLINED(producer, sequencer.claimable, claimable);
RB_IS_INLINED(producer, sequencer.published, published);
RB_IS_INLINED(consumer, next, next);
RB_IS_INLINED(consumer, slots, slots);
RB_IS_INLINED(consumer, mask, mask);
RB_IS_INLINED(consumer, slot_size, slot_size);
RB_IS_INLINED(consumer, event_size, event_size);
RB_IS_INLINED(consumer, stamps, stamps);
RB_IS_INLINED(consumer, is_plain, is_plain);
RB_IS_INLINED(consumer, barrier.available, available);

static_assert(sizeof(struct ringbus_frame) == sizeof(struct rb_frame) &&
		      offsetof(struct ringbus_frame, size) ==
			      offsetof(struct rb_frame, size),
	      "one frame");

struct ringbus_tap {
	struct rb_attachment attachment;
	struct rb_tap tap;
	struct rb_word32 cancelled;
};

/* The handle that an attachment is part of, by its role. */

static inline struct ringbus_producer *
rb_producer_of(struct rb_attachment *a)
{
	return (void *)((char *)a -
			offsetof(struct ringbus_producer, attachment));
}

static inline struct ringbus_consumer *
rb_consumer_of(struct rb_attachment *a)
{
	return (void *)((char *)a -
			offsetof(struct ringbus_consumer, attachment));
}

static inline struct ringbus_tap *
rb_tap_of(struct rb_attachment *a)
{
	return (void *)((char *)a - offsetof(struct ringbus_tap, attachment));
}

/*
 * Sends a request and receives its answer in place. `fds`, if given, takes the
 * RB_FDS descriptors that come with it. Returns the answer's result.
 */
int rb_bus_request(struct ringbus *bus, struct rb_control *message, int *fds);

/*
 * Connects to the daemon at `path`, or where NULL says to look. Returns a
 * descriptor or a negative errno; *ret is the place, on failure the last one
 * tried, and its patience the caller's.
 */
int rb_locate_daemon(const char *path, struct rb_place *ret);

/* Connects to the daemon that is in the same place now. */
int rb_locate_again(const struct rb_place *place);

/* HELLO, over a connection that is new. */
int rb_bus_greet(struct ringbus *bus);

/* A bus that has neither a connection nor a folder yet; NULL without memory. */
struct ringbus *rb_bus_new(void);

/* What ringbus_error(NULL) says from now on, in this thread. */
rb_printf_(1, 2) void rb_bus_fail(const char *format, ...);

/* Of a bus with a folder: its channels by name, and one mapped for a tap. */
int rb_folder_list(struct ringbus *bus, unsigned index, char *name);
int rb_folder_attach(struct rb_attachment *attachment,
		     const struct rb_attach *request);
void rb_folder_close(struct ringbus *bus);

/* Opens the files of the channel that an attachment has the name of. On failure some
 * may be open. */
int rb_folder_open(struct rb_attachment *attachment, int fds[RB_FILES]);

/* From now on a channel that was truncated is no death, unless the program has
 * another opinion of SIGBUS. */
void rb_sigbus_install(void);

/* A bus that fork() has to know of, and no longer. */
void rb_fork_enter(struct ringbus *bus);
void rb_fork_leave(struct ringbus *bus);

/* -EINVAL, and ringbus_error() says why. */
rb_printf_(2, 3) int rb_bus_refuse(struct ringbus *bus, const char *format,
				   ...);
int rb_bus_refuse_name(struct ringbus *bus, const char *name);

/* A request of this type about this channel, or with NULL about none; -EINVAL
 * for what is no name. */
int rb_bus_prepare(struct rb_control *message, enum rb_control_type type,
		   const char *channel);

/* Makes a request that has nothing but flags to say about a channel. */
int rb_bus_request_about(struct ringbus *bus, enum rb_control_type type,
			 uint32_t flags, const char *channel);

/* Says in a message what the events are; NULL: nothing. -EINVAL for what is no
 * name, and for the version of nothing, told as above. */
int rb_bus_set_type(struct ringbus *bus, struct rb_control *message,
		    const char *type, unsigned version);

/*
 * Attaches to a channel in the role of the zeroed attachment and enters it into
 * the bus's list. Checks the request first: -EINVAL for what cannot be.
 */
int rb_attachment_open(struct rb_attachment *attachment, struct ringbus *bus,
		       const char *channel, const struct rb_attach *request);

/* The same without the list, for one that belongs to no handle, or not yet; and
 * leaves. */
int rb_attachment_enter(struct rb_attachment *attachment, struct ringbus *bus,
			const char *channel, const struct rb_attach *request);
void rb_attachment_leave(struct rb_attachment *attachment, bool forget);

/* Leaves: tells the daemon, unmaps, and takes it off the list. With `forget`
 * its place is not kept, whatever the channel says. */
void rb_attachment_close(struct rb_attachment *attachment, bool forget);

/*
 * The caller's options over the initial ones, if he gave some. Options of every
 * kind begin with their size; -EINVAL if it is not that of *options.
 */
int rb_options_take(struct ringbus *bus, void *options, const void *given,
		    size_t size);

/* Whether this is a RINGBUS_WAIT_... */
bool rb_is_wait(int wait);

/* The first field of a kind that cannot be, by its name, or NULL. */
const char *rb_kind_find_wrong(const struct ringbus_consumer_kind *kind);

/* What the library's user calls a kind of consumer, in the daemon's words, but
 * for `after`. Nothing may be wrong with it. */
struct rb_consumer_spec rb_kind_to_spec(
	const struct ringbus_consumer_kind *kind);

/* Writes what `spec` says into a message. */
void rb_spec_to_message(const struct rb_consumer_spec *spec,
			struct rb_control *message);

/* Tells the daemon whom the next channel that we create declares: nobody, if
 * `graph` is NULL. -EINVAL for a graph that cannot be. */
int rb_graph_plan(const struct ringbus_graph *graph, struct ringbus *bus);

/* From now on a producer of this bus may be kept waiting by ourselves. */
void rb_warn_producers(struct ringbus *bus, const struct rb_channel *channel);

/* What gates, of an attachment in the list that is a consumer's: itself, or what one
 * that comes from the journal holds of the ring; NULL: nothing, or it is none. */
const struct rb_attachment *rb_gate_behind(const struct rb_attachment *a);

/* Whether the bus has a consumer open on this channel. */
bool rb_has_consumer(struct ringbus *bus, const struct rb_channel *channel);

/* The last slot of the event that we have claimed at `sequence`. What its header
 * says is checked against the claim by the sequencer. */
int64_t rb_producer_last_slot(const struct ringbus_producer *producer,
			      int64_t sequence);

/* Differs for each living thread, and is not 0. */
uint64_t rb_thread_id(void);

/* What is claimed by several producers, or published by one; whether producers
 * wait for a consumer, and how far it has come. To look at, no more. */
int64_t rb_cursor_of(const struct rb_channel *channel);
bool rb_is_gating(const struct rb_channel *channel, unsigned index);
int64_t rb_sequence_of(const struct rb_channel *channel, unsigned index);

/*
 * Copies a name from memory where somebody else may have written anything: what
 * is none, and no empty one, becomes "?", as a terminal would obey what stands in
 * it. Whether it is one.
 */
bool rb_copy_name(char ret[RB_NAME_SIZE], const char from[RB_NAME_SIZE]);

/* Fills *ret with consumer `index`; 1 or 0 as ringbus_channel_member(). */
int rb_describe_consumer(const struct rb_channel *channel, unsigned index,
			 struct ringbus_member *ret);

#endif
