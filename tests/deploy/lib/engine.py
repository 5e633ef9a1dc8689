"""A private container engine in one folder: podman's service behind docker's socket, buildah for images, and a `docker` command over both."""
import os
import shutil
import subprocess
import threading
import time

LIMITS = '["nofile=20000:20000", "nproc=30000:30000"]'  # no more than a container engine inside a container may give
MIRROR = "deb http://deb.debian.org/debian bookworm main\ndeb http://deb.debian.org/debian bookworm-updates main\ndeb http://deb.debian.org/debian-security bookworm-security main\n"

DOCKER = """#!/bin/sh
# The few words of `docker` that deploy/compose/README.md uses.
case $1 in
  build) shift; [ %(build)s = yes ] || exit 0; exec %(outside)s buildah bud --isolation chroot --pull=never --layers "$@" ;;
  compose) shift; exec docker-compose "$@" ;;
  start | exec) exec podman "$@" ;;  # docker-compose 1.29 attaches by these words
  *) echo "docker: $1?" >&2; exit 64 ;;
esac
"""


def outside():
    """A command's prefix: in the network that tests/deploy/image was started in."""
    return ["nsenter", "--net=/proc/%s/ns/net" % os.environ["DROMOS_OUTER_PID"]]


class Failure(Exception):
    pass


class Engine:
    def __init__(self, folder, build):
        self.folder, self.build = folder, build
        self.env = dict(os.environ, CONTAINERS_CONF=str(folder / "containers.conf"), CONTAINERS_STORAGE_CONF=str(folder / "storage.conf"),
                        DOCKER_HOST="unix://%s/api.sock" % folder, PATH="%s:%s" % (folder / "bin", os.environ["PATH"]),
                        DISABLE_HC_SYSTEMD="true", LC_ALL="C.UTF-8")
        self.service = self.health = None
        self.ending = threading.Event()

    def run(self, *command, cwd=None, input=None, timeout=600):
        done = subprocess.run([str(word) for word in command], cwd=cwd, env=self.env, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout)
        if done.returncode != 0:
            raise Failure("%s: exit %d\n%s" % (" ".join(map(str, command))[:500], done.returncode, done.stdout[-6000:]))
        return done.stdout

    def start(self):
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        (self.folder / "bin/docker").write_text(DOCKER % {"build": "yes" if self.build else "no", "outside": " ".join(outside())})
        (self.folder / "bin/docker").chmod(0o755)
        (self.folder / "storage.conf").write_text('[storage]\ndriver = "overlay"\ngraphroot = "%s/root"\nrunroot = "%s/run"\n' % (self.folder, self.folder))
        (self.folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = %s\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
            'compat_api_enforce_docker_hub = false\n' % LIMITS)
        log = open(self.folder / "service.log", "w")
        self.service = subprocess.Popen(["podman", "system", "service", "--time=0", self.env["DOCKER_HOST"]], env=self.env, stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not (self.folder / "api.sock").exists():
            if self.service.poll() is not None or time.monotonic() > end:
                raise Failure("podman's service did not start:\n" + (self.folder / "service.log").read_text())
            time.sleep(0.1)
        self.health = threading.Thread(target=self.check_health, daemon=True)
        self.health.start()

    def check_health(self):
        """What podman leaves to systemd's timers: each container's health check, every two seconds."""
        while not self.ending.wait(2):
            ids = subprocess.run(["podman", "ps", "-q"], env=self.env, stdout=subprocess.PIPE, text=True).stdout.split()
            for one in ids:
                subprocess.run(["podman", "healthcheck", "run", one], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def has_image(self, name):
        return subprocess.run(["podman", "image", "exists", name], env=self.env).returncode == 0

    def base_images(self, postgres):
        if not self.has_image("docker.io/library/debian:12"):
            print("debian:12 by mmdebstrap ...", flush=True)
            tar = self.folder / "debian.tar"
            self.run(*outside(), "mmdebstrap", "--variant=minbase", "bookworm", tar, "-", input=MIRROR, timeout=1800)
            self.run("podman", "import", tar, "docker.io/library/debian:12")
            tar.unlink()
        self.run("podman", "tag", "docker.io/library/debian:12", "docker.io/library/debian:12-slim")
        if not self.has_image("docker.io/library/postgres:15"):
            print("a stand-in for postgres:15 ...", flush=True)
            self.run(*outside(), "buildah", "bud", "--isolation", "chroot", "--pull=never", "-t", "docker.io/library/postgres:15", postgres, timeout=1800)

    def logs(self):
        ids = subprocess.run(["podman", "ps", "-aq"], env=self.env, stdout=subprocess.PIPE, text=True).stdout.split()
        return "\n".join(subprocess.run(["podman", "logs", "--names", "--tail", "60", one], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True).stdout for one in ids)

    def stop(self, keep):
        self.ending.set()
        if self.health:
            self.health.join()
        for command in (["podman", "rm", "-af", "-t", "5"], ["podman", "volume", "prune", "-f"], ["podman", "network", "prune", "-f"]):
            subprocess.run(command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not keep:
            subprocess.run(["podman", "rmi", "-af"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.service:
            self.service.terminate()
            self.service.wait(30)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
