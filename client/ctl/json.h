/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON Lines: one object a line
 *
 * Members are written in the order of the calls, numbers as integers of 64
 * bits. Bytes that are no UTF-8 cannot be a JSON string: they become base64,
 * in a key with "_base64" behind it.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ctl/output.h"

struct json {
	struct output *out;
	bool comma; /* something stands in front of the next value */
};

/* The line's object, and its end. */
void json_begin(struct json *json, struct output *out);
void json_end(struct json *json);

/* In an array, the key is NULL. */
void json_string(struct json *json, const char *key, const char *text);
void json_bytes(struct json *json, const char *key, const void *data,
		size_t size);
void json_int(struct json *json, const char *key, int64_t value);
void json_uint(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);

/* kind: '{' or '['; json_close() takes '}' or ']'. */
void json_open(struct json *json, const char *key, char kind);
void json_close(struct json *json, char kind);

#endif
