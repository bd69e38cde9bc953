/* SPDX-License-Identifier: MIT */
/*
 * io.c - see io.h
 */
#include "client/ctl/io.h"

#include <stddef.h>

const char *
io_word(const struct ringbus_io *io)
{
	if (io == NULL)
		return "-";
	return io->up ? "up" : "down";
}

void
io_write(const struct ringbus_io *io, struct json *json)
{
	if (io == NULL)
		return;
	json_open(json, "io", '{');
	json_bool(json, "up", io->up != 0);
	json_int(json, "lag", io->lag);
	json_int(json, "bytes", io->bytes);
	json_int(json, "batches", io->batches);
	json_int(json, "errors", io->errors);
	json_int(json, "retries", io->retries);
	json_close(json, '}');
}
