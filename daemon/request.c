/* SPDX-License-Identifier: MIT */
/*
 * request.c - see request.h
 */
#include "daemon/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/rights.h"
#include "shm/member.h"

static bool
is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
is_zero(const void *bytes, size_t size)
{
	static const uint8_t zero[sizeof(((struct rb_control *)0)->reserved)];

	return memcmp(bytes, zero, size) == 0;
}

static bool
has_good_strings(const struct rb_control *r)
{
	return is_terminated(r->channel, sizeof(r->channel)) &&
	       is_terminated(r->name, sizeof(r->name)) &&
	       is_terminated(r->type_name, sizeof(r->type_name)) &&
	       is_terminated(r->text, sizeof(r->text));
}

static bool
has_good_flags(const struct rb_control *r)
{
	static const uint32_t allowed[RB_CONTROL_LAST + 1] = {
		[RB_CONTROL_DETACH] = RB_CONTROL_FORGET,
		[RB_CONTROL_PLAN] = RB_CONTROL_RESET,
		[RB_CONTROL_CREATE] = RB_CONTROL_PREPARE,
		[RB_CONTROL_CLOSE] = RB_CONTROL_ABORT,
		[RB_CONTROL_PAUSE] = RB_CONTROL_RESUME,
		[RB_CONTROL_RELOAD] = RB_CONTROL_DRY | RB_CONTROL_RECREATE,
		[RB_CONTROL_SETTING] = RB_CONTROL_VALUE,
	};

	return (r->flags & ~allowed[r->type]) == 0;
}

static bool
has_good_numbers(const struct rb_control *r)
{
	return r->role <= RB_ROLE_CONSUMER && r->slow <= RB_SLOW_LOSSY &&
	       r->is_slow_set <= 1 && r->on_death <= RB_ON_DEATH_KEEP &&
	       r->is_group <= 1 && r->from >= RB_FROM_RESUME &&
	       r->max_stall_ns <= INT64_MAX && r->keep_for_ns <= INT64_MAX &&
	       r->fill_size <= sizeof(r->fill) && r->strict <= 1 &&
	       r->latency <= 1 && r->stuck_after_ns <= INT64_MAX;
}

/* Could one of our libraries, of this version, have sent it? */
static bool
is_well_formed(const struct rb_control *r)
{
	return r->version == RB_CONTROL_VERSION &&
	       r->type >= RB_CONTROL_HELLO && r->type <= RB_CONTROL_LAST &&
	       has_good_strings(r) && has_good_flags(r) &&
	       has_good_numbers(r) && r->padding == 0 &&
	       is_zero(r->reserved, sizeof(r->reserved));
}

static bool
names_channel(enum rb_control_type type)
{
	return type == RB_CONTROL_ATTACH || type == RB_CONTROL_DETACH ||
	       type == RB_CONTROL_CREATE || type == RB_CONTROL_OPEN ||
	       type == RB_CONTROL_REMOVE || type == RB_CONTROL_CLOSE ||
	       type == RB_CONTROL_MEND || type == RB_CONTROL_PAUSE ||
	       type == RB_CONTROL_EVICT || type == RB_CONTROL_MOVE ||
	       type == RB_CONTROL_SETTING;
}

int
rb_request_refuse(const struct rb_peer *peer, struct rb_control *answer,
		  int err, const char *fmt, ...)
{
	int n = 0;
	va_list args;

	if (names_channel(answer->type) && rb_name_is_valid(answer->channel))
		n = snprintf(answer->text, sizeof(answer->text),
			     "channel %s: ", answer->channel);
	va_start(args, fmt);
	vsnprintf(answer->text + n, sizeof(answer->text) - (size_t)n, fmt,
		  args);
	va_end(args);
	answer->result = err;
	rb_user_log(peer->user, LOG_INFO, "refused pid %d (uid %u): %s",
		    peer->who.pid, peer->who.uid, answer->text);
	return err;
}

static void
tell_missing(const struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_refused *refused = rb_registry_find_refused(
		&peer->daemon->registry, answer->channel);

	if (refused != NULL)
		rb_request_refuse(peer, answer, refused->err,
				  "ringbusd does not serve it: %s",
				  refused->why);
	else
		rb_request_refuse(peer, answer, -ENOENT,
				  "there is none of this name; ringbusctl ls "
				  "lists them");
}

struct rb_hosted *
rb_request_find_channel(const struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_registry_find(&peer->daemon->registry,
						    answer->channel);

	if (hosted == NULL) {
		tell_missing(peer, answer);
		return NULL;
	}
	if (hosted->preparing == NULL || hosted->preparing == peer)
		return hosted;
	rb_request_refuse(peer, answer, -ENOENT,
			  "pid %d is still preparing it: try again later",
			  hosted->preparing->who.pid);
	return NULL;
}

int
rb_request_check_whole(const struct rb_peer *peer,
		       const struct rb_hosted *hosted,
		       struct rb_control *answer)
{
	if (!rb_hosted_is_broken(hosted))
		return 0;
	return rb_request_refuse(peer, answer, -EBADMSG, RB_HOSTED_BROKEN);
}

struct rb_hosted *
rb_request_find_to_manage(const struct rb_peer *peer, struct rb_control *answer,
			  const char *act)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);

	if (hosted == NULL ||
	    rb_rights_check_admin(peer, hosted, answer, act) < 0 ||
	    rb_request_check_whole(peer, hosted, answer) < 0)
		return NULL;
	return hosted;
}

/* ------------------------------------------------------------ introductions */

static int
check_room(const struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_server *server = peer->server;
	unsigned n = peer->user->n_greeted;

	if (server->n_greeted >= rb_server_limit(server, &peer->who))
		return rb_request_refuse(peer, answer, -EUSERS,
					 "%u connections are there already: "
					 "close some, or raise max_clients",
					 server->n_greeted);
	if (n >= rb_server_user_limit(server, &peer->who))
		return rb_request_refuse(peer, answer, -EUSERS,
					 "uid %u has %u connections already, "
					 "all that one user may: close some, "
					 "or raise max_clients_per_user",
					 peer->who.uid, n);
	return 0;
}

static int
check_hello(struct rb_peer *peer, struct rb_control *answer)
{
	if (answer->version != RB_CONTROL_VERSION)
		return rb_request_refuse(peer, answer, -EPROTONOSUPPORT,
					 "the library speaks version %u of the "
					 "protocol, this ringbusd %u: install "
					 "the same ringbus for both",
					 answer->version, RB_CONTROL_VERSION);
	if (answer->layout_hash != rb_layout_hash())
		return rb_request_refuse(peer, answer, -EPROTONOSUPPORT,
					 "the library has another memory "
					 "layout (%016" PRIx64
					 ") than this ringbusd (%016" PRIx64
					 "): install the same ringbus for both",
					 answer->layout_hash, rb_layout_hash());
	if (peer->process == NULL)
		return rb_request_refuse(
			peer, answer, -EXDEV,
			"the process lives outside of "
			"ringbusd's PID namespace, which could "
			"not see it die: run ringbusd outside "
			"too, or share the PID namespace");
	return check_room(peer, answer);
}

/* A peer that is refused here is of no use: the answer is the last word. */
static int
greet(struct rb_peer *peer, struct rb_control *answer)
{
	int err = check_hello(peer, answer);
	int sent;

	answer->version = RB_CONTROL_VERSION;
	answer->layout_hash = rb_layout_hash();
	sent = rb_peer_send(peer, answer, NULL);
	if (err == 0 && sent == 0)
		rb_peer_set_greeted(peer);
	return err < 0 ? err : sent;
}

/* ----------------------------------------------------------------- dispatch */

static int
answer_ping(struct rb_peer *peer, struct rb_control *answer)
{
	(void)peer;
	answer->pid = (uint32_t)getpid();
	return 0;
}

static int
dispatch(struct rb_peer *peer, struct rb_control *answer)
{
	static int (*const handlers[])(struct rb_peer *,
				       struct rb_control *) = {
		[RB_CONTROL_DETACH] = rb_request_detach,
		[RB_CONTROL_LIST] = rb_request_list,
		[RB_CONTROL_PLAN] = rb_request_plan,
		[RB_CONTROL_CREATE] = rb_request_create,
		[RB_CONTROL_OPEN] = rb_request_open,
		[RB_CONTROL_REMOVE] = rb_request_remove,
		[RB_CONTROL_CLOSE] = rb_request_close,
		[RB_CONTROL_MEND] = rb_request_mend,
		[RB_CONTROL_PING] = answer_ping,
		[RB_CONTROL_PAUSE] = rb_request_pause,
		[RB_CONTROL_EVICT] = rb_request_evict,
		[RB_CONTROL_MOVE] = rb_request_move,
		[RB_CONTROL_RELOAD] = rb_request_reload,
		[RB_CONTROL_REPORT] = rb_request_report,
		[RB_CONTROL_EVENTS] = rb_request_events,
		[RB_CONTROL_STATUS] = rb_request_status,
		[RB_CONTROL_SETTING] = rb_request_setting,
	};

	if (answer->type == RB_CONTROL_ATTACH)
		return rb_request_attach(peer, answer);
	handlers[answer->type](peer, answer);
	return rb_peer_send(peer, answer, NULL);
}

static int
disconnect(const struct rb_peer *peer, const char *why)
{
	rb_user_log(peer->user, LOG_WARNING, "pid %d (uid %u) %s: disconnected",
		    peer->who.pid, peer->who.uid, why);
	return -EPROTO;
}

int
rb_request_handle(struct rb_peer *peer, const struct rb_control *request)
{
	struct rb_control answer = *request;

	answer.result = 0;
	answer.pid = 0;
	answer.missed = 0;
	if (request->type !=
		    RB_CONTROL_ATTACH && /* which have something there */
	    request->type != RB_CONTROL_SETTING)
		memset(answer.text, 0, sizeof(answer.text));
	/* Its socket lives on in another process, which has to connect as
	 * itself. */
	if (peer->process != NULL && peer->process->dead)
		return disconnect(peer, "is dead and yet speaks");
	if (!peer->greeted && request->type == RB_CONTROL_HELLO)
		return greet(peer, &answer);
	if (!peer->greeted)
		return disconnect(peer, "did not say HELLO first");
	if (!is_well_formed(request) || request->type == RB_CONTROL_HELLO)
		return disconnect(peer, "sent what is no request");
	if (request->type == RB_CONTROL_ATTACH && rb_peer_has_unread(peer))
		return disconnect(peer, "does not read its answers");
	if (!names_channel(request->type) || rb_name_is_valid(answer.channel))
		return dispatch(peer, &answer);
	rb_request_refuse(peer, &answer, -EINVAL,
			  "this is no name of a channel: 1 to 63 of A-Z a-z "
			  "0-9 . _ - and "
			  "neither a dot nor a dash in front");
	return rb_peer_send(peer, &answer, NULL);
}
