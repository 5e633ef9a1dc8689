"""Sends mail as fast as it is taken: smtp_load of DROMOS_BENCH_DIR (C++; `make -C DROMOS_BENCH_DIR`, found in BENCH_BIN), else
processes of Python, which take several times the CPU and say so in the figures."""
import json
import multiprocessing
import os
import pathlib
import random
import subprocess
import time

from .client import Smtp

WORDS = ("the of and to in is that for it was on are as with they be at one have this from or had by hot word but what some we can "
         "out other were all your when up use how said an each she which do their time if will way about many then them would write "
         "like so these her long make thing see him two has look more day could go come did my sound no most number who over know").split()


def messages(count, size, seed=5):
    """Plain letters of `size` bytes that differ from one another."""
    rng, out = random.Random(seed), []
    for number in range(count):
        head = ("From: Sender <bench@outside.test>\r\nTo: reader@chaos.test\r\nSubject: letter %d about %s\r\n"
                "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d.%d@outside.test>\r\n\r\n" % (number, rng.choice(WORDS), seed, number))
        lines, left = [], size - len(head)
        while left > 0:
            line = (" ".join(rng.choices(WORDS, k=12)))[:max(1, left - 2)]
            lines.append(line)
            left -= len(line) + 2
        out.append((head + "\r\n".join(lines) + "\r\n").encode())
    return out


def native():
    binary = pathlib.Path(os.environ.get("BENCH_BIN", "/nonexistent")) / "smtp_load"
    return binary if os.environ.get("DROMOS_BENCH_DIR") and binary.exists() else None


def write_pack(path, contents):
    """smtp_load's corpus: each message behind a line with its length."""
    with open(path, "wb") as file:
        for content in contents:
            file.write(b"%d\n" % len(content) + content)


def _send(target_smtp, recipients, contents, share):
    for number in share:
        session = Smtp(target_smtp)
        session.deliver(recipients[number % len(recipients)], contents[number % len(contents)])
        session.expect(b"QUIT\r\n", 221)
        session.close()


def send(target, contents, pack, count, sessions, users):
    """A connection a message, `sessions` at a time. Seconds it took, and which generator it was."""
    began = time.monotonic()
    binary = native()
    if binary:
        done = subprocess.run([str(binary), "--host", target.smtp[0], "--port", str(target.smtp[1]), "--sessions", str(sessions), "--count", str(count),
                               "--per-conn", "1", "--corpus", str(pack), "--rcpt", target.recipient, "--users", str(users)],
                              stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout)
        if result.get("failed"):
            raise RuntimeError("smtp_load: %s" % done.stdout)
        return time.monotonic() - began, "smtp_load"
    recipients = [target.address(number) for number in range(users)]
    shares = [range(start, count, sessions) for start in range(sessions)]
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_send, args=(target.smtp, recipients, contents, share)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a generator process failed")
    return time.monotonic() - began, "Python"
