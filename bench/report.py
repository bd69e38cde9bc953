#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
#
# report.py - from the lines of a run to the table of aims and a page of plots
#
# usage: bench/report.py [-o REPORT.html] RESULTS.jsonl...
#
# Prints the aims with what was measured, and writes the page. A run may hold
# any part of the suite; what is not in it is said to be not measured.
# README.md beside this script tells what the lines hold.

import argparse
import json
import os
import sys

import report_aims

NEEDS = {
    'machine': (),
    'figure': ('contest', 'id', 'name', 'what', 'unit', 'median'),
    'latency': ('contest', 'id', 'name', 'what', 'percentiles'),
    'point': ('series', 'name', 'what', 'unit', 'x_name', 'x', 'median'),
    'skip': ('contest', 'id', 'name', 'why'),
}


def parse(line):
    """A record, or what is wrong with the line."""
    try:
        record = json.loads(line)
    except ValueError:
        return None, 'is no JSON'
    kind = record.get('kind') if isinstance(record, dict) else None
    if kind not in NEEDS:
        return None, f'is of no known kind: {kind}'
    missing = [key for key in NEEDS[kind] if record.get(key) in (None, [])]
    if missing:
        return None, f'lacks {", ".join(missing)}'
    return record, None


def add(results, record):
    """A later line of the same contestant takes the place of an earlier."""
    if record['kind'] == 'machine':
        results['machine'].update(record)
        return
    key = record.get('id')
    if record['kind'] == 'point':
        # The points of a name are a line, whatever ids they have.
        record.update(contest=record['series'], id=record['name'])
        key = record['name'], record['x']
    contest = results['contests'].setdefault(
        record['contest'],
        {'title': record.get('title') or record['contest'], 'rows': {}})
    contest['rows'][key] = record


def read(path, results):
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            record, complaint = parse(line)
            if complaint:
                results['complaints'].append(
                    f'{path}:{number}: the line {complaint}')
            else:
                add(results, record)


def load(paths):
    """All records of a run: the machine's, and those of each contest."""
    results = {'machine': {}, 'contests': {}, 'complaints': []}
    for path in paths:
        read(path, results)
    for contest in results['contests'].values():
        rows = list(contest['rows'].values())
        contest['skips'] = [row for row in rows if row['kind'] == 'skip']
        contest['rows'] = [row for row in rows if row['kind'] != 'skip']
    return results


def print_aims(aims):
    print(f'aims: {report_aims.summary(aims)}')
    absent = [aim for aim in aims if aim.get('why') == report_aims.ABSENT]
    for aim in aims:
        if aim in absent:
            continue
        goal = f"{aim['is']} {aim['factor']:g}"
        if aim['verdict'] == 'not measured':
            measured, note = '-', aim['why']
        else:
            measured = f"{aim['ratio']:.3g}"
            note = f"{aim['low']:.3g} to {aim['high']:.3g} by round"
            if aim['n_contests'] > 1:
                note += f"; worst in {aim['contest']}"
        print(f"  {aim['verdict']:12} {measured:>6} {goal:7} "
              f"{aim['work']} ({note})")
    if absent:
        print(f'  not measured as it is {report_aims.ABSENT}: {len(absent)}')


def write_page(path, results, aims):
    """Writes the page, where what draws it is installed."""
    try:
        import report_page
    except ImportError as error:
        print(f'no {path}: {error}: apt-get install python3-matplotlib',
              file=sys.stderr)
        return
    with open(path, 'w', encoding='utf-8') as page:
        page.write(report_page.render(results, aims))
    print(f'{path}: the aims and all plots, for a browser')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-o', metavar='REPORT.html')
    parser.add_argument('results', nargs='+', metavar='RESULTS.jsonl')
    arguments = parser.parse_args()
    results = load(arguments.results)
    for complaint in results['complaints']:
        print(complaint, file=sys.stderr)
    folder = os.path.dirname(os.path.abspath(__file__))
    aims = [report_aims.measure(aim, results)
            for aim in report_aims.read(os.path.join(folder, 'aims'))]
    if arguments.o:
        write_page(arguments.o, results, aims)
    print_aims(aims)


if __name__ == '__main__':
    main()
