# SPDX-License-Identifier: MIT
"""Ratios, goals, the printed table, TSV and JSON."""

import json
import os
import platform
import re
import statistics
import time

import rows as table


def number(value):
    return "-" if value is None else "%.0f" % value if value >= 100 or value == int(value) else "%.3g" % value


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"model name\s*: (.*)", file.read()).group(1)
    except (OSError, AttributeError):
        pass
    return {"processor": model, "processors": len(os.sched_getaffinity(0)), "system": platform.platform(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def median(program, point):
    values = program.results.get(point)
    if not values:
        return None
    if program.units[point] == "longest":
        return min(values)  # what else the machine does only ever makes an operation longer
    # What a process uses for itself is divided among the objects: less than a byte of each.
    return float(int(statistics.median(values))) if program.units[point] == "bytes" else statistics.median(values)


def spread(program, point):
    values = program.results.get(point, [])
    if len(values) < 3:
        return 0
    low, _, high = statistics.quantiles(values, n=4)
    return 100 * (high - low) / (median(program, point) or 1)


class Comparison:
    """Of one row in one of our programs: value, what it is compared with, ratio, goal, and whether that was met."""

    def __init__(self, program, row, programs):
        self.value = median(program, row.point)
        self.spread = spread(program, row.point)
        self.noisy = program.disturbed.get(row.point, 0)
        self.against = self.peer = self.ratio = self.goal = self.met = None
        if self.value is None:
            return
        if row.own:
            self.against = median(program, next(r for r in table.ROWS if r.name == row.own).point)
        else:
            peers = [(median(p, row.peer_point), p.name) for p in programs
                     if not p.ours and (not row.only or p.name in row.only)]
            self.against, self.peer = min(((v, n) for v, n in peers if v is not None), default=(None, None))
        if row.at_most is not None:
            self.goal, self.met = row.at_most, self.value <= row.at_most
        elif self.against:
            self.ratio = self.value / self.against
            if program.units[row.point] != "instructions":
                self.goal = row.goal if program.inline else row.calls
            if self.goal is not None:
                self.met = self.ratio <= self.goal

    def verdict(self):
        return "" if self.met is None else "met" if self.met else "MISSED"


class Results:
    def __init__(self, programs, rows, options):
        self.programs, self.options = programs, options
        self.ours = [p for p in programs if p.ours]
        self.rows = [row for row in rows if any(row.point in p.results for p in self.ours)]
        self.comparisons = {(row.name, p.name): Comparison(p, row, programs) for row in self.rows for p in self.ours}

    def groups(self):
        for group in table.GROUPS:
            rows = [row for row in group.rows if row in self.rows]
            if rows:
                yield group.title, rows

    def header(self):
        return ["work", "best peer", ""] + [text for p in self.ours for text in (p.name, "+-%", "ratio", "goal", "")]

    def line(self, row):
        first = self.comparisons[row.name, self.ours[0].name]
        line = [row.title, number(first.against), first.peer or ""]
        for program in self.ours:
            it = self.comparisons[row.name, program.name]
            line += [number(it.value), "-" if it.value is None else "%.0f%s" % (it.spread, "!" if it.noisy else ""),
                     "" if it.ratio is None else "%.2f" % it.ratio, "" if it.goal is None else "%.4g" % it.goal,
                     it.verdict()]
        return line

    def print(self):
        lines = [self.header()]
        for title, rows in self.groups():
            lines += [[title]] + [self.line(row) for row in rows]
        widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(lines[0]))]
        for line in lines:
            if len(line) == 1:
                print("\n" + line[0])
                continue
            cells = [cell.ljust(width) if i in (0, 2) else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(line, widths))]
            print("  ".join(cells).rstrip())

    def markdown(self):
        lines = ["| work | best peer | | weakrt | ratio | goal | as a call |", "|---|--:|---|--:|--:|--:|--:|"]
        for title, rows in self.groups():
            lines.append("| **%s** | | | | | | |" % title)
            for row in rows:
                inline, *more = [self.comparisons[row.name, p.name] for p in self.ours]
                lines.append("| " + " | ".join((
                    row.title, number(inline.against), inline.peer or "", number(inline.value),
                    "" if inline.ratio is None else "%.2f" % inline.ratio,
                    "" if inline.goal is None else "%.4g%s" % (inline.goal, "" if inline.met else " missed"),
                    number(more[0].value) if more else "")) + " |")
        return "\n".join(lines) + "\n"

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        result = {"machine": machine(), "rounds": self.options["rounds"], "ms": self.options["ms"],
                  "programs": {p.name: p.title for p in self.programs}, "rows": []}
        tsv = ["row\tprogram\tthreads\tsize\tunit\tmedian\tlow\thigh\tratio\tgoal\tmet"]
        for row in self.rows:
            entry = {"name": row.name, "title": row.title, "programs": {}}
            for program in self.programs:
                point = row.point if program.ours else row.peer_point
                if point not in program.results:
                    continue
                values = program.results[point]
                it = self.comparisons.get((row.name, program.name))
                cell = {"median": median(program, point), "values": values, "ratio": it and it.ratio,
                        "goal": it and it.goal, "met": it and it.met,
                        "disturbed_rounds": program.disturbed.get(point, 0)}
                entry["unit"] = program.units[point]
                entry["programs"][program.name] = cell
                tsv.append("\t".join("" if v is None else str(v) for v in (
                    row.name, program.name, point[1], point[2], entry["unit"], cell["median"], min(values),
                    max(values), cell["ratio"], cell["goal"], cell["met"])))
            result["rows"].append(entry)
        with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
        with open(os.path.join(folder, "results.tsv"), "w", encoding="utf-8") as file:
            file.write("\n".join(tsv) + "\n")
        with open(os.path.join(folder, "results.md"), "w", encoding="utf-8") as file:
            file.write(self.markdown())
