# SPDX-License-Identifier: MIT
"""Growth curves: a row of the programs at many numbers of threads, or at many sizes."""

import json
import os
import statistics

import report
import rows as table

DECADES = (1, 10, 100, 1000, 10000, 100000, 1000000)


class Curve:
    """The row `row` at each of `xs`, sizes; without them at numbers of threads, of the `size`. A peer's row may have
    the name `peer`."""

    def __init__(self, name, title, row, xs=None, peer=None, size=None):
        self.name, self.title, self.row, self.peer, self.xs, self.size = name, title, row, peer or row, xs, size
        self.axis = "size" if xs else "threads"

    def points(self, ours):
        """x -> point"""
        name = self.row if ours else self.peer
        if self.xs:
            return {x: (name, 1, x) for x in self.xs}
        return {x: (name, x, self.size) for x in range(1, 2 * len(os.sched_getaffinity(0)) + 1)}


CURVES = [
    Curve("threads_get", "weak get + release on one object", "get_release_shared"),
    Curve("threads_borrow", "borrow + return on one object (peers: weak get + release)", "borrow_return_shared",
          peer="get_release_shared"),
    Curve("threads_neighbours", "weak get + release, neighbouring objects", "neighbours"),
    Curve("threads_slot", "atomic slot: load + release", "cell_load_release_shared"),
    Curve("threads_cache", "cache hit, a thousand entries", "cache_hit", size=1000),
    Curve("threads_callback", "create + callback + death", "create_callback_death"),
    Curve("objects_get", "weak get + release, at random over so many objects", "cold_get_release",
          DECADES + (10000000,)),
    Curve("objects_death", "death of so many objects in turn, each", "population_death", DECADES),
    Curve("entries_hit", "cache hit, so many entries", "cache_hit", DECADES),
    Curve("callbacks_register", "register one of so many callbacks on one object", "watches_register", DECADES),
    Curve("callbacks_cancel", "cancel one of so many callbacks on one object, at random", "watches_cancel", DECADES),
    Curve("callbacks_fire", "fire one of so many callbacks at the death of one object", "watches_fire", DECADES),
]


def measure(options, programs, progress):
    for number in range(options["rounds"]):
        for curve in CURVES:
            for program in programs:
                for point in curve.points(program.ours).values():
                    heavy = (point[2] or 0) >= 100000
                    if point[0] not in program.rows or table.too_much(program.name, point) or \
                            heavy and number % 3 != 0:
                        continue
                    progress("round %d of %d: %s" % (number + 1, options["rounds"], curve.name))
                    program.measure(point, options, min(3, options["rounds"] - number) if heavy else 1)
    progress("")


def write(folder, options, programs):
    """Write curves.json and curves.tsv, and print the latter's lines as a table."""
    os.makedirs(folder, exist_ok=True)
    result = {"machine": report.machine(), "rounds": options["rounds"], "ms": options["ms"],
              "programs": {p.name: p.title for p in programs}, "curves": []}
    tsv = ["curve\tprogram\t%s\tns\tlow\thigh" % "x"]
    for curve in CURVES:
        lines = {}
        print("\n%s\n  %-14s %s" % (curve.title, curve.axis,
                                    "".join("%9s" % report.number(x) for x in curve.points(True))))
        for program in programs:
            lines[program.name] = line = []
            values = {x: program.results.get(point) for x, point in curve.points(program.ours).items()}
            for x, measured in values.items():
                if measured:
                    line.append([x, statistics.median(measured), min(measured), max(measured)])
                    tsv.append("\t".join([curve.name, program.name, *("%.6g" % v for v in line[-1])]))
            if line:
                found = {x: ns for x, ns, _, _ in line}
                print("  %-14s %s" % (program.name, "".join("%9s" % report.number(found.get(x)) for x in values)))
        result["curves"].append({"name": curve.name, "title": curve.title, "axis": curve.axis,
                                 "programs": {name: line for name, line in lines.items() if line}})
    with open(os.path.join(folder, "curves.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "curves.tsv"), "w", encoding="utf-8") as file:
        file.write("\n".join(tsv) + "\n")
