"""Rounds: an honest one, which must be clean, and sabotaged ones, in which the verifier must find the sabotage."""
import pathlib
import random
import subprocess
import sys
import time

from . import faults, ledger, load, probes, stage

VERIFY = pathlib.Path(__file__).resolve().parents[1] / "verify"
FINISH_SECONDS = 60

# What the verifier has to say of each sabotage, and the fault that brings it to light.
SABOTAGE = {"ack_early": ("missing", "mta.before_commit:%d:kill"), "drop_one": ("missing", ""), "replay_twice": ("duplicate", "")}


class Tally:
    """The checks of a run; its last line is what tests/run reads."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, truth, detail=""):
        self.passed += bool(truth)
        self.failed += not truth
        print("%s  %s%s" % ("ok  " if truth else "FAIL", name, "" if truth else ": " + detail), flush=True)

    def close(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        return 0 if self.failed == 0 and self.passed else 1


def verify(path, *options):
    done = subprocess.run([sys.executable, str(VERIFY), str(path), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def selftest(tally):
    done = subprocess.run([sys.executable, str(VERIFY.with_name("selftest"))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tally.check("the verifier tells right from wrong (tests/chaos/selftest)", done.returncode == 0, done.stdout)


def print_recovery(results):
    print("recovery, seconds from the daemon's start (or the end of the fault) to its first success")
    print("  %-32s %-8s %4s %8s %8s" % ("case", "daemon", "n", "median", "longest"))
    for (case, daemon), seconds in sorted(results.recovery.items()):
        print("  %-32s %-8s %4d %8.3f %8.3f" % (case, daemon, len(seconds), sorted(seconds)[len(seconds) // 2], max(seconds)))


def inject(running, cases, results_of, until):
    """Faults one after another until `until()`; what ends it early is a failure of the run."""
    for name, function in cases.schedule(until.short):
        if until():
            return
        began = time.monotonic()
        try:
            cases.run(name, function)
        except Exception as error:
            results_of.failures.append("%s ended the round: %r" % (name, error))
            return
        print("  %6.1f s  %-32s %5.1f s, %d messages so far" %
              (time.monotonic() - until.began, name, time.monotonic() - began, running.counters["messages"]), flush=True)
        time.sleep(cases.rng.random() * 0.4)


class Until:
    """Enough time, kills and messages; never longer than three times the time asked for."""

    def __init__(self, seconds, kills, messages, running, results, short):
        self.seconds, self.kills, self.messages, self.running, self.results, self.short = seconds, kills, messages, running, results, short
        self.began = time.monotonic()

    def __call__(self):
        spent = time.monotonic() - self.began
        enough = self.results.kills >= self.kills and self.running.counters["messages"] >= self.messages
        return spent >= self.seconds * 3 or (spent >= self.seconds and enough)


def honest(tally, cluster, path, seed, seconds, kills, messages, short, keep=False):
    with stage.Stage(cluster, accounts=6 if short else 12) as place:
        book = ledger.Ledger(path)
        book.write("stage", **place.describe())
        running = load.Load(place, book, seed, senders=6 if short else 12, readers=2 if short else 3, pause=0.05 if short else 0.03).start()
        cases = faults.Faults(place, probes.Probes(place, book, seed), book, running.counters, random.Random("%s/faults" % seed))
        time.sleep(1)
        inject(running, cases, cases.results, Until(seconds, kills, messages, running, cases.results, short))
        stuck = running.finish(FINISH_SECONDS)
        book.close()
        counters, results = running.counters, cases.results
        print("load: " + ", ".join("%s %d" % item for item in sorted(counters.counts.items())))
        print_recovery(results)
        for note, count in results.notes.items():
            print("note: %s (%d times)" % (note, count))
        tally.check("%d kills" % results.kills, results.kills >= kills, "wanted %d" % kills)
        tally.check("%d messages" % counters["messages"], counters["messages"] >= messages, "wanted %d" % messages)
        tally.check("every kind of work was done", all(counters[name] for name in ("imap fetch", "imap append", "imap move", "imap flag", "idle wakes", "jmap get", "jmap set")),
                    str(dict(counters.counts)))
        tally.check("no worker hangs", not stuck, ", ".join(stuck))
        tally.check("no surprise", not counters.surprises, "%d, first: %s" % (len(counters.surprises), "; ".join(counters.surprises[:3])))
        for name, count in sorted(results.checks.items()):
            bad = [text for text in results.failures if text.startswith(name + ":")]
            tally.check("%s (%d times)" % (name, count), not bad, "%d times, first: %s" % (len(bad), "".join(bad[:1])))
        others = [text for text in results.failures if text.split(":")[0] not in results.checks]
        tally.check("no fault ended the round", not others, "; ".join(others))
        status, output = verify(path)
        print(output, end="")
        tally.check("verify", status == 0, "exit %d" % status)
        if keep:
            print("the suite runs on: tests/chaos/verify %s; Ctrl-C ends it" % path, flush=True)
            while True:
                time.sleep(1)


def sabotaged(tally, cluster, path, seed, name, seconds):
    """Like a round, shorter; passes only if the verifier names what the sabotage does."""
    wanted, fault = SABOTAGE[name]
    with stage.Stage(cluster, accounts=3, environment={"DROMOS_SABOTAGE": name}) as place:
        book = ledger.Ledger(path)
        book.write("stage", **place.describe())
        rng = random.Random("%s/%s" % (seed, name))
        running = load.Load(place, book, seed, senders=3, readers=0, pause=0.02, sizes=[(1, 800, 3000)]).start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if fault:
                place.daemon("mta").kill()
                place.start("mta", fault % rng.randint(2, 6))
                faults.Faults._waits_for_end(place.daemon("mta"), "kill")
            else:
                time.sleep(0.2)
        if not place.daemon("mta").running():
            place.start("mta")
        stuck = running.finish(FINISH_SECONDS)
        book.close()
        status, output = verify(path, "--kinds")
        found = output.strip().splitlines()[-1].split() if status else []
        tally.check("sabotage %s is caught" % name, wanted in found and not stuck and running.counters["messages"],
                    "the verifier was to say %s of %d messages; it ended with %d and said:\n%s" % (wanted, running.counters["messages"], status, output))
