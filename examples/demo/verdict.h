/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - what all of them saw, side by side
 */
#ifndef DEMO_VERDICT_H
#define DEMO_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "examples/demo/demo.h"

/* Prints the table and where it does not agree; true if all is well. */
bool verdict_print(const struct demo *demo, int64_t elapsed_ns);

#endif
