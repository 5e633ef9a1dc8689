"""What a group of processes costs: CPU seconds and proportional memory (PSS).

CPU comes from a cgroup (exact, counts processes that have ended) where one can be made, else from /proc: own time plus
that of children a live process has waited for, which misses a server process that ends between two looks.
"""
import os
import pathlib

ROOTS = (pathlib.Path("/sys/fs/cgroup/cpuacct"), pathlib.Path("/sys/fs/cgroup"))
TICKS = os.sysconf("SC_CLK_TCK")


def processes_below(pid):
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        try:
            for task in pathlib.Path("/proc/%d/task" % one).glob("*/children"):
                todo += map(int, task.read_text().split())
        except OSError:
            continue
        found.append(one)
    return found


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def proc_seconds(pids):
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
        except OSError:
            pass
    return total / TICKS


def cgroup_seconds(folder):
    usage = folder / "cpuacct.usage"
    if usage.exists():
        return int(usage.read_text()) / 1e9
    return int((folder / "cpu.stat").read_text().split()[1]) / 1e6


class Group:
    """One accounting unit: a cgroup of our own, or a list of root processes."""

    def __init__(self, name):
        self.name, self.folder, self.roots = name, None, []
        for root in ROOTS:
            if not any((root / file).exists() for file in ("cpuacct.usage", "cpu.stat")):
                continue
            try:
                folder = root / ("dromos-bench-%d-%s" % (os.getpid(), name))
                folder.mkdir(exist_ok=True)
                self.folder = folder
                break
            except OSError:
                continue

    def add(self, pid):
        self.roots.append(pid)
        if self.folder:
            for one in processes_below(pid):
                try:
                    (self.folder / "cgroup.procs").write_text(str(one))
                except ProcessLookupError:
                    pass  # a worker of PostgreSQL that has ended

    def exact(self):
        return self.folder is not None

    def seconds(self):
        return cgroup_seconds(self.folder) if self.folder else proc_seconds(self.processes())

    def processes(self):
        return [pid for root in self.roots for pid in processes_below(root)]

    def pss_kib(self):
        return pss_kib(self.processes())

    def remove(self):
        if self.folder:
            try:
                self.folder.rmdir()
            except OSError:
                pass


class ForeignGroup:
    """A cgroup that somebody else keeps (the peer's)."""

    def __init__(self, name):
        self.name = name.rsplit("/", 1)[-1]
        self.folder = next((root / name for root in ROOTS if (root / name).is_dir()), None)

    def seconds(self):
        return cgroup_seconds(self.folder)

    def processes(self):
        return [int(pid) for file in [self.folder / "cgroup.procs", *self.folder.glob("**/cgroup.procs")] for pid in file.read_text().split()]

    def pss_kib(self):
        return pss_kib(set(self.processes()))
