/* SPDX-License-Identifier: MIT */
/*
 * event.c - see event.h
 */
#include "daemon/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/entry.h"
#include "daemon/hosted.h"

#define TEXT_SIZE 320 /* escaped it still goes into an answer */
#define SECOND_NS INT64_C(1000000000)

struct event {
	int64_t time_ns; /* CLOCK_REALTIME */
	enum rb_event_kind kind;
	char channel[RB_NAME_SIZE];
	char member[RB_NAME_SIZE];
	int64_t pid;
	int64_t sequence;
	char text[TEXT_SIZE];
};

/* As the log, of which it is a part: of the process, not of an object. */
static struct {
	struct event *kept; /* number id at id % RB_EVENTS_KEPT */
	int64_t base;       /* the first number */
	int64_t next;
} events;

static const struct {
	const char *name;
	const char *id;
} kinds[] = {
#define RB_EVENT(kind, name, id) [RB_EVENT_##kind] = { name, id },
#include "daemon/events.h"
};

int64_t
rb_realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

int
rb_event_init(void)
{
	events.kept = calloc(RB_EVENTS_KEPT, sizeof(*events.kept));
	events.base = events.next = rb_realtime_ns() / 1000;
	return events.kept != NULL ? 0 : -ENOMEM;
}

void
rb_event_deinit(void)
{
	free(events.kept);
	events.kept = NULL;
}

int64_t
rb_event_next(void)
{
	return events.next;
}

/* ------------------------------------------------------------------ telling */

static void
keep(const struct rb_about *about, const char *text)
{
	struct event *e;

	if (events.kept == NULL) /* not yet, or only looked at */
		return;
	e = &events.kept[events.next++ % RB_EVENTS_KEPT];
	*e = (struct event){ .time_ns = rb_realtime_ns(),
			     .kind = about->kind,
			     .pid = about->pid,
			     .sequence = about->sequence };
	if (about->channel != NULL)
		snprintf(e->channel, sizeof(e->channel), "%s", about->channel);
	if (about->member != NULL)
		snprintf(e->member, sizeof(e->member), "%.*s", RB_NAME_SIZE - 1,
			 about->member);
	snprintf(e->text, sizeof(e->text), "%.*s", TEXT_SIZE - 1, text);
}

void
rb_event_tell(struct rb_user *user, int priority, const struct rb_about *about,
	      const char *fmt, ...)
{
	struct rb_log_fields fields = {
		.id = kinds[about->kind].id,
		.channel = about->channel,
		.member = about->member,
		.pid = about->pid,
		.sequence = about->sequence,
	};
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	keep(about, text);
	if (priority < LOG_DEBUG && rb_user_may_speak(user))
		rb_log_event(priority, &fields, text);
}

struct rb_about
rb_event_about(enum rb_event_kind kind, const struct rb_membership *m)
{
	const struct rb_member *entry = rb_membership_entry(m);

	return (struct rb_about){ .kind = kind,
				  .channel = m->hosted->name,
				  .member = entry->name,
				  .pid = rb_entry_pid(entry) };
}

/* ------------------------------------------------------------------ reading */

/* What a line of JSON is put together in; what does not fit is cut. */
struct line {
	char *at;
	size_t left;
};

static void
add(struct line *line, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->at, line->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= line->left)
		n = (int)line->left - 1;
	line->at += n;
	line->left -= (size_t)n;
}

/* Files may be called anything. */
static void
add_text(struct line *line, const char *key, const char *text)
{
	add(line, ",\"%s\":\"", key);
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			add(line, "\\%c", *text);
		else
			add(line, "%c",
			    *text < ' ' || *text > '~' ? '?' : *text);
	add(line, "\"");
}

static void
add_time(struct line *line, int64_t ns)
{
	time_t seconds = ns / SECOND_NS;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	add(line, ",\"time\":\"%s.%09dZ\"", date, (int)(ns % SECOND_NS));
}

static void
write_json(const struct event *e, int64_t id, int64_t lost, struct line *line)
{
	add(line, "{\"id\":%" PRId64, id);
	add_time(line, e->time_ns);
	add(line, ",\"event\":\"%s\"", kinds[e->kind].name);
	if (e->channel[0] != '\0')
		add_text(line, "channel", e->channel);
	if (e->member[0] != '\0')
		add_text(line, "member", e->member);
	if (e->pid > 0)
		add(line, ",\"pid\":%" PRId64, e->pid);
	if (e->sequence > 0)
		add(line, ",\"sequence\":%" PRId64, e->sequence - 1);
	if (lost > 0)
		add(line, ",\"lost\":%" PRId64, lost);
	add_text(line, "text", e->text);
	add(line, "}");
}

int
rb_event_read(int64_t *id, char *json, size_t size, const char **ret_channel)
{
	int64_t first = events.next - RB_EVENTS_KEPT;
	int64_t wanted = *id;
	struct line line = { json, size };
	const struct event *e;

	if (first < events.base)
		first = events.base;
	if (wanted < events.base || wanted > events.next)
		wanted = events.base; /* another daemon's */
	*id = wanted < first ? first : wanted;
	if (events.kept == NULL || *id == events.next)
		return 0;
	e = &events.kept[*id % RB_EVENTS_KEPT];
	*ret_channel = e->channel;
	write_json(e, *id, *id - wanted, &line);
	return 1;
}
