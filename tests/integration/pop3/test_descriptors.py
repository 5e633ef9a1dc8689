"""Where descriptors run out: connections past the room for them are refused politely; with none left at all sessions live on, and those
who wait are served when there are some again."""
import contextlib
import os
import resource
import select
import socket
import time

import pytest

from dromostest.one_imapd import BOB, PASSWORD
from pop3_client import Pop

MANY = {"imapd": {"limits": {"connections_per_ip": 2000}, "plaintext_login": True}}


def raw(opened, address):
    connection = socket.create_connection(address, 30)
    opened.callback(connection.close)
    return connection


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.config(MANY)
def test_connections_past_the_descriptors_are_refused_politely(suite, accounts, opened):
    suite.start("imapd", descriptors=400)  # a quarter is kept
    address = suite.imapd.address("imap")
    held = [raw(opened, address) for _ in range(300)]
    assert all(one.recv(100).startswith(b"* OK") for one in held)
    with contextlib.closing(raw(opened, address)) as past:
        assert past.recv(100) == b"* BYE [UNAVAILABLE] Too many connections\r\n" and past.recv(100) == b""
    pop = Pop(suite.imapd.address("pop3"))
    opened.callback(pop.close)
    assert pop.greeting == b"-ERR [SYS/TEMP] Too many connections" and pop.ended()
    held[0].sendall(b'1 LOGIN "%s" "%s"\r\n2 SELECT INBOX\r\n' % (BOB.encode(), PASSWORD.encode()))
    answer = b""
    while b"\r\n2 OK" not in answer:
        answer += held[0].recv(4096) or b"\r\n2 OK ended"
    assert b"\r\n2 OK ended" not in answer
    for one in held[1:]:
        one.close()
    end = time.monotonic() + 60
    while not (again := raw(opened, address)).recv(100).startswith(b"* OK"):
        assert time.monotonic() < end
        again.close()


@pytest.mark.config(MANY)
def test_no_descriptor_left(server, opened):
    pid, address = server.imapd.process.pid, server.imapd.address("pop3")
    session = Pop(address, login=BOB)
    opened.callback(session.close)
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir("/proc/%d/fd" % pid)) + 5, hard))
    waiting = [raw(opened, address) for _ in range(30)]
    greeted = select.select(waiting, [], [], 30)[0]
    assert greeted
    before = cpu_seconds(pid)
    time.sleep(1)
    assert cpu_seconds(pid) - before < 0.5  # it does not spin
    assert session.ok("STAT") == "0 0"
    total = 0
    while waiting:
        ready = select.select(waiting, [], [], 60)[0]
        assert ready, "%d were served, %d wait for ever" % (total, len(waiting))
        for one in ready:
            assert one.recv(100) == b"+OK Dromos ready\r\n"
            one.close()
            waiting.remove(one)
            total += 1
            assert total + len(waiting) == 30
    assert session.ok("NOOP")
