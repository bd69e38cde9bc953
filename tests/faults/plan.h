/* SPDX-License-Identifier: MIT */
/*
 * plan.h - the page that is shared with the test, for all of preload.so
 */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#include "tests/faults/faults.h"

extern struct faults *shim_faults; /* NULL: nothing fails */

#endif
