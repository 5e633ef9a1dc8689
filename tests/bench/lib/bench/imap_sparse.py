"""Commands on sets of many ranges ("3,203,403,..."): some messages spread over the whole mailbox that imap_ops.py has filled. Each run
has a session of its own, and the time is that of the command alone."""
import json
import statistics
import time

from . import client

SPREAD = 500
RUNS = 6
# Operation -> (name, goal), as in imap_ops
NAMES = {
    "SP-FETCH": ("FETCH FLAGS of %d uids far apart" % SPREAD, ""), "SP-SEARCH": ("SEARCH UID of %d uids far apart" % SPREAD, ""),
    "SP-STORE": ("STORE +FLAGS of %d uids far apart" % SPREAD, ""), "SP-COPY": ("COPY of %d uids far apart" % SPREAD, ""),
    "SP-MOVE": ("MOVE of %d uids far apart" % SPREAD, ""),
}
COMMANDS = {"SP-FETCH": "UID FETCH %s (FLAGS)", "SP-SEARCH": "UID SEARCH UID %s", "SP-STORE": "UID STORE %s +FLAGS (\\Flagged)",
            "SP-COPY": "UID COPY %s Sparse", "SP-MOVE": "UID MOVE %s Sparse"}


def spread(uids, offset):
    """SPREAD of them, no two of them neighbours."""
    step = max(2, len(uids) // SPREAD)
    return uids[(2 + offset) % step::step][:SPREAD]


def all_uids(box):
    line = next(line for line in box.ok("UID SEARCH ALL") if line.startswith(b"* SEARCH"))
    return [int(uid) for uid in line.split()[2:]]


def check(operation, lines, chosen):
    """That the answer tells of every message: what did nothing is no measure."""
    if operation in ("SP-FETCH", "SP-STORE"):
        told = sum(b" FETCH (" in line for line in lines)
    elif operation == "SP-SEARCH":
        told = sum(len(line.split()) - 2 for line in lines if line.startswith(b"* SEARCH"))
    else:
        return
    if told != len(chosen):
        raise RuntimeError("%s told of %d messages of %d" % (operation, told, len(chosen)))


def once(target, address, password, operation, offset):
    """(seconds, CPU seconds)"""
    box = client.Imap(target.imap, address, password)
    copies = operation in ("SP-COPY", "SP-MOVE")
    try:
        if copies:
            box.ok("CREATE Sparse")
        box.ok("SELECT Big")
        chosen = spread(all_uids(box), offset)
        uids = ",".join(map(str, chosen))
        before, began = sum(target.seconds().values()), time.monotonic()
        lines = box.ok(COMMANDS[operation] % uids)
        spent = time.monotonic() - began, sum(target.seconds().values()) - before
        check(operation, lines, chosen)
        if operation == "SP-STORE":
            box.ok("UID STORE %s -FLAGS.SILENT (\\Flagged)" % uids)
        if copies and box.count("Sparse") != len(chosen):
            raise RuntimeError("%s: not all messages are there" % operation)
        return spent
    finally:
        if copies:
            box.ok("DELETE Sparse")
        box.close()


def measure(target, address, password):
    """{operation: figures as the tool's}"""
    out = {}
    for operation in NAMES:
        runs = [once(target, address, password, operation, number if operation == "SP-MOVE" else 0) for number in range(RUNS)]
        out[operation] = dict(op=operation, first_s=runs[0][0], med_s=statistics.median(run[0] for run in runs[1:]),
                              first_cpu_s=runs[0][1], cpu_s=statistics.median(run[1] for run in runs[1:]))
        print("  %-6s %s" % (target.name, json.dumps({key: round(value, 5) if isinstance(value, float) else value
                                                       for key, value in out[operation].items()})), flush=True)
    return out
