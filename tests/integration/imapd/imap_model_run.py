#!/usr/bin/python3
"""The model test by hand: imap_model_run.py [--seed N] [--minutes M] [--steps K] [--sessions S]

One seed after the other, from N, until the time is up; ends with status 1 at the first difference, which names its seed.
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lib")]

from dromostest import pg  # noqa: E402
from dromostest.accounts import Accounts  # noqa: E402
from dromostest.daemons import Suite  # noqa: E402
from imap_model import BOB, GUEST, World  # noqa: E402
from imapd_client import PASSWORD  # noqa: E402


def once(cluster, seed, steps, sessions):
    database = cluster.create_database()
    suite = Suite(cluster, database, {"imapd": {"workers": 3}})
    try:
        accounts = Accounts(suite)
        for login in (BOB, GUEST):
            accounts.account(login, PASSWORD)
        suite.start("mta", "imapd")
        world = World(suite, seed, sessions)
        world.run(steps)
        world.close()
        deadlocks = int(suite.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
        assert deadlocks == 0, "%d deadlocks" % deadlocks
    except AssertionError:
        print(suite.logs()[-4000:], file=sys.stderr)
        raise
    finally:
        suite.close()
        cluster.drop_database(database)


def run(cluster, options):
    end = time.monotonic() + options.minutes * 60
    seed = options.seed
    while True:
        once(cluster, seed, options.steps, options.sessions)
        print("seed %d: %d steps agree" % (seed, options.steps), flush=True)
        seed += 1
        if time.monotonic() >= end:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=0, help="0: one seed")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=4)
    options = parser.parse_args()
    with pg.any_cluster() as cluster:
        run(cluster, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
