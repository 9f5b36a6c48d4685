#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark programs in turns and compares weakrt with its peers.

A round runs every row once in every program, one process after the other (A B A B ...), so that what else the machine
does hits all alike. Printed is the median of the rounds, with the distance of the quartiles in percent of it, and the
ratio of weakrt to the best peer beside its goal. bench/rows.py says what is measured.

usage: bench/bench.py [options] PROGRAM...
  --out DIR        write results.tsv, results.json and results.md there
  --rounds N       9; a row that takes long to prepare has a third of them, with three values each
  --ms N           60: time for a value
  --quick          the main rows, 5 rounds of 20 ms
  --long           also rows that take long: 10 million cache entries
  --curves         growth curves in place of the table, 3 rounds: curves.tsv and curves.json (bench/curves.py)
  --only GLOB      rows whose name matches; may be given more than once
  --instructions   count instructions of an operation under callgrind instead, for the rows of one thread. Build with
                   VARIANT=count: elsewhere the library tells valgrind of every object
  --check          only run every row of every program once, as small as can be: does it work?
A program whose name starts with `weakrt` is ours; goals are for the one that ends with `-inline`, and for the other
1.7 times as much where that inlines anything.
"""

import fnmatch
import os
import re
import subprocess
import sys
import time

import curves
import report
import rows as table


class Program:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.ours = self.name.startswith("weakrt")
        self.inline = self.name.endswith("-inline")
        self.rows, self.missing = set(), None
        for line in subprocess.run([path, "--list"], check=True, capture_output=True, text=True).stdout.splitlines():
            key, value = line.split("\t")
            if key == "row":
                self.rows.add(value)
            elif key == "missing":
                self.missing = value
            else:
                self.title = value
        self.results = {}  # point -> list of values
        self.units = {}
        self.disturbed = {}  # point -> rounds in which it was

    def command(self, point, *options):
        row, threads, size = point
        return [self.path, "--threads", str(threads), *options, *(["--size", str(size)] if size else []), row]

    def run(self, point, *options):
        """Returns the values it printed."""
        command = self.command(point, *options)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0 or not done.stdout:
            sys.exit("bench: %s failed with %d\n%s" % (" ".join(command), done.returncode, done.stderr))
        if done.stderr:
            self.disturbed[point] = self.disturbed.get(point, 0) + 1
        values = []
        for line in done.stdout.splitlines():
            _, value, self.units[point] = line.split("\t")
            values.append(float(value))
        return values

    def measure(self, point, options, values):
        self.results.setdefault(point, []).extend(
            self.run(point, "--ms", str(options["ms"]), "--values", str(values)))

    def count_instructions(self, point):
        """Of one operation: what eight batches more cost."""

        def counted(batches):
            command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
            done = subprocess.run(command + self.command(point, "--batches", str(batches)), check=True,
                                  capture_output=True, text=True)
            return int(re.search(r"Collected : (\d+)", done.stderr).group(1)), float(done.stdout.split("\t")[1])

        (few, few_done), (more, more_done) = counted(2), counted(10)
        self.results[point] = [(more - few) / (more_done - few_done)]
        self.units[point] = "instructions"


def parse(arguments):
    options = {"out": None, "rounds": None, "ms": None, "quick": False, "long": False, "only": [],
               "instructions": False, "check": False, "curves": False}
    programs = []
    arguments = list(arguments)
    while arguments:
        argument = arguments.pop(0)
        name = argument[2:]
        if not argument.startswith("--"):
            programs.append(argument)
        elif options.get(name) is False:
            options[name] = True
        elif name in options and arguments:
            value = arguments.pop(0)
            options[name] = options[name] + [value] if name == "only" else value if name == "out" else int(value)
        else:
            sys.exit(__doc__)
    if not programs or options["curves"] and not options["out"]:
        sys.exit(__doc__)
    options["rounds"] = options["rounds"] or (5 if options["quick"] else 3 if options["curves"] else 9)
    options["ms"] = options["ms"] or (20 if options["quick"] else 60)
    return options, programs


def progress(text):
    if sys.stderr.isatty():
        print("\r%-60s\r%s" % ("", text), end="", file=sys.stderr, flush=True)


def measure(options, programs, plan):
    """plan: point -> whether it is heavy"""
    for number in range(options["rounds"]):
        for point, heavy in plan.items():
            values = 1
            if heavy:
                if number % 3 != 0:
                    continue
                values = min(3, options["rounds"] - number)
            for program in programs:
                if point[0] in program.rows and not table.too_much(program.name, point):
                    progress("round %d of %d: %s" % (number + 1, options["rounds"], point[0]))
                    program.measure(point, options, values)
    progress("")


def count(programs, plan):
    for point in plan:
        for program in programs:
            if point[0] in program.rows:
                progress("instructions: " + point[0])
                program.count_instructions(point)
    progress("")


def check(programs):
    """Run each row of each program, tiny, with one thread and with two."""
    runs = 0
    for program in programs:
        for row in sorted(program.rows):
            for threads in 1, 2:
                program.run((row, threads, None), "--tiny")
                runs += 1
    print("bench: %d runs of %d programs did what they should" % (runs, len(programs)))


def find_programs(paths):
    programs = []
    for program in sorted((Program(path) for path in paths), key=lambda p: (p.ours, not p.inline)):
        if program.missing:
            print("skipped: %s, %s is not installed" % (program.title, program.missing))
        else:
            print("%s: %s" % (program.name, program.title))
            programs.append(program)
    known = {point[0] for row in table.ROWS for point in (row.point, row.peer_point)}
    for program in programs:
        for name in sorted(program.rows - known):
            sys.exit("bench: %s has a row %s that bench/rows.py does not have" % (program.name, name))
    return programs


def wanted(options, row):
    if options["only"]:
        return any(fnmatch.fnmatch(row.name, glob) for glob in options["only"])
    return row.quick or not options["quick"] and (options["long"] or not row.long)


def main():
    options, paths = parse(sys.argv[1:])
    programs = find_programs(paths)
    if options["check"]:
        check(programs)
        return
    if options["curves"]:
        curves.measure(options, programs, progress)
        curves.write(options["out"], options, programs)
        return
    rows = [row for row in table.ROWS if wanted(options, row) and not (options["instructions"] and row.many)]
    start = time.monotonic()
    # A row that another one is compared with is measured too.
    plan = {}
    for row in table.ROWS:
        if row in rows or any(row.name == other.own for other in rows):
            for point in (row.point, row.peer_point):
                plan.setdefault(point, row.heavy)
    if options["instructions"]:
        count(programs, plan)
        print("\ninstructions; ratio to the best peer, or as said\n")
    else:
        measure(options, programs, plan)
        print("\nns, or bytes; ratio to the best peer, or as said; %d rounds in %.0f s; "
              "!: a row of several threads was disturbed\n" % (options["rounds"], time.monotonic() - start))
    results = report.Results(programs, rows, options)
    results.print()
    if options["out"]:
        results.write(options["out"])
        print("\nresults are in %s/results.tsv, .json and .md" % options["out"])


main()
