"""The committed results and the exceptions to them."""
import json
import os

import golden_imap

HERE = os.path.dirname(os.path.abspath(__file__))


def results():
    """{key of a message: {item: value}}; values of Dovecot, with "~" in front where Cyrus says otherwise."""
    with open(os.path.join(HERE, "golden.jsonl")) as lines:
        return {record["sha256"]: golden_imap.unpack(record["items"]) for record in map(json.loads, lines)}


def exceptions():
    """{key: [item or beginning of items and "*"]} of exceptions.txt."""
    excused = {}
    with open(os.path.join(HERE, "exceptions.txt")) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                key, item, reason = line.split(None, 2)
                assert len(key) == 64 and "RFC" in reason, line
                excused.setdefault(key, []).append(item)
    return excused
