"""Messages of the load: each with an id of its own in the header, and a hash over all of its bytes.

The suite may put fields in front (Received, Return-Path, X-Spam-Status), never change what it was given: so the last
`size` bytes of what is stored must have the hash.
"""
import base64
import hashlib
import typing

HEADER = "X-Chaos-Id"

# (weight, least, most) bytes of body: most are letters, some pass the sizes at which the suite changes its ways (64 KB: staged
# before the commit; 256 KB: several chunks, a temporary file in mta).
SIZES = [(70, 1_000, 6_000), (20, 6_000, 40_000), (6, 66_000, 130_000), (3, 260_000, 400_000), (1, 600_000, 1_000_000)]


class Message(typing.NamedTuple):
    id: str
    data: bytes
    sha256: str


def body(rng, sizes=None) -> bytes:
    sizes = sizes or SIZES
    _, least, most = rng.choices(sizes, [weight for weight, _, _ in sizes])[0]
    lines = [b"Dear reader,", b".a line that begins with a dot", b"..", b""]
    random_bytes = rng.randbytes(rng.randint(least, most) * 3 // 4)
    lines.append(base64.encodebytes(random_bytes).replace(b"\n", b"\r\n"))
    return b"\r\n".join(lines)


def make(rng, id_, sender, recipients, sizes=None) -> Message:
    head = ("From: <%s>\r\nTo: %s\r\nSubject: chaos %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            "Message-ID: <%s@chaos.test>\r\n%s: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
            % (sender, ", ".join(recipients), id_, id_, HEADER, id_)).encode()
    data = head + body(rng, sizes)
    return Message(id_, data, hashlib.sha256(data).hexdigest())


def same(stored: bytes, sha256: str, size: int) -> bool:
    return len(stored) >= size and hashlib.sha256(stored[len(stored) - size:]).hexdigest() == sha256


def dot_stuffed(data: bytes) -> bytes:
    """Content for DATA without the final dot; `data` ends in CRLF."""
    return (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
