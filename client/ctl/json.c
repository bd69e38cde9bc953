/* SPDX-License-Identifier: MIT */
/*
 * json.c - JSON Lines: one object a line
 *
 * Only what JSON demands is escaped, so that text stays readable.
 */
#include "client/ctl/json.h"

#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------- UTF-8 */

/* Bytes of the character that begins with `c`, 0 for none. */
static size_t
char_size(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0)
		return 3;
	return c < 0xf5 ? 4 : 0;
}

/* Too long for what it says, half of a surrogate, or beyond Unicode. */
static bool
is_forbidden(const unsigned char *p)
{
	return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	       (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
}

static bool
is_utf8(const unsigned char *p, size_t size)
{
	size_t n, i;

	while (size > 0) {
		n = char_size(p[0]);
		if (n == 0 || n > size)
			return false;
		for (i = 1; i < n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		if (n > 1 && is_forbidden(p))
			return false;
		p += n;
		size -= n;
	}
	return true;
}

/* ------------------------------------------------------------------ values */

static void
write_escape(struct output *out, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char names[] = "\"\\bfnrt";
	const char *found = c != 0 ? strchr(plain, c) : NULL;

	if (found != NULL)
		output_print(out, "\\%c", names[found - plain]);
	else
		output_print(out, "\\u%04x", c);
}

static bool
needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static void
write_quoted(struct output *out, const unsigned char *p, size_t size)
{
	size_t n;

	output_write(out, "\"", 1);
	while (size > 0) {
		for (n = 0; n < size && !needs_escape(p[n]); n++)
			;
		output_write(out, p, n);
		if (n < size)
			write_escape(out, p[n++]);
		p += n;
		size -= n;
	}
	output_write(out, "\"", 1);
}

static void
write_base64(struct output *out, const unsigned char *p, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	char quad[4];
	uint32_t v;

	output_write(out, "\"", 1);
	for (; size > 0; p += 3, size -= size < 3 ? size : 3) {
		v = (uint32_t)p[0] << 16;
		v |= size > 1 ? (uint32_t)p[1] << 8 : 0;
		v |= size > 2 ? p[2] : 0;
		quad[0] = digits[v >> 18];
		quad[1] = digits[v >> 12 & 63];
		quad[2] = size > 1 ? digits[v >> 6 & 63] : '=';
		quad[3] = size > 2 ? digits[v & 63] : '=';
		output_write(out, quad, sizeof(quad));
		if (size < 3)
			break;
	}
	output_write(out, "\"", 1);
}

static void
write_key(struct json *json, const char *key, const char *suffix)
{
	if (json->comma)
		output_write(json->out, ",", 1);
	json->comma = true;
	if (key != NULL)
		output_print(json->out, "\"%s%s\":", key, suffix);
}

void
json_string(struct json *json, const char *key, const char *text)
{
	json_bytes(json, key, text, strlen(text));
}

void
json_bytes(struct json *json, const char *key, const void *data, size_t size)
{
	if (is_utf8(data, size)) {
		write_key(json, key, "");
		write_quoted(json->out, data, size);
	} else {
		write_key(json, key, "_base64");
		write_base64(json->out, data, size);
	}
}

void
json_int(struct json *json, const char *key, int64_t value)
{
	write_key(json, key, "");
	output_print(json->out, "%" PRId64, value);
}

void
json_uint(struct json *json, const char *key, uint64_t value)
{
	write_key(json, key, "");
	output_print(json->out, "%" PRIu64, value);
}

void
json_bool(struct json *json, const char *key, bool value)
{
	write_key(json, key, "");
	output_string(json->out, value ? "true" : "false");
}

/* --------------------------------------------------------------- structure */

void
json_open(struct json *json, const char *key, char kind)
{
	write_key(json, key, "");
	output_write(json->out, &kind, 1);
	json->comma = false;
}

void
json_close(struct json *json, char kind)
{
	output_write(json->out, &kind, 1);
	json->comma = true;
}

void
json_begin(struct json *json, struct output *out)
{
	json->out = out;
	json->comma = false;
	json_open(json, NULL, '{');
}

void
json_end(struct json *json)
{
	json_close(json, '}');
	output_write(json->out, "\n", 1);
}
