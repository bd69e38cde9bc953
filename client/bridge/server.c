/* SPDX-License-Identifier: MIT */
/*
 * server.c - see server.h
 *
 * A lost connection is seen by pings within ten seconds. libnats keeps what is sent
 * meanwhile in a buffer, which we make small: who sends has to find out, and the
 * guard of each message makes what comes late harmless.
 */
#include "client/bridge/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bridge/log.h"
#include "client/bridge/wake.h"

#define PING_MS 5000
#define PINGS_OUT 2
#define RECONNECT_MS 500
#define CONNECT_MS 3000
#define WRITE_MS 5000
#define BUFFER_SIZE 262144

static const char *
where(natsConnection *connection, char url[256])
{
	if (natsConnection_GetConnectedUrl(connection, url, 256) != NATS_OK)
		snprintf(url, 256, "the server");
	return url;
}

static void
tell(const struct server *s)
{
	if (s->on_lost != NULL)
		s->on_lost(s->context);
}

static void
note_lost(natsConnection *connection, void *closure)
{
	struct server *s = closure;
	const char *why = NULL;

	if (natsConnection_IsClosed(connection))
		return; /* by us, or it is told to who connects */
	natsConnection_GetLastError(connection, &why);
	log_warning("the connection is lost%s%s: connecting again",
		    why != NULL && why[0] != '\0' ? ": " : "",
		    why != NULL ? why : "");
	tell(s);
}

static void
note_found(natsConnection *connection, void *closure)
{
	char url[256];

	(void)closure;
	log_info("connected again to %s", where(connection, url));
	wake_ring();
}

static void
note_closed(natsConnection *connection, void *closure)
{
	(void)connection;
	tell(closure);
}

/* Who has a use for what goes wrong learns it from the call or the callback that it
 * concerns; by default libnats prints it. But to what is not permitted there is no
 * answer. */
static void
note_error(natsConnection *connection, natsSubscription *subscription,
	   natsStatus status, void *closure)
{
	struct server *s = closure;
	const char *why = NULL;

	(void)subscription;
	if (status != NATS_NOT_PERMITTED)
		return;
	natsConnection_GetLastError(connection, &why);
	if (why == NULL || strncmp(why, s->forbidden, SERVER_WHY - 1) == 0)
		return;
	snprintf(s->forbidden, sizeof(s->forbidden), "%s", why);
	log_warning("the server does not permit it: %s", s->forbidden);
}

/* Bridges that are started alike begin with different ones. */
static natsStatus
set_servers(struct server *s)
{
	char *rest, *url;

	s->turn = (unsigned)getpid();
	s->servers = strdup(s->setup->servers);
	if (s->servers == NULL)
		return NATS_NO_MEMORY;
	for (url = strtok_r(s->servers, ", ", &rest);
	     url != NULL && s->n < SETUP_SERVERS_MAX;
	     url = strtok_r(NULL, ", ", &rest))
		s->list[s->n++] = url;
	return s->n > 0 ? NATS_OK : NATS_INVALID_ARG;
}

/* "" is what is not given. */
static bool
is_given(const char *text)
{
	return text[0] != '\0';
}

static natsStatus
fail(natsStatus status, const char *key, const char *file)
{
	if (status != NATS_OK)
		log_error("%s %s cannot be used: %s", key, file,
			  natsStatus_GetText(status));
	return status;
}

/* libnats calls whatever is wrong with a file an invalid argument. */
static natsStatus
look_at_file(const char *key, const char *file)
{
	if (!is_given(file) || access(file, R_OK) == 0)
		return NATS_OK;
	log_error("%s %s cannot be read: %s", key, file, strerror(errno));
	return NATS_INVALID_ARG;
}

static natsStatus
look_at_files(const struct setup *setup)
{
	natsStatus status = look_at_file("credentials", setup->credentials);

	if (status == NATS_OK)
		status = look_at_file("nkey", setup->nkey);
	if (status == NATS_OK)
		status = look_at_file("ca", setup->ca);
	if (status == NATS_OK)
		status = look_at_file("certificate", setup->certificate);
	if (status == NATS_OK)
		status = look_at_file("key", setup->key);
	if (status == NATS_OK &&
	    is_given(setup->certificate) != is_given(setup->key)) {
		log_error("certificate and key go together: give both, or "
			  "neither");
		status = NATS_INVALID_ARG;
	}
	return status;
}

/* The line of the public key, in a file that has that beside the seed, as `nk -gen user
 * -pubout` writes it. libnats 3.4 cannot tell one from the other. */
static bool
read_public_key(const char *path, char key[64])
{
	FILE *file = fopen(path, "re");
	char line[256];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, " \t\r\n")] = '\0';
		found = line[0] == 'U' && strlen(line) == 56;
	}
	fclose(file);
	snprintf(key, 64, "%.63s", line);
	explicit_bzero(line, sizeof(line));
	return found;
}

static natsStatus
set_nkey(natsOptions *o, const char *file)
{
	char key[64];

	if (!read_public_key(file, key)) {
		log_error("nkey %s cannot be used: it has no line with the "
			  "public key (U...), beside that with the seed",
			  file);
		return NATS_INVALID_ARG;
	}
	return fail(natsOptions_SetNKeyFromSeed(o, key, file), "nkey", file);
}

static natsStatus
set_credentials(natsOptions *o, const struct setup *setup)
{
	natsStatus status = NATS_OK;

	if (is_given(setup->credentials))
		status = fail(natsOptions_SetUserCredentialsFromFiles(
				      o, setup->credentials, NULL),
			      "credentials", setup->credentials);
	if (status == NATS_OK && is_given(setup->nkey))
		status = set_nkey(o, setup->nkey);
	return status;
}

/* libnats takes what a URL begins with for ornament, and goes without if the server, or
 * who pretends to be it, does not offer it. */
static bool
wants_tls(const struct setup *setup)
{
	return setup->tls || is_given(setup->ca) ||
	       is_given(setup->certificate) || is_given(setup->tls_name) ||
	       strstr(setup->servers, "tls://") != NULL;
}

static natsStatus
set_tls(natsOptions *o, const struct setup *setup)
{
	natsStatus status = NATS_OK;

	if (wants_tls(setup))
		status = natsOptions_SetSecure(o, true);
	if (status == NATS_OK && is_given(setup->ca))
		status = fail(natsOptions_LoadCATrustedCertificates(o,
								    setup->ca),
			      "ca", setup->ca);
	if (status == NATS_OK && is_given(setup->certificate))
		status = fail(natsOptions_LoadCertificatesChain(
				      o, setup->certificate, setup->key),
			      "certificate", setup->certificate);
	if (status == NATS_OK && is_given(setup->tls_name))
		status = natsOptions_SetExpectedHostname(o, setup->tls_name);
	return status;
}

/* A lost connection is made again by libnats, to the server that it was to or those it
 * has heard of. It does not know the others of ours, so it is not to insist. */
static natsStatus
set_patience(natsOptions *o, bool is_alone)
{
	natsStatus status = natsOptions_SetMaxReconnect(o, is_alone ? -1 : 1);

	if (status == NATS_OK)
		status = natsOptions_SetReconnectWait(o, RECONNECT_MS);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectBufSize(o, BUFFER_SIZE);
	if (status == NATS_OK)
		status = natsOptions_SetIOBufSize(o, BUFFER_SIZE);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(o, PING_MS);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(o, PINGS_OUT);
	if (status == NATS_OK)
		status = natsOptions_SetTimeout(o, CONNECT_MS);
	/* Who does not read is gone; half a message is never followed by more. */
	if (status == NATS_OK)
		status = natsOptions_SetWriteDeadline(o, WRITE_MS);
	return status;
}

static natsStatus
set_callbacks(struct server *s)
{
	natsOptions *o = s->options;
	natsStatus status = natsOptions_SetDisconnectedCB(o, note_lost, s);

	if (status == NATS_OK)
		status = natsOptions_SetReconnectedCB(o, note_found, s);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(o, note_closed, s);
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(o, note_error, s);
	return status;
}

int
server_init(struct server *s, const struct setup *setup)
{
	char name[128];
	natsStatus status;

	s->setup = setup;
	snprintf(name, sizeof(name), "ringbus-bridge %s", setup->channel);
	status = natsOptions_Create(&s->options);
	if (status == NATS_OK)
		status = natsOptions_SetName(s->options, name);
	if (status == NATS_OK)
		status = set_servers(s);
	if (status == NATS_OK)
		status = set_patience(s->options, s->n == 1);
	if (status == NATS_OK)
		status = set_callbacks(s);
	if (status == NATS_OK)
		status = look_at_files(setup);
	if (status == NATS_OK)
		status = set_credentials(s->options, setup);
	if (status == NATS_OK)
		status = set_tls(s->options, setup);
	if (status == NATS_OK)
		return 0;
	log_error("cannot be set up for %s: %s", setup->servers,
		  natsStatus_GetText(status));
	return -EINVAL;
}

void
server_deinit(struct server *s)
{
	if (s->connection != NULL)
		natsConnection_Close(s->connection);
	natsConnection_Destroy(s->connection);
	natsOptions_Destroy(s->options);
	nats_CloseAndWait(0);
	free(s->servers);
	memset(s, 0, sizeof(*s));
}

const char *
server_why(natsStatus status)
{
	const char *why = nats_GetLastError(NULL), *end;

	/* As it comes from the packages. */
	if (status == NATS_NO_RESPONDERS)
		return "there is no JetStream, or not yet: `jetstream {}` in "
		       "the configuration of nats-server enables it";
	if (why == NULL || why[0] == '\0')
		return natsStatus_GetText(status);
	end = why[0] == '(' ? strstr(why, "): ") : NULL;
	return end != NULL ? end + strlen("): ") : why;
}

bool
server_is_up(const struct server *s)
{
	return s->connection != NULL && natsConnection_Status(s->connection) ==
						NATS_CONN_STATUS_CONNECTED;
}

/* A server that does not like our certificate, or wants one, just hangs up. */
static bool
may_miss_certificate(const struct setup *setup, const char *why)
{
	return wants_tls(setup) &&
	       (strstr(why, "PONG") != NULL || strstr(why, "SSL_") != NULL) &&
	       strstr(why, "certificate") == NULL;
}

static void
tell_failure(struct server *s, natsStatus status, const char *why)
{
	unsigned i = s->turn % s->n;

	if ((s->told[i] & UINT64_C(1) << status) != 0)
		return;
	s->told[i] |= UINT64_C(1) << status;
	log_warning("no connection to %s: %s%s: trying again", s->list[i], why,
		    may_miss_certificate(s->setup, why)
			    ? ": it may want another certificate of us"
			    : "");
}

/* One at a time: libnats would wait for all in a row, where neither a signal nor the
 * watchdog is heard. */
static int
connect_anew(struct server *s)
{
	natsStatus status = natsOptions_SetServers(s->options,
						   &s->list[s->turn % s->n], 1);
	char url[256];

	if (status == NATS_OK)
		status = natsConnection_Connect(&s->connection, s->options);
	if (status != NATS_OK) {
		tell_failure(s, status, server_why(status));
		s->turn++;
		return -EAGAIN;
	}
	memset(s->told, 0, sizeof(s->told));
	log_info("connected to %s", where(s->connection, url));
	return 0;
}

/* A server that was restarted, and is not the same to us. That there is none was said
 * when it was lost. */
void
server_look(struct server *s)
{
	const char *why = NULL;
	natsStatus status;

	if (s->connection == NULL || natsConnection_IsClosed(s->connection))
		return;
	if (server_is_up(s)) {
		memset(s->told, 0, sizeof(s->told));
		return;
	}
	status = natsConnection_GetLastError(s->connection, &why);
	if (status == NATS_SSL_ERROR || status == NATS_CONNECTION_AUTH_FAILED)
		tell_failure(s, status, why);
}

int
server_connect(struct server *s)
{
	if (server_is_up(s))
		return 0;
	if (s->connection != NULL && !natsConnection_IsClosed(s->connection))
		return -EAGAIN;
	natsConnection_Destroy(s->connection);
	s->connection = NULL;
	return connect_anew(s);
}

int
server_connect_any(struct server *s)
{
	int err = -EAGAIN;

	for (unsigned i = 0; i < s->n && err == -EAGAIN; i++)
		err = server_connect(s);
	return err;
}

jsCtx *
server_stream_context(struct server *s, jsPubAckHandler handler, void *closure,
		      int64_t window)
{
	jsOptions o;
	jsCtx *js = NULL;
	natsStatus status = jsOptions_Init(&o);

	o.Wait = SERVER_WAIT_MS;
	if (handler != NULL) {
		o.PublishAsync.AckHandler = handler;
		o.PublishAsync.AckHandlerClosure = closure;
		o.PublishAsync.MaxPending = window;
	}
	if (status == NATS_OK)
		status = natsConnection_JetStream(&js, s->connection, &o);
	if (status != NATS_OK)
		log_warning("no JetStream: %s", natsStatus_GetText(status));
	return status == NATS_OK ? js : NULL;
}

int64_t
server_max_payload(const struct server *s)
{
	return natsConnection_GetMaxPayload(s->connection);
}

uint64_t
server_reconnects(const struct server *s)
{
	natsStatistics *stats = NULL;
	uint64_t n = 0;

	if (natsStatistics_Create(&stats) == NATS_OK &&
	    natsConnection_GetStats(s->connection, stats) == NATS_OK)
		natsStatistics_GetCounts(stats, NULL, NULL, NULL, NULL, &n);
	natsStatistics_Destroy(stats);
	return n;
}
