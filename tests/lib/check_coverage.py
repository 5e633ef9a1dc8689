#!/usr/bin/python3
"""docs/rfc/COVERAGE.md: each row | section | what | file | test | names files that exist. Tests may be named
as `path` or `path::case`; for Catch2 files and Python the case must occur in the file. Each capability that imapd
announces is named in a row of the section of IMAP."""
import re
import sys

from dromostest import paths

TABLE = paths.ROOT / "docs" / "rfc" / "COVERAGE.md"
CAPABILITIES = paths.ROOT / "imapd" / "commands" / "capability.cpp"


def fault(reference):
    path, _, case = reference.partition("::")
    target = paths.ROOT / path
    if not target.exists():
        return "%s does not exist" % path
    if case and (target.is_dir() or case not in target.read_text(errors="replace")):
        return "%s has no case \"%s\"" % (path, case)
    return None


def capabilities_without_row():
    section = re.search(r"^## IMAP.*?(?=^## |\Z)", TABLE.read_text(), re.MULTILINE | re.DOTALL)[0]
    rows = "\n".join(line.split("|")[2] for line in section.splitlines() if line.startswith("|"))
    source = CAPABILITIES.read_text()
    announced = " ".join(re.findall(r'"([^"\n]*)"', source[source.index("capabilities(const"):source.index("handle_capability")])).split()
    # AUTH= goes on with a mechanism: those stand below SASL.
    names = {name.rstrip("=") for name in announced} - {"AUTH"}
    return sorted(name for name in names if not re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(name), rows))


def main() -> int:
    rows, bad = 0, 0
    for name in capabilities_without_row():
        bad += 1
        print("docs/rfc/COVERAGE.md: imapd announces %s, and no row of IMAP names it" % name)
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 4 or cells[0] in ("Section", "") or set(cells[0]) <= {"-", ":"}:
            continue
        rows += 1
        problems = []
        for name, cell in (("file", cells[2]), ("test", cells[3])):
            references = re.findall(r"`([^`]+)`", cell)
            if not references:
                problems.append("no %s named in backquotes" % name)
            problems += [p for p in map(fault, references) if p]
        for problem in problems:
            bad += 1
            print("docs/rfc/COVERAGE.md:%d: %s: %s" % (number, cells[0], problem))
    print("%d rows, %d faults" % (rows, bad))
    return int(bad > 0 or rows == 0)


if __name__ == "__main__":
    sys.exit(main())
