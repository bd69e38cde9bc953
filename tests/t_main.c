/* SPDX-License-Identifier: MIT */
/*
 * t_main.c - the main() of every test program
 *
 *	test_wait                   runs all tests of the program
 *	test_wait -l                lists them
 *	test_wait wakes 'wakes_*'   runs those with these names
 *	CK_FORK=no test_wait wakes  runs one in this process, for a debugger
 *
 * Every test is a test case of its own, because check keeps the time limit and
 * the clean-up in the parent process per test case.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/t.h"

/* check hands a number to the test function; it finds the case by it. */
static struct t_case *chosen[4096];
static TTest ttests[4096];
static int n_chosen;

static void
run_chosen(int i)
{
	t_run(chosen[i]);
}

static bool
is_chosen(const struct t_case *c, char **patterns)
{
	if (*patterns == NULL)
		return !c->hidden;
	for (; *patterns != NULL; patterns++)
		if (strcmp(*patterns, c->name) == 0 ||
		    (!c->hidden && fnmatch(*patterns, c->name, 0) == 0))
			return true;
	return false;
}

static void
add_case(Suite *suite, const struct t_case *c, int i)
{
	TCase *tcase = tcase_create(c->name);

	ttests[i] = (TTest){ c->name, run_chosen, c->file, c->line };
	tcase_set_timeout(tcase, c->timeout);
	tcase_add_unchecked_fixture(tcase, NULL, t_sweep);
	tcase_add_checked_fixture(tcase, t_begin, t_end);
	tcase_add_loop_test(tcase, &ttests[i], i, i + 1);
	suite_add_tcase(suite, tcase);
}

static Suite *
make_suite(const char *path)
{
	static char name[64];
	const char *slash = strrchr(path, '/');

	snprintf(name, sizeof(name), "%s", slash != NULL ? slash + 1 : path);
	name[strcspn(name, ".")] = '\0';
	return suite_create(name);
}

static int
list_cases(const struct t_case *c)
{
	for (; c != NULL; c = c->next)
		if (!c->hidden)
			puts(c->name);
	return 0;
}

int
main(int argc, char **argv)
{
	struct t_case *c = t_cases();
	SRunner *runner;
	Suite *suite;
	int n_failed;

	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return list_cases(c);
	t_prepare();
	suite = make_suite(c != NULL ? c->file : argv[0]);
	for (; c != NULL; c = c->next)
		if (is_chosen(c, argv + 1) && n_chosen < 4096) {
			chosen[n_chosen] = c;
			add_case(suite, c, n_chosen++);
		}
	if (n_chosen == 0 && argc > 1) {
		fprintf(stderr, "%s: no such test; -l lists them\n", argv[0]);
		srunner_free(srunner_create(suite));
		return 77; /* nothing to do; tests/run goes on */
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
