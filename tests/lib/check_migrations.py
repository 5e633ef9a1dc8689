#!/usr/bin/python3
"""Migrations that have landed are final: databases that hold mail ran them as they were. common/store/migrations/sealed.sha256
lists each with its hash; a listed file may neither change nor go, and a new one must come after all of them.

    tests/lib/check_migrations.py          verify (a check of tests/run)
    tests/lib/check_migrations.py --seal   add what is new, when it lands
"""
import hashlib
import sys

from dromostest import paths

FOLDER = paths.ROOT / "common" / "store" / "migrations"
LIST = FOLDER / "sealed.sha256"


def sealed():
    lines = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return {name: digest for digest, name in lines}


def digest_of(name):
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()


def faults(known, present):
    for name, digest in known.items():
        if name not in present:
            yield "%s is sealed and is not there" % name
        elif digest_of(name) != digest:
            yield "%s has landed and may not change: write what is new into a migration of its own" % name
    newest = max(known)
    for name in present:
        if name not in known and name < newest:
            yield "%s must come after %s, which has landed" % (name, newest)
    numbers = [name[:4] for name in present]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield "%s is the number of two migrations" % number


def main() -> int:
    known, present = sealed(), sorted(path.name for path in FOLDER.glob("*.sql"))
    bad = list(faults(known, present))
    for fault in bad:
        print("common/store/migrations: " + fault)
    if not bad and sys.argv[1:] == ["--seal"]:
        new = [name for name in present if name not in known]
        with open(LIST, "a") as out:
            out.writelines("%s  %s\n" % (digest_of(name), name) for name in new)
        print("%d sealed" % len(new))
    else:
        print("%d migrations, %d sealed, %d faults" % (len(present), len(known), len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
