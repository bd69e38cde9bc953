/* SPDX-License-Identifier: MIT */
/*
 * builtin.c - the shipped example inside the program
 *
 * The assembler reads the file itself, so there is no generated source. It
 * looks from the root of the tree, where the compiler is run.
 */
#include "config/config.h"

__asm__(".pushsection .rodata\n"
	".global rb_config_builtin\n"
	".hidden rb_config_builtin\n"
	".type rb_config_builtin, %object\n"
	"rb_config_builtin:\n"
	".incbin \"config/ringbus.yaml\"\n"
	".byte 0\n"
	".size rb_config_builtin, . - rb_config_builtin\n"
	".popsection\n");
