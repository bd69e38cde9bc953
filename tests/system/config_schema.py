#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""config_schema.py - what the schema and the daemon say of the same files

usage: config_schema.py RINGBUSD SCHEMA

For each key its smallest, largest and default value, or each of its words, and
values that are wrong: the daemon takes it if and only if the schema does. And what
is shipped, and in the corpus of the fuzzer: what the daemon takes, so does the
schema. One line for each disagreement; the last says how many files were looked at.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

import jsonschema
import yaml

PATHS = {
    "top": "{}",
    "daemon": "daemon: {{ {} }}",
    "dynamic": "dynamic: {{ {} }}",
    "channel": "channels: {{ a: {{ {} }} }}",
    "access": "channels: {{ a: {{ access: {{ {} }} }} }}",
    "dynamic.access": "dynamic: {{ access: {{ {} }} }}",
    "consumer": "channels: {{ a: {{ consumers: {{ c: {{ {} }} }} }} }}",
    "key": "channels: {{ a: {{ consumers: {{ c: {{ group: true, key: {{ {} }} "
    "}} }} }} }}",
    "journal": "channels: {{ a: {{ journal: {{ {} }} }} }}",
    "bridge": "channels: {{ a: {{ bridge: {{ {} }} }} }}",
}
# What another key has to be for one to be right.
BESIDE = {
    "slot_size": "framing: framed, slots: 64",
    "event_size": "slots: 64",
    "stuck": "producers: multi",
    "stuck_after": "producers: multi, stuck: kill",
    "history": "slots: 2147483648, event_size: 1",
    "slots": "event_size: 1",
    "version": "type: t",
    "max_lag": "slow: park",
    "max_stall": "slow: evict, max_lag: 9",
    "keep_for": "on_death: keep",
    "offset": "size: 1",
    "strict": "producers: multi",
    "sync_interval": "sync: interval",
    "start": "direction: import",
    "state": "direction: import",
    "certificate": "key: /k",
    "key": "certificate: /c",
}
RIGHT = {
    "path": ["/a/b"],
    "access": ["any", "[]", "[user:0, group:0]"],
    "name": ["order", "7"],
    "hex": ["00ff", "12"],
    "list": ["3"],
    "bool": ["true", "false"],
    "urls": ["nats://a", "[nats://a.b:4222, 'tls://[::1]:1']", "'nats://a,tls://b'"],
    "stream": ["S-1_x", "7"],
    "subject": ["a", "a.b-c.d/e"],
    "host": ["a.b", "'[::1]'", "10.0.0.1"],
}
WRONG = {
    "path": ["a/b", "[]"],
    "access": ["all", "[any, 3]", "{}"],
    "name": ["-a", "'a b'", "[]"],
    "hex": ["0g", "'123'"],
    "list": ["a", "'3-'"],
    "bool": ["maybe", "3"],
    "urls": ["http://a", "nats://", "[]", "nats://me:me@a", "[nats://a, 3]", "{}",
             "'nats://a,'"],
    "stream": ["a.b", "'a b'", "[]"],
    "subject": ["a..b", "'a.*'", "a.>", "'a b'", "'$JS.a'", ".a", "a.", "[]"],
    "host": ["'a:1'", "'a b'", "[]"],
    "word": ["nothing", "3", "[]"],
    "number": ["-1", "1.5", "many", "[]"],
    "size": ["-1", "1XiB", "[]"],
    "duration": ["-1s", "10", "1parsec", "[]"],
}
# Not by the range of the key alone: see the manual.
BETWEEN_KEYS = {"max_lag", "slots", "history", "size", "offset", "slow", "group"}


class Judges:
    def __init__(self, daemon, schema):
        self.daemon = daemon
        with open(schema, encoding="utf-8") as file:
            rules = json.load(file)
        jsonschema.Draft7Validator.check_schema(rules)
        self.validator = jsonschema.Draft7Validator(rules)
        self.folder = tempfile.TemporaryDirectory()
        self.n_files = 0
        self.n_failed = 0

    def takes(self, text):
        """Whether the daemon does."""
        path = os.path.join(self.folder.name, "ringbus.yaml")
        with open(path, "wb") as file:
            file.write(text)
        self.n_files += 1
        checked = subprocess.run([self.daemon, "--dump-config", "--config", path],
                                 capture_output=True, check=False)
        return checked.returncode == 0

    def validates(self, text):
        return self.validator.is_valid(yaml.safe_load(text) or {})

    def complain(self, text, what):
        self.n_failed += 1
        print(f"{what}: {text!r}")

    def expect(self, text, right):
        text = text.encode()
        if self.takes(text) != right:
            self.complain(text, f"the daemon {'refuses' if right else 'takes'}")
        if self.validates(text) != right:
            self.complain(text, f"the schema {'refuses' if right else 'takes'}")

    def expect_no_stricter(self, text):
        if self.takes(text) and not self.validates(text):
            self.complain(text, "the schema alone refuses")


def values_of(kind, limits, default):
    if kind == "word":
        return limits.split(", ")
    if kind in RIGHT:
        return RIGHT[kind]
    ends = limits.removeprefix("a power of two ").split()
    if ends[0] == "from":
        return [ends[1], ends[3], default or ends[1]]
    return ["0", ends[-1], default or "0"]


def look_at_key(judges, line):
    section, name, kind, limits, default, *_ = line.split("\t")
    if kind == "mapping":
        return
    beside = BESIDE.get(name, "")
    if section == "channel" and name == "max_members_per_user":
        beside = ""
    frame = PATHS[section].format(f"{beside}{', ' if beside else ''}{name}: %s")
    for value in values_of(kind, limits, default):
        if name in BETWEEN_KEYS:
            judges.expect_no_stricter((frame % value).encode())
        else:
            judges.expect(frame % value, True)
    for value in WRONG[kind]:
        judges.expect(frame % value, False)
    judges.expect(PATHS[section].format(name + "s: 1"), False)


def main():
    judges = Judges(*sys.argv[1:3])
    keys = subprocess.run([judges.daemon, "--keys"], capture_output=True,
                          check=True, text=True).stdout
    for line in keys.splitlines():
        look_at_key(judges, line)
    with open("config/ringbus.yaml", encoding="utf-8") as file:
        judges.expect(file.read(), True)
    for path in glob.glob("tests/fuzz/corpus/config/*"):
        with open(path, "rb") as file:
            judges.expect_no_stricter(file.read())
    judges.expect("channels: { a: { x-mine: [1] } }\nx-notes: { b: 2 }\n", True)
    judges.expect("channels: { x-a: 3 }", True)
    judges.expect("channels: []", False)
    judges.expect("channels: { -a: {} }", False)
    judges.expect("defaults: { consumers: { c: {} } }", False)
    print(f"{judges.n_files} files")
    return judges.n_failed > 0


if __name__ == "__main__":
    sys.exit(main())
