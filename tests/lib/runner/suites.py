"""What is run after building: Catch2 binaries, pytest, seeds, checks, tidy, and scripts of their own."""
import concurrent.futures
import re
import subprocess
import sys
import time

from dromostest import paths

from . import build, process
from . import tidy as tidying

# Parsers and async under AddressSanitizer and UBSan; everything under ASan would double the time of a run.
ASAN_TARGETS = [r"unit_common_(base|mime|smtp|sasl|config|http|async|log)", r"unit_imapd(_protocol|_extract)?", r"fuzz_targets"]
TSAN_TARGETS = [r"unit_common_(async|net|db|store|log|metrics)", r"unit_imapd", r"integration_(db|store|directory)", r"dromos-(imapd|mta)"]
# What workers of a daemon share (mailbox cache, group commit) is met by sessions on all of them.
TSAN_TESTS = ["tests/integration/imapd/test_workers.py", "tests/integration/imapd/test_imap_model.py", "tests/integration/mta/test_mta_workers.py"]
MAX_TIDY_FILES = 25


def git(*arguments):
    # A clone made by another user (CI, sudo) is still ours to read.
    done = subprocess.run(["git", "-c", "safe.directory=*"] + list(arguments), cwd=paths.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


# -- Catch2 -------------------------------------------------------------------------------------------------
def catch_counts(status, output):
    """(passed, failed) from Catch2's last lines; a crash or an empty program counts as one failure."""
    whole = re.search(r"All tests passed \(.* in (\d+) test cases?\)", output)
    if status == 0 and whole:
        return int(whole[1]), 0
    summary = re.findall(r"^test cases:\s*\d+ \|(.*)$", output, re.MULTILINE)
    if summary:
        passed = re.search(r"(\d+) passed", summary[-1])
        failed = re.search(r"(\d+) failed(?! as expected)", summary[-1])
        passed, failed = (int(found[1]) if found else 0 for found in (passed, failed))
        return passed, failed if failed or status == 0 else 1
    return 0, 1


def catch_binary(report, prefix, binary, env=None):
    started = time.monotonic()
    status, output, log = process.run("%s-%s" % (prefix, binary.name), [binary, "--durations", "no"], env=env)
    passed, failed = catch_counts(status, output)
    report.part("%s %s" % (prefix, binary.name), passed, failed, time.monotonic() - started,
                "exit status %d\n%s" % (status, output), log)


def unit(report, preset, jobs):
    found = build.binaries(preset, "tests", r"unit_.*")
    if not found:
        report.part("unit " + preset, 0, 1, 0, "no unit test program was built")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda binary: catch_binary(report, preset, binary), found))


def database_binaries(report, preset, env):
    for binary in build.binaries(preset, "tests", r"integration_.*"):
        catch_binary(report, preset, binary, env)


# -- daemons: pytest -------------------------------------------------------------------------------------------
def integration(report, preset, jobs, env):
    database_binaries(report, preset, env)
    if not list((paths.ROOT / "tests" / "integration").glob("**/test_*.py")):
        report.note("integration: no pytest files yet")
        return
    daemons(report, "pytest", ["tests/integration"], min(8, 2 * jobs), env)


def daemons(report, name, tests, jobs, env):
    started = time.monotonic()
    env = dict(env, PYTHONPATH=str(paths.ROOT / "tests" / "lib"), PYTHONDONTWRITEBYTECODE="1")
    status, output, log = process.run(name, [
        "/usr/bin/python3", "-m", "pytest", "-q", "-n", str(jobs), "--tb=short", "-rs", "-p", "no:cacheprovider"] + tests, timeout=1800, env=env)
    for skipped in re.findall(r"^SKIPPED .*", output, re.MULTILINE):
        report.note("%s: %s" % (name, skipped))
    passed, failed = pytest_counts(status, output)
    report.part(name, passed, failed, time.monotonic() - started, output, log)


def thread_sanitizer(report, jobs, env):
    """Daemons too: one that saw a race exits with 66, and its test fails with the log."""
    database_binaries(report, "tsan", env)
    daemons(report, "tsan pytest", TSAN_TESTS, jobs, dict(env, DROMOS_BUILD=str(paths.ROOT / "build" / "tsan")))


def pytest_counts(status, output):
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", output[-2000:])}
    passed = counts.get("passed", 0)
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    return passed, failed if failed or status == 0 else 1


# -- seeds -----------------------------------------------------------------------------------------------------
def seeds(report, preset, jobs):
    found = build.binaries(preset, "fuzz", r".*_fuzz")

    def replay(binary):
        started = time.monotonic()
        folder = paths.ROOT / "tests" / "fuzz" / "seeds" / binary.name[:-len("_fuzz")]
        status, output, log = process.run("seeds-" + binary.name, [binary, folder], timeout=300)
        failed = int(status != 0)
        report.part("seeds " + binary.name, 1 - failed, failed, time.monotonic() - started, output, log)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(replay, found))


# -- checks ----------------------------------------------------------------------------------------------------
def checks(report, jobs):
    def one(name):
        started = time.monotonic()
        status, output, log = process.run(name, [sys.executable, "tests/lib/%s.py" % name])
        report.part(name, int(status == 0), int(status != 0), time.monotonic() - started, output, log)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, ["check_format", "check_arrows", "check_coverage", "check_migrations"]))


def changed_sources():
    """.cpp files that differ from the branch point (or, on main, from the last commit), uncommitted ones too."""
    head = git("rev-parse", "HEAD")
    if not head:
        return []
    base = None
    for main in ("origin/main", "main", "origin/master", "master"):
        found = git("merge-base", "HEAD", main)
        if found and found[0] != head[0]:
            base = found[0]
            break
    base = base or (git("rev-parse", "HEAD~1") or [None])[0]
    if base is None:
        return []
    names = set(git("diff", "--name-only", "--diff-filter=d", base) or [])
    return sorted(name for name in names if name.endswith(".cpp"))


def tidy(report, everything, jobs):
    started = time.monotonic()
    names = tidying.known([n for n in (git("ls-files", "*.cpp") or []) if n] if everything else changed_sources())
    if not everything and len(names) > MAX_TIDY_FILES:
        report.note("tidy: %d changed files; the first %d now, all with --full" % (len(names), MAX_TIDY_FILES))
        names = names[:MAX_TIDY_FILES]
    if not names:
        report.note("tidy: no changed source files")
        return
    bad, looked_at = tidying.check(report, names, jobs)
    if looked_at < len(names):
        report.note("tidy: %d of %d files were clean before and are as they were" % (len(names) - looked_at, len(names)))
    report.part("tidy (%d files)" % len(names), int(not bad), int(bool(bad)), time.monotonic() - started, bad)


# -- scripts that end in "N passed, N failed" ---------------------------------------------------------------------
def script(report, name, command, env=None):
    if not (paths.ROOT / command[0]).exists():
        report.note("%s: %s is not there yet; not run" % (name, command[0]))
        return
    started = time.monotonic()
    status, output, log = process.run(name, command, timeout=7200, env=env, on_line=lambda line: None)
    found = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE)
    passed, failed = map(int, found[-1]) if found else (0, 1)
    if status != 0 and failed == 0:
        failed = 1
    report.part(name, passed, failed, time.monotonic() - started, output, log)
