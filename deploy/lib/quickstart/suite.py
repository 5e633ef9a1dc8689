"""The running suite: folders, PostgreSQL, certificates, configuration, processes, accounts."""
import fcntl
import hashlib
import json
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import show

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests/lib"))
from dromostest import certificates, pg  # noqa: E402

DAEMONS = ["spamd", "mta", "imapd", "jmapd", "admind"]
DOMAIN = "example.test"
PEOPLE = ["alice", "bob"]

# daemon -> listener -> (standard port, unprivileged port tried first)
PORTS = {
    "mta": {"mx": (25, 2525), "submission": (587, 2587), "submissions": (465, 2465), "lmtp": (24, 2524)},
    "imapd": {"imap": (143, 2143), "imaps": (993, 2993), "pop3": (110, 2110), "pop3s": (995, 2995)},
    "jmapd": {"http": (80, 2080), "https": (443, 2443)},
    "admind": {"http": (8080, 8080), "https": (8443, 8443)},
    "spamd": {},
}
METRICS = {"mta": 7411, "imapd": 7412, "jmapd": 7413, "spamd": 7414, "admind": 7415}


class Failure(Exception):
    pass


def place_of(root):
    """Data of this clone: a short path that user postgres can reach wherever the clone is."""
    name = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return pathlib.Path("/var/tmp/dromos-quickstart-%d-%s" % (os.getuid(), name))


def note_of(root):
    return root / "var" / "quickstart.pids"


def detached_pids(root):
    try:
        return json.loads(note_of(root).read_text())
    except (OSError, ValueError):
        return {}


def is_daemon(pid, name):
    try:
        return ("dromos-" + name).encode() in pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
    except OSError:
        return False


def detached_is_running(root):
    return any(is_daemon(pid, name) for name, pid in detached_pids(root).items())


def stop_detached(root):
    pids = detached_pids(root)
    for name in reversed(list(pids)):
        if is_daemon(pids[name], name):
            os.kill(pids[name], signal.SIGTERM)
    end = time.monotonic() + 40
    while time.monotonic() < end and detached_is_running(root):
        time.sleep(0.1)
    cluster = Cluster(place_of(root) / "pg")
    if cluster.data.exists() and cluster.running():
        cluster.stop()
    if detached_is_running(root):
        show.failure("some daemons do not end: %s" % detached_pids(root))
        return 1
    note_of(root).unlink(missing_ok=True)
    print("quickstart: ended" if pids else "quickstart: nothing was running in the background")
    return 0


def hold_lock(root):
    """An open file that no other quickstart of this clone holds; it is let go when this process ends."""
    (root / "var").mkdir(exist_ok=True)
    lock = open(root / "var" / "quickstart.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("quickstart: another one of this clone is at work; end it first (Ctrl-C there)")
    return lock


def remove_place(place):
    cluster = Cluster(place / "pg")
    if cluster.data.exists() and cluster.running():
        cluster.stop()
    shutil.rmtree(place, ignore_errors=True)


class Cluster(pg.Cluster):
    """The test suite's private cluster, kept in one place and sized for a small machine."""

    def ensure(self):
        if self.data.exists():
            if not self.running():
                self.start()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.initialise()
        self.start()


def free_port(preferred, taken):
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number = probe.getsockname()[1]
            if number not in taken:
                taken.add(number)
                return number
    raise Failure("no free port on 127.0.0.1")


def standard_port(port):
    """The port, if it can be had: the daemon's own message would come late and in a log."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure("--ports standard needs port %d: %s%s" % (port, error.strerror, "" if os.geteuid() == 0 else " (try as root)")) from None
    return port


class Suite:
    def __init__(self, root, place, binaries, standard_ports):
        self.root, self.place, self.binaries, self.standard_ports = root, place, binaries, standard_ports
        self.cluster = Cluster(place / "pg")
        self.config = place / "dromos.yaml"
        self.state_file = place / "state.json"
        self.state = {}
        self.processes = {}
        self.listeners = {}
        self.detached = False
        self.told = False
        self.authority = None

    # -- preparation --------------------------------------------------------------------------------------
    def prepare(self):
        self.place.mkdir(parents=True, exist_ok=True)
        self.place.chmod(0o711)  # user postgres passes through to its own folder
        (self.root / "var").mkdir(exist_ok=True)
        if self.state_file.exists():
            self.state = json.loads(self.state_file.read_text())
        show.step("PostgreSQL (private, in %s)" % self.cluster.folder)
        self.cluster.ensure()
        if self.cluster.psql("SELECT 1 FROM pg_database WHERE datname = 'dromos'") != "1":
            self.cluster.psql("CREATE DATABASE dromos ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0")
        show.step("Certificates, configuration, schema")
        ca = self.place / "ca"
        ca.mkdir(exist_ok=True)
        self.authority = certificates.Authority(ca)
        self.write_config()
        self.ctl("migrate", "--conninfo", self.cluster.conninfo + " dbname=dromos", capture=False)

    def write_config(self):
        pair = self.authority.pair("localhost", "mail." + DOMAIN)
        taken = set()
        conninfo = "host=%s port=5432 dbname=dromos" % self.cluster.folder
        lines = ["log: {level: info}",
                 "database:", "  conninfo: %s" % conninfo, "  owner_conninfo: %s user=postgres" % conninfo,
                 "rpc: {dir: %s}" % self.place,
                 "tls:", "  certificates:", "    - {certificate: %s, key: %s}" % (pair.certificate, pair.key),
                 "dns: {forwarders: ['127.0.0.1:9']}  # no outside world in the quickstart"]
        for daemon, listeners in PORTS.items():
            lines += ["%s:" % daemon, "  metrics: 127.0.0.1:%d" % free_port(METRICS[daemon], taken)]
            if daemon == "mta":
                lines += ["  hostname: mail." + DOMAIN, "  temp_dir: %s" % self.place]
            if daemon == "imapd" and (self.binaries / "dromos-extract").exists():
                lines.append("  extract: {program: %s}" % (self.binaries / "dromos-extract"))
            if listeners:
                lines.append("  listeners:")
            for name, (standard, unprivileged) in listeners.items():
                port = standard_port(standard) if self.standard_ports else free_port(unprivileged, taken)
                lines.append("    %s: ['127.0.0.1:%d']" % (name, port))
        self.config.write_text("\n".join(lines) + "\n")

    def ctl(self, *arguments, capture=True):
        command = [str(self.binaries / "dromosctl"), "--config", str(self.config), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE if capture else None, stderr=subprocess.PIPE if capture else None,
                              text=True)
        if done.returncode != 0:
            raise Failure("%s: exit %d\n%s%s" % (shlex.join(command), done.returncode, done.stdout or "", done.stderr or ""))
        return done.stdout

    # -- processes ----------------------------------------------------------------------------------------
    def start(self):
        show.step("Five daemons")
        began = time.monotonic()
        for name in DAEMONS:
            ports = self.ports_file(name)
            ports.unlink(missing_ok=True)
            with open(self.log_file(name), "ab") as log:
                self.processes[name] = subprocess.Popen(
                    [str(self.binaries / ("dromos-" + name)), "--config", str(self.config), "--ports-file", str(ports)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for name in DAEMONS:
            self.wait_ready(name)
        show.good("all accept connections after %.2f s" % (time.monotonic() - began))
        for name in DAEMONS:
            shown = ", ".join("%s %s" % (key, value[0]) for key, value in self.listeners[name].items() if key not in ("rpc", "metrics"))
            show.line("%-7s pid %-7d %s" % (name, self.processes[name].pid, shown))

    def ports_file(self, name):
        return self.place / (name + ".ports")

    def log_file(self, name):
        return self.place / (name + ".log")

    def wait_ready(self, name):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.ports_file(name).exists():
                self.listeners[name] = json.loads(self.ports_file(name).read_text())["listeners"]
                return
            if self.processes[name].poll() is not None:
                raise Failure("dromos-%s ended with status %d at start:\n%s" % (name, self.processes[name].returncode, self.tail(name)))
            time.sleep(0.01)
        raise Failure("dromos-%s was not ready after 60 s:\n%s" % (name, self.tail(name)))

    def ended(self):
        return next((name for name, process in self.processes.items() if process.poll() is not None), None)

    def tail(self, name, size=3000):
        log = self.log_file(name)
        return log.read_text(errors="replace")[-size:] if log.exists() else ""

    def logs(self):
        return "\n".join("==== %s ====\n%s" % (name, self.tail(name)) for name in self.processes)

    def stop(self):
        for process in reversed(list(self.processes.values())):
            if process.poll() is None:
                process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                show.failure("dromos-%s did not drain in 40 s; killing it" % name)
                process.kill()
                process.wait()
        if self.cluster.data.exists() and self.cluster.running():
            self.cluster.stop()

    def detach(self):
        note_of(self.root).write_text(json.dumps({name: process.pid for name, process in self.processes.items()}))
        self.detached = True
        print("In the background. `. var/quickstart.env` has every address and password; `deploy/quickstart --stop` ends it.")

    # -- accounts -----------------------------------------------------------------------------------------
    def address(self, daemon, listener):
        host, port = self.listeners[daemon][listener][0].rsplit(":", 1)
        return host.strip("[]"), int(port)

    def rest_url(self):
        return "http://%s:%d/api/v1" % self.address("admind", "http")

    def rest(self, method, path, body=None):
        request = urllib.request.Request(self.rest_url() + path, method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Authorization": "Bearer " + self.state["token"], "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def create_accounts(self):
        """What the state file does not know yet; it is written after each step, as Ctrl-C may come between."""
        if "token" not in self.state:
            show.step("Domain %s with %s" % (DOMAIN, " and ".join(PEOPLE)))
            name = "quickstart-" + secrets.token_hex(4)  # an earlier one whose token was lost stands in nobody's way
            self.state["token"] = json.loads(self.ctl("admin", "create", name, "--json"))["token"]
            self.save_state()
        try:
            if self.state.get("domain") != DOMAIN:
                self.ensure("/domains", {"name": DOMAIN})
                self.state["domain"] = DOMAIN
            for person in PEOPLE:
                if person not in self.state:
                    self.state[person] = secrets.token_urlsafe(12)
                    self.save_state()  # known before it is set
                    self.ensure("/accounts", {"address": "%s@%s" % (person, DOMAIN), "password": self.state[person], "display_name": person.title()})
        except urllib.error.HTTPError as error:
            raise Failure("admin REST said %d: %s" % (error.code, error.read().decode(errors="replace"))) from None
        self.save_state()

    def ensure(self, path, body):
        try:
            self.rest("POST", path, body)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def save_state(self):
        self.state_file.write_text(json.dumps(self.state))

    def values(self):
        out = {"DROMOS_CONFIG": self.config, "DROMOS_CA": self.authority.ca.certificate, "DROMOS_DOMAIN": DOMAIN,
               "DROMOS_URL": self.rest_url().removesuffix("/api/v1"), "DROMOS_TOKEN": self.state["token"],
               "DROMOS_PG": self.cluster.conninfo + " dbname=dromos",
               "DROMOS_JMAP_URL": "http://%s:%d/.well-known/jmap" % self.address("jmapd", "http")}
        for daemon in DAEMONS:
            out["DROMOS_%s_PID" % daemon.upper()] = self.processes[daemon].pid
            for listener in self.listeners[daemon]:
                if listener == "rpc":
                    continue
                host, port = self.address(daemon, listener)
                prefix = "DROMOS_%s_%s" % (daemon.upper(), listener.upper())
                out[prefix + "_HOST"], out[prefix + "_PORT"] = host, port
        for person in PEOPLE:
            out["DROMOS_%s" % person.upper()] = "%s@%s" % (person, DOMAIN)
            out["DROMOS_%s_PASSWORD" % person.upper()] = self.state[person]
        return out

    def write_env(self):
        path = self.root / "var" / "quickstart.env"
        path.write_text("".join("%s=%s\n" % (key, shlex.quote(str(value))) for key, value in self.values().items()))
        path.chmod(0o600)

    def print_summary(self):
        show.step("Where everything is")
        values = self.values()
        for person in PEOPLE:
            show.line("%-22s password %s" % (values["DROMOS_" + person.upper()], values["DROMOS_%s_PASSWORD" % person.upper()]))
        for title, daemon, listener in (("SMTP (MX)", "mta", "mx"), ("submission, STARTTLS", "mta", "submission"),
                                        ("submission, TLS", "mta", "submissions"), ("LMTP", "mta", "lmtp"), ("IMAP, STARTTLS", "imapd", "imap"),
                                        ("IMAP, TLS", "imapd", "imaps"), ("POP3, STLS", "imapd", "pop3"),
                                        ("POP3, TLS", "imapd", "pop3s")):
            show.line("%-22s %s:%d" % ((title,) + self.address(daemon, listener)))
        show.line("%-22s %s" % ("JMAP session", values["DROMOS_JMAP_URL"]))
        show.line("%-22s %s  (Bearer %s)" % ("admin REST", self.rest_url(), self.state["token"]))
        show.line("%-22s %s" % ("CA certificate", values["DROMOS_CA"]))
        show.line("%-22s %s" % ("logs, configuration", self.place))
        show.line("%-22s %s" % ("all of this, for tools", "var/quickstart.env"))
