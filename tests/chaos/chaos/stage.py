"""The suite under test: its own PostgreSQL, five daemons on ports that stay the same over restarts, accounts."""
import json
import os
import random
import signal
import socket
import subprocess
import time

from dromostest import clients, daemons, paths
from dromostest.accounts import Accounts

DOMAIN = "chaos.test"
PASSWORD = "chaos-password-7"
LISTENERS = {"mta": ["mx", "submission", "submissions", "lmtp"], "imapd": ["imap", "imaps"], "jmapd": ["http", "https"],
             "admind": ["http", "https"], "spamd": []}


class Failure(Exception):
    pass


def free_ports(count):
    """Below the range from which the kernel serves outgoing connections: nobody takes them while a daemon is dead."""
    found, rng = [], random.Random()
    while len(found) < count:
        port = rng.randint(18000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Stage:
    """A context manager. `environment` is given to every start of every daemon (sabotage)."""

    def __init__(self, cluster, accounts, environment=None, log_level="info", names=None, changes=None):
        self.cluster = cluster
        self.names = names or daemons.NAMES
        self.environment = environment or {}
        self.addresses = ["u%02d@%s" % (number, DOMAIN) for number in range(accounts)]
        self.database = cluster.create_database("chaos")
        self.suite = daemons.Suite(cluster, self.database, daemons.merge(self._configuration(log_level), changes or {}))
        self.token = None

    def _configuration(self, log_level):
        ports = iter(free_ports(sum(len(names) for names in LISTENERS.values()) + len(LISTENERS)))
        out = {"log": {"level": log_level}}
        for daemon, names in LISTENERS.items():
            out[daemon] = {"metrics": "127.0.0.1:%d" % next(ports)}
            if names:
                out[daemon]["listeners"] = {name: ["127.0.0.1:%d" % next(ports)] for name in names}
        out["mta"]["limits"] = {"connections_per_ip": 500}
        out["imapd"].update(plaintext_login=True, limits={"connections_per_ip": 500})
        return out

    # -- life --------------------------------------------------------------------------------------------
    def __enter__(self):
        try:
            self._create_accounts()
            for name in self.names:
                self.start(name)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        for name in daemons.NAMES:
            self.daemon(name).kill()
        self.suite.close()
        self.cluster.drop_database(self.database)

    def daemon(self, name) -> daemons.Daemon:
        return self.suite.daemons.setdefault(name, daemons.Daemon(name, self.suite))

    def start(self, name, fault=""):
        """Starts a daemon; returns the moment of its start."""
        environment = dict(self.environment)
        if fault:
            environment["DROMOS_FAULT"] = fault
        began = time.monotonic()
        self.daemon(name).start(environment)
        return began

    def _create_accounts(self):
        done = subprocess.run([str(paths.BIN / "dromosctl"), "--config", str(self.suite.config_file), "admin", "create", "chaos", "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failure("dromosctl admin create: exit %d\n%s" % (done.returncode, done.stderr))
        self.token = json.loads(done.stdout)["token"]
        Accounts(self.suite, DOMAIN).accounts(self.addresses, PASSWORD)

    # -- addresses -----------------------------------------------------------------------------------------
    def at(self, daemon, listener):
        host, port = self.suite.config[daemon]["listeners"][listener][0].rsplit(":", 1)
        return host, int(port)

    def url(self, daemon, path=""):
        return "http://%s:%d%s" % (*self.at(daemon, "http"), path)

    def metrics_url(self, daemon, path):
        return "http://%s%s" % (self.suite.config[daemon]["metrics"], path)

    def tls(self):
        context = self.suite.authority.client_context()
        context.check_hostname = False
        return context

    def admin(self):
        return clients.Http(self.url("admind", "/api/v1"), token=self.token)

    def describe(self):
        """What the verifier needs to look at the mailboxes of this stage."""
        return dict(imap=list(self.at("imapd", "imap")), accounts={address: PASSWORD for address in self.addresses},
                    cluster=str(self.cluster.folder), database=self.database, config=str(self.suite.config_file),
                    binaries=str(paths.BIN))

    # -- PostgreSQL ------------------------------------------------------------------------------------------
    def kill_backend(self, rng):
        """SIGKILL to one server process that works for a daemon: PostgreSQL ends all sessions and recovers."""
        rows = self.suite.sql("SELECT pid FROM pg_stat_activity WHERE datname = '%s' AND usename LIKE 'dromos_%%'" % self.database)
        pids = [int(row) for row in rows.split()]
        if not pids:
            return False
        os.kill(rng.choice(pids), signal.SIGKILL)
        return True

    def wait_for_database(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                self.suite.sql("SELECT 1")
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
