/* SPDX-License-Identifier: MIT */
/*
 * ctl.c - connecting, and saying what went wrong
 *
 * Every message has the same shape: the program, the verb and its channel, what
 * is wrong, what to do. The daemon's own words come first: it knows more.
 */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/json.h"

static void
print_prefix(const struct ctl *ctl)
{
	fprintf(stderr, "ringbusctl: %s", ctl->called);
	if (ctl->verb->min_operands > 0 && ctl->n_operands > 0)
		fprintf(stderr, " %s", ctl->operands[0]);
	fputs(": ", stderr);
}

void
ctl_say(const struct ctl *ctl, const char *fmt, ...)
{
	va_list args;

	print_prefix(ctl);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

enum ctl_exit
ctl_misused(const struct ctl *ctl, const char *fmt, ...)
{
	va_list args;

	print_prefix(ctl);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": see ringbusctl %s --help\n", ctl->called);
	return CTL_USAGE;
}

enum ctl_exit
ctl_failed(const struct ctl *ctl, int err)
{
	const char *advice = ctl_exit_advice(err);

	if (advice != NULL)
		ctl_say(ctl, "%s: %s", ringbus_strerror(err), advice);
	else
		ctl_say(ctl, "%s", ringbus_strerror(err));
	return ctl_exit_code(err);
}

static enum ctl_exit
say_silent(const struct ctl *ctl, const char *more)
{
	ctl_say(ctl,
		"the daemon at %s does not answer: is it stopped, or very "
		"busy?%s",
		ctl->bus != NULL ? ringbus_socket(ctl->bus)
				 : ringbus_error(NULL),
		more);
	return ctl_exit_code(-ETIMEDOUT);
}

enum ctl_exit
ctl_refused(const struct ctl *ctl, int err)
{
	const char *words = ringbus_error(ctl->bus);

	if (err == -ETIMEDOUT)
		return say_silent(ctl, "");
	if (words == NULL || words[0] == '\0')
		return ctl_failed(ctl, err);
	ctl_say(ctl, "%s", words);
	return ctl_exit_code(err);
}

enum ctl_exit
ctl_finish(const struct ctl *ctl, struct output *out)
{
	int r = output_flush(out);

	if (r == 0)
		return CTL_OK;
	if (r == -EINTR)
		return CTL_INTERRUPTED;
	if (r != -EPIPE)
		ctl_say(ctl, "cannot write to stdout: %s", strerror(-r));
	return CTL_FAILED;
}

enum ctl_exit
ctl_confirm(const struct ctl *ctl, const char *done)
{
	struct output out;
	struct json json;

	if (!ctl->common.json)
		return CTL_OK;
	output_init(&out, STDOUT_FILENO);
	json_begin(&json, &out);
	json_string(&json, "channel", ctl->operands[0]);
	json_bool(&json, done, true);
	json_end(&json);
	return ctl_finish(ctl, &out);
}

const char *
ctl_describe_laggard(const struct ringbus_member *member, char *text)
{
	char who[32] = "absent";

	if (member->group)
		snprintf(who, sizeof(who), "group");
	else if (member->pid > 0)
		snprintf(who, sizeof(who), "pid %" PRId64, member->pid);
	snprintf(text, CTL_LAGGARD_TEXT,
		 "consumer %s (%s) is %" PRId64 " slots behind, at sequence "
		 "%" PRId64,
		 member->name, who, member->lag, member->sequence);
	return text;
}

/* All places that were tried; see ringbus_connect(). */
static const char *
name_sockets(const struct ctl *ctl, char *text, size_t size)
{
	const char *last = ringbus_error(NULL);
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	bool has_runtime = runtime != NULL && runtime[0] != '\0';

	if (ctl->common.socket != NULL || getenv("RINGBUS_SOCKET") != NULL ||
	    geteuid() == 0)
		return last;
	snprintf(text, size, "%s%s/dev/shm/ringbus-%u/.control.sock or %s",
		 has_runtime ? runtime : "",
		 has_runtime ? "/ringbus/control.sock, " : "",
		 (unsigned)geteuid(), last);
	return text;
}

enum ctl_exit
ctl_not_connected(const struct ctl *ctl, int err, const char *more)
{
	char text[4096];

	/* The socket of one that was killed may stay a moment longer. */
	if (err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET)
		ctl_say(ctl,
			"no daemon at %s: start ringbusd, or name its socket "
			"with --socket or RINGBUS_SOCKET%s",
			name_sockets(ctl, text, sizeof(text)), more);
	else if (err == -EACCES)
		ctl_say(ctl,
			"%s is not for this user: ask for the group that may "
			"connect",
			ringbus_error(NULL));
	else if (err == -ETIMEDOUT)
		return say_silent(ctl, more[0] == '\0'
					       ? ""
					       : " --shm-dir names the folder "
						 "of its channels");
	else
		return ctl_failed(ctl, err);
	return ctl_exit_code(err);
}

enum ctl_exit
ctl_connect(struct ctl *ctl)
{
	int r;

	if (ctl->common.shm_dir != NULL)
		return ctl_misused(ctl,
				   "--shm-dir has no daemon, and this needs "
				   "one");
	r = ringbus_connect(ctl->common.socket, &ctl->bus);
	return r == 0 ? CTL_OK : ctl_not_connected(ctl, r, "");
}

enum ctl_exit
ctl_request(struct ctl *ctl,
	    int (*request)(struct ringbus *bus, const char *channel),
	    const char *done)
{
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	if (code != CTL_OK)
		return code;
	r = request(ctl->bus, ctl->operands[0]);
	return r < 0 ? ctl_refused(ctl, r) : ctl_confirm(ctl, done);
}

int64_t
ctl_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CTL_SECOND_NS + now.tv_nsec;
}
