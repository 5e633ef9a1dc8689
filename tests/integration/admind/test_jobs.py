"""Background jobs of admind: leased, so that of several one runs each, and taken over from one that died."""
import subprocess
import time

from dromostest.daemons import Suite

NAMES = {"admind.collect", "admind.expire_mail", "admind.purge_accounts", "admind.trim_secrets", "admind.trim_idempotency"}


def wait_for(check, what):
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        if check():
            return
        time.sleep(0.05)
    raise AssertionError(what)


def runs(suite, name="admind.%"):
    rows = suite.sql("SELECT name || ' ' || runs FROM admin.job WHERE name LIKE '%s' ORDER BY 1" % name)
    return dict(row.split() for row in rows.split("\n") if row)


def all_ran(suite):
    return set(runs(suite)) == NAMES and "0" not in runs(suite).values()


def test_jobs_run_at_the_start_and_when_asked(suite, rest):
    wait_for(lambda: all_ran(suite), "the jobs did not run")
    jobs = {job["name"]: job for job in rest.json("GET", "/jobs")["items"]}
    assert set(jobs) == NAMES and all(job["failures"] == 0 and job["ended_at"] for job in jobs.values()), jobs
    report = jobs["admind.collect"]["report"]
    assert report["blobs_collected"] == 0 and report["error"] == "" and report["where"].startswith("admind ")
    rest.json("POST", "/jobs/admind.collect/run", expect=204)
    wait_for(lambda: runs(suite)["admind.collect"] == "2", "the job did not run again")
    rest.refused(404, "POST", "/jobs/no.such/run")


def test_two_adminds_at_once_run_each_job_once(cluster, suite):
    with Suite(cluster, suite.database) as other:
        for daemon in (suite, other):
            daemon.start("admind")
        wait_for(lambda: all_ran(suite), "the jobs did not run")
        suite.admind.stop()
        other.admind.stop()
    assert runs(suite) == dict.fromkeys(NAMES, "1")


def test_a_killed_daemons_job_is_taken_over(cluster, suite):
    # The first to run the job stays in it: its table is locked.
    lock = subprocess.Popen(cluster.psql_command(suite.database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lock.stdin.write("BEGIN; LOCK TABLE admin.idempotency; SELECT 'locked';\n")
    lock.stdin.flush()
    while "locked" not in lock.stdout.readline():
        pass
    held = "SELECT count(*) FROM admin.job WHERE name = 'admind.trim_idempotency' AND lease_until > now() AND runs = 0"
    suite.start("admind")
    wait_for(lambda: suite.sql(held) == "1", "the job did not start")
    suite.admind.kill()
    lock.stdin.close()
    lock.wait()
    assert suite.sql(held) == "1", "a dead holder's lease lasts until it ends"
    suite.sql("UPDATE admin.job SET lease_until = now() WHERE name = 'admind.trim_idempotency'")
    with Suite(cluster, suite.database) as other:
        other.start("admind")
        wait_for(lambda: all_ran(suite), "nobody took the job over")
    assert runs(suite)["admind.trim_idempotency"] == "1"
