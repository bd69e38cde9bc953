/* SPDX-License-Identifier: MIT */
/*
 * roles.h - the processes of ours
 *
 * Each runs in a process of its own, says that it is ready, and returns its
 * exit code: 0, or 1 after board_fail().
 */
#ifndef DEMO_ROLES_H
#define DEMO_ROLES_H

#include "examples/demo/demo.h"

int role_producer(const struct demo *demo);
int role_replicate(const struct demo *demo);
int role_replica(const struct demo *demo); /* at replicate's other end */
int role_reader(const struct demo *demo);  /* replica behind NATS */
int role_app(const struct demo *demo);

/* Tells the parent that this process is attached. */
int role_ready(const struct demo *demo, enum role role);

#endif
