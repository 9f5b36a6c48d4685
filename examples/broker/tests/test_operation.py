# SPDX-License-Identifier: MIT
"""Signals, options, and what is counted."""

import re
import subprocess

from driver import running, until
from testing import PROGRAM, equal, much, test


@test
def signals_that_come_again_do_not_cut_its_end_short():
    for _ in range(much(20, 300)):
        with running(PROGRAM, stop=False) as broker:
            while broker.process.poll() is None:
                broker.terminate()


LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?'
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:' + LABEL + r')*)\})? (\d+(?:\.\d+)?)')


def exposition(text):
    """Parse Prometheus' text format 0.0.4: {(name, labels): value}, and the kind of each name."""
    assert text.endswith("\n")
    values, kinds = {}, {}
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert name not in kinds and kind in ("counter", "gauge"), line
            kinds[name] = kind
        elif not re.match(r"# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .", line):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            name, labels, value = sample.groups()
            assert list(kinds)[-1] == name, "%s is not below its TYPE" % line
            assert (kinds[name] == "counter") == name.endswith("_total"), line
            assert (name, labels) not in values, line
            values[name, labels] = float(value)
    return values, kinds


@test
def prometheus_and_info_tell_what_is_alive_refused_and_fired():
    with running(PROGRAM) as broker:
        def scrape():
            with broker.client() as client:
                client.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
                head, body = client.file.read().decode().split("\r\n\r\n", 1)
            assert head.startswith("HTTP/1.0 200 OK\r\n") and "Content-Length: %d" % len(body) in head, head
            assert "Content-Type: text/plain; version=0.0.4" in head, head
            return exposition(body)[0]

        with broker.client() as client:
            hold, before = client.info()["hold"], scrape()
            for _ in range(5):
                with broker.client() as victim:
                    number = victim.call("CLIENT", "ID")
                    equal(client.call("CLIENT", "KILL", "ID", number), 1)
                    equal(client.call("CLIENT", "KILL", "ID", number), 0)  # a stale reference, or none any more
            until(lambda: client.info()["connected_clients"] == "1")
            after, said = scrape(), client.info()
            rise = {key: after[key] - before[key] for key in before}
            equal(rise["broker_clients_killed_total", None], 5)
            equal(int(said["clients_killed"]), int(after["broker_clients_killed_total", None]))
            if hold in ("weakrt", "table"):  # the other two take references out of all lists
                assert rise["broker_stale_refused_total", None] >= 5, rise
            if hold == "weakrt":
                equal(rise["weakrt_killed_total", None], 5 + 1)  # and who asked before
                equal(after["weakrt_type_alive", 'type="connection"'], 2)
                equal(after["weakrt_callbacks_fired_total", None], int(said["weakrt_callbacks_fired"]))
                assert 0 < int(said["weakrt_live"]) <= after["weakrt_live", None]
            else:
                equal(after["broker_live", 'type="connection"'], 2)
        with broker.client() as client:
            client.raw(b"GET /else HTTP/1.1\r\n\r\n")
            assert client.file.read().startswith(b"HTTP/1.0 404")


@test
def options_are_checked():
    def run(*options):
        return subprocess.run([PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert run("--help").stdout.startswith("usage:") and run("--help").returncode == 0
    for bad in (["--port", "x"], ["--threads", "0"], ["--what"], ["word"], ["--output-limit", "-1"]):
        equal(run(*bad).returncode, 2)
    with running(PROGRAM) as broker:
        taken = run("--port", str(broker.port))
        assert taken.returncode == 1 and "cannot listen: address already in use" in taken.stdout, taken.stdout
