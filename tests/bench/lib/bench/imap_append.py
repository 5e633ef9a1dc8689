"""APPEND of single messages over 1 and 20 connections, an account each, ours and the peer's in turn (appenders.py)."""
import statistics
import tempfile

from . import appenders, imap_ops

COUNT = 2000
ROUNDS = 9
GOALS = {1: "no slower", 20: "2 times"}


def measure(target, connections, messages):
    """Messages a second, and milliseconds of the server's CPU for each."""
    first = 0 if target.name == "dromos" else 120
    users = [target.address(first + n) for n in range(connections)]
    before = sum(target.seconds().values())
    seconds = appenders.run(target.imap, users, target.password, messages)
    cpu = sum(target.seconds().values()) - before
    print("  %-6s %2d connections: %5.0f/s, CPU %.3f ms" % (target.name, connections, len(messages) / seconds, 1000 * cpu / len(messages)), flush=True)
    return len(messages) / seconds, 1000 * cpu / len(messages)


def median(rounds, index):
    return statistics.median(one[index] for one in rounds)


def run(figures, suite, peer):
    """Rounds in turn, of which the median counts: one of a second or two says little on a busy machine."""
    with tempfile.TemporaryDirectory() as folder:
        messages = imap_ops.messages(imap_ops.corpus(folder, COUNT))
    for connections, goal in GOALS.items():
        mine, theirs = [], []
        for _ in range(ROUNDS):
            mine.append(measure(suite.target(), connections, messages))
            if peer:
                theirs.append(measure(peer, connections, messages))
        ours, other = median(mine, 0), median(theirs, 0) if peer else None
        figures.add("imap_append", "connections: %d" % connections, "%.0f" % ours, "messages/s", goal,
                    "%.0f" % other if peer else None, "%.2f" % (ours / other) if peer else None,
                    "median of %d rounds; CPU %.2f ms a message%s" %
                    (ROUNDS, median(mine, 1), "; peer's %.2f" % median(theirs, 1) if peer else ""))
