"""Builds and tests Dromos; started by tests/run, which installs packages first.

    tests/run                    everything of an ordinary run
    tests/run unit checks        only these parts
    tests/run --full             also real clients, tsan, tidy on all files, fuzzing (--minutes N each, default 2)

Parts: build unit integration asan seeds checks tidy chaos; with --full also clients tsan fuzz.
--no-install skips the packages, --keep-pg leaves PostgreSQL running for a look, -j N bounds parallel work.
Logs go to var/test-logs. The last line is "N passed, N failed"; the exit status is 0 only if nothing failed
and something passed. A part counts Catch2 cases, pytest tests, seed folders, or checks.
"""
import argparse
import fcntl
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dromostest import paths, pg  # noqa: E402
from runner import build, suites  # noqa: E402
from runner.report import Report  # noqa: E402

ORDINARY = ["build", "unit", "checks", "tidy", "integration", "asan", "seeds", "chaos"]
FULL = ["clients", "tsan", "fuzz"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(ORDINARY + FULL))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--no-install", action="store_true")
    parser.add_argument("--keep-pg", action="store_true")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    unknown = [part for part in args.parts if part not in ORDINARY + FULL]
    if unknown:
        parser.error("unknown part %s; allowed: %s" % (unknown[0], " ".join(ORDINARY + FULL)))
    args.parts = args.parts or (ORDINARY + FULL if args.full else ORDINARY)
    return args


def with_postgres(report, args, body):
    """Runs body(environment) with a cluster of this run; a cluster that does not start is a failure."""
    started = time.monotonic()
    cluster = None
    try:
        try:
            cluster = pg.Cluster.create(in_memory=True)
            cluster.prepare_template()
        except (pg.Failure, OSError) as failure:
            report.part("postgresql", 0, 1, time.monotonic() - started, str(failure))
            return
        body(dict(os.environ, DROMOS_TEST_PG=cluster.conninfo))
    finally:
        if cluster and args.keep_pg:
            report.note("PostgreSQL left running: DROMOS_TEST_PG='%s'" % cluster.conninfo)
        elif cluster:
            cluster.remove()


def run_parts(report, args):
    wanted = set(args.parts)
    if wanted & {"build", "unit", "integration", "tidy", "chaos", "clients"}:
        build.preset(report, "dev", args.jobs)
    if "unit" in wanted:
        suites.unit(report, "dev", args.jobs)
    if "checks" in wanted:
        suites.checks(report, args.jobs)
    if "tidy" in wanted:
        suites.tidy(report, everything=args.full, jobs=args.jobs)
    if "integration" in wanted:
        with_postgres(report, args, lambda env: suites.integration(report, "dev", args.jobs, env))
    if wanted & {"asan", "seeds"}:
        build.preset(report, "asan", args.jobs, suites.ASAN_TARGETS)
    if "asan" in wanted:
        suites.unit(report, "asan", args.jobs)
    if "seeds" in wanted:
        suites.seeds(report, "asan", args.jobs)
    if "chaos" in wanted:
        suites.script(report, "chaos", ["tests/chaos/run", "--short"])
        suites.script(report, "mixed writers", ["tests/chaos/mixed_writers", "--short"])
    if "clients" in wanted:
        suites.script(report, "clients", ["tests/clients/run"], dict(os.environ, DROMOS_QUICKSTART_OPTIONS="--no-build --preset dev"))
    if "tsan" in wanted:
        build.preset(report, "tsan", args.jobs, suites.TSAN_TARGETS)
        suites.unit(report, "tsan", args.jobs)
        with_postgres(report, args, lambda env: suites.thread_sanitizer(report, args.jobs, env))
    if "fuzz" in wanted:
        suites.script(report, "fuzz", ["tests/fuzz/run", "--minutes", str(args.minutes)])


def main() -> int:
    args = parse_arguments()
    os.chdir(paths.ROOT)
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    with open(paths.LOGS / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tests/run: another run is busy in this checkout", file=sys.stderr)
            return 1
        report = Report()
        try:
            run_parts(report, args)
        except KeyboardInterrupt:
            report.part("interrupted", 0, 1, 0, "")
        return report.finish()


if __name__ == "__main__":
    sys.exit(main())
