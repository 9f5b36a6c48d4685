# SPDX-License-Identifier: MIT
"""Connections that end, and those there is no room for."""

import os
import socket

from driver import Closed, running, until
from testing import PROGRAM, equal, much, soak_test, test


@test
def a_disconnect_needs_no_unsubscribe():
    with running(PROGRAM) as broker, broker.client() as client:
        for i in range(much(100, 2000)):
            with broker.client() as subscriber:
                subscriber.call("SUBSCRIBE", "one", "own.%d" % i)
                subscriber.call("PSUBSCRIBE", "p%d*" % (i % 10))
                if i % 2:
                    subscriber.reset()
        until(lambda: client.call("PUBLISH", "one", "m") == 0)
        equal(client.call("PUBSUB", "NUMSUB", "one"), [b"one", 0])
        equal(client.call("PUBSUB", "CHANNELS"), [])
        equal(client.call("PUBSUB", "NUMPAT"), 0)
        until(lambda: client.info()["connected_clients"] == "1")
        equal(client.call("CLIENT", "LIST").count(b"\n"), 1)


@test
def a_killed_client_is_closed_wherever_it_is():
    with running(PROGRAM, "--threads", "3") as broker, broker.client() as client:
        victims = [broker.client() for _ in range(6)]
        others = [victim.call("CLIENT", "ID") for victim in victims]
        for victim in victims:
            victim.call("SUBSCRIBE", "c")
        rows = [row.split() for row in client.call("CLIENT", "LIST").decode().splitlines()]
        rows = {int(row[0][3:]): row[1][5:] for row in rows}
        equal(len(rows), 7)
        equal(client.call("CLIENT", "KILL", "ID", others[0]), 1)
        equal(client.call("CLIENT", "KILL", "ID", others[0]), 0)
        equal(client.call("CLIENT", "KILL", rows[others[1]]), "OK")
        equal(client.call("CLIENT", "KILL", "ADDR", rows[others[2]], "ID", others[2]), 1)
        equal(client.call("PUBLISH", "c", "m"), 3)
        assert victims[0].closed() and victims[1].closed() and victims[2].closed()
        equal(client.call("CLIENT", "KILL", "SKIPME", "yes"), 3)
        equal(client.call("CLIENT", "KILL", "SKIPME", "no"), 1)
        assert client.closed()
        for victim in victims:
            assert victim.closed()
            victim.close()


@test
def a_slow_consumer_is_disconnected_and_counted():
    with running(PROGRAM, "--output-limit", "100000") as broker, broker.client() as publisher:
        slow, quick = broker.client(), broker.client()
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.call("SUBSCRIBE", "c")
        quick.call("SUBSCRIBE", "c")
        sent = 0
        while True:  # until the buffers of the system are full, and then ours
            receivers = publisher.call("PUBLISH", "c", b"x" * 30000)
            equal(quick.receive()[2], b"x" * 30000)
            sent += 1
            if receivers == 1:
                break
            assert sent < 10000
        equal(publisher.info()["slow_consumers_closed"], "1")
        until(lambda: publisher.info()["connected_clients"] == "2")
        equal(publisher.call("PUBLISH", "c", "m"), 1)
        slow.close(), quick.close()


@soak_test  # it takes five seconds
def a_peer_that_takes_no_last_words_is_closed_in_the_end():
    with running(PROGRAM) as broker, broker.client() as client:
        stuck = broker.client()
        stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.raw(b"*2\r\n$4\r\nECHO\r\n$1000000\r\n%s\r\n" % (b"x" * 1000000) * 7 + b"QUIT\r\n")
        until(lambda: client.info()["lingering_closed"] == "1")
        stuck.close()


@test
def without_descriptors_clients_are_turned_away_and_later_served():
    """What the loops need they have from the start: a loop that takes a descriptor with its first client may get the
    one that is kept to turn clients away, and then nobody is."""
    options = ("--threads", "12")
    with running(PROGRAM, *options) as broker:
        own = min(len(os.listdir("/proc/%d/fd" % broker.process.pid)) for _ in range(20))  # a sanitizer looks at files
    with running(PROGRAM, *options, files=own + 20) as broker:
        clients = []
        for _ in range(100):
            client = broker.client()
            clients.append(client)
        with_reply = 0
        for client in clients:
            try:
                with_reply += client.call("PING") == "PONG"
            except Closed:
                pass
        equal(with_reply, 20)
        for client in clients:
            client.close()

        with_served = []

        def some_are_served():
            try:
                with broker.client() as again:
                    with_served.append(int(again.info()["connections_refused"]))
                    return True
            except Closed:
                return False

        until(some_are_served)
        assert with_served[0] >= 100 - with_reply
