#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a running Prometheus what the dashboard and the alerts would.

usage: query.py URL DASHBOARD PAGE

Each query of the dashboard has to return data, each rule has to be evaluated
without an error, and each metric that is named has to be on the page. Prints what
does not.
"""
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 20
WORD = re.compile(r"\bringbus_\w+")


def get(url, path, **what):
    address = url + path + "?" + urllib.parse.urlencode(what)
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{what}: {error.read().decode()}")


def fill_in(query):
    for name in ("instance", "channel", "consumer"):
        query = query.replace("$" + name, ".*")
    return query.replace("$__rate_interval", "3s").replace("[5m]", "[3s]")


def has_data(url, query):
    found = get(url, "/api/v1/query", query=query)["result"]
    return any(sample["value"][1] != "NaN" for sample in found)


def label_values(query):
    """label_values(SELECTOR, LABEL) is Grafana's own: its selector."""
    found = re.match(r"label_values\((.*), \w+\)$", query)
    return found.group(1) if found else query


def main():
    url, path, page = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    with open(page, encoding="utf-8") as file:
        known = set(WORD.findall(file.read()))
    queries = [target["expr"] for panel in dashboard["panels"]
               for target in panel.get("targets", [])]
    queries += [label_values(variable["query"]["query"])
                for variable in dashboard["templating"]["list"]]
    wrong = []
    end = time.monotonic() + PATIENCE
    for query in queries:
        while not has_data(url, fill_in(query)):
            if time.monotonic() > end:
                wrong.append(f"no data: {query}")
                break
            time.sleep(0.1)
    rules = [rule for group in get(url, "/api/v1/rules")["groups"]
             for rule in group["rules"]]
    wrong += [f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
              for rule in rules if rule["health"] != "ok"]
    asked = WORD.findall(" ".join(queries + [rule["query"] for rule in rules]))
    wrong += [f"not on the page: {name}" for name in sorted(set(asked) - known)]
    if len(queries) < 20 or len(rules) < 10:
        wrong.append(f"only {len(queries)} queries, {len(rules)} rules")
    for line in wrong:
        print(line)
    print(f"| {len(queries)} queries, {len(rules)} rules")
    sys.exit(1 if wrong else 0)


main()
