/* SPDX-License-Identifier: MIT */
/*
 * send.c - a message on its way
 *
 * It says which message it follows, so that the server takes it at no other place.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/bridge/exporter.h"
#include "client/bridge/log.h"

#define ACK_WAIT_MS 10000

static natsStatus
make(struct exporter *e, const struct frame *f, natsMsg **ret)
{
	const struct batch *b = &e->batch;
	natsStatus status = natsMsg_Create(ret, e->setup->subject, NULL,
					   b->used > 0 ? b->bytes : "",
					   (int)b->used);

	if (status == NATS_OK)
		status = frame_set_headers(*ret, f, e->setup->stream,
					   e->window.next - 1, e->follows);
	return status;
}

/* What the library cannot send makes the window doubtful: it may be sent or not. */
static int
publish(struct exporter *e, const struct frame *f)
{
	const struct sent sent = { .last = f->last,
				   .index = f->index + frame_slots(f),
				   .bytes = (int64_t)e->batch.used };
	jsPubOptions options;
	natsMsg *msg = NULL;
	natsStatus status = make(e, f, &msg);

	if (status != NATS_OK) {
		natsMsg_Destroy(msg);

		return -ENOMEM;
	}
	jsPubOptions_Init(&options);
	options.MaxWait = ACK_WAIT_MS;
	window_add(&e->window, &sent);
	frame_name(f, e->follows);
	status = js_PublishMsgAsync(e->js, &msg, &options);
	natsMsg_Destroy(msg);
	e->index = sent.index;
	batch_clear(&e->batch);
	if (status != NATS_OK)
		window_doubt(&e->window, "a message could not be sent: %s",
			     natsStatus_GetText(status));
	return 0;
}

int
send_batch(struct exporter *e)
{
	const struct batch *b = &e->batch;
	const struct frame f = { .kind = e->kind,
				 .first = b->first,
				 .last = b->last,
				 .count = b->count,
				 .index = e->index };

	if ((int64_t)b->used + FRAME_HEADERS_SIZE > e->max_message) {
		log_error(
			"the event at %" PRId64 " makes a message of %zu "
			"bytes and up to %d of headers, more than the %" PRId64
			" that the server takes: raise its max_payload, or "
			"the max_msg_size of stream %s",
			b->first, b->used, FRAME_HEADERS_SIZE, e->max_message,
			e->setup->stream);
		return -EMSGSIZE;
	}
	return publish(e, &f);
}

int
send_gap(struct exporter *e, int64_t first, int64_t last)
{
	const struct frame f = { .kind = e->kind,
				 .first = first,
				 .last = last,
				 .index = e->index,
				 .is_gap = true };

	log_error("LOST: slots %" PRId64 " to %" PRId64
		  " were acknowledged, and are neither in the stream any more "
		  "nor here: the stream says so in message %" PRIu64,
		  first, last, e->window.next);
	return publish(e, &f);
}
