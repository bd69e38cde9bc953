/* SPDX-License-Identifier: MIT */
/*
 * word.c - see word.h
 *
 * What NATS takes, without what would only be a mistake here: a wildcard in a
 * subject to publish to, a password in a text that everybody may see.
 */
#include "config/word.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

const char *
rb_word_wanted(enum rb_type type)
{
	switch (type) {
	case RB_TYPE_PATH:
	case RB_TYPE_FILE:
		return "an absolute path";
	case RB_TYPE_STREAM:
		return "a stream of letters, digits, _ and -";
	case RB_TYPE_SUBJECT:
		return "a subject such as ringbus.orders";
	case RB_TYPE_HOST:
		return "the name or the address of a host";
	case RB_TYPE_SERVERS:
		return "URLs such as nats://host:4222 or tls://host:4222";
	default:
		return NULL;
	}
}

static bool
consists_of(const char *text, size_t n, const char *allowed)
{
	return n > 0 && strspn(text, allowed) >= n;
}

/* Words with single dots between, of what can be seen. */
static bool
is_subject(const char *text, const char **ret_hint)
{
	if (strpbrk(text, "*>") != NULL)
		*ret_hint = "one subject, without wildcards";
	else if (text[0] == '$')
		*ret_hint = "what begins with $ belongs to the server";
	if (*ret_hint != NULL || text[0] == '.' || text[0] == '\0' ||
	    text[strlen(text) - 1] == '.' || strstr(text, "..") != NULL)
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool
is_host(const char *text, size_t n)
{
	if (n > 2 && text[0] == '[' && text[n - 1] == ']')
		return consists_of(text + 1, n - 2, DIGITS "ABCDEFabcdef:.");
	return consists_of(text, n, LETTERS DIGITS ".-_");
}

static bool
is_port(const char *text, size_t n)
{
	uint64_t port = 0;

	if (!consists_of(text, n, DIGITS) || n > 5)
		return false;
	while (n-- > 0)
		port = port * 10 + (uint64_t)(*text++ - '0');
	return port > 0 && port < 65536;
}

static bool
is_server(const char *text, size_t n, const char **ret_hint)
{
	size_t n_scheme = strncmp(text, "nats://", 7) == 0  ? 7
			  : strncmp(text, "tls://", 6) == 0 ? 6
							    : 0;
	size_t n_host;

	if (n_scheme == 0 || n_scheme >= n)
		return false;
	text += n_scheme;
	n -= n_scheme;
	if (memchr(text, '@', n) != NULL) {
		*ret_hint = "who may attach would see a password here: name "
			    "a file, by credentials or nkey";
		return false;
	}
	n_host = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":,");
	if (n_host >= n)
		return n_host == n && is_host(text, n);
	return is_host(text, n_host) && text[n_host] == ':' &&
	       is_port(text + n_host + 1, n - n_host - 1);
}

static bool
are_servers(const char *text, const char **ret_hint)
{
	for (;;) {
		size_t n = strcspn(text, ",");

		if (!is_server(text, n, ret_hint))
			return false;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

bool
rb_word_check(enum rb_type type, const char *text, const char **ret_hint)
{
	*ret_hint = NULL;
	switch (type) {
	case RB_TYPE_PATH:
	case RB_TYPE_FILE:
		return text[0] == '/';
	case RB_TYPE_STREAM:
		return consists_of(text, strlen(text), LETTERS DIGITS "_-");
	case RB_TYPE_SUBJECT:
		return is_subject(text, ret_hint);
	case RB_TYPE_HOST:
		return is_host(text, strlen(text));
	case RB_TYPE_SERVERS:
		return are_servers(text, ret_hint);
	default:
		return false;
	}
}
