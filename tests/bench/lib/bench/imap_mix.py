"""The mix of commands of dovecot/imaptest by 50 clients on ten accounts, ours and the peer's in turn. IMAPTEST names a built copy of it."""
import os
import pathlib
import re
import subprocess

SECONDS = int(os.environ.get("DROMOS_BENCH_SECONDS", "30"))
CLIENTS = 50


def copy():
    """Folder of imaptest, or None."""
    folder = pathlib.Path(os.environ.get("IMAPTEST", ""))
    return folder if (folder / "src" / "imaptest").exists() else None


def measure(target, first):
    """(commands/s, CPU ms a command). Accounts first..first + 9, first a multiple of ten."""
    host, port = target.imap
    name, domain = target.recipient.split("@")
    user = (name % (first // 10))[:1] + (name % (first // 10))[2:] + "%d@" + domain  # u0010, u0011...: u001%d
    before = sum(target.seconds().values())
    done = subprocess.run([str(copy() / "src" / "imaptest"), "host=%s" % host, "port=%d" % port, "user=%s" % user, "pass=%s" % target.password, "users=0-9",
                           "mbox=%s" % (copy() / "src" / "tests" / "default.mbox"), "clients=%d" % CLIENTS, "secs=%d" % SECONDS, "seed=1"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS + 120, check=False)
    used = sum(target.seconds().values()) - before
    totals = re.search(r"Totals:\n(?:[^\n]*[A-Z%][^\n]*\n)+\s*([\d ]+)\n", done.stdout)
    if totals is None:
        raise RuntimeError("imaptest: " + done.stdout[-2000:])
    errors = [line for line in done.stdout.splitlines() if re.match(r"Error|Fatal|Panic", line)]
    if errors:
        print("  %-6s %d errors, the first: %s" % (target.name, len(errors), errors[0]), flush=True)
    commands = sum(map(int, totals[1].split()))
    print("  %-6s %d commands" % (target.name, commands), flush=True)
    return commands / SECONDS, used / commands * 1e3


def run(figures, suite, peer):
    mine = measure(suite.target(), 0)
    other = measure(peer, 100) if peer else None
    figures.add("imap_mix", "imaptest, %d clients" % CLIENTS, "%.0f" % mine[0], "commands/s", "2 times", "%.0f" % other[0] if other else None,
                "%.2f" % (mine[0] / other[0]) if other else None,
                "%d s; CPU %.2f ms a command%s" % (SECONDS, mine[1], "; peer's %.2f" % other[1] if other else ""))
