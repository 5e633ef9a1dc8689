"""The ledger: what was asked of the suite and what it answered, one JSON object a line, written before anybody acts on it.

Kinds of lines (every line has `kind` and `t`, seconds of the machine's clock):

    stage    where the suite is: imap, accounts {address: password}, database, config, log of PostgreSQL
    send     id, via (mx lmtp submission), attempt, sha256, size, replies {recipient: [code, text]};
             code 0 is "lost": the final dot was sent and no answer came; -1 is "never sent": the dot was not sent
    append   account, id, sha256, size, reply (OK NO lost unsent)
    copy, move, flag, keyword   account, id, reply; what the load did to its own messages
    seen     account, mailbox, uidvalidity, uid, id: a UID somebody was shown
    fault    case, target, kills, recovery
"""
import json
import threading
import time

LOST, UNSENT = 0, -1


class Ledger:
    def __init__(self, path):
        self.path = path
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, kind, **fields):
        line = json.dumps(dict(kind=kind, t=round(time.time(), 6), **fields), separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")

    def close(self):
        self._file.close()


def read(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
