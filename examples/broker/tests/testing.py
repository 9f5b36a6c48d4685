# SPDX-License-Identifier: MIT
"""What the tests of the broker have in common: which program, how long, and how a test says what it wants."""

import sys
import threading
import traceback

from driver import ReplyError

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--soak"]
SOAK = "--soak" in sys.argv
PROGRAM = ARGUMENTS[0] if ARGUMENTS else None
TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def soak_test(fn):
    return test(fn) if SOAK else fn


def much(short, long):
    return long if SOAK else short


def equal(got, wanted):
    if isinstance(got, ReplyError):
        got = "-" + str(got)
    assert got == wanted, "%r instead of %r" % (got, wanted)


def in_threads(*jobs):
    """Run functions at once; the first that fails makes the test fail."""
    failures = []

    def guarded(job):
        try:
            job()
        except BaseException:
            failures.append(traceback.format_exc())

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
