/* SPDX-License-Identifier: MIT */
/*
 * parse.h - the loaded files into one configuration
 */
#ifndef RB_CONFIG_PARSE_H
#define RB_CONFIG_PARSE_H

#include "config/document.h"

/* Fills a config at its defaults from the documents, the last one winning. */
void rb_parse_documents(struct rb_document *const *documents, unsigned n,
			struct rb_problems *problems, struct rb_config *config);

#endif
