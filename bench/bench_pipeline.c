/* SPDX-License-Identifier: MIT */
/*
 * bench_pipeline.c - LMAX's OneToThreePipeline: each consumer after the one before
 */
#include "bench/graph.h"

int
main(void)
{
	bench_graph_run("pipeline", "pipeline of three",
			"first: {}, second: { after: [first] }, "
			"third: { after: [second] }");
	return 0;
}
