"""A clone of 150 characters with the programs of this build: what deploy/quickstart needs of a clone, without building."""
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

from dromostest import paths

PATH_LENGTH = 150
PATIENCE = 120  # seconds, for a machine that is busy with other things

# Brings up the loopback of a new network namespace (Debian's minimum has no `ip`), then becomes its arguments.
LOOPBACK = """
import fcntl, os, socket, struct, sys
probe = socket.socket()
fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Clone:
    def __init__(self, folder):
        head = str(folder.resolve()) + "/"
        self.root = pathlib.Path(head + "x" * (PATH_LENGTH - len(head)))
        for name in ("deploy", "tests/lib"):
            shutil.copytree(paths.ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__", "secrets", "tls"))
        (self.root / "build").mkdir()
        (self.root / "build/dev").symlink_to(paths.BUILD)
        self.children = []

    def command(self, *arguments):
        return [str(self.root / "deploy/quickstart"), "--no-build", "--preset", "dev", *arguments]

    def run(self, *arguments, answer=""):
        return subprocess.run(self.command(*arguments), input=answer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)

    def run_alone(self, *arguments):
        """In a network of its own, where all standard ports are free."""
        return subprocess.run(["unshare", "--net", sys.executable, "-c", LOOPBACK, *self.command(*arguments)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)

    def start(self, *arguments):
        """In the foreground of a session of its own, so that a signal goes to all of it as Ctrl-C does, which a shell's
        background job would ignore."""
        child = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.children.append(child)
        return child

    def env(self):
        """var/quickstart.env as a shell reads it."""
        script = "set -a; . %s; env -0" % shlex.quote(str(self.root / "var/quickstart.env"))
        out = subprocess.run(["env", "-i", "/bin/sh", "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout
        return dict(pair.split("=", 1) for pair in out.split("\0") if pair.startswith("DROMOS_"))

    def place(self):
        return pathlib.Path(self.env()["DROMOS_CONFIG"]).parent

    def close(self):
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(PATIENCE)
        self.run("--stop")
        if (self.root / "var/quickstart.env").exists():
            shutil.rmtree(self.place(), ignore_errors=True)


def alive(pid):
    """Running, that is: what has ended and waits for init to notice is not."""
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
