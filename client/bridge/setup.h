/* SPDX-License-Identifier: MIT */
/*
 * setup.h - what a bridge is to do: the `bridge:` block of its channel
 */
#ifndef BRIDGE_SETUP_H
#define BRIDGE_SETUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/setting.h"
#include "client/ringbus.h"

#define SETUP_SERVERS_SIZE 1024
#define SETUP_SERVERS_MAX (SETUP_SERVERS_SIZE / sizeof("tls://x")) /* at most */
#define SETUP_TEXT 256

#define SETUP_EXPORT 0
#define SETUP_IMPORT 1
#define SETUP_OLDEST 0
#define SETUP_NEWEST 1

struct setup {
	const char *channel;
	int direction;                    /* SETUP_... */
	char servers[SETUP_SERVERS_SIZE]; /* with commas between */
	char stream[SETUP_TEXT];
	char subject[SETUP_TEXT];
	char consumer[RINGBUS_NAME_SIZE];
	int64_t max_events, max_bytes; /* of a message */
	int64_t linger_ns;
	int64_t window; /* messages not acknowledged */
	bool manage_stream;
	int64_t replicas, duplicates_ns, stream_size, stream_age_ns;
	int start; /* SETUP_... */
	char state[PATH_MAX];
	char journal[PATH_MAX]; /* the folder of the channel's; "": none */
	char credentials[PATH_MAX], nkey[PATH_MAX];
	char ca[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX];
	bool tls;
	char tls_name[SETUP_TEXT];
};

static inline bool
setup_is_import(const struct setup *setup)
{
	return setup->direction == SETUP_IMPORT;
}

/* 0, or a negative errno after what is wrong was told. */
int setup_read(struct setup *setup, struct setting_source *source);

#endif
