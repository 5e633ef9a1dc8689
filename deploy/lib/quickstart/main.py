"""deploy/quickstart: from a fresh clone to a running mail suite with mail in it.

Steps: packages, build, folders, PostgreSQL, schema, certificates, daemons, domain and accounts, story. State is kept
(database, passwords, certificates), so a second start continues where the first ended.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import build  # noqa: E402
import show  # noqa: E402
import story  # noqa: E402
import suite  # noqa: E402
from dromostest import pg  # noqa: E402  (suite has set the path)

ROOT = pathlib.Path(__file__).resolve().parents[3]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="deploy/quickstart", description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true", help="end with status 0 after the story")
    mode.add_argument("--detach", action="store_true", help="return when all is ready, having written var/quickstart.env")
    mode.add_argument("--stop", action="store_true", help="end a suite started with --detach")
    parser.add_argument("--ports", choices=["free", "standard"], default="free",
                        help="standard: 25, 143, 443 and so on (needs root); default: free unprivileged ports")
    parser.add_argument("--reset", action="store_true", help="forget all data and start anew (asks first)")
    parser.add_argument("--yes", action="store_true", help="do not ask before --reset")
    parser.add_argument("--preset", choices=["release", "dev", "bench"], help="which build to run (default: release; dev if only that is built)")
    parser.add_argument("--no-build", action="store_true", help="run the programs that are built, as they are")
    parser.add_argument("--no-story", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def confirm_reset(place, arguments):
    if not place.exists() or arguments.yes:
        return
    try:
        answer = input("This deletes all mail and accounts of the quickstart in %s. Continue? [y/N] " % place)
    except EOFError:
        answer = ""
        print()
    if answer.strip().lower() not in ("y", "yes"):
        sys.exit("quickstart: nothing was changed")


def stay(running):
    """A line a daemon while all is well; ends at Ctrl-C or SIGTERM, or when a daemon ends by itself."""
    print("\nRunning. Ctrl-C ends it; data stay for the next start.", flush=True)
    while True:
        ended = running.ended()
        if ended:
            show.failure("dromos-%s ended by itself; the end of its log:\n%s" % (ended, running.tail(ended)))
            return 1
        time.sleep(0.5)


def end_by_signal(*_):
    sys.exit(143)


def main():
    arguments = parse_arguments()
    place = suite.place_of(ROOT)
    lock = suite.hold_lock(ROOT)  # noqa: F841
    if arguments.stop:
        return suite.stop_detached(ROOT)
    if suite.detached_is_running(ROOT):
        sys.exit("quickstart: already running in the background; `deploy/quickstart --stop` ends it")
    if arguments.reset:
        confirm_reset(place, arguments)
        suite.remove_place(place)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    return run(arguments, place)


def run(arguments, place):
    began = time.monotonic()
    show.step("Debian packages")
    build.install_packages(ROOT)
    binaries = build.folder(ROOT, arguments.preset) if arguments.no_build else build.build(ROOT, arguments.preset)
    running = suite.Suite(ROOT, place, binaries, standard_ports=arguments.ports == "standard")
    status = 0
    try:
        start_and_tell(running, arguments)
        print("\nThe whole road took %.0f s.\n" % (time.monotonic() - began))
        running.print_summary()
        if arguments.detach:
            running.detach()
        elif not arguments.once:
            status = stay(running)
    except KeyboardInterrupt:
        print()
        status = 0 if running.told else 130
    except (suite.Failure, story.Failure, pg.Failure, subprocess.CalledProcessError, OSError) as failure:
        show.failure(str(failure))
        print(running.logs(), file=sys.stderr)
        status = 1
    finally:
        if not running.detached:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # once was enough: daemons drain
            running.stop()
    return status


def start_and_tell(running, arguments):
    running.prepare()
    running.start()
    running.create_accounts()
    running.write_env()
    if not arguments.no_story:
        story.tell(running)
    running.told = True


if __name__ == "__main__":
    os.umask(0o077)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
