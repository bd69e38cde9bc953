/* SPDX-License-Identifier: MIT */
/*
 * io.h - how a member fares with a disk or a network, in words
 */
#ifndef CTL_IO_H
#define CTL_IO_H

#include "client/ctl/json.h"
#include "client/ringbus.h"

/* "up" or "down"; "-" for NULL: that one has nothing to do with any. */
const char *io_word(const struct ringbus_io *io);

/* As an object `io`; nothing for NULL. */
void io_write(const struct ringbus_io *io, struct json *json);

#endif
