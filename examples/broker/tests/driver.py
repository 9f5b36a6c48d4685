# SPDX-License-Identifier: MIT
"""A broker that is run, and clients of it, for the tests and the demonstration."""

import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import time

PATIENCE = 600  # seconds: then something hangs; nothing is failed for being slow


class Closed(Exception):
    """The other side closed the connection."""


class ReplyError(Exception):
    pass


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def reset(self):
        """Close without a farewell: the peer gets a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def send(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.raw(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))

    def line(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            raise Closed from None
        if not line.endswith(b"\r\n"):
            raise Closed
        return line[:-2]

    def receive(self):
        """The next reply: str, int, bytes, None or a list; an error is a ReplyError that is returned."""
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            try:
                data = self.file.read(int(rest) + 2)
            except ConnectionResetError:
                raise Closed from None
            if len(data) != int(rest) + 2 or data[-2:] != b"\r\n":
                raise Closed
            return data[:-2]
        if kind == b"*":
            return [self.receive() for _ in range(int(rest))]
        raise AssertionError("no reply: %r" % line)

    def call(self, *words):
        self.send(*words)
        return self.receive()

    def closed(self):
        """Wait for the end of the connection; what came before is dropped."""
        try:
            while self.file.read(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def info(self):
        return dict(re.findall(r"^(\w+):(.*?)\r?$", self.call("INFO").decode(), re.M))


class Broker:
    """A program that was started, with what it printed in the end."""

    def __init__(self, program, *options, files=None):
        limit = None
        if files is not None:
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        self.process = subprocess.Popen(
            [program, "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit)
        ready = self.process.stdout.readline().decode()
        found = re.search(r"ready on port (\d+)", ready)
        if found is None:
            raise AssertionError("the broker does not start: %s" % (ready + self.process.communicate()[0].decode()))
        self.port = int(found[1])

    def client(self):
        return Client(self.port)

    def terminate(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self):
        """Wait for the end. Returns the exit status, and what it printed."""
        try:
            output = self.process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            self.process.kill()
            output = self.process.communicate()[0].decode(errors="replace") + "\nit did not end"
        return self.process.returncode, output


@contextlib.contextmanager
def running(program, *options, files=None, stop=True):
    """A broker for the length of a block, which must end by itself, cleanly, and leave nothing."""
    broker = Broker(program, *options, files=files)
    try:
        yield broker
        if stop:
            broker.terminate()
        status, output = broker.end()
        assert status == 0 and "ended, 0 " in output, "the broker ends with %d: %s" % (status, output[-6000:])
    finally:
        if broker.process.poll() is None:
            broker.process.kill()
            broker.process.communicate()


def until(condition):
    """Ask again and again until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        os.sched_yield()
