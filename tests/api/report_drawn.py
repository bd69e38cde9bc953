#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
#
# report_drawn.py - whether a browser draws each series of a page of plots
#
# usage: report_drawn.py CHROMIUM PAGE.html RESULTS.jsonl
#
# Each record of the results has to be a series in its plot, in a colour of its
# own, and the picture has to show enough of that colour where the plot is.
# Prints a line for each series that is not drawn.

from html.parser import HTMLParser
import json
import os
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

WIDTH, HEIGHT = 1100, 12000
KINDS = {'figure': 'bars', 'latency': 'curves', 'point': 'lines'}
# Tells where everything is, in the elements themselves.
SCRIPT = '''<script>
for (const e of document.querySelectorAll(".plot, [data-series]")) {
  const r = e.getBoundingClientRect();
  e.dataset.place = [r.left, r.top, r.right, r.bottom].map(Math.round);
  const drawn = e.querySelector("[style*='stroke: #'], [style*='fill: #']");
  if (drawn)
    e.dataset.colour = getComputedStyle(drawn).stroke.match(/[0-9]+/g);
}
</script>'''


class Plots(HTMLParser):
    """Plots by kind and name, each with its series: colour and places."""

    def __init__(self):
        super().__init__()
        self.plots = {}
        self.plot = None
        self.n_verdicts = 0

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        place = [int(x) for x in of.get('data-place', '').split(',') if x]
        if of.get('class') in ('met', 'not-met'):
            self.n_verdicts += 1
        elif 'data-plot' in of:
            self.plot = {'place': place, 'series': {}}
            self.plots[of['data-kind'], of['data-plot']] = self.plot
        elif 'data-colour' in of:
            series = self.plot['series'].setdefault(
                of['data-series'], {'places': []})
            series['places'].append(place)
            series['colour'] = tuple(
                int(x) for x in of['data-colour'].split(','))


def browse(chromium, page):
    """The picture of the page, and what was found in it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = os.path.join(folder, 'page.html')
        with open(page, encoding='utf-8') as text:
            content = text.read().replace('</body>', SCRIPT + '</body>')
        with open(copy, 'w', encoding='utf-8') as text:
            text.write(content)
        picture = os.path.join(folder, 'page.png')
        dom = subprocess.run(
            [chromium, '--headless', '--no-sandbox', '--disable-gpu',
             '--disable-dev-shm-usage', '--disable-background-networking',
             '--hide-scrollbars', f'--user-data-dir={folder}/profile',
             f'--window-size={WIDTH},{HEIGHT}', f'--screenshot={picture}',
             '--dump-dom', f'file://{copy}'],
            check=True, timeout=60, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=folder)
        ).stdout
        parser = Plots()
        parser.feed(dom)
        with Image.open(picture) as image:
            return numpy.array(image.convert('RGB'), int), parser


def expected(path):
    """Kind, plot and series of each record."""
    with open(path, encoding='utf-8') as lines:
        for record in map(json.loads, lines):
            if record['kind'] == 'point':
                yield 'lines', record['series'], record['name']
            elif record['kind'] in KINDS:
                yield KINDS[record['kind']], record['contest'], record['id']


def count(picture, place, colour):
    """How many points have that colour, or nearly."""
    left, top, right, bottom = place
    part = picture[top:bottom, left:right]
    return int((abs(part - colour).sum(axis=2) < 25).sum())


def measure(kind, plot, series, picture):
    """How many points a series has, and how many it needs.

    A third of a bar or a mark, over which a whisker may lie; a line has one in
    most of the columns that it crosses.
    """
    place = max(series['places'], key=lambda place: place[2] - place[0])
    left, top, right, bottom = place
    if kind in ('bars', 'distances'):
        return (count(picture, place, series['colour']),
                max(20, (right - left) * (bottom - top) // 3))
    return (count(picture, plot['place'], series['colour']),
            max(100, (right - left) * 7 // 10))


def check(picture, kind, plot, name):
    """What is wrong with a series, or None."""
    series = plot['series'].get(name)
    if series is None:
        return 'not in the page'
    if plot['place'][3] > len(picture):
        return 'below the picture'
    if kind != 'distances' and any(
            other is not series and other['colour'] == series['colour']
            for other in plot['series'].values()):
        return 'not in a colour of its own'
    n, needed = measure(kind, plot, series, picture)
    return f'not drawn: {n} points of {needed}' if n < needed else None


def main():
    chromium, page, results = sys.argv[1:]
    picture, found = browse(chromium, page)
    aims = found.plots['distances', 'aims']['series']
    wanted = list(dict.fromkeys(expected(results)))
    wanted += [('distances', 'aims', name) for name in aims]
    n_bad = abs(found.n_verdicts - len(aims))
    if n_bad > 0:
        print(f'{len(aims)} aims of {found.n_verdicts} are in the page')
    for kind, where, name in wanted:
        plot = found.plots.get((kind, where), {'series': {}})
        wrong = check(picture, kind, plot, name)
        if wrong:
            n_bad += 1
            print(f'{kind} of {where}: {name}: {wrong}')
    print(f'{len(wanted)} series, {n_bad} of them not drawn')
    sys.exit(n_bad > 0)


if __name__ == '__main__':
    main()
