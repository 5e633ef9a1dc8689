"""What is measured: our suite on a private cluster, or a peer that is already running. Both are reached the same way."""
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

from chaos import stage
from dromostest import daemons, pg

from .accounting import ForeignGroup, Group

USERS = 200
LAGGING = ("SELECT count(*) FROM mail.account_state s LEFT JOIN mail.word_state w USING (account_id)"
           " WHERE s.email_modseq > coalesce(w.modseq, 0)")


class Target:
    """`smtp` (host, port), `imap`, `recipient` pattern with one number, `password`, `groups` for the account."""

    def __init__(self, name, smtp, imap, recipient, password, groups, imaps=None):
        self.name, self.smtp, self.imap, self.imaps = name, smtp, imap, imaps
        self.recipient, self.password, self.groups = recipient, password, groups
        self.settle = lambda: None  # waits until work that mail leaves behind is done

    def address(self, number):
        return self.recipient % number

    def seconds(self):
        return {group.name: group.seconds() for group in self.groups}


class Ours(stage.Stage):
    """Five daemons with their own PostgreSQL; every process belongs to a group of the account."""

    LIMITS = {"mta": {"limits": {"connections": 20000, "connections_per_ip": 20000}},
              "imapd": {"limits": {"connections": 20000, "connections_per_ip": 20000, "connections_per_account": 1000}}}

    def __init__(self, cluster, users=USERS, names=None, workers=0, indexer=True):
        self.groups = {}
        self.workers, self.indexer = workers, indexer
        super().__init__(cluster, 0, log_level="warn", names=names)
        self.addresses = ["u%04d@%s" % (number, stage.DOMAIN) for number in range(users)]

    def _configuration(self, log_level):
        out = daemons.merge(super()._configuration(log_level), self.LIMITS)
        for name in daemons.NAMES:
            out[name]["workers"] = self.workers
        out["imapd"]["indexer"] = self.indexer
        return out

    def __enter__(self):
        self.groups["postgresql"] = Group("postgresql")
        self.groups["postgresql"].add(self.cluster.postmaster_pid())
        super().__enter__()
        return self

    def start(self, name, fault=""):
        began = super().start(name, fault)
        group = self.groups.setdefault(name, Group(name))
        group.roots = []
        group.add(self.daemon(name).process.pid)
        return began

    def close(self):
        super().close()
        for group in self.groups.values():
            group.remove()

    def target(self):
        target = Target("dromos", self.at("mta", "mx"), self.at("imapd", "imap"), "u%04d@" + stage.DOMAIN, stage.PASSWORD, list(self.groups.values()),
                        self.at("imapd", "imaps"))
        if self.indexer:
            target.settle = self.wait_until_indexed
        return target

    def wait_until_indexed(self, seconds=120):
        """Nobody's mail is ahead of the word index, and nothing waits in its pending lists."""
        end = time.monotonic() + seconds
        while self.unmerged() > 0 or self.cluster.psql(LAGGING, database=self.database) != "0":
            if time.monotonic() > end:
                raise RuntimeError("the word index did not catch up within %d s" % seconds)
            time.sleep(1)

    def unmerged(self):
        text = urllib.request.urlopen(self.metrics_url("imapd", "/metrics"), timeout=5).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("dromos_imapd_index_unmerged_messages "))


SHIPPED = {"shared_buffers": "256MB", "max_wal_size": "4GB"}  # what deploy/compose gives PostgreSQL


def new_cluster():
    cluster = pg.Cluster.create(**SHIPPED)
    try:
        cluster.prepare_template()
    except BaseException:
        cluster.remove()
        raise
    return cluster


def peer_settings():
    """Shell variables of DROMOS_BENCH_DIR/peers/env.sh, {} without one."""
    folder = os.environ.get("DROMOS_BENCH_DIR", "")
    file = pathlib.Path(folder) / "peers" / "env.sh"
    if not folder or not file.exists():
        return {}
    text = subprocess.run(["bash", "-c", 'set -a; . "$0"; env', str(file)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def answers(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False


def peer(scan=False):
    """Postfix and Dovecot, with `scan` Rspamd too, if they are running; else None."""
    settings = peer_settings()
    if not settings:
        return None
    smtp = ("127.0.0.1", int(settings["P_SMTP_MILTER" if scan else "P_SMTP"]))
    imap = ("127.0.0.1", int(settings["P_IMAP"]))
    groups = [ForeignGroup("%s/%s" % (settings["CG"], name)) for name in ["postfix", "dovecot"] + (["rspamd", "redis"] if scan else [])]
    if not answers(smtp) or not answers(imap) or any(group.folder is None for group in groups):
        return None
    return Target("peer", smtp, imap, "u%04d@sdbox.test", settings["BENCH_PASS"], groups, ("127.0.0.1", int(settings["P_IMAPS"])))
