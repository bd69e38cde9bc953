/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far a bridge is, for the service manager and in the metrics of the
 * channel's member, where ringbusctl finds it
 */
#ifndef BRIDGE_PROGRESS_H
#define BRIDGE_PROGRESS_H

struct exporter;
struct importer;

void progress_of_export(const struct exporter *e);
void progress_of_import(const struct importer *m);

#endif
