# SPDX-License-Identifier: MIT
"""Clients that come and go as fast as they can, and look at each message that they get."""

import collections
import random
import subprocess
import threading

from driver import Client, Closed

GONE = (Closed, OSError, ValueError)  # what a client meets whose broker, or connection, has ended

SUBSCRIBERS, PUBLISHERS = 4, 2


class Churn:
    """Subscribers that reset half the time, publishers, and who kills them, against a port, until stop().

    Each life of a subscriber has a channel of its own besides one of all. Publishers send to the channels of late
    subscribers too. A message says what channel it is for, who sent it, and a number that its sender counts up."""

    def __init__(self, port, seed):
        self.port, self.over = port, threading.Event()
        self.received, self.lives = collections.Counter(), collections.Counter()
        self.wrong = []
        self.channels = collections.deque(maxlen=64)  # of late subscribers, most of them gone
        self.ids = collections.deque(maxlen=64)
        jobs = [(self.subscribe, n) for n in range(SUBSCRIBERS)] + [(self.publish, n) for n in range(PUBLISHERS)]
        jobs += [(self.kill, 0), (self.list, 0), (self.stock, 0)]
        self.threads = [threading.Thread(target=self.repeat, args=(job, n, random.Random("%d %s %d" % (
            seed, job.__name__, n)))) for job, n in jobs]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Ask all to end; those that wait for the broker end with it."""
        self.over.set()

    def join(self):
        for thread in self.threads:
            thread.join()

    def repeat(self, job, number, rng):
        while not self.over.is_set():
            try:
                job(number, rng)
            except ConnectionRefusedError:
                return
            except GONE:
                pass
            except AssertionError as why:
                self.wrong.append(str(why))

    def subscribe(self, number, rng):
        self.lives[number] += 1
        own = b"own.%d.%d" % (number, self.lives[number])
        client = Client(self.port)
        try:
            self.ids.append(client.call("CLIENT", "ID"))
            client.send("SUBSCRIBE", own, "all")
            self.channels.append(own)
            confirmed, last = 0, {}
            for _ in range(rng.randrange(2, 60)):
                reply = client.receive()
                if confirmed < 2 and reply == [b"subscribe", (own, b"all")[confirmed], confirmed + 1]:
                    confirmed += 1
                else:
                    self.check(reply, own, last)
                    self.received[number] += 1
        finally:
            (client.reset if rng.random() < 0.5 else client.close)()

    @staticmethod
    def check(reply, own, last):
        """See that a message is for this subscriber and, of its sender, the next."""
        assert isinstance(reply, list) and len(reply) == 3 and reply[0] == b"message", "no message: %r" % (reply,)
        channel, text = reply[1:]
        meant, sender, n = text.split()
        assert channel == meant and channel in (own, b"all"), "%r got what is for %r" % (own, text)
        before = last.get((channel, sender))
        assert before is None or int(n) == before + 1, "%r got %r after number %r" % (own, text, before)
        last[channel, sender] = int(n)

    @staticmethod
    def number(reply):
        assert isinstance(reply, int), "%r instead of a number" % (reply,)

    def publish(self, number, rng):
        """Publish to all and to late subscribers. Its name is new each time, as its numbers begin again."""
        sender = b"%d.%x" % (number, rng.randrange(1 << 60))
        numbers = collections.Counter()
        client = Client(self.port)
        try:
            while not self.over.is_set():
                channels = [b"all", *rng.sample(list(self.channels), min(4, len(self.channels)))]
                for channel in channels:
                    client.send("PUBLISH", channel, b"%s %s %d" % (channel, sender, numbers[channel]))
                    numbers[channel] += 1
                for _ in channels:
                    self.number(client.receive())
        finally:
            client.close()

    def kill(self, _, rng):
        """Kill subscribers by number, many of whom are gone already."""
        client = Client(self.port)
        try:
            while not self.over.is_set():
                if self.ids:
                    self.number(client.call("CLIENT", "KILL", "ID", rng.choice(list(self.ids))))
        finally:
            client.close()

    def list(self, _, rng):
        client = Client(self.port)
        try:
            while not self.over.is_set():
                client.call("CLIENT", "LIST")
        finally:
            client.close()

    def stock(self, _, rng):
        """The clients that come with Redis; the first connects anew for each request."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for command in (["redis-benchmark", "-k", "0", "-c", "4", "-n", "300", "PUBLISH", "stock", "x"],
                        ["redis-cli", "PUBLISH", "stock", "x"], ["redis-cli", "CLIENT", "LIST"]):
            if self.over.is_set():
                return
            try:
                subprocess.run([command[0], "-p", str(self.port), *command[1:]], timeout=30, check=False, **quiet)
            except subprocess.TimeoutExpired:
                pass
