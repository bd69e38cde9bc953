/* SPDX-License-Identifier: MIT */
/*
 * util_record.c - see util_record.h
 */
#include "tests/system/util_record.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void
note(struct t_record *r, const char *format, ...)
{
	size_t room = sizeof(r->text) - r->n;
	va_list args;
	int n;

	if (r->n > 0 && room > 1) {
		r->text[r->n++] = ' ';
		room--;
	}
	va_start(args, format);
	n = vsnprintf(r->text + r->n, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		ck_abort_msg("too much to record");
	r->n += (size_t)n;
}

static int
answer(struct t_record *r, uint64_t number)
{
	for (int i = 0; i < T_ANSWERS_MAX; i++) {
		struct t_answer *a = &r->answers[i];

		if (a->verdict == 0 || a->number != number)
			continue;
		if (a->times == 1)
			a->number = UINT64_MAX;
		if (a->times > 1)
			a->times--;
		return a->verdict;
	}
	return RINGBUS_CONTINUE;
}

int
t_record_event(void *context, const struct ringbus_event *event,
	       int end_of_batch)
{
	struct t_record *r = context;
	uint64_t number = t_value(event);

	note(r, "%llu%s", (unsigned long long)number, end_of_batch ? "!" : "");
	r->n_events++;
	r->last_ns = t_now_ns();
	if (r->look != NULL)
		r->look(r->look_context, event);
	if (r->halts != NULL && r->halt_at == number)
		ringbus_consumer_halt(r->halts);
	return answer(r, number);
}

static int
on_start(void *context)
{
	struct t_record *r = context;

	note(r, "start");
	return r->start;
}

static int
on_shutdown(void *context)
{
	struct t_record *r = context;

	note(r, "shutdown");
	return r->shutdown;
}

static int
on_batch_start(void *context, int64_t size, int64_t depth)
{
	struct t_record *r = context;

	note(r, "batch:%lld/%lld", (long long)size, (long long)depth);
	return r->batch_start;
}

static int
on_timeout(void *context, int64_t sequence)
{
	struct t_record *r = context;

	note(r, "timeout:%lld", (long long)sequence);
	return r->timeout;
}

static int
on_gap(void *context, int64_t lowest, int64_t highest)
{
	struct t_record *r = context;

	note(r, "gap:%lld-%lld", (long long)lowest, (long long)highest);
	return r->gap;
}

static int
on_lost(void *context, int64_t lowest, int64_t highest)
{
	struct t_record *r = context;

	note(r, "lost:%lld-%lld", (long long)lowest, (long long)highest);
	return r->lost;
}

static int
on_end(void *context, int64_t sequence)
{
	struct t_record *r = context;

	note(r, "end:%lld", (long long)sequence);
	return r->end;
}

static int
on_exception(void *context, int err, const struct ringbus_event *event)
{
	struct t_record *r = context;

	if (event != NULL)
		note(r, "failed:%d@%llu", err,
		     (unsigned long long)t_value(event));
	else
		note(r, "failed:%d", err);
	return r->exception;
}

struct ringbus_handlers
t_handlers(struct t_record *record)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;

	h.context = record;
	h.on_event = t_record_event;
	h.on_start = on_start;
	h.on_shutdown = on_shutdown;
	h.on_batch_start = on_batch_start;
	h.on_end = on_end;
	return h;
}

struct ringbus_handlers
t_all_handlers(struct t_record *record)
{
	struct ringbus_handlers h = t_handlers(record);

	h.on_timeout = on_timeout;
	h.on_gap = on_gap;
	h.on_lost = on_lost;
	h.on_exception = on_exception;
	return h;
}

void
t_recorded(struct t_record *record, const char *expected)
{
	ck_assert_str_eq(record->text, expected);
	record->n = 0;
	record->text[0] = '\0';
}
