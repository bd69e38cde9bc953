/* SPDX-License-Identifier: MIT */
/*
 * bench_diamond.c - LMAX's OneToThreeDiamond: two side by side, the third after both
 */
#include "bench/graph.h"

int
main(void)
{
	bench_graph_run("diamond", "diamond",
			"first: {}, second: {}, "
			"third: { after: [first, second] }");
	return 0;
}
