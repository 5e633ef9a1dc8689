"""How IMAP's costs grow: one mailbox of 10,000, 100,000 and 1,000,000 messages, one account of 10,000 mailboxes, and what imapd
holds for 200 sessions on 50 mailboxes of 100,000. Messages are clones, made by SQL, of a hundred that were appended."""
import os
import time

from . import client, generator

SIZES = [int(size) for size in os.environ.get("DROMOS_BENCH_SIZES", "10000,100000,1000000").split(",")]
MAILBOXES = int(os.environ.get("DROMOS_BENCH_MAILBOXES", "10000"))
HELD = (50, 100000, 200)  # mailboxes, messages in each, sessions
OPERATIONS = [
    ("FETCH FLAGS", "FETCH 1:* (FLAGS)"), ("FETCH ENVELOPE", "FETCH 1:* (ENVELOPE)"),
    ("FETCH header fields", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])"), ("SEARCH SUBJECT", "SEARCH SUBJECT zebra"), ("SEARCH BODY", "SEARCH BODY zebra"),
    ("SEARCH FUZZY, not indexed", "SEARCH FUZZY TEXT zebras"), ("SEARCH FUZZY of many, not indexed", "SEARCH FUZZY TEXT letters"),
    ("SORT SUBJECT", "UID SORT (SUBJECT) UTF-8 ALL"), ("THREAD", "UID THREAD REFERENCES UTF-8 ALL"), ("STORE", "STORE 1:* +FLAGS.SILENT (\\Flagged)"),
    ("COPY", "COPY 1:* Copy"), ("MOVE", "MOVE 1:* Moved"), ("EXPUNGE all", "EXPUNGE"),
]
CLONE = """
CREATE TEMPORARY TABLE seed AS SELECT row_number() OVER () - 1 AS no, m.*, t.codec, t.dict_id, t.key_id, t.truncated, t.data FROM mail.message m
  LEFT JOIN mail.text_extract t USING (account_id, message_id) WHERE m.account_id = {account};
CREATE TEMPORARY TABLE made AS SELECT n, mail.uuid7() AS id, n % (SELECT count(*) FROM seed) AS no FROM generate_series(1, {count}) n;
INSERT INTO mail.message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, blob_hash, thread_keys, facts)
  SELECT account_id, id, id, received_at + make_interval(secs => n), created_modseq, size, facts_version, blob_hash, thread_keys, facts FROM made JOIN seed USING (no);
INSERT INTO mail.text_extract (account_id, message_id, codec, dict_id, key_id, truncated, data)
  SELECT account_id, id, codec, dict_id, key_id, truncated, data FROM made JOIN seed USING (no) WHERE data IS NOT NULL;
INSERT INTO mail.entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size)
  SELECT b.account_id, b.mailbox_id, n, s.created_modseq, id, id, received_at + make_interval(secs => n), size FROM made JOIN seed s USING (no), mail.mailbox b
  WHERE b.account_id = {account} AND b.name LIKE 'Big%' ORDER BY b.mailbox_id, n;
ANALYZE mail.entry; ANALYZE mail.message; ANALYZE mail.blob;
SELECT mail.repair_account_v1({account});
"""


class Session(client.Imap):
    def run(self, command):
        """Seconds until the tagged OK; what comes before it is not looked at."""
        began = time.monotonic()
        self.start(command)
        end, tail = b"\r\n" + self.tag + b" ", b"\r\n" + self.buffer
        self.buffer = b""
        while end not in tail or not tail.endswith(b"\r\n"):
            tail = tail[-200:] + self.socket.recv(1 << 20)
        if end + b"OK" not in tail:
            raise RuntimeError("%s: %r" % (command, tail[-200:]))
        return time.monotonic() - began


def account_with(suite, number, boxes, count):
    """The address of an account in whose mailboxes Big0, Big1 ... lie `count` messages."""
    target = suite.target()
    address = target.address(number)
    session = Session(target.imap, address, target.password)
    for box in range(boxes):
        session.ok("CREATE Big%d" % box)
    session.ok("CREATE Copy")
    session.ok("CREATE Moved")
    for content in generator.messages(100, 1024):
        session.send(b"x APPEND INBOX {%d+}\r\n%s\r\n" % (len(content), content))
        while not session.line().startswith(b"x OK"):
            pass
    session.close()
    ask = lambda sql: suite.cluster.psql(sql, database=suite.database)
    ask(CLONE.format(account=ask("SELECT directory.need_account('%s')" % address), count=count))
    return address


def sizes(figures, suite):
    target = suite.target()
    for number, count in enumerate(SIZES):
        address = account_with(suite, number, 1, count)

        def add(name, seconds, more=""):
            figures.add("imap_growth", "%s, %d" % (name, count), "%.3f" % seconds, "s", "", None, None, "%.2f us a message%s" % (1e6 * seconds / count, more))

        for name in ("first LOGIN, SELECT", "LOGIN, SELECT"):
            began = time.monotonic()
            session = Session(target.imap, address, target.password)
            session.run("SELECT Big0")
            add(name, time.monotonic() - began)
        for name, command in OPERATIONS:
            if name == "EXPUNGE all":
                session.run("SELECT Moved")
                session.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            first = session.run(command)
            again = first if name in ("STORE", "COPY", "MOVE", "EXPUNGE all") else min(session.run(command) for _ in range(2))
            add(name, again, "; first %.3f s" % first if again != first else "")
        session.close()


def mailboxes(figures, suite):
    target = suite.target()
    session = Session(target.imap, target.address(len(SIZES)), target.password)
    began = time.monotonic()
    for number in range(MAILBOXES):
        session.run("CREATE top%d/box%d" % (number // 100, number))
    figures.add("imap_growth", "CREATE", "%.2f" % (1000 * (time.monotonic() - began) / MAILBOXES), "ms each", "", None, None, "%d mailboxes" % MAILBOXES)
    for name, command in (("LIST", 'LIST "" *'), ("LIST with STATUS", 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN))'), ("LIST of one", 'LIST "" top1/box155'),
                          ("CREATE one more", "CREATE another"), ("RENAME of 100", "RENAME top1 moved"), ("SELECT", "SELECT moved/box155"), ("DELETE", "DELETE another")):
        figures.add("imap_growth", "%s, %d mailboxes" % (name, MAILBOXES), "%.1f" % (1000 * session.run(command)), "ms")
    session.close()


def held(figures, suite):
    boxes, count, sessions = HELD
    target = suite.target()
    address = account_with(suite, len(SIZES) + 1, boxes, count)
    group = suite.groups["imapd"]
    before = group.pss_kib()
    opened = [Session(target.imap, address, target.password) for _ in range(sessions)]
    for number, session in enumerate(opened):
        session.run("SELECT Big%d" % (number % boxes))
    selected = group.pss_kib()
    for session in opened[:boxes]:
        session.run("UID SORT (SUBJECT) UTF-8 ALL")
    sorted_ = group.pss_kib()
    name = "%d sessions on %d mailboxes of %d" % (sessions, boxes, count)
    figures.add("imap_growth", name + ", selected", "%.0f" % ((selected - before) / 1024), "MiB", "", None, None, "PSS of imapd; %.0f MiB before" % (before / 1024))
    figures.add("imap_growth", name + ", each sorted", "%.0f" % ((sorted_ - before) / 1024), "MiB", "", None, None, "with the keys of SORT and SEARCH, as far as their bound lets them be kept")
    for session in opened:
        session.close()


def run(figures, suite):
    sizes(figures, suite)
    mailboxes(figures, suite)
    held(figures, suite)
