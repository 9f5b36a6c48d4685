# SPDX-License-Identifier: MIT
"""Commands, as stock clients use them."""

import subprocess

from driver import running
from testing import PROGRAM, equal, test


@test
def every_command_answers_as_redis_does():
    session = [
        (["PING"], "PONG"),
        (["ping", "hi"], b"hi"),
        (["ECHO", b"a\r\nb\x00"], b"a\r\nb\x00"),
        (["ECHO"], "-ERR wrong number of arguments for 'echo' command"),
        (["GET", "key"], "-ERR unknown command 'GET', with args beginning with: 'key' "),
        (["no\nsuch"], "-ERR unknown command 'no such', with args beginning with: "),
        (["HELLO", "3"], "-NOPROTO unsupported protocol version"),
        (["HELLO", "x"], "-ERR Protocol version is not an integer or out of range"),
        (["HELLO", "2", "WHAT"], "-ERR Syntax error in HELLO option 'WHAT'"),
        (["CLIENT", "GETNAME"], None),
        (["CLIENT", "SETNAME", "x" * 64], "-ERR Client names have less than 64 bytes"),
        (["CLIENT", "SETNAME", "me"], "OK"),
        (["CLIENT", "GETNAME"], b"me"),
        (["CLIENT", "ID"], 1),
        (["CLIENT", "WHAT"], "-ERR unknown subcommand 'WHAT'"),
        (["CLIENT", "KILL", "ID", "x"], "-ERR client-id should be greater than 0"),
        (["CLIENT", "KILL", "ID", "7777"], 0),
        (["CLIENT", "KILL", "1.2.3.4:5"], "-ERR No such client"),
        (["CLIENT", "KILL", "ID", "1"], 0),
        (["CONFIG", "GET", "save"], [b"save", b""]),
        (["CONFIG", "GET", "appendonly"], [b"appendonly", b"no"]),
        (["CONFIG", "GET", "[^a-z]*", "nothing"], []),
        (["CONFIG", "GET", "proto-*"], [b"proto-max-bulk-len", b"1048576"]),
        (["CONFIG", "SET", "save", ""], "-ERR unknown subcommand 'SET'"),
        (["COMMAND"], []),
        (["COMMAND", "DOCS"], []),
        (["COMMAND", "WHAT"], "-ERR unknown subcommand 'WHAT'"),
        (["INFO", "nothing"], b""),
        (["SHUTDOWN", "WHAT"], "-ERR syntax error"),
        (["PUBLISH", "c", "nobody"], 0),
        (["PUBSUB", "CHANNELS"], []),
        (["PUBSUB", "NUMSUB", "c", "d"], [b"c", 0, b"d", 0]),
        (["PUBSUB", "NUMPAT"], 0),
        (["UNSUBSCRIBE"], [b"unsubscribe", None, 0]),
        (["SUBSCRIBE", "c"], [b"subscribe", b"c", 1]),
        (["SUBSCRIBE", "c"], [b"subscribe", b"c", 1]),
        (["PSUBSCRIBE", "c*"], [b"psubscribe", b"c*", 2]),
        (["PING"], [b"pong", b""]),
        (["ECHO", "x"], "-ERR Can't execute 'echo': only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT are allowed in "
                        "this context"),
        (["UNSUBSCRIBE", "d"], [b"unsubscribe", b"d", 2]),
        (["UNSUBSCRIBE"], [b"unsubscribe", b"c", 1]),
        (["PUNSUBSCRIBE"], [b"punsubscribe", b"c*", 0]),
        (["ECHO", "x"], b"x"),
        (["QUIT"], "OK"),
    ]
    with running(PROGRAM) as broker, broker.client() as client:
        for words, wanted in session:
            equal(client.call(*words), wanted)
        assert client.closed()
        with broker.client() as other:
            reply = other.call("HELLO", "2", "AUTH", "default", "p", "SETNAME", "you")
            equal(dict(zip(reply[::2], reply[1::2]))[b"proto"], 2)
            equal(other.call("CLIENT", "GETNAME"), b"you")
            assert b" name=you " in other.call("CLIENT", "LIST")
            assert PROGRAM.endswith("broker-" + other.info()["hold"])


@test
def stock_redis_cli_has_the_sessions_it_has_with_redis():
    script = ["PING", "ECHO 'two words'", "CLIENT SETNAME cli", "CLIENT GETNAME", "PUBLISH c m", "PUBSUB NUMSUB c",
              "PUBSUB CHANNELS", "SUBSCRIBE", "HELLO 3", "FLUSHALL"]
    wanted = ["PONG", "two words", "OK", "cli", "0", "c", "0", "",
              "ERR wrong number of arguments for 'subscribe' command", "", "NOPROTO unsupported protocol version", "",
              "ERR unknown command 'FLUSHALL', with args beginning with: ", ""]
    with running(PROGRAM) as broker:
        cli = ["redis-cli", "-p", str(broker.port)]
        out = subprocess.run(cli, input="\n".join(script) + "\n", stdout=subprocess.PIPE, text=True, check=True).stdout
        equal([line for line in out.split("\n") if line], [line for line in wanted if line])
        with subprocess.Popen([*cli, "SUBSCRIBE", "news"], stdout=subprocess.PIPE, text=True) as listener:
            equal([listener.stdout.readline().strip() for _ in range(3)], ["subscribe", "news", "1"])
            equal(subprocess.run([*cli, "PUBLISH", "news", "hello"], stdout=subprocess.PIPE).stdout, b"1\n")
            equal([listener.stdout.readline().strip() for _ in range(3)], ["message", "news", "hello"])
            listener.terminate()


@test
def messages_reach_channels_and_patterns():
    with running(PROGRAM, "--threads", "3") as broker:
        a, b, c, publisher = [broker.client() for _ in range(4)]
        a.call("SUBSCRIBE", "news.art")
        b.call("PSUBSCRIBE", "news.*")
        equal(c.call("SUBSCRIBE", "news.art"), [b"subscribe", b"news.art", 1])
        equal(c.call("PSUBSCRIBE", "n?ws.[a-c]r\\t"), [b"psubscribe", b"n?ws.[a-c]r\\t", 2])
        equal(publisher.call("PUBLISH", "news.art", "x\r\ny"), 4)
        equal(a.receive(), [b"message", b"news.art", b"x\r\ny"])
        equal(b.receive(), [b"pmessage", b"news.*", b"news.art", b"x\r\ny"])
        equal(c.receive(), [b"message", b"news.art", b"x\r\ny"])
        equal(c.receive(), [b"pmessage", b"n?ws.[a-c]r\\t", b"news.art", b"x\r\ny"])
        equal(publisher.call("PUBSUB", "CHANNELS", "*art"), [b"news.art"])
        equal(publisher.call("PUBSUB", "CHANNELS", "x*"), [])
        equal(publisher.call("PUBSUB", "NUMSUB", "news.art"), [b"news.art", 2])
        equal(publisher.call("PUBSUB", "NUMPAT"), 2)
        equal(c.call("UNSUBSCRIBE"), [b"unsubscribe", b"news.art", 1])
        equal(publisher.call("PUBLISH", "news.art", "z"), 3)
        equal(publisher.call("PUBLISH", "a" * 5000, "z"), 0)
        for client in (a, b, c, publisher):
            client.close()


@test
def clients_are_listed_and_killed_by_what_they_are():
    with running(PROGRAM, "--threads", "3") as broker, broker.client() as client:
        subscriber, pattern, other = [broker.client() for _ in range(3)]
        subscriber.call("SUBSCRIBE", "c")
        pattern.call("PSUBSCRIBE", "c*")
        ids = [one.call("CLIENT", "ID") for one in (client, other)]

        def listed(*words):
            return [int(row.split()[0][3:]) for row in client.call("CLIENT", "LIST", *words).decode().splitlines()]

        equal(len(listed()), 4)
        equal(sorted(listed("TYPE", "normal")), sorted(ids))
        equal(len(listed("type", "PUBSUB")), 2)
        equal(listed("ID", ids[1], 7777, ids[0]), [ids[1], ids[0]])
        equal(client.call("CLIENT", "KILL", "TYPE", "pubsub"), 2)
        assert subscriber.closed() and pattern.closed()
        equal(client.call("CLIENT", "KILL", "TYPE", "normal"), 1)
        assert other.closed()
        equal(listed(), ids[:1])
        for one in (subscriber, pattern, other):
            one.close()


@test
def info_has_sections():
    with running(PROGRAM) as broker, broker.client() as client:
        def heads(*words):
            return [line[2:] for line in client.call("INFO", *words).decode().split("\r\n") if line.startswith("# ")]

        every = ["Server", "Clients", "Stats", "Hold"]
        for words in ([], ["all"], ["default"], ["everything"], ["hold", "server", "STATS", "clients"]):
            equal(heads(*words), every)
        equal(heads("clients", "nothing"), ["Clients"])
        assert client.call("INFO", "clients").decode() == "# Clients\r\nconnected_clients:1\r\n"
