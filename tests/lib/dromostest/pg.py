"""One private PostgreSQL 15 cluster: no TCP, socket in its own folder, fsync on, small.

As root the server runs as user postgres (PostgreSQL refuses root), otherwise as the caller. The superuser is
called postgres in both cases. Everything is ended through pg_ctl with the cluster's own data folder.
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import uuid

from . import paths

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
TEMPLATE = "dromos_template"

SETTINGS = {
    "listen_addresses": "''",
    "port": "5432",
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "max_prepared_transactions": "10",
    "autovacuum_naptime": "5s",
    "log_min_duration_statement": "5s",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "deadlock_timeout": "200ms",
    "recovery_init_sync_method": "syncfs",  # not file by file: there are 300 partitions
}


class Failure(Exception):
    pass


MEMORY = pathlib.Path("/dev/shm")


def run(command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    if done.returncode != 0:
        raise Failure("%s: exit %d\n%s" % (" ".join(map(str, command)), done.returncode, done.stdout))
    return done.stdout


def memory_is_plenty() -> bool:
    try:
        room = os.statvfs(MEMORY)
        free = dict(line.split(":", 1) for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
        return os.access(MEMORY, os.W_OK) and room.f_bavail * room.f_frsize >= 4 << 30 and int(free["MemAvailable"].split()[0]) >= 8 << 20
    except (OSError, KeyError):
        return False


class Cluster:
    def __init__(self, folder: pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.conninfo = "host=%s port=5432 user=postgres" % self.folder

    # -- life -------------------------------------------------------------------------------------------
    @classmethod
    def create(cls, in_memory=False, **settings) -> "Cluster":
        """A new, running cluster in a new folder. In memory, where there is plenty: a database for each test is some two
        thousand files made and removed, most of a test's CPU on a disk. Whoever measures or pulls plugs wants the disk."""
        if not (BINARIES / "initdb").exists():
            raise Failure("PostgreSQL 15 is not installed: run deploy/install-packages")
        cluster = cls(tempfile.mkdtemp(prefix="dromos-pg-", dir="/tmp"))
        try:
            if in_memory and memory_is_plenty():
                cluster.data.symlink_to(tempfile.mkdtemp(prefix="dromos-pg-", dir=MEMORY))
            cluster.initialise()
            cluster.start(**settings)
        except BaseException:
            cluster.remove_files()
            raise
        return cluster

    @classmethod
    @contextlib.contextmanager
    def own(cls, in_memory=False):
        """A cluster with its template, removed at the end of the `with`."""
        cluster = cls.create(in_memory)
        try:
            cluster.prepare_template()
            yield cluster
        finally:
            cluster.remove()

    def initialise(self):
        # Daemons and tests of other users reach the socket; the data folder below stays 0700.
        self.folder.chmod(0o711)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            if self.data.is_symlink():
                os.chown(self.data.resolve(), user.pw_uid, user.pw_gid)
        self._as_server(BINARIES / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
                        "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")

    def start(self, **settings):
        options = " ".join("-c %s=%s" % item for item in dict(SETTINGS, **settings).items())
        options += " -c unix_socket_directories=%s" % self.folder
        # Output goes to a file: a server holding our pipe would keep us waiting for its end.
        self._as_server(BINARIES / "pg_ctl", "-D", self.data, "-l", self.log, "-o", options, "-w", "-t", "60", "start")

    def stop(self, mode="fast"):
        if self.data.exists():
            self._as_server(BINARIES / "pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop")

    def remove(self):
        try:
            if self.running():
                self.stop("immediate")
        finally:
            self.remove_files()

    def remove_files(self):
        if self.data.is_symlink():
            shutil.rmtree(self.data.resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        return self._server_command(BINARIES / "pg_ctl", "-D", self.data, "status").returncode == 0

    def postmaster_pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def _server_command(self, *command):
        command = [str(part) for part in command]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + command
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                                  env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
            out.seek(0)
            done.stdout = out.read()
        return done

    def _as_server(self, *command):
        done = self._server_command(*command)
        if done.returncode != 0:
            log = self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
            raise Failure("%s failed:\n%s%s" % (pathlib.Path(command[0]).name, done.stdout, log))

    # -- remembered by a folder, for the command line and tests/run -----------------------------------------
    @classmethod
    def start_remembered(cls, folder) -> "Cluster":
        note = pathlib.Path(folder) / "pg.env"
        if note.exists():
            cluster = cls(pathlib.Path(note.read_text().strip()))
            if cluster.data.exists():
                if not cluster.running():
                    cluster.start()
                return cluster
        note.parent.mkdir(parents=True, exist_ok=True)
        cluster = cls.create()
        note.write_text("%s\n" % cluster.folder)
        return cluster

    @classmethod
    def stop_remembered(cls, folder):
        note = pathlib.Path(folder) / "pg.env"
        if note.exists():
            cls(pathlib.Path(note.read_text().strip())).remove()
            note.unlink()

    # -- use --------------------------------------------------------------------------------------------
    def psql_command(self, database="postgres", user="postgres"):
        return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                "%s dbname=%s user=%s" % (self.conninfo, database, user)]

    def psql(self, sql=None, database="postgres", file=None, user="postgres", single=False) -> str:
        """Unaligned rows; stops at the first error. `file` goes through stdin, so postgres need not read it."""
        command = self.psql_command(database, user)
        if single:
            command.append("-1")
        text = pathlib.Path(file).read_text() if file else sql
        return run(command + ["-f", "-"], input=text).strip()

    def prepare_template(self):
        """Database dromos_template with the schema of this checkout, made anew when migrations changed."""
        self.psql("DROP DATABASE IF EXISTS %s (FORCE)" % TEMPLATE)
        self.psql("CREATE DATABASE %s ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0"
                  % TEMPLATE)
        ctl = paths.BIN / "dromosctl"
        target = "%s dbname=%s" % (self.conninfo, TEMPLATE)
        if ctl.exists():
            run([str(ctl), "migrate", "--conninfo", target])
            return
        # Before dromosctl is built: the first file as superuser, the others as the owner it creates.
        for migration in sorted(paths.MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql")):
            number = int(migration.name[:4])
            try:
                self.psql(database=TEMPLATE, file=migration, single=True,
                          user="postgres" if number < 10 else "dromos_owner")
            except Failure as failure:
                raise Failure("%s: %s" % (migration.name, failure)) from None

    def create_database(self, prefix="t") -> str:
        name = "%s_%s" % (prefix, uuid.uuid4().hex[:16])
        self.psql('CREATE DATABASE %s TEMPLATE %s' % (name, TEMPLATE))
        return name

    def drop_database(self, name: str):
        self.psql('DROP DATABASE IF EXISTS %s (FORCE)' % name)


def from_environment() -> Cluster:
    """The cluster that DROMOS_TEST_PG names; it must be one of ours."""
    conninfo = os.environ.get("DROMOS_TEST_PG", "")
    parts = dict(part.split("=", 1) for part in conninfo.split())
    if "host" not in parts:
        raise Failure("DROMOS_TEST_PG is not set: run `eval $(tests/lib/pg_cluster start var/pg); "
                      "export DROMOS_TEST_PG`, or use tests/run")
    return Cluster(pathlib.Path(parts["host"]))


@contextlib.contextmanager
def any_cluster():
    """The cluster of DROMOS_TEST_PG (tests/run starts it), or one for the length of the `with`."""
    if os.environ.get("DROMOS_TEST_PG"):
        yield from_environment()
        return
    with Cluster.own() as cluster:
        yield cluster
