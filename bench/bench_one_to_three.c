/* SPDX-License-Identifier: MIT */
/*
 * bench_one_to_three.c - LMAX's OneToThree: three consumers, each reads all
 */
#include "bench/graph.h"

int
main(void)
{
	bench_graph_run("one-to-three", "one to three",
			"first: {}, second: {}, third: {}");
	return 0;
}
