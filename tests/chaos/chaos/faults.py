"""The faults: what is done to whom, which other daemons have to serve meanwhile, and how long recovery takes.

A case leaves the suite as it found it. Each writes a `fault` line to the ledger and adds to `results`; a check that
fails is a failure of the run.
"""
import collections
import signal
import time

from dromostest import clients
from dromostest.daemons import NAMES

from .pipeline_client import StoppedClient
from .stage import PASSWORD

# Who serves while a daemon is dead: all the others. spamd's and admind's absence must not be seen by anybody.
SERVES_WITHOUT = {name: [other for other in ("mta", "imapd", "jmapd", "admind") if other != name] for name in NAMES}
SERVICE_LIMIT = 15
RECOVERY_LIMIT = 40
WATCHDOG_LIMIT = 20
POINT_LIMIT = 12

# Instants that chance would miss. (daemon, point, action); the pass at which it acts comes from the seed.
POINTS = [("mta", "mta.before_commit", "kill"), ("mta", "mta.after_commit", "kill"), ("mta", "mta.after_reply", "kill"),
          ("mta", "mta.before_commit", "stop"), ("imapd", "imapd.append.after_commit", "kill"), ("imapd", "imapd.copy.after_commit", "kill")]


class Results:
    def __init__(self):
        self.kills = self.stops = self.restarts = 0
        self.recovery = collections.defaultdict(list)
        self.checks = collections.Counter()
        self.failures = []
        self.notes = collections.Counter()

    def check(self, name, truth, detail=""):
        self.checks[name] += 1
        if not truth:
            self.failures.append("%s: %s" % (name, detail))
        return truth


class Faults:
    def __init__(self, stage, probes, ledger, counters, rng):
        self.stage, self.probes, self.ledger, self.counters, self.rng = stage, probes, ledger, counters, rng
        self.results = Results()

    def cases(self):
        """(weight, name, function) of every case."""
        out = []
        for name in NAMES:
            out.append((3, "kill " + name, lambda name=name: self.kill(name)))
            out.append((1, "stop " + name, lambda name=name: self.stop(name)))
            out.append((1, "restart " + name, lambda name=name: self.restart(name)))
        for point in POINTS:
            out.append((2, "%s at %s" % (point[2], point[1]), lambda point=point: self.at_point(*point)))
        out.append((2, "kill a PostgreSQL backend", self.kill_backend))
        out.append((2, "stop PostgreSQL immediately", self.stop_postgres))
        out.append((1, "client stops inside a pipeline", self.stopped_client))
        return out

    def schedule(self, short):
        """Endless (name, function); each deck has every case as often as its weight says, in the order of the seed.
        The short round begins with what must be in it."""
        cases = self.cases()
        if short:
            wanted = ["kill mta", "kill imapd", "kill at mta.after_commit", "stop PostgreSQL immediately", "kill spamd", "kill jmapd",
                      "kill at mta.before_commit", "kill admind", "kill a PostgreSQL backend", "stop at mta.before_commit", "client stops inside a pipeline"]
            self.rng.shuffle(wanted)
            by_name = {name: function for _, name, function in cases}
            yield from ((name, by_name[name]) for name in wanted)
        while True:
            deck = [case for case in cases for _ in range(case[0])]
            self.rng.shuffle(deck)
            yield from ((name, function) for _, name, function in deck)

    # -- the cases ---------------------------------------------------------------------------------------------
    def run(self, name, function):
        before = self.results.kills
        recovery = function()
        for daemon, seconds in (recovery or {}).items():
            self.results.recovery[(name, daemon)].append(seconds)
        self.ledger.write("fault", case=name, kills=self.results.kills - before, recovery=recovery)

    def kill(self, name):
        self.stage.daemon(name).kill()
        self.results.kills += 1
        self._others_serve(name)
        time.sleep(self.rng.random() * 0.3)
        return self._start_again(name)

    def stop(self, name):
        self.stage.daemon(name).signal(signal.SIGSTOP)
        self.results.stops += 1
        self._others_serve(name, "stopped")
        time.sleep(self.rng.random())
        began = time.monotonic()
        self.stage.daemon(name).signal(signal.SIGCONT)
        return self._recovered({name: began})

    def restart(self, name):
        try:
            status = self.stage.daemon(name).stop()
            self.results.check("ends well on SIGTERM", status == 0, "%s: status %s\n%s" % (name, status, self.stage.daemon(name).tail(1500)))
        except Exception as error:
            self.results.check("ends well on SIGTERM", False, str(error))
        self.results.restarts += 1
        return self._start_again(name)

    def at_point(self, name, point, action):
        """Restarts the daemon so that it kills or stops itself at the given instant; the load brings it there."""
        daemon = self.stage.daemon(name)
        daemon.kill()
        self.results.kills += 1
        self.stage.start(name, "%s:%d:%s" % (point, self.rng.randint(1, 8), action))
        if not self._waits_for_end(daemon, action):
            self.results.notes["%s was not reached" % point] += 1
            daemon.kill()
        elif action == "stop":
            self.results.stops += 1
            self._others_serve(name, "stopped in a delivery")
            began = time.monotonic()
            daemon.signal(signal.SIGCONT)
            return self._recovered({name: began})
        else:
            self.results.kills += 1
        return self._start_again(name)

    @staticmethod
    def _waits_for_end(daemon, action):
        end = time.monotonic() + POINT_LIMIT
        while time.monotonic() < end:
            if action == "kill" and not daemon.running():
                daemon.process.wait()
                return True
            if action == "stop" and _state(daemon.process.pid) == "T":
                return True
            time.sleep(0.01)
        return False

    def kill_backend(self):
        session = self._session()
        if not self.stage.kill_backend(self.rng):
            self.results.notes["no backend to kill"] += 1
            return {}
        self.results.kills += 1
        return self._database_returns(session)

    def stop_postgres(self):
        session = self._session()
        self.stage.cluster.stop("immediate")
        self.results.kills += 1
        time.sleep(0.3)  # 250s that were on their way
        before = self.counters["messages"]
        time.sleep(0.5 + self.rng.random())
        taken = self.counters["messages"] - before
        self.results.check("no 250 without the database", taken == 0, "%d messages got 250 while PostgreSQL was down" % taken)
        self.stage.cluster.start()
        return self._database_returns(session)

    def stopped_client(self):
        """Somebody holds the lock of one account and does not speak on: others get mail at once, this one when the watchdog
        has ended the session."""
        locked = self.stage.addresses[0]
        login = "(SELECT account_id FROM directory.account_by_login_v1('%s'))" % locked
        client = StoppedClient(self.stage.cluster, self.stage.database,
                               "SELECT FROM mail.account_state WHERE account_id = %s FOR NO KEY UPDATE" % login)
        self.results.stops += 1
        began = time.monotonic()
        others = self.probes.wait("mta", SERVICE_LIMIT)
        self.results.check("mail for others while a stopped client holds an account", others is not None, "none within %d s" % SERVICE_LIMIT)
        ended = client.ended(WATCHDOG_LIMIT)
        self.results.check("the watchdog ends a client stopped in a pipeline", ended, "still there after %d s" % WATCHDOG_LIMIT)
        client.close()
        return {"mta": round(others - began, 3), "watchdog": round(time.monotonic() - began, 3)} if ended and others else {}

    # -- what must hold ------------------------------------------------------------------------------------------
    def _database_returns(self, session):
        self.stage.wait_for_database()
        began = time.monotonic()
        recovery = self._recovered({name: began for name in NAMES})
        if session:
            self.results.check("IMAP sessions outlive PostgreSQL", self._still_works(session), "the session was closed or stayed broken")
            session.shutdown()
        return recovery

    def _session(self):
        try:
            session = clients.Imap(self.stage.at("imapd", "imap"))
            session.login(self.probes.address, PASSWORD)
            session.select("INBOX")
            return session
        except Exception:
            self.results.check("a session before the fault", False, "no IMAP session could be opened")
            return None

    @staticmethod
    def _still_works(session):
        end = time.monotonic() + SERVICE_LIMIT
        while time.monotonic() < end:
            try:
                if session.status("INBOX", "(MESSAGES)")[0] == "OK":
                    return True
            except Exception:
                return False
            time.sleep(0.05)
        return False

    def _others_serve(self, name, how="dead"):
        for other in SERVES_WITHOUT[name]:
            self.results.check("%s serves while %s is %s" % (other, name, how), self.probes.wait(other, SERVICE_LIMIT) is not None,
                               "no success within %d s" % SERVICE_LIMIT)

    def _start_again(self, name):
        try:
            return self._recovered({name: self.stage.start(name)})
        except Exception as error:
            self.results.check("starts again", False, "%s: %s" % (name, error))
            raise

    def _recovered(self, began):
        """{daemon: seconds from its moment in `began` to its first success}"""
        out = {}
        for name, moment in began.items():
            done = self.probes.wait(name, RECOVERY_LIMIT)
            self.results.check("%s recovers" % name, done is not None, "no success within %d s\n%s" % (RECOVERY_LIMIT, self.stage.daemon(name).tail(1500)))
            if done is not None:
                out[name] = round(done - moment, 3)
        return out


def _state(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""
