/* SPDX-License-Identifier: MIT */
/*
 * config.h - the configuration of the demo
 */
#ifndef DEMO_CONFIG_H
#define DEMO_CONFIG_H

#include "examples/demo/demo.h"

/* Writes it to its place. Prints what fails; 0 or -1. */
int config_write(const struct demo *demo);

#endif
