"""Daemons as subprocesses: a generated configuration, ports of the kernel's choice, logs shown on failure.

Every daemon started with `--config FILE --ports-file FILE2` writes FILE2 (renamed into place) once it accepts:

    {"daemon": "mta", "pid": 17, "listeners": {"mx": ["127.0.0.1:40001"], "lmtp": ["unix:/tmp/x/lmtp.sock"]}}

and ends on SIGTERM. Names are the keys of the configuration: mx submission submissions lmtp imap imaps pop3
pop3s http https metrics.
"""
import copy
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import yaml

from . import certificates, paths

START_TIMEOUT = 30
STOP_TIMEOUT = 20
NAMES = ["mta", "imapd", "jmapd", "spamd", "admind"]
ANY = "127.0.0.1:0"


class Failure(Exception):
    pass


def merge(base, changes):
    """`changes` into a copy of `base`, section by section."""
    out = copy.deepcopy(base)
    for key, value in (changes or {}).items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


class Daemon:
    def __init__(self, name, suite):
        self.name = name
        self.suite = suite
        self.process = None
        self.listeners = {}
        self.log = suite.folder / (name + ".log")

    def start(self, env=None, descriptors=None):
        """`descriptors`: how many it may have (RLIMIT_NOFILE)."""
        limited = ["prlimit", "--nofile=%d" % descriptors] if descriptors else []
        ports_file = self.suite.folder / (self.name + ".ports")
        ports_file.unlink(missing_ok=True)
        binary = paths.BIN / ("dromos-" + self.name)
        if not binary.exists():
            raise Failure("%s is not built" % binary)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                limited + [str(binary), "--config", str(self.suite.config_file), "--ports-file", str(ports_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, **(env or {})))
        self.listeners = self._wait_for(ports_file)
        return self

    def _wait_for(self, ports_file):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if ports_file.exists():
                ports = json.loads(ports_file.read_text())
                return ports.get("listeners", ports)
            if self.process.poll() is not None:
                raise Failure("dromos-%s ended with status %d:\n%s" % (self.name, self.process.returncode, self.tail()))
            time.sleep(0.01)
        self.kill()
        raise Failure("dromos-%s was not ready after %d s:\n%s" % (self.name, START_TIMEOUT, self.tail()))

    def address(self, listener, index=0):
        """(host, port) of a TCP listener, or the path of a Unix socket."""
        text = self.listeners[listener][index]
        if text.startswith(("unix:", "/")):
            return text[text.index("/"):]
        host, port = text.rsplit(":", 1)
        host = host.strip("[]")
        return "127.0.0.1" if host in ("*", "0.0.0.0", "::", "") else host, int(port)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def stop(self):
        """SIGTERM and the exit status; SIGKILL and an error when it does not drain."""
        if self.process is None:
            return None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("dromos-%s did not end %d s after SIGTERM" % (self.name, STOP_TIMEOUT)) from None

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def tail(self, size=8000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


class Suite:
    """Some daemons over one database. Use as a context manager, or the `suite` fixture."""

    def __init__(self, cluster, database, changes=None):
        self.cluster = cluster
        self.database = database
        # Socket paths end at 107 bytes, so not below the checkout.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dromos-t-", dir="/tmp"))
        self.authority = certificates.shared_authority()
        self.config_file = self.folder / "dromos.yaml"
        self.daemons = {}
        self.config = self.defaults()
        self.reconfigure(changes)

    def reconfigure(self, changes):
        """For daemons that start from now on."""
        self.config = merge(self.config, changes)
        self.config_file.write_text(yaml.safe_dump(self.config))

    def defaults(self):
        conninfo = "host=%s port=5432 dbname=%s" % (self.cluster.folder, self.database)
        pair = self.authority.pair("localhost")
        config = {
            "log": {"level": "debug"},
            "database": {"conninfo": conninfo, "owner_conninfo": conninfo + " user=dromos_owner"},
            "rpc": {"dir": str(self.folder)},
            "tls": {"certificates": [{"certificate": str(pair.certificate), "key": str(pair.key)}]},
            "mta": {"hostname": "mx.example.test", "temp_dir": str(self.folder),
                    "listeners": {"mx": [ANY], "submission": [ANY], "submissions": [ANY], "lmtp": [ANY]}},
            "imapd": {"listeners": {"imap": [ANY], "imaps": [ANY], "pop3": [ANY], "pop3s": [ANY]}},
            "jmapd": {"listeners": {"http": [ANY], "https": [ANY]}},
            "spamd": {},
            "admind": {"listeners": {"http": [ANY], "https": [ANY]}},
        }
        for name in NAMES:
            config[name].update(metrics=ANY, workers=1)
        return config

    def start(self, *names, env=None, descriptors=None):
        for name in names or NAMES:
            self.daemons[name] = Daemon(name, self).start(env, descriptors)
        return self

    def __getattr__(self, name):
        daemons = self.__dict__.get("daemons", {})
        if name in daemons:
            return daemons[name]
        raise AttributeError(name)

    def sql(self, statement):
        return self.cluster.psql(statement, database=self.database)

    def logs(self):
        return "\n".join("==== %s ====\n%s" % (name, daemon.tail()) for name, daemon in self.daemons.items())

    def close(self):
        """Stops all; the first daemon that did not end well is an error, after everything is gone."""
        failures = []
        for daemon in reversed(list(self.daemons.values())):
            try:
                status = daemon.stop()
                if status not in (0, None, -signal.SIGKILL):
                    failures.append("dromos-%s ended with status %s:\n%s" % (daemon.name, status, daemon.tail()))
            except Failure as failure:
                failures.append(str(failure))
        shutil.rmtree(self.folder, ignore_errors=True)
        if failures:
            raise Failure("\n".join(failures))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
