#!/usr/bin/env python3
"""A small authoritative DNS server on loopback for tests (standard library only), UDP and TCP on one port.

    dns_server.py [--port N] [--address 127.0.0.1] ZONEFILE

Prints "PORT n" when it answers; ends with its standard input or by signal. SIGHUP reads the zone file again.
Zone file: one record a line, `name [ttl] type data`, `;` or `#` begin comments, names are absolute:

    example.test      300 MX    10 mx.example.test
    mx.example.test       A     127.0.0.1
    example.test          TXT   "v=spf1 mx -all" "second string"
    _25._tcp.mx.example.test TLSA 3 1 1 0123abcd
    slow.test             !delay 2.5      answer about this name and below comes late
    broken.test           !servfail       also !refused, !drop (no answer), !truncate (UDP says: use TCP)
    *.wild.test           A     127.0.0.9

A name below which something exists is NODATA, any other NXDOMAIN. The root SOA is made up (negative TTL 60).
"""
import argparse
import ipaddress
import select
import shlex
import signal
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52, "ANY": 255}
NEGATIVE_TTL = 60
DEFAULT_TTL = 300
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


def encode_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label.encode("ascii")
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def encode_data(kind, words):
    if kind == "A":
        return ipaddress.IPv4Address(words[0]).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(words[0]).packed
    if kind == "MX":
        return struct.pack(">H", int(words[0])) + encode_name(words[1])
    if kind in ("CNAME", "NS", "PTR"):
        return encode_name(words[0])
    if kind == "TXT":
        out = b""
        for word in words:
            raw = word.encode()
            for at in range(0, max(len(raw), 1), 255):
                piece = raw[at:at + 255]
                out += bytes([len(piece)]) + piece
        return out
    if kind == "TLSA":
        return bytes(int(w) for w in words[:3]) + bytes.fromhex("".join(words[3:]))
    raise ValueError("unknown record type " + kind)


class Zone:
    def __init__(self, path):
        self.records, self.faults, self.names = {}, {}, set()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    self.read(line)
                except (ValueError, IndexError) as error:
                    raise SystemExit(f"{path}:{number}: {error}") from error

    def read(self, line):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters = True, ";#"
        words = list(lexer)
        if not words:
            return
        name = words.pop(0).lower().rstrip(".")
        if words[0].startswith("!"):
            self.faults[name] = (words[0][1:], float(words[1]) if len(words) > 1 else 0)
            return
        ttl = int(words.pop(0)) if words[0].isdigit() else DEFAULT_TTL
        kind = words.pop(0).upper()
        self.records.setdefault((name, TYPES[kind]), []).append((ttl, encode_data(kind, words)))
        labels = name.split(".")
        self.names.update(".".join(labels[i:]) for i in range(len(labels)))

    def fault(self, name):
        labels = name.split(".")
        for i in range(len(labels)):
            if ".".join(labels[i:]) in self.faults:
                return self.faults[".".join(labels[i:])]
        return (None, 0)

    def find(self, name, kind):
        """Records (owner, type, ttl, data) and rcode; follows CNAMEs."""
        out = []
        for _ in range(16):
            owner = name
            if name not in self.names:
                labels = name.split(".")
                wild = next((w for i in range(1, len(labels)) if (w := "*." + ".".join(labels[i:])) in self.names), None)
                if wild is None:
                    return out, NXDOMAIN
                owner = wild
            found = self.records.get((owner, kind), [])
            if found or kind == TYPES["CNAME"]:
                return out + [(name, kind, ttl, data) for ttl, data in found], 0
            alias = self.records.get((owner, TYPES["CNAME"]))
            if not alias:
                return out, 0
            out.append((name, TYPES["CNAME"], *alias[0]))
            name = decode_name(alias[0][1], 0)[0]
        return out, SERVFAIL


def decode_name(packet, at):
    labels = []
    while packet[at]:
        size = packet[at]
        labels.append(packet[at + 1:at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    return ".".join(labels), at + 1


def answer(zone, query, over_udp):
    ident, flags, count = struct.unpack(">HHH", query[:6])
    if flags & 0x8000 or count != 1:
        return None
    name, at = decode_name(query, 12)
    kind = struct.unpack(">H", query[at:at + 2])[0]
    question = query[12:at + 4]
    fault, seconds = zone.fault(name)
    if fault == "delay":
        time.sleep(seconds)
    if fault == "drop":
        return None
    records, rcode = [], {"servfail": SERVFAIL, "refused": REFUSED}.get(fault, 0)
    truncated = fault == "truncate" and over_udp
    if rcode == 0 and not truncated:
        records, rcode = zone.find(name, kind)
    body = b"".join(encode_name(owner) + struct.pack(">HHIH", k, 1, ttl, len(data)) + data
                    for owner, k, ttl, data in records)
    authority = b""
    if not any(k == kind for _, k, _, _ in records) and rcode in (0, NXDOMAIN) and not truncated:
        soa = encode_name("ns.invalid") + encode_name("root.invalid") + struct.pack(">IIIII", 1, 3600, 600, 86400, NEGATIVE_TTL)
        authority = b"\0" + struct.pack(">HHIH", TYPES["SOA"], 1, NEGATIVE_TTL, len(soa)) + soa
    if over_udp and 12 + len(question) + len(body) + len(authority) > 1232:
        truncated, records, body, authority = True, [], b"", b""
    out_flags = 0x8400 | (flags & 0x0110) | 0x0080 | (0x0200 if truncated else 0) | rcode
    header = struct.pack(">HHHHHH", ident, out_flags, 1, len(records), 1 if authority else 0, 0)
    return header + question + body + authority


class Server:
    def __init__(self, address, port, path):
        self.path, self.zone, self.queries = path, Zone(path), 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self.port = self.udp.getsockname()[1]
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, self.port))
        self.tcp.listen(64)

    def reload(self, *_):
        self.zone = Zone(self.path)

    def on_udp(self, query, peer):
        try:
            reply = answer(self.zone, query, True)
        except (IndexError, struct.error):
            return
        if reply:
            self.udp.sendto(reply, peer)

    def on_tcp(self, connection):
        connection.settimeout(10)
        with connection, connection.makefile("rb") as source:
            try:
                while len(size := source.read(2)) == 2:
                    reply = answer(self.zone, source.read(struct.unpack(">H", size)[0]), False)
                    if reply:
                        connection.sendall(struct.pack(">H", len(reply)) + reply)
            except (OSError, IndexError, struct.error):
                return

    def run(self):
        watched = [self.udp, self.tcp, sys.stdin]
        while True:
            for ready in select.select(watched, [], [])[0]:
                if ready is self.udp:
                    work = (self.on_udp, self.udp.recvfrom(65535))
                elif ready is self.tcp:
                    work = (self.on_tcp, (self.tcp.accept()[0],))
                elif not sys.stdin.buffer.raw.read(4096):
                    return
                else:
                    continue
                threading.Thread(target=work[0], args=work[1], daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description="authoritative DNS server for tests")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("zone")
    args = parser.parse_args()
    while True:  # a port free for UDP may be taken for TCP
        try:
            server = Server(args.address, args.port, args.zone)
            break
        except OSError:
            if args.port:
                raise
    signal.signal(signal.SIGHUP, server.reload)
    print("PORT", server.port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
