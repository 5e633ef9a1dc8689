"""APPEND of single messages over 1 and 20 connections, an account each, ours and the peer's in turn, by the load tool
imap_append.py of DROMOS_BENCH_DIR."""
import json
import statistics
import subprocess
import sys
import tempfile

from . import imap_ops

COUNT = 2000
ROUNDS = 5
GOALS = {1: "no slower", 20: "2 times"}


def measure(target, connections, pack):
    host, port = target.imap
    groups = ",".join(str(group.folder) for group in target.groups)
    done = subprocess.run([sys.executable, str(imap_ops.tool("imap_append.py")), "--host", host, "--port", str(port), "--user", target.recipient,
                           "--first", "0" if target.name == "dromos" else "120", "--password", target.password, "--conns", str(connections),
                           "--count", str(COUNT), "--corpus", pack, "--cg", groups], stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    line = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
    print("  %-6s %s" % (target.name, json.dumps(line)), flush=True)
    return line


def median(lines, key):
    return statistics.median(line[key] for line in lines)


def run(figures, suite, peer):
    """Rounds in turn, of which the median counts: one of two seconds says little on a busy machine."""
    with tempfile.TemporaryDirectory() as folder:
        pack = imap_ops.corpus(folder, COUNT)
        for connections, goal in GOALS.items():
            mine, theirs = [], []
            for _ in range(ROUNDS):
                mine.append(measure(suite.target(), connections, pack))
                if peer:
                    theirs.append(measure(peer, connections, pack))
            ours, other = median(mine, "per_s"), median(theirs, "per_s") if peer else None
            figures.add("imap_append", "connections: %d" % connections, "%.0f" % ours, "messages/s", goal,
                        "%.0f" % other if peer else None, "%.2f" % (ours / other) if peer else None,
                        "median of %d rounds; CPU %.2f ms a message%s" %
                        (ROUNDS, median(mine, "cpu_ms_msg"), "; peer's %.2f" % median(theirs, "cpu_ms_msg") if peer else ""))
