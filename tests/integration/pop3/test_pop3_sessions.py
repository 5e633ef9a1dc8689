"""What admind sees of POP3 sessions, by dromos.sessions.v1; and what /metrics counts."""
import importlib.util
import subprocess
import sys
import urllib.request

import grpc
import pytest

from dromostest import paths
from pop3_client import BOB


@pytest.fixture
def sessions(server, tmp_path):
    subprocess.run(["protoc", "--proto_path=%s" % (paths.ROOT / "proto"), "--python_out=%s" % tmp_path,
                    "dromos/sessions/v1/sessions.proto"], check=True)
    pb = sys.modules.get("sessions_pb2")  # a file's descriptors can be registered once
    if pb is None:
        spec = importlib.util.spec_from_file_location("sessions_pb2", tmp_path / "dromos/sessions/v1/sessions_pb2.py")
        pb = sys.modules["sessions_pb2"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(pb)
    channel = grpc.insecure_channel("unix:%s" % (server.folder / "imapd.sock"), options=[("grpc.use_local_subchannel_pool", 1)])

    def call(method, **fields):
        stub = channel.unary_unary("/dromos.sessions.v1.Sessions/" + method,
                                   request_serializer=lambda request: request.SerializeToString(),
                                   response_deserializer=getattr(pb, method + "Response").FromString)
        return stub(getattr(pb, method + "Request")(**fields), timeout=10, metadata=(("dromos-caller", "admind"),), wait_for_ready=True)

    yield call
    channel.close()


def test_pop3_sessions_are_listed_and_ended(server, pop, imap, accounts, sessions):
    client, _, _ = pop(), pop(login=None, tls=False), imap()
    client.ok("NOOP")
    account = accounts.id(BOB)
    listed = {session.protocol: session for session in sessions("List", account_id=account).sessions}
    assert set(listed) == {"imap", "pop3"}
    assert listed["pop3"].login == BOB and listed["pop3"].tls and listed["pop3"].state == "waiting"
    assert listed["pop3"].remote.startswith("127.0.0.1:")
    assert len(sessions("List").sessions) == 3
    assert sessions("End", session_id=listed["pop3"].id).ended == 1
    assert client.line().startswith(b"-ERR [SYS/TEMP]") and client.ended()
    assert [session.protocol for session in sessions("List", account_id=account).sessions] == ["imap"]


def test_metrics(server, pop):
    client = pop()
    client.ok("NOOP")
    with urllib.request.urlopen("http://%s:%d/metrics" % server.imapd.address("metrics"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    assert "dromos_imapd_pop3_connections 1" in lines
    assert "dromos_imapd_pop3_commands_total 3" in lines
