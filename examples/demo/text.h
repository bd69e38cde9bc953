/* SPDX-License-Identifier: MIT */
/*
 * text.h - numbers as people read them
 */
#ifndef DEMO_TEXT_H
#define DEMO_TEXT_H

#include <stdint.h>

struct text {
	char s[32];
};

/* 1234567 as "1,234,567". */
struct text grouped(int64_t number);

#endif
