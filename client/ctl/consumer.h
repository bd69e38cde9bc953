/* SPDX-License-Identifier: MIT */
/*
 * consumer.h - a consumer in one word: NAME[:KEY[=VALUE]]...
 *
 *	app:after=journal,replicate:keep=30s
 *	workers:group:key=8+4
 *	audit:slow=park:max_lag=10000
 *
 * The keys are those of `consumers:` in ringbus.yaml(5), as far as one word can
 * say them. Names have neither colons nor commas in them.
 */
#ifndef CTL_CONSUMER_H
#define CTL_CONSUMER_H

#include <stddef.h>

#include "client/ctl/options.h"
#include "client/ringbus.h"

#define CONSUMER_WHY_SIZE 256

/* An option that can be given many times. */
struct consumer_words {
	const char *words[RINGBUS_MEMBERS_MAX];
	size_t n_words;
};

extern const struct options_type consumer_words_type;

/*
 * Makes the graph of all of them. 0, -ENOMEM, or -EINVAL and a sentence in
 * `why`. What is wrong with names and their order is for ringbus_create() to
 * tell.
 */
int consumer_build_graph(const struct consumer_words *words,
			 struct ringbus_graph **ret,
			 char why[CONSUMER_WHY_SIZE]);

#endif
