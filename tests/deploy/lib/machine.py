"""A bare Debian 12 with systemd as its first process, in a folder: mmdebstrap makes it, systemd-nspawn boots it."""
import os
import pathlib
import shutil
import subprocess
import time

from engine import MIRROR, Failure, outside

# What Debian calls minimal, an init system, and the database that the packages recommend.
PACKAGES = "systemd,systemd-sysv,dbus,postgresql-15,ca-certificates"
BOOT_SECONDS = 120


class Machine:
    def __init__(self, folder):
        self.folder, self.root = folder, folder / "root"
        self.process = self.leader = None

    @staticmethod
    def run(*command, input=None, timeout=1800, wanted=0):
        done = subprocess.run([str(word) for word in command], input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=timeout, env=dict(os.environ, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive"))
        if wanted is not None and done.returncode != wanted:
            raise Failure("%s: exit %d\n%s" % (" ".join(map(str, command))[:300], done.returncode, done.stdout[-6000:]))
        return done.stdout

    # -- life ---------------------------------------------------------------------------------------------------
    def make(self):
        """A copy of the bare system, which is made once."""
        bare = self.folder / "bare"
        if not (bare / "usr/lib/systemd/systemd").exists():
            print("a bare Debian 12 by mmdebstrap ...", flush=True)
            shutil.rmtree(bare, ignore_errors=True)
            bare.parent.mkdir(parents=True, exist_ok=True)
            self.run(*outside(), "mmdebstrap", "--variant=minbase", "--include=" + PACKAGES, "bookworm", bare, "-", input=MIRROR)
        shutil.rmtree(self.root, ignore_errors=True)
        self.run("cp", "-a", bare, self.root)

    def apt(self, *words):
        """apt-get in the folder while it does not run, through the network this test was started in."""
        self.run(*outside(), "systemd-nspawn", "-q", "-D", self.root, "-M", "dromos-packages", "--register=no", "--keep-unit", "--resolv-conf=copy-host", "--pipe",
                 "apt-get", "-q", "-y", *words)

    def boot(self):
        """nspawn's own filter of Debian 12 knows nothing of landlock, which a machine would allow."""
        with open(self.folder / "console.log", "w") as log:
            self.process = subprocess.Popen(["systemd-nspawn", "-q", "-D", self.root, "-M", "dromos-packages", "--register=no", "--keep-unit", "--resolv-conf=off",
                                             "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self", "--boot"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            children = pathlib.Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read_text().split()
            if children:
                self.leader = children[-1]
                if self.inside("systemctl is-system-running", wanted=None).strip() in ("running", "degraded"):
                    return
            time.sleep(0.5)
        raise Failure("it does not boot:\n" + (self.folder / "console.log").read_text()[-4000:])

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()  # an orderly shutdown
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # -- use ------------------------------------------------------------------------------------------------------
    def inside(self, script, user=None, wanted=0, input=None, timeout=300):
        command = ["runuser", "-u", user, "--"] if user else []
        return self.run("nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--pid", "--root", "--wdns=/", "--",
                        "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", *command, "sh", "-euc", script, input=input, timeout=timeout, wanted=wanted)

    def journal(self, unit, *options):
        return self.inside("journalctl -q --no-pager -o cat -u %s %s" % (unit, " ".join(options)))

    def group(self, name):
        lines = (self.root / "etc/group").read_text().splitlines()
        return next(int(line.split(":")[2]) for line in lines if line.startswith(name + ":"))
