/* SPDX-License-Identifier: MIT */
/*
 * top_screen.c - `top` on a terminal: pages by ncurses, and keys
 *
 * ncurses tells of another size as of a key. Each page is drawn in full; ncurses
 * sends what differs.
 */
#include <errno.h>

#include "client/ctl/top.h"

#ifdef HAVE_NCURSES

#include <ctype.h>
#include <curses.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"

#define KEY_ESCAPE 27
#define INTERVAL_MIN INT64_C(100000000)
#define INTERVAL_MAX INT64_C(60000000000)

static int
look_of(enum page_look look)
{
	return look == PAGE_TITLE    ? A_REVERSE
	       : look == PAGE_CHOSEN ? A_BOLD | A_UNDERLINE
				     : A_NORMAL;
}

static int
show_page(const struct top *top)
{
	struct page page;
	int i, r = page_init(&page, COLS, LINES);

	if (r < 0)
		return r;
	top_draw_screen(top, &page);
	erase();
	for (i = 0; i < page.n_lines; i++) {
		attrset(look_of(page.lines[i].look));
		/* Of the last line all but the last: it would scroll. */
		mvaddnstr(i, 0, page.lines[i].text,
			  page.width - (i == LINES - 1));
	}
	attrset(A_NORMAL);
	refresh();
	page_deinit(&page);
	return 0;
}

static void
type_filter(struct top *top, int key)
{
	size_t n = strlen(top->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		top->is_typing = false;
	} else if (key == KEY_ESCAPE) {
		top->is_typing = false;
		top->filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') &&
		   n > 0) {
		top->filter[n - 1] = '\0';
	} else if (key < 127 && isgraph(key) && n + 1 < sizeof(top->filter)) {
		top->filter[n] = (char)key;
		top->filter[n + 1] = '\0';
	}
}

static void
change_interval(struct top *top, int key)
{
	int64_t next = key == '+' ? top->interval_ns * 2 : top->interval_ns / 2;

	if (next >= INTERVAL_MIN && next <= INTERVAL_MAX)
		top->interval_ns = next;
}

static void
move_cursor(struct top *top, int key)
{
	unsigned at = top_find_chosen(top);

	if (key == KEY_UP || key == 'k')
		top_choose(top, at > 0 ? at - 1 : 0);
	else
		top_choose(top, at + 1);
}

/* False: the end. */
static bool
take_key(struct top *top, int key)
{
	if (top->is_typing) {
		type_filter(top, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 's':
		top->sort = (top->sort + 1) % TOP_SORTS;
		break;
	case 'r':
		top->is_reversed = !top->is_reversed;
		break;
	case '/':
		top->is_typing = true;
		break;
	case 'p':
	case ' ':
		top->is_paused = !top->is_paused;
		break;
	case '+':
	case '-':
		change_interval(top, key);
		break;
	case KEY_UP:
	case KEY_DOWN:
	case 'k':
	case 'j':
		move_cursor(top, key);
		break;
	}
	return true;
}

/* 1: something was typed; 0: it is time to look again; -EINTR: to stop. */
static int
wait_for_key(int64_t until_ns)
{
	int64_t left = until_ns - ctl_now_ns();
	int r = interrupt_wait(STDIN_FILENO, POLLIN, left > 0 ? left : 0);

	/* Another size of the terminal, too, ends the wait. */
	if (r == -EINTR && !interrupt_is_pending())
		return 1;
	return r > 0 ? 1 : r;
}

static int
run_keys(struct top *top)
{
	int64_t next_ns = ctl_now_ns() + top->interval_ns;
	int key, r;

	for (;;) {
		r = top_select(top);
		if (r == 0)
			r = show_page(top);
		if (r == 0)
			r = wait_for_key(next_ns);
		if (r < 0)
			return r;
		while (r > 0 && (key = getch()) != ERR)
			if (!take_key(top, key))
				return 0;
		if (ctl_now_ns() < next_ns)
			continue;
		r = top->is_paused ? 0 : top_look(top);
		if (r < 0)
			return r;
		next_ns = ctl_now_ns() + top->interval_ns;
	}
}

int
top_run_screen(struct top *top)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);
	int r;

	if (screen == NULL)
		return -ENOTSUP;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	r = run_keys(top);
	endwin();
	delscreen(screen);
	return r;
}

#else

int
top_run_screen(struct top *top)
{
	(void)top;
	return -ENOTSUP;
}

#endif
