"""What an IMAP server says of a message, in a form in which only meaning counts.

facts_of(client, message) appends the message, asks, and returns {item: value}: sizes as numbers, the rest as short text
or, beyond SHORT characters and for all of ENVELOPE, as the beginning of its SHA-256. Case of types, encodings and
parameter names, the order of parameters, quoting, and NIL where a list is empty do not count.
"""
import hashlib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, os.pardir, "lib"), os.path.join(HERE, os.pardir, "integration", "imapd")]

from imapd_client import Raw  # noqa: E402, F401

SHORT = 40
sys.setrecursionlimit(20000)  # messages in messages
MAX_PARTS, MAX_PATH = 40, 40  # what lies behind or deeper is one digest
FIELDS = "BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID CONTENT-TYPE)]"
ENVELOPE = ["date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id"]
PART = ["type", "params", "id", "description", "encoding", "octets", "lines", "md5", "disposition", "language", "location"]
NOT_MAIL = re.compile(r"^(LICENSE|NOTICE|NOTE|README|Apache|MIT|ARTISTIC)|\.(json|xml|out|py|cf|md|mbox)$|_decoded", re.IGNORECASE)


def messages(folder):
    """{key: message} of all mail below a folder, with CRLF at each end of line; the key is its SHA-256."""
    found = {}
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if NOT_MAIL.search(name):
                continue
            with open(os.path.join(where, name), "rb") as file:
                message = re.sub(rb"\r?\n", b"\r\n", file.read())
            found[hashlib.sha256(message).hexdigest()] = message
    return found


# -- responses as values -----------------------------------------------------------------------------------------
class Atom(bytes):
    pass


TOKEN = re.compile(rb"""\ *(?: (?P<open>\() | (?P<close>\)) | "(?P<quoted>(?:[^"\\\r\n]|\\.)*)" | ~?\{(?P<literal>\d+)\}\r\n
                       | (?P<atom>(?:[A-Za-z0-9.]+\[[^\]]*\](?:<\d+>)?)|[^\s()"]+) )""", re.VERBOSE)


def parse(text):
    """Lists as lists, strings as bytes, NIL as None, all else as Atom."""
    stack, at = [[]], 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if not token:
            raise ValueError("no IMAP syntax at %d: %r" % (at, text[at:at + 60]))
        at = token.end()
        kind = token.lastgroup
        if kind == "open":
            stack.append([])
        elif kind == "close":
            done = stack.pop()
            stack[-1].append(done)
        elif kind == "literal":
            size = int(token["literal"])
            stack[-1].append(text[at:at + size])
            at += size
        elif kind == "quoted":
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token["quoted"]))
        else:
            stack[-1].append(None if token["atom"].upper() == b"NIL" else Atom(token["atom"]))
    if len(stack) != 1:
        raise ValueError("parentheses are not balanced")
    return stack[0]


def fetched(untagged):
    """{b"BODY[1]": value} of the FETCH responses among the untagged ones."""
    items = {}
    for line in untagged:
        found = re.match(rb"\* \d+ FETCH ", line, re.IGNORECASE)
        if found:
            pairs = parse(line[found.end():])[0]
            items.update((name.upper(), value) for name, value in zip(pairs[::2], pairs[1::2]))
    return items


# -- canonical values -----------------------------------------------------------------------------------------------
def plain(value):
    if isinstance(value, list):
        return [plain(each) for each in value]
    return None if value is None else value.decode("latin-1")


def digest(data):
    return hashlib.sha256(data).hexdigest()[:12]


def short(value):
    text = value if isinstance(value, str) else "NIL" if value is None else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= SHORT else "#" + digest(text.encode())


def lowered(value):
    return None if value is None else value.decode("latin-1").lower()


def params_of(value):
    """charset=us-ascii is what text has without saying so (RFC 2046 section 4.1.2)."""
    value = value or []
    names = [lowered(name) for name in value[::2]]
    values = [lowered(text) if name == "charset" else plain(text) for name, text in zip(names, value[1::2])]
    pairs = [pair for pair in zip(names, values) if pair != ("charset", "us-ascii")]
    return sorted(pairs, key=lambda pair: (pair[0], pair[1] or "")) or None


def disposition_of(value):
    return [lowered(value[0]), params_of(value[1])] if value else None


def language_of(value):
    return [lowered(tag) for tag in (value if isinstance(value, list) else [value]) if tag] or None


def addresses_of(value):
    """Each server has its own word for a mailbox or domain that is not there; a group has neither."""
    out = []
    for name, route, mailbox, host in plain(value):
        if host is not None or (mailbox is None and name is not None):
            mailbox = "?" if mailbox in ("MISSING_MAILBOX", "", None) else mailbox
            host = "?" if host in ("MISSING_DOMAIN", "unspecified-domain", "", None) else host
        out.append([name, route, mailbox, host])
    return out


def envelope_items(path, envelope):
    for name, value in zip(ENVELOPE, envelope):
        value = addresses_of(value) if isinstance(value, list) else plain(value)
        yield "ENVELOPE[%s].%s" % (path, name), "NIL" if not value else digest(json.dumps(value).encode())


class Structure:
    """BODYSTRUCTURE as items of its parts. Multiparts are named by their path and "+"."""

    def __init__(self, body):
        self.items, self.leaves, self.embedded, self.rest = {}, [], [], []
        self.items["BODYSTRUCTURE.shape"] = short(self.part(body, ""))
        if self.rest:
            self.items["BODYSTRUCTURE.rest"] = digest(b"".join(self.rest))
        self.leaves = [path for path in self.leaves[:MAX_PARTS] if len(path) <= MAX_PATH]

    def note(self, path, values):
        if len(self.leaves) > MAX_PARTS or len(path) > MAX_PATH:
            self.rest.append(repr(values).encode())
            return
        for name, value in zip(PART, values):
            if value is not None or name in ("type", "params", "disposition"):
                self.items["BODYSTRUCTURE[%s].%s" % (path, name)] = value if isinstance(value, int) else short(value)

    def part(self, body, path, inside=True):
        if isinstance(body[0], list):
            children = [each for each in body if isinstance(each, list)]
            count = next(i for i, each in enumerate(body) if not isinstance(each, list))
            rest = body[count + 1:] + [None] * 4
            self.note(path + "+", ["multipart/" + lowered(body[count]), params_of(rest[0]), None, None, None, None, None, None,
                                   disposition_of(rest[1]), language_of(rest[2]), plain(rest[3])])
            return "(%s)" % ",".join(self.part(child, "%s%d" % (path and path + ".", n)) for n, child in enumerate(children[:count], 1))
        if not path or path.endswith("!"):
            path = path[:-1] + (".1" if path else "1")
        self.leaves.append(path)
        kind = lowered(body[0]) + "/" + (lowered(body[1]) or "")
        rest, shape, lines = body[7:], "1", None
        if kind in ("message/rfc822", "message/global") and len(rest) > 2 and isinstance(rest[1], list):
            self.embedded.append(path)
            if len(self.leaves) <= MAX_PARTS and len(path) <= MAX_PATH:
                self.items.update(envelope_items(path, rest[0]))
            inner = rest[1]
            shape = "m" + self.part(inner, path if isinstance(inner[0], list) else path + "!")
            lines, rest = int(rest[2]), rest[3:]
        elif kind.startswith("text/") and rest:
            lines, rest = int(rest[0]), rest[1:]
        rest = rest + [None] * 4
        self.note(path, [kind, params_of(body[2]), plain(body[3]), plain(body[4]), lowered(body[5]), int(body[6]), lines, plain(rest[0]),
                         disposition_of(rest[1]), language_of(rest[2]), plain(rest[3])])
        return shape


def content(value):
    return "NIL" if value is None else "%d:%s" % (len(value), digest(value))


# -- asking -----------------------------------------------------------------------------------------------------------
class Refused(Exception):
    pass


class Client:
    """A connection that comes back: Dovecot ends it where base64 is cut off. open() returns a Raw with "golden" selected."""

    def __init__(self, open):
        self.open = open
        self.raw = open()

    def run(self, command):
        try:
            return self.raw.run(command)
        except EOFError:
            self.raw.close()
            self.raw = self.open()
            return [], b"NO the connection ended"

    def append(self, message):
        return self.run(b"APPEND golden {%d+}\r\n%s" % (len(message), message))[1].decode("latin-1")


def sections(structure):
    for path in structure.leaves:
        yield "BODY[%s]" % path
        yield "BODY[%s.MIME]" % path
        if path in structure.embedded:
            yield "BODY[%s.HEADER]" % path
            yield "BODY[%s.TEXT]" % path
        yield "BINARY[%s]" % path
        yield "BINARY.SIZE[%s]" % path


def ask(client, uid, wanted):
    """{name: value} of sections. What is refused together is asked singly: a refusal is an answer, too."""
    def commanded(names):
        untagged, said = client.run("UID FETCH %s (%s)" % (uid, " ".join(re.sub(r"^(BODY|BINARY)\[", r"\1.PEEK[", name) for name in names)))
        try:
            return fetched(untagged), said.startswith(b"OK")
        except ValueError:  # a literal shorter or longer than announced
            return {}, False

    found, well = commanded(wanted)
    values = {}
    for name in wanted:
        one, answered = (found, well) if well else commanded([name])
        if not answered:
            values[name] = "NO"
        elif name.encode() not in one:
            values[name] = "absent"
        else:
            value = one[name.encode()]
            values[name] = int(value) if name.startswith("BINARY.SIZE") else content(value)
    return values


def facts_of(client, message, wanted=None):
    """Appends a message to the selected mailbox "golden" and tells what the server says of it. `wanted` names the sections to
    ask for, by default those of the parts the server itself shows. Raises Refused if the server does not take the message."""
    answer = client.append(message)
    if not answer.startswith("OK"):
        raise Refused(answer)
    uid = re.search(r"APPENDUID \d+ (\d+)", answer)[1]
    untagged, answer = client.run("UID FETCH %s (RFC822.SIZE ENVELOPE BODYSTRUCTURE %s)" % (uid, FIELDS))
    if not answer.startswith(b"OK"):
        raise Refused(answer.decode("latin-1"))
    found = fetched(untagged)
    structure = Structure(found[b"BODYSTRUCTURE"])
    items = {"RFC822.SIZE": int(found[b"RFC822.SIZE"])}
    items.update(envelope_items("", found[b"ENVELOPE"]))
    items.update(structure.items)
    items["HEADER.FIELDS"] = next((content(value) for name, value in found.items() if name.startswith(b"BODY[HEADER.FIELDS")), "absent")
    names = list(sections(structure)) if wanted is None else [name for name in wanted if re.match(r"(BODY|BINARY)(\.SIZE)?\[[\d.]", name)]
    items.update(ask(client, uid, ["BODY[]", "BODY[HEADER]", "BODY[TEXT]"] + names))
    return items


# -- the file of results: items by part, since their names repeat ------------------------------------------------------
SECTIONS = ["BODY[%s]", "BODY[%s.MIME]", "BINARY[%s]", "BINARY.SIZE[%s]", "BODY[%s.HEADER]", "BODY[%s.TEXT]"]
GROUPS = {"envelope": ["ENVELOPE[%s]." + name for name in ENVELOPE], "structure": ["BODYSTRUCTURE[%s]." + name for name in PART],
          "sections": SECTIONS}
ITEM = re.compile(r"(ENVELOPE|BODYSTRUCTURE|BODY|BINARY|BINARY\.SIZE)\[([\d.+]*?)((?:\.(?:MIME|HEADER|TEXT))?\](?:\.[a-z0-9-]+)?)$")


def pack(items):
    packed, left = {}, {}
    columns = {name: (group, n) for group, names in GROUPS.items() for n, name in enumerate(names)}
    for name, value in items.items():
        found = ITEM.match(name)
        group, n = columns.get(found[1] + "[%s" + found[3], (None, 0)) if found and (found[2] or found[1] == "ENVELOPE") else (None, 0)
        if group is None:
            left[name] = value
            continue
        row = packed.setdefault(group, {}).setdefault(found[2], [])
        row.extend([None] * (n + 1 - len(row)))
        row[n] = "^" if n == 2 and group == "sections" and row[0] == value else value
    return {**left, **packed}


def unpack(record):
    items = {}
    for name, value in record.items():
        if name not in GROUPS:
            items[name] = value
            continue
        for path, row in value.items():
            items.update((column % path, row[0] if each == "^" else each) for column, each in zip(GROUPS[name], row) if each is not None)
    return items
