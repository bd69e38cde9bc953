# SPDX-License-Identifier: MIT
#
# report_plots.py - the plots of the report, as SVG
#
# Every contestant has a colour of its own in a plot, the same in light and in
# dark; what is text or grid takes its colour from the page. What draws a
# contestant carries its id in `data-series`.

import colorsys
from html import escape
import io
import itertools
import math
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

WIDTH = 920  # of the page's column: a unit of the plot is a pixel there
INK, MUTED, GRID = '#010203', '#040506', '#070809'  # stand for the page's
PAGE_COLOURS = {INK: 'var(--ink)', MUTED: 'var(--muted)', GRID: 'var(--line)'}
FAR = 4  # where the plot of the aims ends
MET, NOT_MET = '#2e9e5b', '#e03131'
PALETTES = {
    'ringbus': ('#f4511e', '#c2185b', '#e0a000', '#8e2418', '#ff8a80'),
    'floor': ('#2e9e5b', '#8ab92d', '#00796b', '#6b6b1f', '#7fcfa5'),
    'peer': ('#1e88e5', '#7e3fd0', '#1fc3c0', '#33419b', '#c04fd0', '#8d6e63',
             '#8fa2ff', '#5b7f95', '#d99be8'),
}

matplotlib.rcParams.update({
    'svg.fonttype': 'none', 'font.size': 13, 'text.color': INK,
    'axes.edgecolor': GRID, 'axes.labelcolor': MUTED, 'xtick.color': MUTED,
    'ytick.color': MUTED, 'grid.color': GRID, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.axisbelow': True,
})


class Colours:
    """A colour for each row of a plot; a peer has the same in all plots."""

    def __init__(self):
        self.left = map(matplotlib.colors.to_hex, spread_hues())
        self.peers = {}
        self.left_of_peers = iter(PALETTES['peer'])

    def of_peer(self, name):
        if name not in self.peers:
            self.peers[name] = next(self.left_of_peers, None) or \
                next(self.left)
        return self.peers[name]

    def of(self, rows):
        """Colours by the ids of these rows; ringbus itself has the first."""
        left = {what: iter(PALETTES[what]) for what in ('ringbus', 'floor')}
        rows = sorted(rows, key=lambda row: not row['id'].endswith('/ringbus'))
        return {row['id']: self.of_peer(row['id'].split('/')[-1])
                if row['what'] == 'peer'
                else next(left[row['what']], None) or next(self.left)
                for row in rows}


def spread_hues():
    """Without an end, each far from the one before."""
    for i in itertools.count():
        yield colorsys.hsv_to_rgb(i * 0.618 % 1, 0.5, 0.75)


def new_axes(height, **options):
    figure = Figure(figsize=(WIDTH / 72, height / 72), layout='constrained')
    return figure, figure.subplots(**options)


def name_series(artists, number):
    """Marks what draws the series of that number; to_svg() knows its id."""
    for artist in artists:
        artist.set_gid(f'series-{number}')


def to_svg(figure, salt, series):
    """The figure as an element; `series` are pairs of id and title."""
    out = io.StringIO()
    none = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    with matplotlib.rc_context({'svg.hashsalt': salt}):
        figure.savefig(out, format='svg', transparent=True, metadata=none)
    svg = out.getvalue()
    svg = svg[svg.index('<svg'):]
    # The page gives the size.
    svg = re.sub(r' (width|height)="[0-9.]+pt"', '', svg, count=2)
    svg = re.sub(r' id="[a-z]+[a-z0-9_.]*_[0-9]+"', '', svg)
    for colour, variable in PAGE_COLOURS.items():
        svg = svg.replace(colour, variable)

    def with_id(match):
        name, title = map(escape, series[int(match.group(1))])
        return f'<g data-series="{name}"><title>{title}</title>'

    return re.sub(r'<g id="series-([0-9]+)">', with_id, svg)


def number(value):
    """Three digits that count."""
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'


def duration(ns):
    for unit, size in (('s', 1e9), ('ms', 1e6), ('µs', 1e3)):
        if ns >= size:
            return f'{number(ns / size)} {unit}'
    return f'{number(ns)} ns'


def quantity(value, unit):
    return duration(value) if unit == 'ns' else f'{number(value)} {unit}'


def whiskers(row):
    """How far the rounds went below and above the median."""
    middle = row['median']
    return ([max(0, middle - row.get('min', middle))],
            [max(0, row.get('max', middle) - middle)])


def bars(contest, rows, colours):
    """A bar each, with the rounds and their range."""
    figure, axes = new_axes(34 * len(rows) + 60)
    for y, row in enumerate(rows):
        colour, rounds = colours[row['id']], row.get('runs', [])
        # The edge shows a bar that is too short to be seen.
        name_series(axes.barh(y, row['median'], 0.62, color=colour,
                              edgecolor=colour, linewidth=3), y)
        axes.errorbar(row['median'], y, xerr=whiskers(row), color=INK,
                      capsize=5, elinewidth=1.2)
        axes.plot(rounds, [y] * len(rounds), 'o', color=INK, markersize=5,
                  markeredgewidth=0, alpha=0.4)
        axes.annotate(quantity(row['median'], row['unit']),
                      (row.get('max', row['median']), y), (9, 0),
                      textcoords='offset points', va='center')
    axes.set_yticks(range(len(rows)), [row['name'] for row in rows],
                    color=INK)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(row.get('max', row['median'])
                                for row in rows) or 1)
    better = 'less' if rows[0].get('better') == 'less' else 'more'
    axes.set_xlabel(f"{rows[0]['unit']}, {better} is better")
    axes.grid(axis='x')
    return to_svg(figure, contest, [
        (row['id'], f"{row['name']}: {quantity(row['median'], row['unit'])}")
        for row in rows])


def scale_log(axes, values, show):
    """Within a few decades each has more than one tick."""
    few = max(values) < 200 * min(values)
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(
        lambda value, _: show(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def nines(percent):
    """Where a percentile stands on the usual scale: 90 at 1, 99 at 2, ..."""
    return -math.log10(1 - percent / 100)


def percent_text(at):
    return f'{100 * (1 - 10 ** -at):.{max(0, at - 2)}f} %'


def curves(contest, rows, colours):
    """Percentiles of round trips; the greatest one stands a decade off."""
    figure, axes = new_axes(400)
    last = math.ceil(max(nines(p) for row in rows
                         for p, _ in row['percentiles'] if p < 100))
    for order, row in reversed(list(enumerate(rows))):
        points = [(nines(p) if p < 100 else last + 1, max(ns, 1))
                  for p, ns in row['percentiles']]
        line = axes.plot(*zip(*points), color=colours[row['id']],
                         linewidth=3 if row['what'] == 'ringbus' else 2)
        name_series(line, order)
    scale_log(axes, [max(ns, 1) for row in rows
                     for _, ns in row['percentiles']], duration)
    axes.set_xticks(
        [0, nines(50), *range(1, last + 1), last + 1],
        ['0 %', '50 %', *map(percent_text, range(1, last + 1)), 'max'])
    axes.set_xlim(0, last + 1.05)
    axes.set_xlabel('share of round trips that took no longer')
    axes.grid()
    return to_svg(figure, contest,
                  [(row['id'], row['name']) for row in rows])


def x_text(x):
    for unit, size in (('Mi', 1 << 20), ('Ki', 1 << 10)):
        if x >= size and x % size == 0:
            return f'{x // size} {unit}'
    return number(x)


def lines(series, rows, firsts, colours):
    """How the figure follows from x; `firsts` are one row of each line."""
    figure, axes = new_axes(340)
    for order, first in reversed(list(enumerate(firsts))):
        points = sorted((row for row in rows if row['id'] == first['id']),
                        key=lambda row: row['x'])
        low, high = zip(*map(whiskers, points))
        drawn = axes.errorbar(
            [row['x'] for row in points], [row['median'] for row in points],
            yerr=[sum(low, []), sum(high, [])], color=colours[first['id']],
            marker='o', markersize=7, linewidth=2, capsize=4, elinewidth=1.2)
        name_series(drawn.get_children(), order)
    scale_axes(axes, rows)
    axes.set_xlabel(rows[0]['x_name'])
    axes.set_ylabel(rows[0]['unit'])
    axes.grid()
    return to_svg(figure, series,
                  [(first['id'], first['name']) for first in firsts])


def scale_axes(axes, rows):
    """Logarithmic where the values ask for it."""
    ticks = sorted({row['x'] for row in rows})
    if ticks[0] > 0 and ticks[-1] >= 8 * ticks[0]:
        axes.set_xscale('log', base=2)
    axes.set_xticks(ticks, map(x_text, ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    medians = [row['median'] for row in rows]
    if min(medians) > 0 and max(medians) > 50 * min(medians):
        scale_log(axes, medians, number)
    else:
        axes.set_ylim(bottom=0)


def distances(aims):
    """How far each aim was reached: 1 is the aim, to the right is better."""
    aims = [aim for aim in aims if aim['verdict'] != 'not measured']
    figure, axes = new_axes(24 * len(aims) + 60)
    for y, aim in enumerate(aims):
        exponent = 1 if aim['is'][0] == '>' else -1
        at, *ends = [(aim[key] / aim['factor']) ** exponent
                     for key in ('ratio', 'low', 'high')]
        is_inside = 1 / FAR < at < FAR
        if is_inside:
            axes.plot(ends, [y, y], color=MUTED, linewidth=1.5)
        drawn = axes.plot(min(max(at, 1 / FAR), FAR), y,
                          'o' if is_inside else '<' if at < 1 else '>',
                          markersize=10, clip_on=False,
                          color=MET if aim['verdict'] == 'met' else NOT_MET)
        name_series(drawn, y)
    axes.axvline(1, color=INK, linewidth=1.2)
    axes.set_xscale('log')
    axes.set_xlim(1 / FAR, FAR)
    ticks = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]
    axes.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(aims)), [aim['work'] for aim in aims], color=INK)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.set_xlabel('measured / aimed at: met from 1 on; arrows are farther')
    axes.grid(axis='x')
    return to_svg(figure, 'aims', [
        (aim['work'], f"{aim['work']}: {aim['verdict']}") for aim in aims])
