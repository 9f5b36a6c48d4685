# SPDX-License-Identifier: MIT
"""Reads tools/sabotage*.list: what is to be broken, and the check that must fail then. For tools/sabotage and lint,
which wants to know what is broken nowhere.

A list:
    == NAME: what is broken         the next breakage; its NAME ends in `!` if --short runs it
    check [VAR=VALUE ...] GLOB ...  tests that must fail, and what to give make to build them; TEST_TIMEOUT=N is for
                                    those that hang
    stress [VAR=VALUE ...] [--OPTION=VALUE ...] NAME ...
                                    or: scenarios of wr-stress, one of which must find a violation
    broker [VAR=VALUE ...] GLOB ... or: tests of examples/broker/run-tests, of which one must fail
    fuzz                            or: a sequence of tests/fuzz/corpus, or one of some made at random, must fail
    model [--OPTION ...] GLOB       or: models of tests/model, one of which must fail; --long: within wider bounds
    equivalent: REASON              no model may fail: kept as it is for the reason given
    like NAME                       in place of pieces: those of that breakage, and its check if there is none here
    file PATH
    - a line of the source          as it is, but for white space; as often as there are lines
    + what it becomes               none: it goes
More pieces of the same breakage follow as more `file`s. The lines must be in the file exactly once.
"""

import glob
import os
import re
import sys

LISTS = sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sabotage*.list")))


class Misfit(Exception):
    pass


class Breakage:
    def __init__(self, heading):
        self.name, _, self.what = heading.partition(": ")
        self.short = self.name.endswith("!")
        self.name = self.name.rstrip("!")
        self.settings, self.globs, self.seconds = None, [], []  # of a check
        self.stress, self.scenarios, self.after = None, [], None
        self.model, self.equivalent = None, None
        self.options = []  # of the stress program, or of the models'
        self.like = None
        self.fuzz = False
        self.broker, self.sessions = None, []  # settings, and tests of it
        self.pieces = []


def parse_list(path, text):
    breakages = []
    for number, line in enumerate(text, 1):
        line = line.rstrip("\n")
        key, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if key == "==":
            breakages.append(Breakage(rest))
        elif key == "model":
            *breakages[-1].options, breakages[-1].model = rest.split()
        elif key == "stress":
            words = rest.split()
            breakages[-1].stress = tuple(w for w in words if "=" in w and not w.startswith("--"))
            breakages[-1].scenarios = [w for w in words if "=" not in w]
            breakages[-1].options = [w for w in words if w.startswith("--")]
        elif key == "broker":
            words = rest.split()
            breakages[-1].broker = tuple(w for w in words if "=" in w)
            breakages[-1].sessions = [w for w in words if "=" not in w]
        elif key == "fuzz":
            breakages[-1].fuzz = True
        elif key == "like":
            breakages[-1].like = rest
        elif key == "equivalent:":
            breakages[-1].equivalent = rest
        elif key == "check":
            words = rest.split()
            breakages[-1].settings = tuple(w for w in words if "=" in w and not w.startswith("TEST_TIMEOUT="))
            breakages[-1].seconds = [int(w.split("=")[1]) for w in words if w.startswith("TEST_TIMEOUT=")]
            breakages[-1].globs = [word for word in words if "=" not in word]
        elif key == "file":
            breakages[-1].pieces.append((rest, [], []))
        elif key in ("-", "+"):
            breakages[-1].pieces[-1][1 if key == "-" else 2].append(rest)
        else:
            sys.exit("%s:%d: what is this?" % (path, number))
    return breakages


def parse():
    breakages = []
    for path in LISTS:
        with open(path, encoding="utf-8") as text:
            breakages += parse_list(path, text)
    for b in breakages:
        if b.like is not None:
            be_like(b, breakages)
    names = [(b.name, b.model is None) for b in breakages]
    for b in breakages:
        kinds = (b.settings is not None) + (b.model is not None) + (b.stress is not None) + b.fuzz + (
            b.broker is not None)
        if names.count((b.name, b.model is None)) > 1 or kinds != 1 or not b.pieces:
            sys.exit("tools/sabotage: %s needs a name of its own, a check, a model, scenarios, fuzz or the broker, "
                     "and a piece" % b.name)
    return breakages


def be_like(b, breakages):
    others = [o for o in breakages if o.name == b.like and o.like is None]
    others.sort(key=lambda o: o.model is not None)  # those that tests find first
    if not others:
        sys.exit("tools/sabotage: %s is like %s, which is nowhere" % (b.name, b.like))
    b.pieces = others[0].pieces
    if b.stress is None and b.settings is None:
        b.settings, b.globs, b.seconds = others[0].settings, others[0].globs, others[0].seconds
        b.model, b.options = others[0].model, others[0].options


def bare(line):
    return re.sub(r"\s+", " ", line).strip()


def place(lines, path, old):
    """Where in the lines of a file those that a piece replaces begin."""
    stripped, wanted = [bare(line) for line in lines], [bare(line) for line in old]
    at = [i for i in range(len(lines)) if wanted and stripped[i : i + len(wanted)] == wanted]
    if len(at) != 1:
        raise Misfit("%s has its lines %d times" % (path, len(at)))
    return at[0]


def replaced(lines, path, old, new):
    at = place(lines, path, old)
    return lines[:at] + new + lines[at + len(old) :]


def broken(root, pieces):
    """The files of a tree that the pieces change, as they become: path -> lines."""
    files = {}
    for path, old, new in pieces:
        if path not in files:
            try:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    files[path] = file.read().split("\n")
            except FileNotFoundError:
                raise Misfit("there is no %s" % path) from None
        files[path] = replaced(files[path], path, old, new)
    return files
