/* SPDX-License-Identifier: MIT */
/*
 * setting.c - SETTING: what the configuration says to a journal and a bridge
 *
 * One key an answer, as a program wants it: bytes, nanoseconds, words. A channel
 * that is in no configuration has the defaults, so that a program may bring what
 * it needs itself; what that is in the words of the file is told here too, as
 * nobody else reads them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/lone.h"
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

/* A block, and the key of it that is asked for; NULL: whether it is there. */
struct asked {
	void *base;
	bool given;
	const struct rb_key *key;
};

/* Whether a name is that of a block or one below it. */
static bool
is_below(const char *name, const char *block, const char **ret_key)
{
	size_t n = strlen(block);

	if (strncmp(name, block, n) != 0 || (name[n] != '\0' && name[n] != '.'))
		return false;
	*ret_key = name[n] == '\0' ? NULL : name + n + 1;
	return true;
}

static bool
find(struct rb_config_channel *channel, const char *name, struct asked *ret)
{
	enum rb_section section = RB_SECTION_JOURNAL;
	const char *key;

	if (is_below(name, "journal", &key)) {
		ret->base = &channel->journal;
		ret->given = channel->journal.given;
	} else if (is_below(name, "bridge", &key)) {
		section = RB_SECTION_BRIDGE;
		ret->base = &channel->bridge;
		ret->given = channel->bridge.given;
	} else {
		return false;
	}
	ret->key = key != NULL ? rb_key_find(section, key) : NULL;
	return key == NULL || ret->key != NULL;
}

/* What a value means that the program has from elsewhere. 0, or the error of the
 * refusal. */
static int
take(const struct rb_peer *peer, const struct asked *asked, const char *text,
     struct rb_control *answer)
{
	char why[RB_CONFIG_WHY_SIZE] = "out of memory";
	int err = -EINVAL;

	if (asked->key != NULL)
		err = rb_lone_parse(asked->key, text, asked->base, why,
				    sizeof(why));
	else
		snprintf(why, sizeof(why), "'%s' has keys, and no value",
			 answer->name);
	return err < 0 ? rb_request_refuse(peer, answer, err, "%s", why) : 0;
}

static void
render(const struct asked *asked, struct rb_control *answer)
{
	char value[RB_RENDER_SIZE];

	if (asked->key == NULL)
		snprintf(value, sizeof(value), "%s",
			 asked->given ? "true" : "false");
	else
		rb_key_render_plain(asked->key, asked->base, value);
	snprintf(answer->text, sizeof(answer->text), "%.*s",
		 RB_CONFIG_SERVERS_SIZE, value);
}

static_assert(RB_CONFIG_SERVERS_SIZE <= RB_CONTROL_TEXT_SIZE,
	      "the longest value is answered whole");
static_assert(RB_LONE_SIZE >= RB_CONTROL_TEXT_SIZE, "and asked");

int
rb_request_setting(struct rb_peer *peer, struct rb_control *answer)
{
	char text[RB_CONTROL_TEXT_SIZE];
	struct rb_hosted *hosted;
	struct rb_config_channel channel;
	struct asked asked;

	memcpy(text, answer->text, sizeof(text));
	memset(answer->text, 0, sizeof(answer->text));
	hosted = rb_request_find_channel(peer, answer);
	if (hosted == NULL || rb_rights_check_see(peer, hosted, answer) < 0)
		return answer->result;
	read_channel(hosted, &channel);
	if (!find(&channel, answer->name, &asked))
		return rb_request_refuse(peer, answer, -ENOENT,
					 "there is no setting '%s': see "
					 "JOURNAL and BRIDGE in "
					 "ringbus.yaml(5)",
					 answer->name);
	if ((answer->flags & RB_CONTROL_VALUE) != 0 &&
	    take(peer, &asked, text, answer) < 0)
		return answer->result;
	render(&asked, answer);
	return 0;
}
