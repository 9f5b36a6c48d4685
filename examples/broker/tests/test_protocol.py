# SPDX-License-Identifier: MIT
"""Requests that come in pieces, that are wrong, and peers that say no more."""

import random
import socket

from driver import Closed, running, until
from testing import PROGRAM, equal, much, test


@test
def requests_may_come_in_pieces_in_heaps_and_as_lines():
    with running(PROGRAM) as broker, broker.client() as client:
        for byte in b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n":
            client.raw(bytes([byte]))
        equal(client.receive(), b"a\r\n")
        client.raw(b"PING\r\n  ECHO   x \r\n\r\n*0\r\n*-1\r\nPING\n*1\r\n$4\r\nPING\r\n")
        equal([client.receive() for _ in range(4)], ["PONG", b"x", "PONG", "PONG"])
        client.raw(b"ECHO \"a b\"\r\nECHO a'b\\'c '\r\nECHO \"\\x41\\n\\\"\"\r\n")
        equal([client.receive() for _ in range(3)], [b"a b", b"ab'c ", b'A\n"'])
        client.raw(b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n" * 5000)
        equal([client.receive() for _ in range(5000)], [b""] * 5000)


@test
def protocol_errors_are_answered_and_end_the_connection():
    bad = [
        (b"*x\r\n", "invalid multibulk length"),
        (b"*65537\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n:4\r\n", "expected '$', got ':'"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$4\r\nPINGxx", "a bulk string does not end where it says"),
        (b"*2\r\n$4\r\nECHO\r\n$1048577\r\n", "invalid bulk length"),
        (b"*6\r\n" + b"$1048000\r\n%s\r\n" % (b"x" * 1048000) * 4 + b"$1048000\r\n", "invalid bulk length"),
        (b"x" * 65536, "too big inline request"),
        (b"*" + b"1" * 65536, "too big mbulk count string"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"ECHO \"a\r\n", "unbalanced quotes in request"),
        (b"*1\r\n$" + b"1" * 65536, "too big bulk count string"),
    ]
    with running(PROGRAM) as broker:
        for request, why in bad:
            with broker.client() as client:
                client.raw(b"PING\r\n" + request)
                equal(client.receive(), "PONG")
                equal(client.receive(), "-ERR Protocol error: " + why)
                assert client.closed()
        with broker.client() as client:
            client.raw(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSHUTDOWN\r\n")
            assert client.closed()
        with broker.client() as client:
            equal(client.call("ECHO", b"x" * 1048576), b"x" * 1048576)  # the largest there is
            equal(client.info()["protocol_errors"], str(len(bad) + 1))


@test
def a_half_closed_peer_gets_its_replies_and_is_closed():
    with running(PROGRAM) as broker:
        with broker.client() as client:
            client.raw(b"PING\r\nECHO x\r\n")
            client.socket.shutdown(socket.SHUT_WR)
            equal([client.receive(), client.receive()], ["PONG", b"x"])
            assert client.closed()
        with broker.client() as client:
            client.call("SUBSCRIBE", "c")
            client.socket.shutdown(socket.SHUT_WR)
            assert client.closed()
        with broker.client() as client:
            until(lambda: client.call("PUBLISH", "c", "m") == 0)


PIECES = [b"*", b"$", b"\r\n", b"\n", b"\r", b" ", b'"', b"'", b"\\", b"\\x4", b"\0", b"\xff", b"-1", b"0", b"1", b"2",
          b"3", b"99", b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n", b"PING", b"ECHO ",
          b"PSUBSCRIBE ", b"[a-", b"*?", b"PUBLISH a b\r\n", b"UNSUBSCRIBE\r\n", b"CLIENT ", b"KILL ", b"LIST ", b"ID ",
          b"TYPE ", b"HELLO ", b"INFO ",
          b"PUBSUB CHANNELS ", b"CONFIG GET ", b"GET ", b"QUIT\r\n", b"x" * 300]


@test
def it_outlives_any_bytes():
    seed = random.randrange(1 << 32)
    print("  seed %d" % seed)
    rng = random.Random(seed)
    with running(PROGRAM) as broker:
        for _ in range(much(300, 10000)):
            with broker.client() as client:
                try:
                    for _ in range(rng.randrange(1, 4)):
                        client.raw(b"".join(rng.choices(PIECES, k=rng.randrange(1, 30))))
                    client.socket.shutdown(socket.SHUT_WR)
                except (Closed, OSError):
                    pass  # it had enough
                assert client.closed()
        with broker.client() as client:
            equal(client.call("PING"), "PONG")
