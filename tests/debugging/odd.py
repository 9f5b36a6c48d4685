# SPDX-License-Identifier: MIT
"""Reads what tests/debugging/odd.c writes, as programs would. usage: odd.py FOLDER (with json, prometheus, cycles)"""

import json
import os
import re
import sys

NAMES = {
    "plain", 'quo"te', "back\\slash", "new\nline\ttab", "\x01\x1f\x7f", "Grüße, 世界 🦀",
    "\\xff\\xfe", "\\xc0\\xaf", "\\xed\\xa0\\x80", "cut \\xe4\\xb8", '{a="b"} 1', "", "\\xff",
}  # fmt: skip
VISIBLE = {name.replace("\t", "\\x09").replace("\x01\x1f", "\\x01\\x1f") for name in NAMES}
METRIC = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{type="((?:[^"\\\n]|\\[\\"n])*)"\})? ([0-9]+)')


def text_of(name):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8", newline="\n") as file:
        return file.read()  # fails if it is not UTF-8


def same(what, found, wanted):
    if found != wanted:
        sys.exit("%s: %r in place of %r" % (what, found, wanted))


def check_json():
    text = text_of("json")
    same("json: lines", text.count("\n"), 1)
    stats = json.loads(text)
    same("json: types", {row["name"] for row in stats["types"]}, NAMES)
    same("json: live", stats["live"], len(NAMES))


def unescaped(label):
    return re.sub(r'\\([\\"n])', lambda match: "\n" if match[1] == "n" else match[1], label)


def check_prometheus():
    kinds, helped, names, series = {}, set(), set(), set()
    for line in text_of("prometheus").split("\n")[:-1]:
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            helped.add(words[2])
        elif words[:2] == ["#", "TYPE"]:
            same("prometheus: type of " + words[2], words[3] in ("counter", "gauge"), True)
            same("prometheus: one type of " + words[2], words[2] in kinds, False)
            kinds[words[2]] = words[3]
        else:
            sample = SAMPLE.fullmatch(line)
            if sample is None:
                sys.exit("prometheus: %r is no sample" % line)
            same("prometheus: type before " + line, sample[1] in kinds and sample[1] in helped, True)
            counter = kinds[sample[1]] == "counter"
            same("prometheus: counter ends in _total: " + line, counter, sample[1].endswith("_total"))
            same("prometheus: twice: " + line, (sample[1], sample[2]) in series, False)
            series.add((sample[1], sample[2]))
            if sample[2] is not None:
                names.add(unescaped(sample[2]))
    same("prometheus: types", names, VISIBLE)
    same("prometheus: names", all(METRIC.fullmatch(name) for name in kinds), True)


def check_cycles():
    circles = json.loads(text_of("cycles"))["groups"][0]["circles"]
    same("cycles: types", {step["type"] for step in circles[0]["path"]}, NAMES)
    same("cycles: fields", {step["field"] for step in circles[0]["path"]}, {'fi"eld\\xff\n'})



check_json()
check_prometheus()
check_cycles()
