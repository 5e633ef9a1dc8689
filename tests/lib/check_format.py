#!/usr/bin/python3
"""Every tracked C++ file is formatted as .clang-format says. `--fix` formats instead of complaining."""
import subprocess
import sys

from runner.suites import git
from dromostest import paths

CHUNK = 40


def main() -> int:
    names = [n for n in git("ls-files", "*.h", "*.cpp") or [] if (paths.ROOT / n).exists()]
    if not names:
        print("no C++ files found: is this a git clone?")
        return 1
    action = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]
    bad = 0
    for start in range(0, len(names), CHUNK):
        bad |= subprocess.call(["clang-format-19", *action, *names[start:start + CHUNK]], cwd=paths.ROOT)
    print("%d files%s" % (len(names), "; mend with: tests/lib/check_format.py --fix" if bad else ""))
    return int(bad != 0)


if __name__ == "__main__":
    sys.exit(main())
