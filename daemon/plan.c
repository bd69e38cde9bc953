/* SPDX-License-Identifier: MIT */
/*
 * plan.c - see plan.h
 */
#include "daemon/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/kind.h"

struct rb_plan *
rb_plan_new(void)
{
	return calloc(1, sizeof(struct rb_plan));
}

struct rb_plan *
rb_plan_free(struct rb_plan *plan)
{
	free(plan);
	return NULL;
}

int
rb_plan_add(struct rb_plan *plan, const struct rb_control *request)
{
	if (plan->n_consumers == RB_CONSUMERS_MAX)
		return -EUSERS;
	rb_kind_of_request(request, &plan->consumers[plan->n_consumers++]);
	return 0;
}
