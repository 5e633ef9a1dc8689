"""clang-tidy over source files. A file that was clean is not looked at again while nothing that it is made of has changed:
its text and that of every header it includes (ninja's log of dependencies), how it is compiled, .clang-tidy, and clang-tidy
itself. What is remembered is a name of a hash in ~/.cache/dromos/tidy, shared by all checkouts."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time

from dromostest import paths

from . import process

BUILD = paths.ROOT / "build" / "dev"
CLEAN = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "dromos" / "tidy"
SECONDS_BETWEEN_LINES = 15


class Fingerprints:
    """Of each source file of build/dev; None where ninja does not know what a file includes."""

    def __init__(self):
        version = subprocess.run(["clang-tidy-19", "--version"], stdout=subprocess.PIPE).stdout
        self.base = hashlib.sha256(version + (paths.ROOT / ".clang-tidy").read_bytes()).hexdigest()
        self.commands = {entry["file"]: entry for entry in json.loads((BUILD / "compile_commands.json").read_text())}
        self.dependencies = self._dependencies()
        self.digests = {}

    def _dependencies(self):
        out = subprocess.run(["ninja", "-C", str(BUILD), "-t", "deps"], stdout=subprocess.PIPE, text=True).stdout
        found, name = {}, None
        for line in out.splitlines():
            if line.startswith("    "):
                found[name].append(line[4:])
            elif ": #deps" in line:
                name = line.split(": #deps")[0]
                found[name] = []
        return found

    def _digest(self, name):
        """Of a file's text; system headers are known by size and time, there are thousands."""
        if name not in self.digests:
            path = BUILD / name
            if name.startswith("/usr/"):
                state = path.stat()
                self.digests[name] = "%d %d" % (state.st_size, state.st_mtime_ns)
            else:
                self.digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self.digests[name]

    def of(self, name):
        entry = self.commands.get(str(paths.ROOT / name))
        output = re.search(r" -o (\S+)", entry["command"]) if entry else None
        headers = self.dependencies.get(output[1]) if output else None
        if not headers:
            return None
        whole = hashlib.sha256((self.base + entry["command"].replace(str(paths.ROOT), "")).encode())
        try:
            for header in headers:
                whole.update(("%s %s\n" % (header.replace(str(paths.ROOT), ""), self._digest(header))).encode())
        except OSError:
            return None
        return whole.hexdigest()


def known(names):
    """Those of the names that build/dev compiles."""
    database = BUILD / "compile_commands.json"
    text = database.read_text() if database.exists() else ""
    return [name for name in names if "/%s\"" % name in text]


def check(report, names, jobs):
    """Output of the files that are not clean, and how many were looked at (the others were clean before)."""
    fingerprints = Fingerprints()
    CLEAN.mkdir(parents=True, exist_ok=True)
    marks = {name: fingerprints.of(name) for name in names}
    wanted = [name for name in names if marks[name] is None or not (CLEAN / marks[name]).exists()]
    lock, state = threading.Lock(), {"done": 0, "told": time.monotonic()}

    def one(name):
        status, output, _ = process.run("tidy-" + name, ["clang-tidy-19", "-p", "build/dev", "--quiet", name])
        if status == 0 and marks[name]:
            (CLEAN / marks[name]).touch()
        with lock:
            state["done"] += 1
            if time.monotonic() - state["told"] > SECONDS_BETWEEN_LINES:
                state["told"] = time.monotonic()
                report.progress("tidy: %d of %d  %s" % (state["done"], len(wanted), name))
        return "" if status == 0 else output or "clang-tidy-19 %s: exit status %d\n" % (name, status)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return "".join(pool.map(one, wanted)), len(wanted)
