"""docs/fuzz.md: the last run of each fuzz target, one row each."""
import re
import subprocess
import time

from dromostest import paths

PAGE = paths.ROOT / "docs" / "fuzz.md"
INTRO = """# Fuzzing

`tests/fuzz/run --minutes N [TARGET...]` fuzzes every parser that sees the network for N CPU-minutes each (preset `fuzz`: libFuzzer,
AddressSanitizer, UBSan) and writes a row here. Seeds are in `tests/fuzz/seeds`, new inputs stay in `var/fuzz`. Edges are the coverage that libFuzzer counts at the end of the run.

| target | CPU seconds | executions | edges | inputs kept | result | date | commit |
|---|---|---|---|---|---|---|---|
"""


def rows():
    if not PAGE.exists():
        return {}
    return {found[1]: found[0] for found in re.finditer(r"^\| (\w+) \|.*\|$", PAGE.read_text(), re.MULTILINE) if found[1] != "target"}


def commit():
    done = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "--short", "HEAD"], cwd=paths.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "?"


def record(target, cpu_seconds, executions, edges, inputs, result):
    all_rows = rows()
    cells = [target, "%.0f" % cpu_seconds, executions, edges, inputs, result, time.strftime("%Y-%m-%d"), commit()]
    all_rows[target] = "| " + " | ".join(map(str, cells)) + " |"
    PAGE.write_text(INTRO + "\n".join(all_rows[name] for name in sorted(all_rows)) + "\n")
