/* SPDX-License-Identifier: MIT */
/*
 * setting.c - SETTING: what the configuration says to a journal and a bridge
 *
 * One key an answer, as a program wants it: bytes, nanoseconds, words. A channel
 * that is in no configuration has the defaults, so that a program may bring what
 * it needs itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/outlet.h"
#include "config/render.h"
#include "daemon/paths.h"
#include "daemon/request.h"
#include "daemon/rights.h"

/* What the channel has, or would have. */
static void
read_channel(const struct rb_hosted *hosted, struct rb_config_channel *ret)
{
	if (hosted->config != NULL) {
		*ret = *hosted->config;
	} else {
		rb_config_channel_init(ret);
		memcpy(ret->name, hosted->name, sizeof(ret->name));
		rb_outlets_settle(ret);
	}
	if (ret->journal.dir[0] == '\0')
		rb_paths_state("journal", ret->name, ret->journal.dir);
	if (ret->bridge.state[0] == '\0')
		rb_paths_state("bridge", ret->name, ret->bridge.state);
}

/* A block, and the key of it that is asked for, "": whether it is there. */
struct asked {
	enum rb_section section;
	const char *key;
	const void *base;
	bool given;
};

static bool
is_below(const char *name, const char *block, const char **ret_key)
{
	size_t n = strlen(block);

	if (strncmp(name, block, n) != 0 ||
	    (name[n] != '\0' && (name[n] != '.' || name[n + 1] == '\0')))
		return false;
	*ret_key = name[n] == '\0' ? "" : name + n + 1;
	return true;
}

static bool
find_block(const struct rb_config_channel *channel, const char *name,
	   struct asked *ret)
{
	if (is_below(name, "journal", &ret->key)) {
		ret->section = RB_SECTION_JOURNAL;
		ret->base = &channel->journal;
		ret->given = channel->journal.given;
		return true;
	}
	ret->section = RB_SECTION_BRIDGE;
	ret->base = &channel->bridge;
	ret->given = channel->bridge.given;
	return is_below(name, "bridge", &ret->key);
}

/* False if there is no such key. */
static bool
render(const struct rb_config_channel *channel, const char *name,
       char ret[RB_RENDER_SIZE])
{
	const struct rb_key *key;
	struct asked asked;

	if (!find_block(channel, name, &asked))
		return false;
	if (asked.key[0] == '\0') {
		snprintf(ret, RB_RENDER_SIZE, "%s",
			 asked.given ? "true" : "false");
		return true;
	}
	key = rb_key_find(asked.section, asked.key);
	if (key != NULL)
		rb_key_render_plain(key, asked.base, ret);
	return key != NULL;
}

static_assert(RB_CONFIG_SERVERS_SIZE <= RB_CONTROL_TEXT_SIZE,
	      "the longest value is answered whole");

int
rb_request_setting(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);
	struct rb_config_channel channel;
	char value[RB_RENDER_SIZE];

	if (hosted == NULL || rb_rights_check_see(peer, hosted, answer) < 0)
		return answer->result;
	read_channel(hosted, &channel);
	if (!render(&channel, answer->name, value))
		return rb_request_refuse(peer, answer, -ENOENT,
					 "there is no setting '%s': see "
					 "JOURNAL and BRIDGE in "
					 "ringbus.yaml(5)",
					 answer->name);
	snprintf(answer->text, sizeof(answer->text), "%.*s",
		 RB_CONFIG_SERVERS_SIZE, value);
	return 0;
}
