#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark programs in turns and compares weakrt with its peers.

A round runs every row once in every program, one process after the other (A B A B ...), so that what else the machine
does hits all alike. Printed is the median of the rounds, with the distance of the quartiles in percent of it, and the
ratio of weakrt to the best peer beside its goal.

usage: bench/bench.py [options] PROGRAM...
  --out DIR        write results.tsv and results.json there
  --rounds N       9
  --ms N           150: time for a row in a process
  --quick          the main rows, 5 rounds of 20 ms
  --only GLOB      rows whose name matches; may be given more than once
  --instructions   count instructions of an operation under callgrind instead, for the rows of one thread. Build with
                   VARIANT=count: elsewhere the library tells valgrind of every object
A program whose name starts with `weakrt` is ours; goals are for the one that ends with `-inline`.
"""

import fnmatch
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

CALLS = 1.7  # what a plain call may cost, times the goal with the inline header


class Row:
    """What a row is compared with: `best` peer's row of the same name, or of the name `peer`; `own`, another row of the
    same program; or `at_most`, a number of its unit."""

    def __init__(self, name, title, goal=None, peer=None, own=None, at_most=None, quick=False, many=False):
        self.name, self.title, self.goal, self.own, self.at_most = name, title, goal, own, at_most
        self.peer = peer or name
        self.quick = quick  # part of --quick
        self.many = many  # several threads, or too many objects for callgrind
        self.factor = own != "neighbours_one_thread"  # a call costs more than what is inlined


ROWS = [
    Row("retain_release", "retain + release", 1.05, quick=True),
    Row("retain_release_never_weak", "the same, no weak reference was ever made", 1.45, peer="retain_release"),
    Row("get_release", "weak get + release", 0.85, quick=True),
    Row("get_release_shared", "the same from 2 threads on one object", 0.8, quick=True, many=True),
    Row("neighbours_one_thread", "the same in turn on 8 of 16 neighbours", many=True),
    Row("neighbours_two_threads", "... while a 2nd thread uses the others: / one", 1.15, own="neighbours_one_thread",
        many=True),
    Row("weak_copy_drop", "weak copy + drop", 0.1),
    Row("plain_lookup", "plain load and compare of a generation"),
    Row("dead_lookup", "dead look-up: / plain load and compare", 1.5, own="plain_lookup"),
    Row("create_destroy", "create + destroy, 64 bytes, fresh slots", 0.3, quick=True),
    Row("create_destroy_minted", "the same in slots that had weak values", 1.3, peer="create_destroy", quick=True),
    Row("create_destroy_function", "the same with a destroy function, fresh slots"),
    Row("create_weak_destroy", "create + weak + destroy + drop", 0.6, quick=True),
    Row("cold_get_release", "get + release, random over 10 million objects", 0.9, many=True),
    Row("cold_get_read_release", "the same, and read a word of the object", many=True),
    Row("bytes_with_weak", "bytes of an object with one weak reference", at_most=104, many=True),
    Row("bytes_held_after_death", "bytes held after death, 1 KiB, weak survives", at_most=0, many=True),
]


class Program:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.ours = self.name.startswith("weakrt")
        self.rows, self.missing = set(), None
        for line in subprocess.run([path, "--list"], check=True, capture_output=True, text=True).stdout.splitlines():
            key, value = line.split("\t")
            if key == "row":
                self.rows.add(value)
            elif key == "missing":
                self.missing = value
            else:
                self.title = value
        self.results = {}  # row name -> list of values
        self.units = {}
        self.disturbed = {}  # row name -> rounds in which it was

    def run(self, row, options):
        done = subprocess.run([self.path] + options + [row.name], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("bench: %s %s failed with %d\n%s" % (self.path, row.name, done.returncode, done.stderr))
        name, value, unit = done.stdout.split("\t")
        self.results.setdefault(name, []).append(float(value))
        self.units[name] = unit.strip()
        if done.stderr:
            self.disturbed[name] = self.disturbed.get(name, 0) + 1

    def count_instructions(self, row):
        """Of one operation: what eight batches more of 10000 cost."""

        def collected(batches):
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", self.path,
                 "--batches", str(batches), row.name], check=True, capture_output=True, text=True)
            return int(re.search(r"Collected : (\d+)", done.stderr).group(1))

        self.results[row.name] = [(collected(10) - collected(2)) / 80000]
        self.units[row.name] = "instructions"

    def value(self, name):
        values = self.results.get(name)
        if not values:
            return None
        median = statistics.median(values)
        # What a process uses for itself is divided among the objects: less than a byte of each.
        return float(int(median)) if self.units[name] == "bytes" else median

    def spread(self, name):
        values = self.results[name]
        if len(values) < 3:
            return 0
        low, _, high = statistics.quantiles(values, n=4)
        return 100 * (high - low) / (self.value(name) or 1)


def parse(arguments):
    options = {"out": None, "rounds": None, "ms": None, "quick": False, "only": [], "instructions": False}
    programs = []
    arguments = list(arguments)
    while arguments:
        argument = arguments.pop(0)
        name = argument[2:]
        if not argument.startswith("--"):
            programs.append(argument)
        elif name in ("quick", "instructions"):
            options[name] = True
        elif name in options and arguments:
            value = arguments.pop(0)
            options[name] = options[name] + [value] if name == "only" else value if name == "out" else int(value)
        else:
            sys.exit(__doc__)
    if not programs:
        sys.exit(__doc__)
    options["rounds"] = options["rounds"] or (5 if options["quick"] else 9)
    options["ms"] = options["ms"] or (20 if options["quick"] else 150)
    return options, programs


def progress(text):
    if sys.stderr.isatty():
        print("\r%-60s\r%s" % ("", text), end="", file=sys.stderr, flush=True)


def measure(options, programs, rows):
    for number in range(options["rounds"]):
        for row in rows:
            for program in programs:
                if row.name in program.rows:
                    progress("round %d of %d: %s" % (number + 1, options["rounds"], row.name))
                    program.run(row, ["--ms", str(options["ms"])])
    progress("")


def count(programs, rows):
    for row in rows:
        for program in programs:
            if row.name in program.rows and not row.many:
                progress("instructions: " + row.name)
                program.count_instructions(row)
    progress("")


def compare(program, row, programs, first):
    """The ratio, or for `at_most` the value itself; the goal; and whether it was met. None where there is none."""
    value = program.value(row.name)
    if value is None:
        return None, None, None
    if row.at_most is not None:
        return value, row.at_most, value <= row.at_most
    if row.own:
        against = program.value(row.own)
    else:
        against = min((p.value(row.peer) for p in programs if not p.ours and p.value(row.peer)), default=None)
    if not against:
        return None, None, None
    goal = row.goal
    if program.units[row.name] == "instructions":
        goal = None
    if goal is not None and program is not first and row.factor:
        goal *= CALLS
    ratio = value / against
    return ratio, goal, None if goal is None else ratio <= goal


def number(value):
    return "-" if value is None else "%.0f" % value if value >= 100 or value == int(value) else "%.3g" % value


def table(programs, rows):
    ours = [p for p in programs if p.ours]
    header = ["work"]
    for program in programs:
        header += [program.name, "+-%"] + (["ratio", "goal", ""] if program.ours else [])
    lines = [header]
    for row in rows:
        line = [row.title]
        for program in programs:
            name = row.name if program.ours else row.peer
            value = program.value(name)
            noisy = "!" if program.disturbed.get(name) else ""
            line += [number(value), "-" if value is None else "%.0f%s" % (program.spread(name), noisy)]
            if program.ours:
                ratio, goal, met = compare(program, row, programs, ours[0])
                line += ["-" if ratio is None else "%.2f" % ratio, "-" if goal is None else "%.2f" % goal,
                         "" if met is None else "met" if met else "MISSED"]
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths)]
        print("  ".join([line[0].ljust(widths[0])] + cells[1:]).rstrip())


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"model name\s*: (.*)", file.read()).group(1)
    except (OSError, AttributeError):
        pass
    return {"processor": model, "processors": len(os.sched_getaffinity(0)), "system": platform.platform(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def write(options, programs, rows):
    os.makedirs(options["out"], exist_ok=True)
    ours = [p for p in programs if p.ours]
    result = {"machine": machine(), "rounds": options["rounds"], "ms": options["ms"],
              "programs": {p.name: p.title for p in programs}, "rows": []}
    tsv = ["row\tprogram\tunit\tmedian\tlow\thigh\tratio\tgoal\tmet"]
    for row in rows:
        entry = {"name": row.name, "title": row.title, "programs": {}}
        for program in programs:
            if row.name not in program.results:
                continue
            values = program.results[row.name]
            ratio, goal, met = compare(program, row, programs, ours[0]) if program.ours else (None, None, None)
            entry["unit"] = program.units[row.name]
            cell = {"median": program.value(row.name), "values": values, "ratio": ratio, "goal": goal, "met": met,
                    "disturbed_rounds": program.disturbed.get(row.name, 0)}
            entry["programs"][program.name] = cell
            tsv.append("\t".join("" if v is None else str(v) for v in (
                row.name, program.name, entry["unit"], cell["median"], min(values), max(values), ratio, goal, met)))
        result["rows"].append(entry)
    with open(os.path.join(options["out"], "results.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    with open(os.path.join(options["out"], "results.tsv"), "w", encoding="utf-8") as file:
        file.write("\n".join(tsv) + "\n")


def main():
    options, paths = parse(sys.argv[1:])
    programs = []
    for program in sorted((Program(path) for path in paths), key=lambda p: (p.ours, not p.name.endswith("-inline"))):
        if program.missing:
            print("skipped: %s, %s is not installed" % (program.title, program.missing))
        else:
            print("%s: %s" % (program.name, program.title))
            programs.append(program)
    rows = [row for row in ROWS if (row.quick or not options["quick"]) and
            (not options["only"] or any(fnmatch.fnmatch(row.name, glob) for glob in options["only"]))]
    known = {name for row in ROWS for name in (row.name, row.peer)}
    for program in programs:
        for name in sorted(program.rows - known):
            sys.exit("bench: %s has a row %s that the table in bench.py does not have" % (program.name, name))
    start = time.monotonic()
    # A row that another one is compared with is measured too.
    needed = {name for row in rows for name in (row.name, row.peer, row.own)}
    measured = [row for row in ROWS if row.name in needed]
    if options["instructions"]:
        count(programs, measured)
        rows = [row for row in rows if not row.many]
        print("\ninstructions; ratio to the best peer, or as said\n")
    else:
        measure(options, programs, measured)
        print("\nns, or bytes; ratio to the best peer, or as said; %d rounds in %.0f s; "
              "!: a row of several threads was disturbed\n" % (options["rounds"], time.monotonic() - start))
    table(programs, rows)
    if options["out"]:
        write(options, programs, rows)
        print("\nresults are in %s/results.tsv and .json" % options["out"])


main()
