/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config.c - any bytes as a configuration
 *
 * What is accepted has to pass the checks for channels by request, which know
 * nothing of YAML: that is the oracle beside the sanitizers.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rb_config_report report;
	struct rb_config *config = NULL;
	char why[256];
	unsigned i;
	int r = rb_config_parse("fuzz", (const char *)data, size, &report,
				&config);

	if (r < 0 && (r != -EINVAL || report.n_problems == 0 || !report.text))
		abort();
	for (i = 0; r == 0 && i < config->n_channels; i++)
		if (rb_config_channel_check(&config->channels[i], why,
					    sizeof(why)) < 0)
			abort();
	rb_config_report_deinit(&report);
	rb_config_free(config);
	return 0;
}
