/* SPDX-License-Identifier: MIT */
/*
 * stream.c - see stream.h
 */
#include "client/bridge/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/bridge/log.h"
#include "client/bridge/notify.h"
#include "client/bridge/server.h"
#include "client/bridge/wake.h"

static char told[512];

void
stream_trouble(const char *fmt, ...)
{
	char text[sizeof(told)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (strcmp(text, told) == 0)
		return;
	memcpy(told, text, sizeof(told));
	log_warning("%s", text);
}

void
stream_no_trouble(void)
{
	told[0] = '\0';
}

/* What is to be done after a call that failed. */
static int
explain(const struct setup *setup, const char *what, natsStatus status,
	jsErrCode code)
{
	if (code == JSStreamNotFoundErr || code == JSNoMessageFoundErr)
		return -ENOENT;
	stream_trouble("stream %s: %s: %s", setup->stream, what,
		       server_why(status));
	return -EAGAIN;
}

static void
read_state(const jsStreamInfo *info, struct stream_state *ret)
{
	ret->created_ns = info->Created;
	ret->first = info->State.FirstSeq;
	ret->last = info->State.LastSeq;
	ret->max_message = info->Config->MaxMsgSize;
	if (info->State.Msgs == 0)
		ret->first = ret->last + 1;
}

static int
make(jsCtx *js, const struct setup *setup, jsStreamInfo **ret)
{
	const char *subjects[] = { setup->subject };
	jsStreamConfig config;
	jsErrCode code = 0;
	natsStatus status;

	jsStreamConfig_Init(&config);
	config.Name = setup->stream;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_FileStorage;
	config.Replicas = setup->replicas;
	config.Duplicates = setup->duplicates_ns;
	config.AllowDirect = true;
	/* Full is full: to drop the oldest would lose what is not imported. */
	config.Discard = js_DiscardNew;
	if (setup->stream_size > 0)
		config.MaxBytes = setup->stream_size;
	config.MaxAge = setup->stream_age_ns;
	if (config.MaxAge > 0 && config.Duplicates > config.MaxAge)
		config.Duplicates = config.MaxAge;
	status = js_AddStream(ret, js, &config, NULL, &code);
	if (status != NATS_OK)
		return explain(setup,
			       code == JSStreamSubjectOverlapErr
				       ? "cannot be made: set bridge: subject "
					 "to one that no other stream takes"
				       : "cannot be made",
			       status, code);
	log_info("made the stream %s for %s", setup->stream, setup->subject);
	return 0;
}

/* Word by word: "*" is any one, ">" all that follow. */
static bool
subject_matches(const char *pattern, const char *subject)
{
	for (;;) {
		size_t n = strcspn(pattern, "."), m = strcspn(subject, ".");

		if (strcmp(pattern, ">") == 0)
			return m > 0;
		if (!(n == 1 && pattern[0] == '*') &&
		    (n != m || strncmp(pattern, subject, n) != 0))
			return false;
		pattern += n;
		subject += m;
		if (*pattern == '\0' || *subject == '\0')
			return *pattern == *subject;
		pattern++;
		subject++;
	}
}

static bool
takes_subject(const jsStreamConfig *config, const char *subject)
{
	for (int i = 0; i < config->SubjectsLen; i++)
		if (subject_matches(config->Subjects[i], subject))
			return true;
	return false;
}

enum {
	DROPS = 1,
	IN_MEMORY = 2,
	NO_ACK = 4,
};

static unsigned
losses_of(const jsStreamConfig *config)
{
	bool is_limited = config->MaxBytes > 0 || config->MaxMsgs > 0;
	unsigned losses = 0;

	/* One of a subject is dropped for the next one, whatever `discard` says. */
	if (config->MaxMsgsPerSubject > 0 ||
	    (is_limited && config->Discard != js_DiscardNew))
		losses |= DROPS;
	if (config->Storage != js_FileStorage)
		losses |= IN_MEMORY;
	if (config->NoAck)
		losses |= NO_ACK;
	return losses;
}

/* What would lose events is told, and left to who made it so. */
static void
warn_of_losses(const jsStreamConfig *config, const struct setup *setup)
{
	static unsigned warned;
	unsigned losses = losses_of(config), news = losses & ~warned;

	/* The stream is looked at again and again. */
	warned = losses;
	if (news & DROPS)
		log_warning("stream %s drops its oldest messages when it is "
			    "full: what is not imported by then is lost; with "
			    "discard: new the exporting channel waits",
			    setup->stream);
	if (news & IN_MEMORY)
		log_warning("stream %s is kept in memory: it goes with its "
			    "server",
			    setup->stream);
	if (news & NO_ACK)
		log_error("stream %s acknowledges nothing (no_ack): nothing "
			  "can be exported to it",
			  setup->stream);
}

/* What is taken out when it was read, or when nobody reads, is no stream for us. */
static bool
keeps_messages(const jsStreamConfig *config, const struct setup *setup)
{
	if (config->Retention == js_LimitsPolicy)
		return true;
	log_error("stream %s does not keep its messages: make it with "
		  "retention: limits, or set bridge: stream",
		  setup->stream);
	return false;
}

static int
check(const jsStreamInfo *info, const struct setup *setup)
{
	if (!keeps_messages(info->Config, setup))
		return -EINVAL;
	if (!takes_subject(info->Config, setup->subject)) {
		log_error("stream %s does not take the subject %s: add it, or "
			  "set bridge: subject",
			  setup->stream, setup->subject);
		return -EINVAL;
	}
	warn_of_losses(info->Config, setup);
	return 0;
}

static int
find(jsCtx *js, const struct setup *setup, jsStreamInfo **ret)
{
	jsErrCode code = 0;
	natsStatus status = js_GetStreamInfo(ret, js, setup->stream, NULL,
					     &code);

	/* It does not tell in `code` what it returns as a status. */
	if (status == NATS_NOT_FOUND)
		return -ENOENT;
	return status == NATS_OK ? 0
				 : explain(setup, "no answer", status, code);
}

int
stream_ensure(jsCtx *js, const struct setup *setup, bool may_make,
	      struct stream_state *ret)
{
	jsStreamInfo *info = NULL;
	int err = find(js, setup, &info);

	if (err == -ENOENT && may_make && setup->manage_stream)
		err = make(js, setup, &info);
	if (err == -ENOENT)
		stream_trouble("stream %s is not there: waiting for it",
			       setup->stream);
	if (err == 0)
		err = check(info, setup);
	if (err == 0)
		read_state(info, ret);
	jsStreamInfo_Destroy(info);
	return err;
}

int
stream_look(jsCtx *js, const struct setup *setup, struct stream_state *ret)
{
	jsStreamInfo *info = NULL;
	int err = find(js, setup, &info);

	if (err == 0)
		read_state(info, ret);
	jsStreamInfo_Destroy(info);
	return err;
}

int
stream_read(jsCtx *js, const struct setup *setup, uint64_t sequence,
	    struct frame *ret)
{
	natsMsg *msg = NULL;
	jsErrCode code = 0;
	const char *wrong;
	natsStatus status = js_GetMsg(&msg, js, setup->stream, sequence, NULL,
				      &code);
	int err;

	if (status == NATS_NOT_FOUND)
		return -ENOENT;
	if (status != NATS_OK)
		return explain(setup, "a message cannot be read", status, code);
	err = frame_read(msg, ret, &wrong);
	if (err < 0)
		stream_trouble("stream %s: message %" PRIu64
			       " is none of a bridge: %s: waiting until it is "
			       "removed",
			       setup->stream, sequence, wrong);
	natsMsg_Destroy(msg);
	return err;
}

/* Reads message `*sequence`, or if that was removed the next one before `end`: 0, or
 * -ENOENT if there is none. That may be after a million of them. */
static int
read_from(jsCtx *js, const struct setup *setup, uint64_t *sequence,
	  uint64_t end, struct frame *ret)
{
	int err = -ENOENT;

	while (*sequence < end && err == -ENOENT) {
		notify_alive();
		if (wake_is_stopped())
			return -EAGAIN;
		err = stream_read(js, setup, *sequence, ret);
		if (err == -ENOENT)
			++*sequence;
	}
	return err;
}

int
stream_search(jsCtx *js, const struct setup *setup,
	      const struct stream_state *state, stream_before_fn before,
	      void *context, uint64_t *ret)
{
	uint64_t first = state->first, end = state->last + 1;

	while (first < end) {
		uint64_t middle = first + (end - first) / 2, at = middle;
		struct frame f;
		int err = read_from(js, setup, &at, end, &f);

		if (err < 0 && err != -ENOENT)
			return -EAGAIN;
		if (err == 0 && before(&f, context))
			first = at + 1;
		else
			end = middle;
	}
	*ret = first;
	return 0;
}
