"""Figures and their page. tests/bench/figures.json holds the last figure of each name; docs/bench.md is made from it."""
import json
import os
import pathlib
import platform
import subprocess
import time

from dromostest import paths

STORE = paths.ROOT / "tests" / "bench" / "figures.json"
PAGE = paths.ROOT / "docs" / "bench.md"
BEGIN, END = "<!-- figures: written by tests/bench/run -->", "<!-- end of figures -->"
INTRO = """`tests/bench/run [NAME...]` measures and writes this part of the page (from `tests/bench/figures.json`). Build: preset `bench` (-O2, fault
points compiled in) unless the column says another (`dev` is -O1). Our figures count the five daemons and every process of PostgreSQL; CPU is from a cgroup where one can be made. With
`DROMOS_BENCH_DIR` (load tools and peers) the peer runs in turn with ours, and the ratio is the median of the rounds: absolute
figures move with the machine and with what else runs on it, ratios less. "Load" is the machine's load average when the run began.
"""


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    return "%d x %s, %d GiB, Linux %s" % (os.cpu_count(), model, memory, platform.release().split("-")[0])


def commit():
    done = subprocess.run(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty", "--abbrev=8"], cwd=paths.ROOT, stdout=subprocess.PIPE,
                          text=True, check=False)
    return done.stdout.strip() or "?"


class Figures:
    def __init__(self):
        self.all = json.loads(STORE.read_text()) if STORE.exists() else {}
        self.common = dict(date=time.strftime("%Y-%m-%d %H:%M"), commit=commit(), machine=machine(), build=paths.BUILD.name)

    def add(self, bench, name, ours, unit, goal="", peer=None, ratio=None, note=""):
        self.all.setdefault(bench, {})[name] = dict(self.common, ours=ours, unit=unit, goal=goal, peer=peer, ratio=ratio, note=note,
                                                    load=round(os.getloadavg()[0], 1))
        print("  %-44s %10s %-10s%s%s%s" % (name, ours, unit, "" if peer is None else "  peer %s" % peer, "" if ratio is None else "  ratio %s" % ratio,
                                         "  (goal %s)" % goal if goal else ""), flush=True)

    def start(self, bench):
        self.all[bench] = {}

    def save(self):
        STORE.write_text(json.dumps(self.all, indent=1, sort_keys=True) + "\n")
        out = [INTRO]
        for bench, rows in sorted(self.all.items()):
            out.append("\n## %s\n| figure | ours | unit | peer | ratio | goal | date | commit | build | load | note |\n|---|---|---|---|---|---|---|---|---|---|---|" % bench)
            for name, row in rows.items():
                cells = [name] + [row[key] for key in ("ours", "unit", "peer", "ratio", "goal", "date", "commit", "build", "load", "note")]
                out.append("| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |")
        out.append("\nMachines: " + "; ".join(sorted({row["machine"] for rows in self.all.values() for row in rows.values()})))
        before, after = "# Benchmarks\n\n", "\n"
        if PAGE.exists():
            text = PAGE.read_text()
            if BEGIN not in text:
                text = text.replace("# Benchmarks\n", "# Benchmarks\n\n%s\n%s\n" % (BEGIN, END), 1)
            before, after = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(before + BEGIN + "\n" + "\n".join(out) + "\n" + END + after)
