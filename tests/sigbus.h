/* SPDX-License-Identifier: MIT */
/*
 * sigbus.h - a program in which the library handles SIGBUS
 *
 * For one file of it to include: the sanitizers have a handler of their own
 * otherwise, and ours is not set.
 */
#ifndef T_SIGBUS_H
#define T_SIGBUS_H

#define T_FOR_SANITIZER __attribute__((visibility("default")))

const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__ubsan_default_options(void);

T_FOR_SANITIZER const char *
__asan_default_options(void)
{
	return "handle_sigbus=0:detect_stack_use_after_return=1";
}

T_FOR_SANITIZER const char *
__tsan_default_options(void)
{
	return "handle_sigbus=0";
}

T_FOR_SANITIZER const char *
__ubsan_default_options(void)
{
	return "handle_sigbus=0";
}

#endif
