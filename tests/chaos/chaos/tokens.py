"""What writers were told, and what every mailbox holds at the end.

Each message has a token in its subject. Its first letter says what may happen to it: `k` is kept (copied and moved by IMAP),
`j` is kept and moved by JMAP too (which may put one where a copy is), `d` may be destroyed. Nothing is killed here, so answers are
known: of a `k` there are exactly as many as were put and copied, of a `j` at least one, of a `d` no more. Where a write was answered
with "not now" (a busy machine), it may have been done or not.
"""
import collections
import re
import threading

from . import mail

SUBJECT = re.compile(rb"(?i)Subject: chaos (\S+)")
BATCH = 100


class Book:
    def __init__(self):
        self._lock = threading.Lock()
        self.put = collections.Counter()    # token -> how often it was acknowledged
        self.doubtful = collections.Counter()  # of these, how often the answer was "not now"
        self.content = {}                   # token -> (sha256, size)

    def know(self, message):
        with self._lock:
            self.content[message.id] = (message.sha256, len(message.data))

    def doubt(self, token, times=1):
        with self._lock:
            self.doubtful[token] += times

    def add(self, token, times=1):
        with self._lock:
            self.put[token] += times


def expand(uids):
    """A UID set of COPYUID, as a list."""
    out = []
    for part in uids.split(","):
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


def names(raw):
    """One's own mailboxes that can be selected."""
    found = []
    for line in raw.ok('LIST "" "*"'):
        match = re.match(rb'\* LIST \((.*?)\) "/" (.*)', line)
        if match and b"\\Non" not in match[1] and b"\\Noselect" not in match[1] and b"Other Users" not in match[2] and b"Shared Folders" not in match[2]:
            found.append(match[2].decode())
    return found


def census(raw, book):
    """(tokens and how often they are in this account, contents that are not what was sent)"""
    there, changed = collections.Counter(), []
    for name in names(raw):
        count = 0
        for line in raw.ok("EXAMINE " + name):
            match = re.match(rb"\* (\d+) EXISTS", line)
            count = int(match[1]) if match else count
        for first in range(1, count + 1, BATCH):
            for line in raw.ok("FETCH %d:%d BODY.PEEK[]" % (first, min(count, first + BATCH - 1))):
                match = re.match(rb"\* \d+ FETCH \(BODY\[\] \{(\d+)\}\r\n", line)
                if not match:
                    continue
                data = line[match.end():match.end() + int(match[1])]
                token = SUBJECT.search(data)[1].decode()
                there[token] += 1
                known = book.content.get(token)
                if known is None or not mail.same(data, *known):
                    changed.append("%s in %s" % (token, name))
    return there, changed


def compare(book, there):
    """Lines that say what is wrong."""
    wrong = []
    for token, times in book.put.items():
        have, least = there.get(token, 0), times - book.doubtful.get(token, 0)
        if (token[0] == "k" and not least <= have <= times) or (token[0] == "j" and have < min(1, least)) or (token[0] == "d" and have > times):
            wrong.append("%s: acknowledged %d times, there %d times" % (token, times, have))
    wrong += ["%s: there, and never acknowledged" % token for token in there if not book.put.get(token)]
    return wrong
