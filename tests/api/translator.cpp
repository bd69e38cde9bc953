// SPDX-License-Identifier: MIT
//
// translator.cpp - C++ exceptions that leave callbacks of the library
//
// Built and run by tests/system/test_cxx.c, against a daemon with the channels
// "single" and "multi". Ends with 0 if all is as it should be.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "client/ringbus.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			std::fprintf(stderr, "line %d: %s\n", __LINE__,        \
				     #condition);                              \
			std::exit(1);                                          \
		}                                                              \
	} while (0)

// Destroyed on the way of the exception, if the frames in between let it pass.
struct Witness {
	bool *gone;

	~Witness()
	{
		*gone = true;
	}
};

struct Pen {
	int calls_left;
	bool gone;
};

static int
write_or_throw(void *context, void *slot, size_t size, int64_t sequence)
{
	Pen *pen = static_cast<Pen *>(context);
	std::string content(size, 'x');
	Witness witness = { &pen->gone };

	std::memcpy(slot, content.data(), size);
	if (pen->calls_left-- == 0)
		throw std::runtime_error(std::to_string(sequence));
	return 0;
}

static bool
throws(struct ringbus_producer *p, int64_t n, int calls_before)
{
	Pen pen = { calls_before, false };

	try {
		if (n == 0)
			ringbus_producer_publish_with(p, 8, RINGBUS_NOW,
						      write_or_throw, &pen);
		else
			ringbus_producer_publish_batch_with(
				p, n, RINGBUS_NOW, write_or_throw, &pen);
	} catch (const std::runtime_error &) {
		return pen.gone;
	}
	return false;
}

static int
count_events(struct ringbus_consumer *c)
{
	struct ringbus_event event;
	int n = 0;

	while (ringbus_consumer_wait(c, RINGBUS_NOW) >= 0) {
		while (ringbus_consumer_next(c, &event) > 0)
			n++;
		CHECK(ringbus_consumer_commit(c) == 0);
	}
	return n;
}

static void
throw_from_translators(struct ringbus *bus, const char *channel)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	Pen pen = { 1000, false };

	CHECK(ringbus_consumer_open(bus, channel, NULL, &c) == 0);
	CHECK(ringbus_producer_open(bus, channel, NULL, &p) == 0);
	for (int i = 0; i < 20; i++) { // more than the ring has slots
		CHECK(throws(p, 0, 0));
		CHECK(throws(p, 4, 2));
		CHECK(count_events(c) == 0);
	}
	CHECK(ringbus_producer_publish_with(p, 8, RINGBUS_NOW, write_or_throw,
					    &pen) >= 0);
	CHECK(ringbus_producer_publish_batch_with(p, 4, RINGBUS_NOW,
						  write_or_throw, &pen) >= 0);
	CHECK(count_events(c) == 5);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

static void
prepare_or_throw(void *context, void *slot, size_t size, uint64_t index)
{
	std::memset(slot, 0, size);
	if (index == *static_cast<uint64_t *>(context))
		throw index;
}

static bool
creation_throws(struct ringbus *bus, uint64_t index)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = 16;
	o.prepare = prepare_or_throw;
	o.prepare_context = &index;
	try {
		CHECK(ringbus_create(bus, "made", &o) == 0);
	} catch (uint64_t thrown) {
		return thrown == index;
	}
	return false;
}

static void
throw_while_preparing(struct ringbus *bus)
{
	struct ringbus_producer *p;

	CHECK(creation_throws(bus, 3));
	CHECK(ringbus_producer_open(bus, "made", NULL, &p) == -2 /* ENOENT */);
	CHECK(!creation_throws(bus, 16));
	CHECK(ringbus_producer_open(bus, "made", NULL, &p) == 0);
	ringbus_producer_close(p);
	CHECK(ringbus_remove(bus, "made") == 0);
}

int
main()
{
	struct ringbus *bus;

	CHECK(ringbus_connect(NULL, &bus) == 0);
	throw_from_translators(bus, "single");
	throw_from_translators(bus, "multi");
	throw_while_preparing(bus);
	ringbus_close(bus);
	return 0;
}
