/* SPDX-License-Identifier: MIT */
/*
 * format.c - an event as text, hex, raw bytes or JSON
 *
 * A slot of a fixed channel has one size whatever was put in. Text and JSON
 * leave its trailing zero bytes out; JSON gives the size, hex and raw show all.
 */
#include "client/ctl/format.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "client/ctl/json.h"
#include "client/ctl/when.h"

static int
parse_format(const char *text, void *target)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_HEX] = "hex",
		[FORMAT_RAW] = "raw",
		[FORMAT_JSON] = "json",
	};
	int kind = options_choose(text, names, 4);

	if (kind < 0)
		return kind;
	*(int *)target = kind;
	return 0;
}

const struct options_type format_type = { parse_format,
					  "one of text, hex, raw, json" };

static size_t
size_without_padding(const struct format *format,
		     const struct ringbus_event *event)
{
	const char *data = event->data;
	size_t size = event->size;

	while (format->is_fixed && size > 0 && data[size - 1] == '\0')
		size--;
	return size;
}

static void
write_hex(const struct ringbus_event *event, struct output *out)
{
	const unsigned char *data = event->data;
	static const char digits[] = "0123456789abcdef";
	char text[3] = " ";
	size_t i;

	output_print(out, "%" PRId64 " ", event->sequence);
	for (i = 0; i < event->size; i++) {
		text[1] = digits[data[i] >> 4];
		text[2] = digits[data[i] & 15];
		output_write(out, text, 3);
	}
	output_string(out, "  |");
	for (i = 0; i < event->size; i++) {
		text[0] = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i]
							    : '.';
		output_write(out, text, 1);
	}
	output_string(out, "|\n");
}

static void
write_stamp(const struct format *format, struct json *json)
{
	char text[WHEN_TEXT];

	if (format->stamp == NULL)
		return;
	json_int(json, "epoch", format->stamp->epoch);
	json_string(json, "time", when_format(format->stamp->time_ns, text));
}

static void
write_json(const struct format *format, const struct ringbus_event *event,
	   struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "channel", format->channel);
	write_stamp(format, &json);
	json_int(&json, "sequence", event->sequence);
	json_uint(&json, "size", event->size);
	json_bytes(&json, "data", event->data,
		   size_without_padding(format, event));
	json_end(&json);
}

void
format_event(const struct format *format, const struct ringbus_event *event,
	     struct output *out)
{
	uint32_t length = htole32((uint32_t)event->size);

	switch (format->kind) {
	case FORMAT_HEX:
		write_hex(event, out);
		break;
	case FORMAT_RAW:
		if (format->has_lengths)
			output_write(out, &length, sizeof(length));
		output_write(out, event->data, event->size);
		break;
	case FORMAT_JSON:
		write_json(format, event, out);
		break;
	default:
		output_write(out, event->data,
			     size_without_padding(format, event));
		output_write(out, "\n", 1);
	}
}

void
format_gap(const struct format *format, const struct format_gap *gap,
	   struct output *out)
{
	struct json json;

	if (format->kind != FORMAT_JSON)
		return;
	json_begin(&json, out);
	json_string(&json, "channel", format->channel);
	write_stamp(format, &json);
	json_int(&json, gap->what, gap->n);
	json_int(&json, "before", gap->sequence);
	json_end(&json);
}
