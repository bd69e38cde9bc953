# SPDX-License-Identifier: MIT
#
# report_aims.py - the table of aims, measured
#
# An aim compares one of ours with the best (or worst) of theirs within a
# contest: both were measured in turn, in one run. Where a star stands for the
# contest, the one that is furthest from its aim is what counts.

from fnmatch import fnmatchcase
import operator
import statistics

COMPARE = {'>=': operator.ge, '<=': operator.le, '>': operator.gt,
           '<': operator.lt}
ABSENT = 'not in this run'
FIELDS = ('ours', 'statistic', 'is', 'factor', 'of', 'theirs', 'work')


def read(path):
    """The aims of a table, each a dict of FIELDS."""
    with open(path, encoding='utf-8') as lines:
        rows = [line.split(None, len(FIELDS) - 1) for line in lines
                if line.strip() and not line.startswith('#')]
    return [dict(zip(FIELDS, row), factor=float(row[3]), work=row[6].strip())
            for row in rows]


def contests(aims):
    """The contests they name, in their order, which is that of importance."""
    return list(dict.fromkeys(aim['ours'].split('/')[0] for aim in aims))


def runs(row, statistic):
    """The figure of each round."""
    return row.get(f'{statistic}_runs' if statistic[0] == 'p' else 'runs', [])


def value(row, statistic):
    """The figure of all rounds, None where it has none."""
    of_rounds = runs(row, statistic)
    if statistic == 'median' and 'median' in row:
        return row['median']
    if of_rounds:
        return statistics.median(of_rounds)
    at = (float(statistic[1:].removesuffix('_raw'))
          if statistic[0] == 'p' else None)
    return dict(map(tuple, row.get('percentiles', []))).get(at)


def is_less_better(row):
    return row['kind'] == 'latency' or row.get('better') == 'less'


def resolve(statistic, row):
    """The statistic to take, and whether theirs is divided by ours."""
    if statistic != 'gain':
        return statistic, False
    return ('p50' if row['kind'] == 'latency' else 'median',
            is_less_better(row))


def matching(rows, pattern, statistic):
    return [row for row in rows
            if row['kind'] != 'point' and fnmatchcase(row['id'], pattern) and
            value(row, resolve(statistic, row)[0])]


def pick(rows, statistic, which):
    """The best or the worst of them."""
    least = is_less_better(rows[0]) == (which == 'best')
    return (min if least else max)(
        rows, key=lambda row: value(row, statistic))


def compare(aim, ours, candidates):
    """What came out between two contestants."""
    statistic, is_inverse = resolve(aim['statistic'], ours)
    theirs = pick(candidates, statistic, aim['of'])

    def divide(one, other):
        return other / one if is_inverse else one / other

    rounds = [divide(*pair) for pair in zip(runs(ours, statistic),
                                            runs(theirs, statistic))
              if all(pair)]
    ratio = divide(value(ours, statistic), value(theirs, statistic))
    return {'ratio': ratio, 'low': min(rounds, default=ratio),
            'high': max(rounds, default=ratio),
            'contest': ours['contest'], 'unit': ours.get('unit', 'ns'),
            'our_value': value(ours, statistic),
            'their_value': value(theirs, statistic),
            'is_met': COMPARE[aim['is']](ratio, aim['factor'])}


def reason(aim, results):
    """Why an aim could not be measured."""
    for contest in results['contests'].values():
        for skip in contest['skips']:
            if (skip['id'] == aim['ours'] or
                    fnmatchcase(skip['id'], aim['theirs'])):
                return skip['why']
    if '*' not in aim['ours'] and any(
            matching(contest['rows'], aim['ours'], aim['statistic'])
            for contest in results['contests'].values()):
        return f'no {aim["theirs"]} in this run'
    return ABSENT


def measure(aim, results):
    """The aim with its verdict, and what led to that."""
    found = []
    for contest in results['contests'].values():
        theirs = matching(contest['rows'], aim['theirs'], aim['statistic'])
        for ours in matching(contest['rows'], aim['ours'], aim['statistic']):
            if theirs:
                found.append(compare(aim, ours, theirs))
    if not found:
        return dict(aim, verdict='not measured', n_contests=0,
                    why=reason(aim, results))
    worst = (min if aim['is'][0] == '>' else max)(
        found, key=lambda one: one['ratio'])
    return dict(aim, **worst, n_contests=len(found),
                verdict='met' if worst['is_met'] else 'not met')


def summary(aims):
    """`9 met, 2 not met, 1 not measured`"""
    verdicts = [aim['verdict'] for aim in aims]
    return ', '.join(f'{verdicts.count(verdict)} {verdict}'
                     for verdict in ('met', 'not met', 'not measured'))
