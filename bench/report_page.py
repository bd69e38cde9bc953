# SPDX-License-Identifier: MIT
#
# report_page.py - the page: report_page.html, filled in
#
# Under each plot stands the table of its figures, which is its legend too.

from html import escape
import os
import statistics
import string

import report_aims
import report_plots
from report_plots import number, quantity

KINDS = {'ringbus': 'ours', 'floor': 'floor', 'peer': 'peer'}
SIGNS = {'>=': '≥', '<=': '≤', '>': '&gt;', '<': '&lt;'}
CLASSES = {'met': 'met', 'not met': 'not-met', 'not measured': 'muted'}


def cell(content='', css='number'):
    return f'<td class="{css}">{content}</td>'


def table(head, rows):
    """Rows are strings of cells."""
    return ('<div class="scroll"><table><tr>' +
            ''.join(f'<th>{title}</th>' for title in head) + '</tr>' +
            ''.join(f'<tr>{row}</tr>' for row in rows) + '</table></div>')


def span(low, high, show):
    return show(low) if low == high else f'{show(low)} – {show(high)}'


def plot(kind, name, svg):
    return (f'<figure class="plot" data-plot="{escape(name)}" '
            f'data-kind="{kind}">{svg}</figure>')


def section(name, title, content):
    return (f'<section id="{escape(name)}"><h2>{escape(title)}</h2>'
            f'{content}</section>')


def name_cell(row, colours):
    swatch = f'<i class="swatch" style="--of: {colours[row["id"]]}"></i>'
    return (cell(swatch + escape(row['name']), 'name') +
            cell(KINDS.get(row['what'], '')))


def skip_table(skips):
    return table(('not run', ''), [
        cell(escape(skip['name']), 'name') + cell(escape(skip['why']), 'why')
        for skip in skips])


def best_first(rows):
    return sorted(rows, key=lambda row: row['median'],
                  reverse=not report_aims.is_less_better(rows[0]))


def figure_table(rows, colours):
    head = ('contestant', '', 'median', 'min – max', 'ratio')
    return table(head, [
        name_cell(row, colours) +
        cell(quantity(row['median'], row['unit'])) +
        cell(span(row.get('min', row['median']),
                  row.get('max', row['median']), number)) +
        cell(f'{number(row["ratio"])} ×' if row.get('ratio') else '')
        for row in rows])


def middle_and_span(rounds):
    if not rounds:
        return cell() + cell()
    low, high = min(rounds), max(rounds)
    return (cell(quantity(statistics.median(rounds), 'ns')) +
            cell(span(low, high, lambda ns: quantity(ns, 'ns'))))


def latency_cells(row):
    percentiles = dict(map(tuple, row['percentiles']))
    raw = row.get('p99_raw_runs')
    return (middle_and_span(row.get('p50_runs')) +
            middle_and_span(row.get('p99_runs')) +
            cell(quantity(statistics.median(raw), 'ns') if raw else '') +
            ''.join(cell(quantity(percentiles[percent], 'ns')
                         if percent in percentiles else '')
                    for percent in (99.9, 99.99, 100)))


def latency_table(rows, colours):
    head = ('contestant', '', 'p50', 'by round', 'p99', 'by round',
            'p99 raw', 'p99.9', 'p99.99', 'max')
    return table(head, [name_cell(row, colours) + latency_cells(row)
                        for row in rows])


def point_cell(row):
    if row is None:
        return cell()
    middle = row['median']
    ends = span(row.get('min', middle), row.get('max', middle), number)
    return cell(f'{number(middle)} <span class="muted">{ends}</span>')


def point_table(rows, firsts, colours):
    by_place = {(row['id'], row['x']): row for row in rows}
    head = [f'<i class="swatch" style="--of: {colours[first["id"]]}"></i>' +
            escape(first['name']) for first in firsts]
    return table([escape(rows[0]['x_name']), *head], [
        cell(report_plots.x_text(x)) +
        ''.join(point_cell(by_place.get((first['id'], x)))
                for first in firsts)
        for x in sorted({row['x'] for row in rows})])


def state(contests):
    """The machine while these contests ran."""
    rows = [row for contest in contests for row in contest['rows']]
    probes = [ns for row in rows for pair in row.get('probe_ns', [])
              for ns in pair]
    parts = []
    if probes:
        parts.append('a line from core to core and back in '
                     f'{span(min(probes), max(probes), number)} ns')
    for key, text in (('noise', 'noise'), ('steal_percent', 'stolen')):
        values = [row[key] for row in rows if row.get(key) is not None]
        if values:
            parts.append(f'{text} up to {max(values):.2f} %')
    repeated = sum(max((row.get('repeated', 0) for row in contest['rows']),
                       default=0) for contest in contests)
    parts.append(f'rounds repeated: {number(repeated)}')
    if not all(row.get('settled', True) for row in rows):
        parts.append('the cores kept moving')
    return f'<p class="muted">{escape("; ".join(parts))}</p>'


def points_content(name, rows, colours):
    firsts = list({row['id']: row for row in rows}.values())
    return (plot('lines', name,
                 report_plots.lines(name, rows, firsts, colours)) +
            point_table(rows, firsts, colours))


def contest_section(name, contest, palette):
    """Each kind of rows has a plot and a table."""
    kinds = {kind: [row for row in contest['rows'] if row['kind'] == kind]
             for kind in ('figure', 'latency', 'point')}
    colours = palette.of(contest['rows'])
    content = state([contest]) if contest['rows'] else ''
    if kinds['figure']:
        rows = best_first(kinds['figure'])
        content += plot('bars', name, report_plots.bars(name, rows, colours))
        content += figure_table(rows, colours)
    if kinds['latency']:
        rows = kinds['latency']
        content += plot('curves', name,
                        report_plots.curves(name, rows, colours))
        content += latency_table(rows, colours)
    if kinds['point']:
        content += points_content(name, kinds['point'], colours)
    if contest['skips']:
        content += skip_table(contest['skips'])
    return section(name, contest['title'], content)


def aim_row(aim):
    cells = (cell(escape(aim['work']), 'name') +
             cell(f'{SIGNS[aim["is"]]} {aim["factor"]:g}'))
    verdict = aim['verdict']
    result = cell(f'<span class="{CLASSES[verdict]}">{verdict}</span>')
    if verdict == 'not measured':
        return (cells + f'<td class="why" colspan="3">{escape(aim["why"])}'
                '</td>' + result)
    pair = ' to '.join(quantity(aim[key], aim['unit'])
                       for key in ('our_value', 'their_value'))
    if aim['n_contests'] > 1:
        contest = escape(aim['contest'])
        pair += f', <a href="#{contest}">{contest}</a>'
    return (cells + cell(f'<b>{number(aim["ratio"])}</b>') +
            cell(span(aim['low'], aim['high'], number)) + cell(pair) +
            result)


def aims_content(aims):
    head = ('beside what', 'aim', 'ratio', 'by round', 'ours to theirs', '')
    content = table(head, map(aim_row, aims))
    if any(aim['verdict'] != 'not measured' for aim in aims):
        content = plot('distances', 'aims',
                         report_plots.distances(aims)) + content
    return content


def machine_content(results):
    items = ''.join(
        f'<dt>{escape(key)}</dt>'
        f'<dd>{escape("unknown" if value is None else str(value))}</dd>'
        for key, value in results['machine'].items() if key != 'kind')
    return f'<dl>{items}</dl>{state(results["contests"].values())}'


def ordered(names, aims):
    """Those that the aims name come first."""
    first = [name for name in report_aims.contests(aims) if name in names]
    return first + [name for name in names if name not in first]


def contents(names, results):
    return ''.join(f'<a href="#{escape(name)}">'
                   f'{escape(results["contests"][name]["title"])}</a>'
                   for name in names)


def complaints_content(results):
    return ''.join(f'<p class="complaint">{escape(complaint)}</p>'
                   for complaint in results['complaints'])


def render(results, aims):
    names = ordered(results['contests'], aims)
    palette = report_plots.Colours()
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, 'report_page.html'),
              encoding='utf-8') as page:
        template = string.Template(page.read())
    return template.substitute(
        verdict=report_aims.summary(aims),
        complaints=complaints_content(results),
        machine=machine_content(results),
        aims=aims_content(aims),
        contents=contents(names, results),
        sections=''.join(
            contest_section(name, results['contests'][name], palette)
            for name in names))
