/* SPDX-License-Identifier: MIT */
/*
 * ask.h - a question before something is done that cannot be undone
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "client/ctl/ctl.h"

/*
 * Asks on a terminal whether to go on, unless `is_sure`; a script is not asked.
 * CTL_OK to go on; CTL_FAILED for any answer but yes; CTL_INTERRUPTED.
 */
enum ctl_exit ask(const struct ctl *ctl, bool is_sure, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
