# SPDX-License-Identifier: MIT
"""The same sessions with the broker and with redis-server: the same bytes come back."""

import shutil
import socket
import subprocess
import tempfile

from driver import Client, Closed, running, until
from testing import PROGRAM, equal, test

# Each is what a client sends, piece by piece: words, or bytes as they are. What the broker has no use for is not in it
# (HELP, RESET, RESP3, users, shards), nor what names the server, nor its limits, which are lower.
SESSIONS = [
    ["PING", "PING a", "PING a b", "ECHO", "ECHO x", "echo x y", "QUIT", "PING"],
    ["quit now", "PING"],
    ["HELLO 4", "HELLO x", "HELLO 1", "HELLO 2 WHAT", "HELLO 2 SETNAME", "HELLO 2 AUTH u p", "HELLO 2 AUTH u"],
    ["SUBSCRIBE", "SUBSCRIBE a a b", "SUBSCRIBE b", "PING", "PING x", "PING x y", "UNSUBSCRIBE b c", "UNSUBSCRIBE",
     "UNSUBSCRIBE", "PING"],
    ["PSUBSCRIBE a* b*", "PUNSUBSCRIBE a*", "PUNSUBSCRIBE zz", "PUNSUBSCRIBE", "PUNSUBSCRIBE"],
    ["SUBSCRIBE a", "PSUBSCRIBE a*", "UNSUBSCRIBE q a", "PUNSUBSCRIBE", "SUBSCRIBE a", "QUIT"],
    ["PUBLISH a", "PUBLISH a b", "PUBLISH a b c", "PUBSUB", "PUBSUB CHANNELS", "PUBSUB CHANNELS a*", "PUBSUB NUMSUB",
     "PUBSUB NUMSUB a b", "PUBSUB NUMPAT", "PUBSUB NUMPAT x"],
    ["CLIENT", "CLIENT GETNAME", "CLIENT GETNAME x", "CLIENT SETNAME me", "CLIENT GETNAME", "CLIENT SETNAME",
     b"*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$3\r\na b\r\n", b"*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$0\r\n\r\n",
     "CLIENT GETNAME", "CLIENT ID x", "CLIENT LIST x", "CLIENT LIST TYPE what", "CLIENT LIST TYPE master",
     "CLIENT LIST ID x", "CLIENT LIST ID 77777"],
    ["CLIENT KILL", "CLIENT KILL 1.2.3.4:5", "CLIENT KILL ID x", "CLIENT KILL ID 99999", "CLIENT KILL ID 0",
     "CLIENT KILL ID -1", "CLIENT KILL WHAT 1", "CLIENT KILL ID 1 x", "CLIENT KILL SKIPME maybe",
     "CLIENT KILL TYPE pubsub", "CLIENT KILL TYPE normal", "CLIENT KILL TYPE replica", "CLIENT KILL TYPE what",
     "CLIENT KILL ADDR 1.2.3.4:5 SKIPME no", "CLIENT KILL TYPE normal SKIPME no", "PING"],
    ["CONFIG", "CONFIG GET", "CONFIG GET save", "CONFIG GET appendonly", "CONFIG GET nosuch", "COMMAND DOCS nosuch"],
    ["nosuch", "nosuch a b", "no" + "x" * 200, "nosuch " + " ".join(["a" * 100] * 5), "SHUTDOWN WHAT", "INFO nosuch"],
    [b"*1\r\n$7\r\nno\nsuch\r\n", b"*2\r\n$0\r\n\r\n$1\r\na\r\n", b"*1\r\n$4\r\nPI", b"NG\r", b"\n"],
    [b"PING\r\n", b"PING\n", b"  ECHO   x  \r\n", b"\r\n", b"\r\n\r\nPING\r\n", b"*0\r\nPING\r\n", b"*-1\r\nPING\r\n"],
    [b"ECHO \"a b\"\r\n", b"ECHO 'a b'\r\n", b"ECHO \"a\\x41\\n\\q\\\"\"\r\n", b"ECHO 'a\\'\\n'\r\n",
     b"ECHO a\"b c\"\r\n", b"ECHO \"\"\r\n", b"ECHO \\n\r\n", b"ECHO \"\\x4\"\r\n"],
    [b"ECHO \"a\r\n"], [b"ECHO 'a'b\r\n"], [b"ECHO \"a\\\r\n"], [b"ECHO 'a\\'\r\n"],
    [b"*x\r\n"], [b"*\r\n"], [b"*99999999999999999999\r\n"], [b"*+1\r\n$4\r\nPING\r\n"], [b"*01\r\n$4\r\nPING\r\n"],
    [b"*1\r\n:4\r\n"], [b"*1\r\n$-5\r\n"], [b"*1\r\n$x\r\n"], [b"*1\r\n$\r\n"], [b"*1\r\n$ 4\r\nPING\r\n"],
    [b"*1\r\n$04\r\nPING\r\n"], [b"*1\r\n$999999999999\r\n"], [b"x" * 65537], [b"*" + b"1" * 65536],
    [b"*1\r\n$" + b"1" * 65536],
    [b"PING\r\nPING\r\nQUIT\r\nPING\r\n"], [b"POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n"], [b"Host: x\r\nPING\r\n"],
]


def talk(port, session):
    """All that comes back, until the end of the connection."""
    heard = b""
    with Client(port) as client:
        try:
            for piece in session:
                client.raw(piece) if isinstance(piece, bytes) else client.send(*piece.split())
            client.socket.shutdown(socket.SHUT_WR)
        except (Closed, OSError):  # it ended before
            pass
        try:
            while data := client.socket.recv(65536):
                heard += data
        except ConnectionResetError:
            pass
    return heard


@test
def the_same_sessions_as_with_redis_give_the_same_bytes():
    if shutil.which("redis-server") is None:
        print("  skipped: there is no redis-server (tools/setup --broker)")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--dir", folder], stdout=subprocess.DEVNULL) as redis, \
            running(PROGRAM) as broker:
        try:
            def is_up():
                try:
                    with Client(port) as client:
                        return client.call("PING") == "PONG"
                except ConnectionRefusedError:
                    return False

            until(is_up)
            for session in SESSIONS:
                equal((session, talk(broker.port, session)), (session, talk(port, session)))
        finally:
            redis.terminate()
