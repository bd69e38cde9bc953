/* SPDX-License-Identifier: MIT */
/*
 * peer_nats.h - events to a stream of NATS JetStream as everybody sends them
 *
 * One message is one event, published asynchronously, with as many under way as it
 * takes for the server to be the one who is waited for; the library is that which
 * the bridge uses, and so is the server.
 */
#ifndef BENCH_PEER_NATS_H
#define BENCH_PEER_NATS_H

#include <stddef.h>
#include <stdint.h>

/* Connects, and makes the stream. */
void peer_nats_open(const char *url, const char *stream);

/* Publishes events of this size, and waits until each of them is acknowledged;
 * returns millions a second. */
double peer_nats_publish(int64_t n, size_t size);

void peer_nats_close(void);

#endif
