"""APPEND of single messages over 1 and 20 connections, an account each, ours and the peer's in turn, by the load tool
imap_append.py of DROMOS_BENCH_DIR."""
import json
import subprocess
import sys
import tempfile

from . import imap_ops

COUNT = 2000
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


def run(figures, suite, peer):
    with tempfile.TemporaryDirectory() as folder:
        pack = imap_ops.corpus(folder, COUNT)
        for connections, goal in GOALS.items():
            mine = measure(suite.target(), connections, pack)
            other = measure(peer, connections, pack) if peer else None
            figures.add("imap_append", "connections: %d" % connections, "%.0f" % mine["per_s"], "messages/s", goal,
                        "%.0f" % other["per_s"] if other else None, "%.2f" % (mine["per_s"] / other["per_s"]) if other else None,
                        "CPU %.2f ms a message%s" % (mine["cpu_ms_msg"], "; peer's %.2f" % other["cpu_ms_msg"] if other else ""))
