# SPDX-License-Identifier: MIT
"""Many clients at once."""

import random
import threading

from driver import Closed, running, until
from testing import PROGRAM, equal, in_threads, much, test


@test
def messages_of_one_publisher_come_in_its_order_everywhere():
    publishers, subscribers, messages = 3, much(4, 16), much(150, 5000)
    with running(PROGRAM, "--threads", "3") as broker:
        clients = [broker.client() for _ in range(subscribers)]
        for i, client in enumerate(clients):
            client.call("SUBSCRIBE" if i % 2 else "PSUBSCRIBE", "c" if i % 2 else "c*")
        orders = []

        def publish(p):
            with broker.client() as client:
                client.raw(b"".join(b"PUBLISH c %d:%d\r\n" % (p, n) for n in range(messages)))
                equal([client.receive() for _ in range(messages)], [subscribers] * messages)

        def subscribe(client):
            seen, order = [0] * publishers, []
            for _ in range(publishers * messages):
                text = client.receive()[-1]
                p, n = map(int, text.split(b":"))
                equal(n, seen[p])
                seen[p] += 1
                order.append(text)
            orders.append(order)

        in_threads(*[lambda p=p: publish(p) for p in range(publishers)],
                   *[lambda c=c: subscribe(c) for c in clients])
        equal(len(orders), subscribers)
        for client in clients:
            client.close()


@test
def a_subscription_is_confirmed_before_its_first_message():
    """It is to one channel and then many more, so that messages of the first come while the others are made."""
    names, wanted = ["c", *["x%d" % n for n in range(2000)]], much(5, 100)
    with running(PROGRAM, "--threads", "3") as broker:
        with broker.client() as client:
            if client.info()["hold"] == "lock":
                wanted = 0  # no command runs beside another
        over, met = threading.Event(), []

        def publish():
            with broker.client() as client:
                while not over.is_set():
                    client.raw(b"PUBLISH c m\r\n" * 50)
                    for _ in range(50):
                        client.receive()

        def subscribe():
            with broker.client() as client:
                client.send("SUBSCRIBE", *names)
                equal(client.receive(), [b"subscribe", b"c", 1])
                confirmed, between = 1, 0
                while confirmed < len(names):
                    reply = client.receive()
                    confirmed += reply[0] == b"subscribe"
                    between += reply == [b"message", b"c", b"m"]
                met.append(between != 0)
            return sum(met) >= wanted

        def subscribers():
            try:
                until(subscribe)
            finally:
                over.set()

        in_threads(publish, subscribers)


@test
def a_storm_of_kills_and_resets_sends_nothing_to_a_wrong_client():
    seed = random.randrange(1 << 32)
    print("  seed %d" % seed)
    lives, over = much(150, 1500), threading.Event()
    with running(PROGRAM, "--threads", "3") as broker:
        received, ended, reached = [], [], []

        def subscriber(number):
            rng = random.Random(seed + number)
            for life in range(lives):
                own = b"s%d.%d" % (number, life)
                client = broker.client()
                try:
                    equal(client.call("SUBSCRIBE", own, "all"), [b"subscribe", own, 1])
                    reply = client.receive()
                    while reply[0] == b"message":  # for the channel it has already
                        equal(reply[1:], [own, own])
                        reply = client.receive()
                    equal(reply, [b"subscribe", b"all", 2])
                    last = -1
                    for _ in range(rng.randrange(1, 6)):
                        kind, channel, text = client.receive()
                        assert kind == b"message" and channel in (own, b"all"), (own, channel)
                        if channel == b"all":
                            equal(last < int(text), True)
                            last = int(text)
                        else:
                            equal(text, own)
                        received.append(1)
                except Closed:
                    ended.append(1)
                (client.reset if rng.random() < 0.5 else client.close)()

        def publisher():
            n = 0
            with broker.client() as client:
                client.call("CLIENT", "SETNAME", "keep")
                while not over.is_set():
                    client.call("PUBLISH", "all", n)
                    for channel in client.call("PUBSUB", "CHANNELS", "s*"):
                        reached.append(client.call("PUBLISH", channel, channel))
                    n += 1

        def killer():
            rng = random.Random(seed)
            with broker.client() as client:
                client.call("CLIENT", "SETNAME", "keep")
                while not over.is_set():
                    rows = [row for row in client.call("CLIENT", "LIST").decode().splitlines() if "name=keep" not in row
                            and "sub=2" in row]
                    for row in rng.sample(rows, min(1, len(rows))):
                        client.call("CLIENT", "KILL", "ID", row.split()[0][3:])

        def subscribers():
            try:
                in_threads(*[lambda n=n: subscriber(n) for n in range(4)])
            finally:
                over.set()

        in_threads(subscribers, publisher, killer)
        with broker.client() as client:
            info = client.info()
            assert received and ended and sum(reached) and int(info["clients_killed"])
            equal(int(info["connections_accepted"]), 4 * lives + 3)


@test
def many_connections_are_served_at_once():
    number = much(300, 5000)
    with running(PROGRAM) as broker, broker.client() as client:
        clients = [broker.client() for _ in range(number)]
        for each in clients:
            each.send("SUBSCRIBE", "c")
        for each in clients:
            each.receive()
        equal(client.call("PUBLISH", "c", "m"), number)
        for each in clients:
            equal(each.receive(), [b"message", b"c", b"m"])
        equal(client.info()["connected_clients"], str(number + 1))
        for each in clients:
            each.close()


@test
def it_ends_cleanly_under_load():
    for how in ("TERM", "SHUTDOWN"):
        with running(PROGRAM, "--threads", "3", stop=False) as broker:
            started = threading.Semaphore(0)

            def load(number):
                try:
                    client = broker.client()
                    if number % 2:
                        client.call("SUBSCRIBE", "c")
                        started.release()
                        client.closed()
                    while True:
                        client.call("PUBLISH", "c", "x" * 1000)
                        started.release()
                except (Closed, ConnectionRefusedError, ConnectionResetError):
                    pass

            def stop():
                for _ in range(much(300, 5000)):
                    started.acquire()
                if how == "TERM":
                    broker.terminate()
                else:
                    with broker.client() as client:
                        client.send("SHUTDOWN", "NOSAVE")
                        client.closed()

            in_threads(stop, *[lambda n=n: load(n) for n in range(6)])
