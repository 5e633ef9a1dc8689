"""SIGKILL of imapd and PostgreSQL in the midst of writes (crash_writes.py); longer by hand:
DROMOS_CRASH_SECONDS=300 DROMOS_CRASH_SEED=7 pytest tests/integration/imapd/test_crash_writes.py."""
import os
import subprocess

from dromostest import paths, pg
from dromostest.accounts import Accounts
from dromostest.daemons import Suite

import crash_writes


def test_crashes_lose_nothing_and_repeat_nothing(capsys):
    seconds = float(os.environ.get("DROMOS_CRASH_SECONDS", "12"))
    seed = int(os.environ.get("DROMOS_CRASH_SEED", "1"))
    with pg.Cluster.own(in_memory=True) as cluster:
        with Suite(cluster, cluster.create_database(), {"imapd": {"workers": 2}}) as suite:
            Accounts(suite).account(crash_writes.BOB)
            suite.start("imapd")
            writes, cuts, crashes = crash_writes.run(suite, seed, seconds)
            assert writes >= 10 and crashes >= 4 and cuts >= 1, (writes, cuts, crashes)
            suite.imapd.stop()
            conninfo = "%s dbname=%s" % (cluster.conninfo, suite.database)
            checked = subprocess.run([str(paths.BIN / "dromosctl"), "check", "--conninfo", conninfo], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stdout + checked.stderr
    with capsys.disabled():
        print("\n%d writes, %d answers lost, %d crashes" % (writes, cuts, crashes))
