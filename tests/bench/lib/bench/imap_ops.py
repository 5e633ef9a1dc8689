"""IMAP on one large mailbox, ours and the peer's in turn, by the load tool imap_ops.py of DROMOS_BENCH_DIR."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from . import imap_sparse

MESSAGES = int(os.environ.get("DROMOS_BENCH_MESSAGES", "100000"))
RUNS = 3
# Operation of the tool -> (name, goal as issue 3 has it)
NAMES = {
    "SELECT": ("LOGIN, SELECT", "no slower"), "FLAGS": ("FETCH 1:* (FLAGS UID)", "faster"), "ENV": ("FETCH 1:* ENVELOPE BODYSTRUCTURE", "faster"),
    "HDR": ("FETCH 1:* three header fields", "1.5 times"), "BODY": ("FETCH 1:* BODY.PEEK[]", "1.2 times"), "S-FROM": ("SEARCH FROM", "faster"),
    "S-SUBJ": ("SEARCH SUBJECT", "faster"), "S-SINCE": ("SEARCH SENTSINCE UNSEEN", ""), "S-BODY": ("SEARCH BODY", "1/8"), "S-TEXT": ("SEARCH TEXT", "1/8"),
    "SORT-DATE": ("SORT (REVERSE DATE)", "0.2 s"), "SORT-SUBJ": ("SORT (SUBJECT)", "0.2 s"), "THREAD": ("THREAD REFERENCES", "0.6 s"),
    "STORE": ("STORE 1:* +FLAGS", "2.5 times"), "COPY": ("COPY 1:*", "1/10"),
}


def tool(name):
    found = pathlib.Path(os.environ.get("DROMOS_BENCH_DIR", "")) / name
    return found if found.is_file() else None


def measure(target, address, password, pack):
    """{operation: the tool's figures}"""
    host, port = target.imap
    groups = ",".join(str(group.folder) for group in target.groups)
    done = subprocess.run([sys.executable, str(tool("imap_ops.py")), "--host", host, "--port", str(port), "--user", address, "--password", password,
                           "--box", "Big", "--fill", str(MESSAGES), "--multi", "50", "--corpus", pack, "--cg", groups, "--runs", str(RUNS)],
                          stdout=subprocess.PIPE, text=True, timeout=3000, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for line in lines:
        print("  %-6s %s" % (target.name, json.dumps(line)), flush=True)
    found = {line["op"]: line for line in lines if "error" not in line}
    found.update(imap_sparse.measure(target, address, password))
    return found


def seconds(value):
    return "%.3f" % value if value >= 0.1 else "%.4f" % value


def add(figures, ours, theirs):
    for operation, (name, goal) in {**NAMES, **imap_sparse.NAMES}.items():
        mine, other = ours.get(operation), theirs.get(operation)
        if mine is None:
            figures.add("imap_ops", name, "failed", "", goal)
            continue
        note = "first %s s; CPU %s s" % (seconds(mine["first_s"]), seconds(mine["cpu_s"]))
        ratio = None
        if other:
            note += "; peer's first %s s, CPU %s s; CPU ratio %.2f" % (seconds(other["first_s"]), seconds(other["cpu_s"]), mine["cpu_s"] / max(other["cpu_s"], 1e-5))
            ratio = "%.2f" % (mine["med_s"] / max(other["med_s"], 1e-4))
        figures.add("imap_ops", name, seconds(mine["med_s"]), "s", goal, seconds(other["med_s"]) if other else None, ratio, note)
    filled = [line for operation, line in ours.items() if operation.startswith("APPEND")]
    others = [line for operation, line in theirs.items() if operation.startswith("APPEND")]
    for line in filled:
        figures.add("imap_ops", "MULTIAPPEND of 50, one connection", "%.0f" % line["per_s"], "messages/s", "",
                    "%.0f" % others[0]["per_s"] if others else None, "%.2f" % (line["per_s"] / others[0]["per_s"]) if others else None,
                    "%d messages; CPU %.2f ms a message" % (line["n"], line["cpu_ms_msg"]))


def corpus(folder, count=None):
    pack = str(pathlib.Path(folder) / "ham.pack")
    subprocess.run([sys.executable, str(tool("make_corpus.py")), "--count", str(count or MESSAGES), "--seed", "1", "--out", pack], check=True, stdout=subprocess.DEVNULL)
    return pack


def messages(pack):
    """Of the pack: a line that begins with a message's length, the message, and so on."""
    out = []
    with open(pack, "rb") as file:
        while line := file.readline():
            out.append(file.read(int(line.split()[0])))
    return out


def run(figures, suite, peer):
    with tempfile.TemporaryDirectory() as folder:
        pack = corpus(folder)
        target = suite.target()
        ours = measure(target, target.address(0), target.password, pack)
        theirs = measure(peer, peer.address(100), peer.password, pack) if peer else {}
    add(figures, ours, theirs)
