/* SPDX-License-Identifier: MIT */
/*
 * frame.c - see frame.h
 */
#include "client/bridge/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const framings[] = { "fixed", "framed" };

void
frame_kind_of(const struct ringbus_info *info, struct frame_kind *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->generation = info->generation;
	ret->framing = info->framing;
	ret->size = info->framing == RINGBUS_FRAMED ? info->slot_size
						    : info->event_size;
	if (info->type[0] != '\0')
		snprintf(ret->type, sizeof(ret->type), "%s/%u", info->type,
			 info->type_version);
}

/* The first that fails is what counts. */
static void
set(natsStatus *status, natsMsg *msg, const char *key, const char *value)
{
	if (*status == NATS_OK)
		*status = natsMsgHeader_Set(msg, key, value);
}

static void
set_number(natsStatus *status, natsMsg *msg, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	set(status, msg, key, text);
}

static int64_t
realtime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void
frame_name(const struct frame *f, char id[FRAME_ID_SIZE])
{
	snprintf(id, FRAME_ID_SIZE, "%" PRIx64 ".%" PRId64 ".%" PRId64,
		 f->kind.generation, f->first, f->last);
}

natsStatus
frame_set_headers(natsMsg *msg, const struct frame *f, const char *stream,
		  uint64_t expected, const char *follows)
{
	natsStatus status = NATS_OK;
	char text[FRAME_ID_SIZE];

	frame_name(f, text);
	set(&status, msg, "Nats-Msg-Id", text);
	set(&status, msg, "Nats-Expected-Stream", stream);
	/* By hand: the library leaves out that a stream is to be empty. */
	set_number(&status, msg, "Nats-Expected-Last-Sequence",
		   (int64_t)expected);
	/* A late message of another try may have got that number. */
	if (follows[0] != '\0')
		set(&status, msg, "Nats-Expected-Last-Msg-Id", follows);
	snprintf(text, sizeof(text), "%" PRIx64, f->kind.generation);
	set(&status, msg, "Rb-Generation", text);
	set_number(&status, msg, "Rb-First", f->first);
	set_number(&status, msg, "Rb-Last", f->last);
	set_number(&status, msg, "Rb-Count", f->count);
	set_number(&status, msg, "Rb-Index", f->index);
	set(&status, msg, "Rb-Framing", framings[f->kind.framing]);
	set_number(&status, msg, "Rb-Size", (int64_t)f->kind.size);
	set_number(&status, msg, "Rb-Time", realtime());
	if (f->kind.type[0] != '\0')
		set(&status, msg, "Rb-Type", f->kind.type);
	if (f->is_gap)
		set_number(&status, msg, "Rb-Gap", frame_slots(f));
	return status;
}

static const char *
get(natsMsg *msg, const char *key)
{
	const char *value = NULL;

	return natsMsgHeader_Get(msg, key, &value) == NATS_OK ? value : NULL;
}

/* From 0 on, below 2^62, so that sums of two fit. */
static bool
get_number(natsMsg *msg, const char *key, int64_t *ret)
{
	const char *text = get(msg, key);
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && *ret < INT64_C(1) << 62;
}

static bool
get_generation(natsMsg *msg, uint64_t *ret)
{
	const char *text = get(msg, "Rb-Generation");
	char *end;

	if (text == NULL || strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	return errno == 0 && text[0] != '\0';
}

static bool
get_kind(natsMsg *msg, struct frame_kind *ret)
{
	const char *framing = get(msg, "Rb-Framing");
	const char *type = get(msg, "Rb-Type");
	int64_t size;

	if (framing == NULL || !get_number(msg, "Rb-Size", &size) || size == 0)
		return false;
	ret->size = (uint64_t)size;
	ret->framing = strcmp(framing, framings[RINGBUS_FRAMED]) == 0;
	snprintf(ret->type, sizeof(ret->type), "%s", type != NULL ? type : "");
	return ret->framing == RINGBUS_FRAMED ||
	       strcmp(framing, framings[RINGBUS_FIXED]) == 0;
}

/* As many events and slots as the headers say. */
static bool
payload_fits(const struct frame *f, natsMsg *msg)
{
	size_t at = 0, size;
	const void *data;
	int64_t slots = 0, count = 0;

	if (f->is_gap)
		return natsMsg_GetDataLength(msg) == 0;
	if (f->kind.framing == RINGBUS_FIXED)
		return f->count == frame_slots(f) &&
		       (uint64_t)f->count <= INT32_MAX / f->kind.size &&
		       (uint64_t)natsMsg_GetDataLength(msg) ==
			       (uint64_t)f->count * f->kind.size;
	while (frame_next(f, msg, &at, &data, &size) > 0) {
		slots += frame_event_slots(&f->kind, size);
		count++;
	}
	return at == (size_t)natsMsg_GetDataLength(msg) && count == f->count &&
	       slots == frame_slots(f);
}

int
frame_read(natsMsg *msg, struct frame *ret, const char **ret_wrong)
{
	struct frame f = { 0 };
	int64_t gap;
	const char *wrong = NULL;

	f.is_gap = get(msg, "Rb-Gap") != NULL;
	if (!get_generation(msg, &f.kind.generation))
		wrong = "Rb-Generation";
	else if (!get_number(msg, "Rb-First", &f.first))
		wrong = "Rb-First";
	else if (!get_number(msg, "Rb-Last", &f.last) || f.last < f.first)
		wrong = "Rb-Last";
	else if (!get_number(msg, "Rb-Count", &f.count))
		wrong = "Rb-Count";
	else if (!get_number(msg, "Rb-Index", &f.index))
		wrong = "Rb-Index";
	else if (!get_kind(msg, &f.kind))
		wrong = "Rb-Framing or Rb-Size";
	else if (f.is_gap && (!get_number(msg, "Rb-Gap", &gap) ||
			      gap != frame_slots(&f) || f.count != 0))
		wrong = "Rb-Gap";
	else if (!payload_fits(&f, msg))
		wrong = "payload";
	if (wrong != NULL) {
		*ret_wrong = wrong;
		return -EBADMSG;
	}
	*ret = f;
	return 0;
}

int
frame_next(const struct frame *f, natsMsg *msg, size_t *at,
	   const void **ret_data, size_t *ret_size)
{
	const unsigned char *data = (const void *)natsMsg_GetData(msg);
	size_t end = (size_t)natsMsg_GetDataLength(msg);
	size_t size = f->kind.size, start = *at;

	if (f->kind.framing == RINGBUS_FRAMED) {
		if (end - start < FRAME_LENGTH)
			return 0;
		size = (size_t)data[start] | (size_t)data[start + 1] << 8 |
		       (size_t)data[start + 2] << 16 |
		       (size_t)data[start + 3] << 24;
		start += FRAME_LENGTH;
	}
	if (end - start < size)
		return 0;
	*ret_data = data + start;
	*ret_size = size;
	*at = start + size;
	return 1;
}
