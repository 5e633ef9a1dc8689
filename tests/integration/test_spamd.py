"""dromos-spamd over gRPC with an ordinary client: scan, learn, explain, forget; two nodes; restart; refusal; database down.

The client knows nothing of ours but the .proto file.
"""
import importlib.util
import pathlib
import subprocess
import sys
import time
import uuid

import grpc
import pytest

from dromostest import paths

SPAM = (b"From: Prize Desk <desk@lucky.example>\r\nSubject: claim your prize\r\nContent-Type: text/html\r\n\r\n"
        b"<p>winner casino bonus lottery claim urgent offer</p><a href='http://203.0.113.9/x'>here</a>\r\n")
HAM = (b"From: Ann <ann@work.example>\r\nTo: bob@work.example\r\nSubject: agenda\r\nDate: Tue, 10 Mar 2026 10:00:00 +0100\r\n"
       b"Message-ID: <1@work.example>\r\n\r\nplease review the notes of the meeting\r\n")


@pytest.fixture(scope="session")
def pb(tmp_path_factory):
    out = tmp_path_factory.mktemp("proto")
    root = paths.ROOT
    subprocess.run(["protoc", "--proto_path=%s" % (root / "proto"), "--python_out=%s" % out, "dromos/spam/v1/spam.proto"], check=True)
    spec = importlib.util.spec_from_file_location("spam_pb2", out / "dromos/spam/v1/spam_pb2.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["spam_pb2"] = module
    spec.loader.exec_module(module)
    return module


class Client:
    def __init__(self, pb, path, caller="admind"):
        self.pb = pb
        # A connection of its own: the process-wide pool would hand out one to a daemon that has ended since.
        self.channel = grpc.insecure_channel("unix:%s" % path, options=[("grpc.use_local_subchannel_pool", 1)])
        self.metadata = (("dromos-caller", caller),)

    def call(self, method, request, answer):
        stub = self.channel.unary_unary("/dromos.spam.v1.Spam/" + method, request_serializer=type(request).SerializeToString,
                                        response_deserializer=answer.FromString)
        return stub(request, timeout=10, metadata=self.metadata, wait_for_ready=True)

    def scan(self, raw):
        return self.call("Scan", self.pb.ScanRequest(message=self.pb.Message(raw=raw)), self.pb.ScanResponse)

    def learn(self, raw, label, learn_id, forget=False):
        request = self.pb.LearnRequest(message=self.pb.Message(raw=raw), label=label, learn_id=learn_id, forget=forget)
        return self.call("Learn", request, self.pb.LearnResponse)

    def explain(self, raw):
        return self.call("Explain", self.pb.ExplainRequest(message=self.pb.Message(raw=raw)), self.pb.ExplainResponse)


def socket_of(suite):
    return suite.folder / "spamd.sock"


@pytest.fixture
def client(pb, suite):
    suite.start("spamd")
    return Client(pb, socket_of(suite))


def test_a_lesson_counts_once_survives_a_restart_and_can_be_forgotten(pb, suite, client):
    fresh = client.scan(SPAM)
    assert fresh.verdict in (pb.VERDICT_HAM, pb.VERDICT_UNSURE)
    assert fresh.model_version == 0
    assert "LINK_IP" in [fact.name for fact in fresh.facts]
    learn_id = uuid.uuid4().bytes
    taught = client.learn(SPAM, pb.LABEL_SPAM, learn_id)
    assert taught.changed and taught.model_version == 1
    again = client.learn(SPAM, pb.LABEL_SPAM, learn_id)
    assert not again.changed and again.model_version == 1
    known = client.scan(SPAM)
    assert known.verdict == pb.VERDICT_SPAM
    assert known.score == pytest.approx(known.bias + sum(fact.weight for fact in known.facts))
    suite.spamd.stop()
    suite.start("spamd")
    client = Client(pb, socket_of(suite))
    deadline = time.monotonic() + 20
    while client.scan(SPAM).model_version != 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.scan(SPAM).score == pytest.approx(known.score)
    assert client.learn(SPAM, pb.LABEL_SPAM, learn_id, forget=True).changed
    assert client.scan(SPAM).score == pytest.approx(fresh.score)


def test_an_explanation_names_words_with_their_counts(pb, client):
    client.learn(SPAM, pb.LABEL_SPAM, uuid.uuid4().bytes)
    client.learn(HAM, pb.LABEL_HAM, uuid.uuid4().bytes)
    words = {token.text: token for token in client.explain(SPAM).tokens}
    assert words["casino"].spam == 1 and words["casino"].ham == 0 and words["casino"].weight > 0
    assert client.scan(HAM).verdict == pb.VERDICT_HAM


def test_bad_requests_and_foreign_callers_are_refused(pb, suite, client):
    for request in (pb.ScanRequest(), pb.ScanRequest(message=pb.Message(raw=HAM), trace_id=b"short")):
        with pytest.raises(grpc.RpcError) as refused:
            client.call("Scan", request, pb.ScanResponse)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as refused:
        client.learn(HAM, pb.LABEL_HAM, b"short")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as refused:
        Client(pb, socket_of(suite), caller="imapd").scan(HAM)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.config({"database": {"conninfo": "host=/nonexistent dbname=x"}})
def test_without_a_database_it_scans_by_rules_and_refuses_lessons(pb, client):
    assert client.scan(SPAM).model_version == 0
    with pytest.raises(grpc.RpcError) as refused:
        client.learn(SPAM, pb.LABEL_SPAM, uuid.uuid4().bytes)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.config({"spamd": {"scan_threads": 3}})
def test_large_mail_is_scanned_by_as_many_threads_as_are_configured(pb, suite, client):
    client.scan(HAM + b"word and another\r\n" * 4000)
    tasks = pathlib.Path("/proc/%d/task" % suite.spamd.process.pid)
    assert [task.read_text().strip() for task in tasks.glob("*/comm")].count("offload") == 3


def test_old_lessons_are_pruned_by_a_job(pb, suite, client):
    client.learn(SPAM, pb.LABEL_SPAM, uuid.uuid4().bytes)
    client.learn(SPAM + b"again\r\n", pb.LABEL_SPAM, uuid.uuid4().bytes)
    suite.sql("UPDATE spam.event SET at = now() - interval '100 days'")
    kept = suite.sql("SELECT count(*) FROM spam.token WHERE ham + spam > 1")
    suite.spamd.stop()
    suite.sql("UPDATE admin.job SET due_at = now() WHERE name = 'spamd.prune'")
    suite.start("spamd")
    for _ in range(300):
        if suite.sql("SELECT count(*) FROM spam.token WHERE ham + spam <= 1") == "0":
            break
        time.sleep(0.1)
    assert suite.sql("SELECT count(*), bool_and(ham + spam > 1) FROM spam.token") == kept + "|t", suite.spamd.tail()
