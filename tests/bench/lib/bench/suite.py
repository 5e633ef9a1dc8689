"""Benchmarks of the running suite. Each takes Figures and adds to them; a Skip says why one could not be run."""
import concurrent.futures
import os
import pathlib
import resource
import statistics
import tempfile
import time

from chaos import stage
from dromostest import clients
from dromostest.daemons import NAMES

from . import client, generator, imap_append as appending, imap_growth as growth, imap_mix as mixing, imap_ops as operations, targets
from .idlers import Idlers

COUNT, SESSIONS, USERS, ROUNDS = 2000, 20, 20, 3
IDLERS = int(os.environ.get("DROMOS_BENCH_IDLERS", "5000"))
IDLE_ACCOUNTS, IDLE_MAILBOXES = 25, 2500
IDLE_SECONDS = 600  # how long opening them may take
DESCRIPTORS_KEPT = 500  # of imapd's, for all that is no connection
LATENCIES = 500
STORY_SECONDS = 60


class Skip(Exception):
    pass


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


# -- SMTP in -> mailbox -----------------------------------------------------------------------------------------------------------------
def deliver_all(target, contents, pack, count):
    """One run: (messages a second until all are visible by IMAP, {group: CPU ms a message}, generator)"""
    boxes = [client.Imap(target.imap, target.address(number), target.password) for number in range(USERS)]
    try:
        for box in boxes:
            box.empty()
        before, began = target.seconds(), time.monotonic()
        _, name = generator.send(target, contents, pack, count, SESSIONS, USERS)
        for number, box in enumerate(boxes):
            wanted = count // USERS + (number < count % USERS)
            while box.count() < wanted:
                if time.monotonic() - began > 300:
                    raise RuntimeError("%s: not all messages arrived" % target.name)
                time.sleep(0.03)
        spent = time.monotonic() - began
        target.settle()
        after = target.seconds()
        return count / spent, {key: 1000 * (after[key] - before[key]) / count for key in after}, name
    finally:
        for box in boxes:
            box.close()


def in_turn(ours, peer, contents, pack, count, rounds):
    """[(result of ours, result of the peer or None)]"""
    deliver_all(ours, contents, pack, count // 4)  # warm: logins, caches, prepared statements
    if peer:
        deliver_all(peer, contents, pack, count // 4)
    return [(deliver_all(ours, contents, pack, count), deliver_all(peer, contents, pack, count) if peer else None) for _ in range(rounds)]


def add_delivery(figures, bench, rounds, goal):
    middle = statistics.median
    cpu = [sum(ours[1].values()) for ours, _ in rounds]
    each = {key: middle([ours[1][key] for ours, _ in rounds]) for key in rounds[0][0][1]}
    note = ", ".join("%s %.3f" % item for item in each.items()) + "; generator " + rounds[0][0][2]
    peers = [sum(theirs[1].values()) for _, theirs in rounds if theirs]
    ratio = "1/%.1f" % middle([theirs / ours for ours, theirs in zip(cpu, peers)]) if peers else None
    figures.add(bench, "CPU per message", "%.3f" % middle(cpu), "ms", goal, "%.3f" % middle(peers) if peers else None, ratio, note)
    rates = [theirs[0] for _, theirs in rounds if theirs]
    figures.add(bench, "until visible by IMAP", "%.0f" % middle([ours[0] for ours, _ in rounds]), "messages/s", "", "%.0f" % middle(rates) if rates else None,
                "%.1f" % middle([ours[0] / theirs[0] for ours, theirs in rounds if theirs]) if rates else None,
                "%d messages of 5 KB, %d sessions, %d mailboxes, one message a connection, median of %d" % (COUNT, SESSIONS, USERS, len(rounds)))


def smtp_in(figures):
    """5 KB messages by SMTP until visible by IMAP, spamd not running, word index off."""
    measure_smtp_in(figures, "smtp_in", scan=False, indexed=False, goal="1/8 of the peer")


def smtp_in_scan(figures):
    """The same with spamd, against the peer with Rspamd."""
    measure_smtp_in(figures, "smtp_in_scan", scan=True, indexed=False, goal="1/6 of the peer")


def smtp_in_indexed(figures):
    """As smtp_in, with the word index on, until it has caught up."""
    measure_smtp_in(figures, "smtp_in_indexed", scan=False, indexed=True, goal="1/3 of the peer")


def smtp_in_scan_indexed(figures):
    """As smtp_in_scan, with the word index on, until it has caught up."""
    measure_smtp_in(figures, "smtp_in_scan_indexed", scan=True, indexed=True, goal="1/4 of the peer")


def measure_smtp_in(figures, bench, scan, indexed, goal):
    contents = generator.messages(2000, 5120)
    with tempfile.NamedTemporaryFile(suffix=".pack") as pack, cluster() as server, targets.Ours(server, indexer=indexed) as suite:
        generator.write_pack(pack.name, contents)
        if not scan:
            suite.daemon("spamd").stop()
        add_delivery(figures, bench, in_turn(suite.target(), targets.peer(scan), contents, pack.name, COUNT, ROUNDS), goal)


class cluster:
    def __enter__(self):
        self.cluster = targets.new_cluster()
        return self.cluster

    def __exit__(self, *unused):
        self.cluster.remove()


# -- IDLE ---------------------------------------------------------------------------------------------------------------------------------
def idle_latency(figures):
    """From the 250 to EXISTS in IDLE, one message after another, nothing else running."""
    with cluster() as server, targets.Ours(server) as suite:
        times = latencies(suite.target(), LATENCIES)
    other = targets.peer()
    theirs = latencies(other, min(LATENCIES, 60)) if other else None
    for name, part, goal in (("p50", 0.5, ""), ("p99", 0.99, "20"), ("longest", 1, "")):
        figures.add("idle_latency", name, "%.2f" % (1000 * percentile(times, part)), "ms", goal,
                    "%.1f" % (1000 * percentile(theirs, part)) if theirs else None, None, "%d messages" % len(times))


def latencies(target, count):
    content = generator.messages(1, 2048)[0]
    watcher = client.Imap(target.imap, target.address(0), target.password)
    watcher.idle()
    sender, out = client.Smtp(target.smtp), []
    for number in range(count + 5):
        answered = sender.deliver(target.address(0), content)
        try:
            seen = watcher.wait_exists(45)
        except TimeoutError:
            raise TimeoutError("no EXISTS within 45 s for message %d of %d" % (number, count)) from None
        if number >= 5:  # the first ones connect streams between daemons
            out.append(max(0, seen - answered))
        time.sleep(0.01)
    watcher.close()
    sender.close()
    return out


def idle_memory(figures):
    """5,000 connections in IDLE (DROMOS_BENCH_IDLERS): PSS growth of imapd per connection, plain and TLS."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if IDLERS + DESCRIPTORS_KEPT > allowed:
        raise Skip("%d descriptors allowed to a process, so at most %d connections" % (allowed, allowed - DESCRIPTORS_KEPT))
    with cluster() as server, targets.Ours(server, users=IDLE_ACCOUNTS) as suite:
        who = idle_mailboxes(suite)
        for name, goal in (("plain", 12), ("TLS", 30)):
            suite.daemon("imapd").stop()
            suite.start("imapd")
            measure_idlers(figures, suite, who, name, goal)


def idle_mailboxes(suite):
    """[login, mailbox] of each connection: logins of an account after its first are cheap."""
    each = IDLE_MAILBOXES // IDLE_ACCOUNTS
    # A transaction each: within one, every change of an account would pass by all former states of its row.
    suite.suite.sql("SET synchronous_commit = off;\n" + "".join(
        "SELECT count(*) FROM directory.account, mail.mailbox_create_v1(id, ARRAY['m%d'], NULL, false, 0);\n" % n for n in range(1, each)))
    pairs = [[login, "m%d" % n if n else "INBOX"] for n in range(each) for login in suite.addresses]
    return [pairs[number % len(pairs)] for number in range(IDLERS)]


def notified(idlers, target, inboxes):
    """Seconds from the 250 until the last of the INBOXes in IDLE has told of it."""
    content, sender, answered = generator.messages(1, 2048)[0], client.Smtp(target.smtp), 0
    idlers.watch()
    for number in range(IDLE_ACCOUNTS):
        answered = sender.deliver(target.address(number), content)
    sender.close()
    told = idlers.answers(90)
    wrong = [answer for answer in told if isinstance(answer, str)]
    if wrong or sum(map(len, told)) != inboxes:
        raise RuntimeError("not every INBOX in IDLE was told of its message: %s" % (wrong or told))
    return max(0, max(moment for answer in told for moment in answer) - answered)


def measure_idlers(figures, suite, who, name, goal):
    target, group = suite.target(), suite.groups["imapd"]
    inboxes = sum(mailbox == "INBOX" for _, mailbox in who)
    idlers = Idlers(target.imaps if name == "TLS" else target.imap, target.password, name == "TLS")
    try:
        idlers.begin(who[:100])  # warm
        idlers.wait_open(120)
        time.sleep(2)
        before, database, began = group.pss_kib(), suite.groups["postgresql"].pss_kib(), time.monotonic()
        idlers.begin(who[100:])
        idlers.wait_open(IDLE_SECONDS)
        logins = time.monotonic() - began
        time.sleep(5)
        grown = group.pss_kib() - before
        time.sleep(30)
        later = group.pss_kib() - before
        idle_cpu = group.seconds()
        time.sleep(10)
        idle_cpu = (group.seconds() - idle_cpu) / 10
        told = notified(idlers, target, inboxes)
        figures.add("idle_memory", name, "%.1f" % (min(grown, later) / (IDLERS - 100)), "KiB each", goal, None, None,
                    "%d connections on %d mailboxes of %d accounts, opened in %.0f s; imapd %.0f MiB before; PostgreSQL grew by %.0f MiB; idle CPU "
                    "%.1f %%; a delivery to each account then: the last of %d connections on INBOX told %.0f ms after the last 250" %
                    (IDLERS, len(set(map(tuple, who))), IDLE_ACCOUNTS, logins, before / 1024, (suite.groups["postgresql"].pss_kib() - database) / 1024, 100 * idle_cpu,
                     inboxes, 1000 * told))
    finally:
        idlers.close()


# -- IMAP -----------------------------------------------------------------------------------------------------------------------------------
def imap_ops(figures):
    """Every operation of issue 3's table on one mailbox of 100,000 messages (DROMOS_BENCH_MESSAGES), the peer's beside."""
    if operations.tool("imap_ops.py") is None:
        raise Skip("DROMOS_BENCH_DIR has no imap_ops.py")
    with cluster() as server, targets.Ours(server, users=2, indexer=False) as suite:
        operations.run(figures, suite, targets.peer())


def imap_append(figures):
    """APPEND of single messages over 1 and 20 connections, the peer's beside."""
    if operations.tool("imap_append.py") is None:
        raise Skip("DROMOS_BENCH_DIR has no imap_append.py")
    with cluster() as server, targets.Ours(server, users=20, indexer=False) as suite:
        appending.run(figures, suite, targets.peer())


def imap_mix(figures):
    """imaptest's mix of commands (IMAPTEST names a built copy), the peer's beside."""
    if mixing.copy() is None:
        raise Skip("IMAPTEST names no built copy of imaptest")
    with cluster() as server, targets.Ours(server, users=20, indexer=False) as suite:
        mixing.run(figures, suite, targets.peer())


def imap_growth(figures):
    """One mailbox of up to 1,000,000 messages, 10,000 mailboxes, memory of 200 sessions."""
    with cluster() as server, targets.Ours(server, users=8, indexer=False) as suite:
        growth.run(figures, suite)


# -- start, rest ------------------------------------------------------------------------------------------------------------------------------
def startup(figures):
    """From starting all five daemons until every port accepts, with an existing store."""
    times = []
    with cluster() as server, targets.Ours(server) as suite:
        tell_story(suite)
        for _ in range(5):
            for name in NAMES:
                suite.daemon(name).stop()
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(len(NAMES)) as pool:
                list(pool.map(suite.start, NAMES))
            for name in NAMES:
                for listener in stage.LISTENERS[name]:
                    if not targets.answers(suite.at(name, listener)):
                        raise RuntimeError("%s %s does not accept" % (name, listener))
            times.append(time.monotonic() - began)
    figures.add("startup", "all ports accept", "%.2f" % statistics.median(times), "s", "2", None, None, "median of 5, longest %.2f s" % max(times))


def idle_pss(figures):
    """PSS of the daemons and of PostgreSQL 60 s after a short story."""
    with cluster() as server, targets.Ours(server) as suite:
        tell_story(suite)
        time.sleep(STORY_SECONDS)
        each = {name: group.pss_kib() / 1024 for name, group in suite.groups.items()}
    database = each.pop("postgresql")
    figures.add("idle_pss", "five daemons", "%.1f" % sum(each.values()), "MiB", "64", None, None, ", ".join("%s %.1f" % item for item in each.items()))
    figures.add("idle_pss", "PostgreSQL", "%.1f" % database, "MiB", "128", None, None, "shared_buffers 256 MB")


def tell_story(suite):
    """Mail in, IDLE, FETCH, JMAP, a look by REST."""
    target = suite.target()
    latencies(target, 20)
    box = client.Imap(target.imap, target.address(0), target.password)
    box.ok("SELECT INBOX")
    box.ok("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])")
    box.close()
    jmap = clients.Jmap(suite.url("jmapd"), target.address(0), target.password)
    ids = jmap.call("Email/query", limit=10)["ids"]
    jmap.call("Email/get", ids=ids)
    suite.admin().request("GET", "/domains")


ALL = {function.__name__: function for function in (smtp_in, smtp_in_scan, smtp_in_indexed, smtp_in_scan_indexed, idle_latency, idle_memory, imap_ops, imap_append, imap_mix, imap_growth, startup, idle_pss)}
