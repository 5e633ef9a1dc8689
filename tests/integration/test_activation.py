"""Sockets from the service manager (sd_listen_fds): a daemon serves them as its own, though they come blocking, as systemd gives them."""
import socket
import subprocess
import sys

import pytest
from dromostest import daemons, paths

# What a service manager does between fork and exec.
LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""
# Daemon, its listener, what a client says after the greeting (None: there is none), what the answer holds.
CASES = [("mta", "mx", "220 ", b"NOOP\r\n", b"250 "), ("imapd", "imap", "* OK", b"a NOOP\r\n", b"a OK"),
         ("jmapd", "http", None, b"GET /.well-known/jmap HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 401")]


@pytest.fixture
def activated(suite):
    started = []

    def start(name, listener):
        listening = socket.create_server(("127.0.0.1", 0))
        assert listening.getblocking()
        daemon = suite.daemons[name] = daemons.Daemon(name, suite)
        ports_file = suite.folder / (name + ".ports")
        with open(daemon.log, "ab") as log:
            daemon.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(listening.fileno()), listener, str(paths.BIN / ("dromos-" + name)), "--config", str(suite.config_file),
                 "--ports-file", str(ports_file)], pass_fds=(listening.fileno(),), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        daemon.listeners = daemon._wait_for(ports_file)
        started.append(listening)
        return listening.getsockname()

    yield start
    for listening in started:
        listening.close()


@pytest.mark.parametrize("name, listener, greeting, question, answer", CASES)
def test_inherited_sockets_are_served(suite, activated, name, listener, greeting, question, answer):
    address = activated(name, listener)
    assert suite.daemons[name].address(listener) == address
    clients = []
    # The first is answered with nobody behind it in the queue of the socket: where accept() blocked, it never would be.
    for _ in range(3):
        client = socket.create_connection(address, 10)
        clients.append((client, client.makefile("rb")))
        if greeting:
            assert clients[-1][1].readline().startswith(greeting.encode())
        client.sendall(question)
        assert clients[-1][1].readline().startswith(answer)
    clients[0][0].sendall(question)
    if name != "jmapd":
        assert clients[0][1].readline().startswith(answer)
    for client, reader in clients:
        reader.close()
        client.close()
