/* SPDX-License-Identifier: MIT */
/*
 * program_graph.c - who publishes, and who comes after journal and bridge
 *
 * usage: program_graph feed CHANNEL RATE
 *        program_graph app CHANNEL JOURNAL SEEN
 *        program_graph collect CHANNEL SEEN
 *        program_graph compare JOURNAL SEEN COLLECTED
 *
 * To be killed at any instruction. An event is 64 bytes that follow from its
 * number, which is its sequence, so that every reader can tell what it should be.
 * `app` looks at each batch where `journal` and `replicate` are, and for each event
 * into the journal's files, before it notes the event's number in SEEN; only then
 * it is committed. `compare` looks afterwards: what was seen has to be in the files,
 * and among what `collect` got back from the stream. What is not as it should be is
 * told, with exit code 1; 69 is the end of a stream, and 75 an error that may pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ringbus.h"

#define WORDS 8
#define BATCH 1024
#define TICK_NS 1000000

enum {
	WRONG = 1,
	USAGE = 2,
	ENDED = 69,
	PASSES = 75
};

/* ---------------------------------------------------------------- an event */

static void
fill(uint64_t words[WORDS], uint64_t number)
{
	words[0] = number;
	for (unsigned i = 1; i < WORDS; i++)
		words[i] = (words[i - 1] ^ number) *
			   UINT64_C(0x9e3779b97f4a7c15);
}

static bool
is_event(const struct ringbus_event *event, uint64_t number)
{
	uint64_t words[WORDS];

	fill(words, number);
	return event->size == sizeof(words) &&
	       memcmp(event->data, words, sizeof(words)) == 0;
}

static int
wrong(const char *what, int64_t sequence, int64_t other)
{
	printf("WRONG: %s: %" PRId64 ", %" PRId64 "\n", what, sequence, other);
	fflush(stdout);
	return WRONG;
}

static int
fail(const char *what, int64_t err, const struct ringbus *bus)
{
	fprintf(stderr, "%s: %s %s\n", what, ringbus_strerror((int)err),
		bus != NULL ? ringbus_error(bus) : "");
	return err == -ESHUTDOWN ? ENDED : PASSES;
}

/* ---------------------------------------------------------------- the feed */

static int
publish(struct ringbus_producer *producer, int64_t n)
{
	int64_t highest = ringbus_producer_claim(producer, n, RINGBUS_FOREVER);

	if (highest < 0)
		return (int)highest;
	for (int64_t s = highest - n + 1; s <= highest; s++)
		fill(ringbus_producer_slot(producer, s), (uint64_t)s);
	return ringbus_producer_publish(producer, highest - n + 1, highest);
}

static int
feed(struct ringbus *bus, char **args)
{
	struct timespec tick = { .tv_nsec = TICK_NS };
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	int64_t n = strtoll(args[1], NULL, 10) / (1000000000 / TICK_NS);
	struct ringbus_producer *producer;
	int err;

	o.name = "feed";
	err = ringbus_producer_open(bus, args[0], &o, &producer);
	while (err == 0) {
		err = publish(producer, n > 0 ? n : 1);
		nanosleep(&tick, NULL);
	}
	return fail("feed", err, bus);
}

/* -------------------------------------------------------- what a reader saw */

struct seen {
	int fd;
	unsigned n;
	uint64_t numbers[BATCH];
};

static int
seen_open(struct seen *seen, const char *path)
{
	seen->n = 0;
	seen->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return seen->fd < 0 ? fail(path, -errno, NULL) : 0;
}

/* In one piece: there are no halves of numbers after a kill. */
static int
seen_write(struct seen *seen)
{
	size_t size = seen->n * sizeof(seen->numbers[0]);

	if (write(seen->fd, seen->numbers, size) != (ssize_t)size)
		return fail("cannot note what was seen", -errno, NULL);
	seen->n = 0;
	return 0;
}

static int
open_consumer(struct ringbus *bus, const char *channel, const char *name,
	      struct ringbus_consumer **ret)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	int err;

	o.name = name;
	o.from = RINGBUS_FROM_OLDEST;
	err = ringbus_consumer_open(bus, channel, &o, ret);
	return err < 0 ? fail(name, err, bus) : 0;
}

/* ----------------------------------------------------------------- the app */

struct app {
	struct ringbus_consumer *consumer;
	const char *folder;
	struct ringbus_journal *journal;
	struct seen seen;
};

static int64_t
place_of(const struct ringbus_channel *channel, const char *name)
{
	struct ringbus_member member = { .size = sizeof(member) };

	if (ringbus_channel_find(channel, RINGBUS_CONSUMER, name, &member) != 1)
		return -1;
	return member.sequence;
}

static int
check_places(const struct app *app, int64_t highest)
{
	const struct ringbus_channel *channel = ringbus_consumer_channel(
		app->consumer);
	int64_t journal = place_of(channel, "journal");
	int64_t replicate = place_of(channel, "replicate");

	if (journal < highest)
		return wrong("ahead of journal", highest, journal);
	if (replicate < highest)
		return wrong("ahead of replicate", highest, replicate);
	return 0;
}

static int
open_journal(struct app *app, int64_t sequence)
{
	int err = ringbus_journal_open(app->folder, &app->journal);

	if (err == 0)
		err = ringbus_journal_seek(app->journal, 0, sequence);
	if (err == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", app->folder,
		ringbus_journal_error(app->journal));
	return wrong("not found in the journal", sequence, err);
}

/* What app is shown has to be in a file by now. */
static int
check_journal(struct app *app, const struct ringbus_event *event)
{
	struct ringbus_event written;
	int r = app->journal == NULL ? open_journal(app, event->sequence) : 0;

	if (r != 0)
		return r;
	r = ringbus_journal_next(app->journal, &written);
	if (r != 1)
		return wrong("not in the journal", event->sequence, r);
	if (written.sequence != event->sequence)
		return wrong("another one in the journal", event->sequence,
			     written.sequence);
	if (!is_event(&written, (uint64_t)event->sequence))
		return wrong("damaged in the journal", event->sequence, 0);
	return 0;
}

static int
see_batch(struct app *app)
{
	struct ringbus_event event;
	int r = 0;

	while (r == 0 && app->seen.n < BATCH &&
	       ringbus_consumer_next(app->consumer, &event) == 1) {
		if (!is_event(&event, (uint64_t)event.sequence))
			return wrong("damaged", event.sequence, 0);
		r = check_journal(app, &event);
		app->seen.numbers[app->seen.n++] = (uint64_t)event.sequence;
	}
	return r != 0 ? r : seen_write(&app->seen);
}

static int
app(struct ringbus *bus, char **args)
{
	static struct app app;
	int r = seen_open(&app.seen, args[2]);
	int64_t highest;

	app.folder = args[1];
	if (r == 0)
		r = open_consumer(bus, args[0], "app", &app.consumer);
	while (r == 0) {
		highest = ringbus_consumer_wait(app.consumer, RINGBUS_FOREVER);
		if (highest < 0)
			return fail("app", highest, bus);
		r = check_places(&app, highest);
		if (r == 0)
			r = see_batch(&app);
		if (r == 0 && ringbus_consumer_commit(app.consumer) < 0)
			r = fail("commit", -ESTALE, bus);
	}
	return r;
}

/* ------------------------------------------------------------ the collector */

/* The far end of the bridge: sequences are others there, numbers the same. */
static int
collect_batch(struct ringbus_consumer *consumer, struct seen *seen)
{
	struct ringbus_event event;
	uint64_t number;

	while (seen->n < BATCH &&
	       ringbus_consumer_next(consumer, &event) == 1) {
		memcpy(&number, event.data, sizeof(number));
		if (!is_event(&event, number))
			return wrong("damaged in the stream", event.sequence,
				     (int64_t)number);
		seen->numbers[seen->n++] = number;
	}
	return seen_write(seen);
}

static int
collect(struct ringbus *bus, char **args)
{
	static struct seen seen;
	struct ringbus_consumer *consumer;
	int64_t found;
	int r = seen_open(&seen, args[1]);

	if (r == 0)
		r = open_consumer(bus, args[0], "collect", &consumer);
	while (r == 0) {
		found = ringbus_consumer_wait(consumer, RINGBUS_FOREVER);
		r = found < 0 ? fail("collect", found, bus)
			      : collect_batch(consumer, &seen);
		if (r == 0 && ringbus_consumer_commit(consumer) < 0)
			r = fail("commit", -ESTALE, bus);
	}
	return r;
}

/* ------------------------------------------------------------------ compare */

/* Reads the journal to its end, which has to be 0, 1, 2, ... */
static int
count_journal(const char *folder, int64_t *ret)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	int r = ringbus_journal_open(folder, &journal);

	*ret = 0;
	if (r < 0)
		return wrong(folder, r, 0);
	ringbus_journal_seek(journal, 1, 0);
	while ((r = ringbus_journal_next(journal, &event)) > 0) {
		if (r == RINGBUS_JOURNAL_EPOCH && *ret == 0)
			continue;
		if (r != RINGBUS_JOURNAL_EVENT || event.sequence != *ret ||
		    !is_event(&event, (uint64_t)*ret))
			return wrong("in the journal", event.sequence, *ret);
		++*ret;
	}
	if (r != 0)
		return wrong(ringbus_journal_error(journal), *ret, r);
	ringbus_journal_close(journal);
	return 0;
}

/* What was seen, 0, 1, 2, ...; after a kill again from an earlier one on, where
 * that may be. */
static int
count_seen(const char *path, bool may_repeat, int64_t *ret)
{
	FILE *file = fopen(path, "re");
	int64_t number;

	*ret = 0;
	if (file == NULL)
		return fail(path, -errno, NULL);
	while (fread(&number, sizeof(number), 1, file) == 1) {
		if (number > *ret || (number < *ret && !may_repeat))
			return wrong(path, number, *ret);
		if (number == *ret)
			++*ret;
	}
	fclose(file);
	return 0;
}

static int
compare(struct ringbus *bus, char **args)
{
	int64_t journal, seen, collected;
	int r = count_journal(args[0], &journal);

	(void)bus;
	if (r == 0)
		r = count_seen(args[1], true, &seen);
	if (r == 0)
		r = count_seen(args[2], false, &collected);
	if (r != 0)
		return r;
	printf("%" PRId64 " seen, %" PRId64 " in the journal, %" PRId64
	       " in the stream\n",
	       seen, journal, collected);
	if (seen > journal)
		return wrong("seen and not in the journal", seen, journal);
	if (seen > collected)
		return wrong("seen and not in the stream", seen, collected);
	return seen > 0 ? 0 : wrong("nothing was seen", 0, 0);
}

/* --------------------------------------------------------------------- main */

static const struct verb {
	const char *name;
	int n_args;
	bool connects;
	int (*run)(struct ringbus *bus, char **args);
} verbs[] = {
	{ "feed", 2, true, feed },
	{ "app", 3, true, app },
	{ "collect", 2, true, collect },
	{ "compare", 3, false, compare },
};

int
main(int argc, char **argv)
{
	const struct verb *verb = NULL;
	struct ringbus *bus = NULL;
	int err;

	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0 &&
		    argc == 2 + verbs[i].n_args)
			verb = &verbs[i];
	if (verb == NULL)
		return USAGE;
	err = verb->connects ? ringbus_connect(NULL, &bus) : 0;
	if (err < 0)
		return fail("connect", err, NULL);
	return verb->run(bus, argv + 2);
}
