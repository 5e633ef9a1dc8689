"""PostgreSQL's own word on locks, and a brake that holds a load to a share of the machine."""
import os
import pathlib
import re
import threading
import time

# With Cluster's deadlock_timeout a wait of more than 200 ms is logged when it begins and when it ends.
SETTINGS = {"log_lock_waits": "on", "log_min_duration_statement": "1s"}
TICKS = os.sysconf("SC_CLK_TCK")
# Merges what the word index has gathered, for itself: nobody waits for it.
BACKGROUND = "mail.word_index_clean_v1"
DAEMONS = ("dromos_mta", "dromos_imapd", "dromos_jmapd", "dromos_spamd", "dromos_admind")

# Whoever waits for a lock for over a second, and whom for: seconds, then both with what they run and for how long.
HOLDERS = """SELECT round(extract(epoch FROM clock_timestamp() - w.query_start)::numeric, 1) || ' s ' || w.usename || ' "' || left(w.query, 100) || '" waits for '
  || h.usename || ' ' || h.application_name || ' ' || h.state || ' ' || round(extract(epoch FROM clock_timestamp() - h.xact_start)::numeric, 1) || ' s '
  || coalesce(h.wait_event, 'running') || ' "' || regexp_replace(left(h.query, 200), '\\s+', ' ', 'g') || '"'
  FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) AS b (pid) JOIN pg_stat_activity h USING (pid)
  WHERE w.datname = '%s' AND w.wait_event_type = 'Lock' AND w.query_start < clock_timestamp() - interval '1 s'"""


class LogReport:
    """What the server's log says: deadlocks, cancelled waits, waits and statements with their role and milliseconds."""

    def __init__(self, text):
        self.deadlocks = len(re.findall(r"ERROR:  deadlock detected", text))
        self.timeouts = len(re.findall(r"due to (?:lock|statement) timeout", text))
        self.serialization = len(re.findall(r"could not serialize access", text))
        line = r"\] (\w+)@\S+ +LOG:  "
        self.waits = [(role, float(ms), what[:160]) for role, what, ms in re.findall(line + r"process \d+ acquired (\w+ on .*?) after ([\d.]+) ms", text)]
        self.statements = [(role, float(ms), said.strip()[:160]) for role, ms, said in re.findall(line + r"duration: ([\d.]+) ms(.*(?:\n\t.*){0,3})", text)]
        self.details = re.findall(r"ERROR:  deadlock detected.*(?:\n.*){0,14}", text)

    @staticmethod
    def longest(rows):
        """Milliseconds, of the daemons' rows."""
        return max((row[1] for row in rows if row[0] in DAEMONS and BACKGROUND not in row[-1]), default=0.0)


def deadlocks(cluster, database):
    """As the server counts them, also those that a client tried again and nobody noticed."""
    return int(cluster.psql("SELECT pg_stat_force_next_flush(); SELECT deadlocks FROM pg_stat_database WHERE datname = '%s'" % database).split()[-1])


def _seconds(pid, with_children=False):
    try:
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15] if with_children else fields[11:13])) / TICKS


def _children(parent):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


class Brake(threading.Thread):
    """Stretches `pause` until daemons, PostgreSQL and this process together use `cores`; with it, looks at what waits now."""

    def __init__(self, stage, cores, every=2.0):
        super().__init__(name="brake", daemon=True)
        self.stage, self.cores, self.every = stage, cores, every
        self.pause, self.longest_active = 0.05, 0.0
        self.ending = threading.Event()
        self.began, self.spent_before = time.monotonic(), self.cpu()
        self.failed = ""
        self.held = []   # who was waited for over a second, as seen now and then

    def cpu(self):
        postmaster = self.stage.cluster.postmaster_pid()
        daemons = [self.stage.daemon(name).process.pid for name in self.stage.names]
        own = os.times()
        return (_seconds(postmaster, True) + sum(_seconds(pid) for pid in _children(postmaster)) + sum(_seconds(pid, True) for pid in daemons)
                + own.user + own.system + own.children_user + own.children_system)

    def used(self):
        """Cores, on average since the beginning."""
        return (self.cpu() - self.spent_before) / (time.monotonic() - self.began)

    def run(self):
        last, at = self.spent_before, self.began
        try:
            while not self.ending.wait(self.every):
                now, spent = time.monotonic(), self.cpu()
                share = (spent - last) / (now - at)
                last, at = spent, now
                self.pause = min(3.0, max(0.01, self.pause * min(2.0, max(0.5, share / self.cores))))
                self._look()
        except Exception as error:  # said at the end, not lost with the thread
            self.failed = repr(error)

    def _look(self):
        found = self.stage.cluster.psql(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0) FROM pg_stat_activity WHERE state = 'active'"
            " AND datname = '%s' AND usename = ANY('{%s}') AND query !~ '%s'" % (self.stage.database, ",".join(DAEMONS), BACKGROUND))
        self.longest_active = max(self.longest_active, float(found))
        seen = self.stage.cluster.psql(HOLDERS % self.stage.database)
        self.held += [line for line in seen.splitlines() if line and len(self.held) < 1000]
