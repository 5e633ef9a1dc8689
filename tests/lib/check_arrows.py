#!/usr/bin/python3
"""Includes follow the arrows of docs/STYLE.md: each folder may include only what stands in its row.

Also: no daemon includes another, common/testing is for tests only, and some third-party headers belong to one
folder (grpcpp to common/rpc, libpq to common/db, http_parser to common/http, ...).
"""
import re
import sys

from runner.suites import git
from dromostest import paths

PURE = {"base"}
LOGGED = {"base", "log", "metrics"}
REACTOR = LOGGED | {"async"}
STORE = REACTOR | {"crypto", "db", "mime", "config"}
ALLOWED = {  # folder of common -> folders of common it may include (itself is always allowed)
    "base": set(),
    "crypto": PURE,
    "log": PURE,
    "metrics": PURE,
    "config": PURE,
    "mime": PURE,
    "smtp": PURE,
    "sasl": PURE | {"crypto"},
    "sieve": PURE | {"mime"},
    "async": LOGGED,
    "net": REACTOR | {"crypto", "config"},
    "dns": REACTOR | {"net", "config"},
    "http": REACTOR | {"net", "crypto"},
    "db": REACTOR | {"crypto", "config"},
    "rpc": REACTOR | {"crypto", "config", "net"},
    "auth": PURE | {"crypto", "mime", "dns", "async"},
    "store": STORE,
    "directory": STORE | {"sasl"},
    "jobs": STORE | {"store", "directory"},
    "daemon": REACTOR | {"crypto", "config", "net", "db", "rpc", "http", "dns", "store", "directory"},
    "testing": {"*"},
}
DAEMONS = ["mta", "imapd", "jmapd", "spamd", "admind"]
PROTOCOL = {"base", "mime", "smtp"}  # <daemon>/protocol is wire syntax: bytes in, values out
# A layer includes only those before it. Verbs act on the session that calls them, so the two are one layer.
LAYERS = {"protocol": 0, "service": 1, "commands": 2, "session": 2, "pop3": 2, "rpc": 3}
OWNERS = {  # third-party header -> folder that wraps it
    r"grpcpp/|grpc/": "common/rpc",
    r"libpq-fe\.h|postgresql/": "common/db",
    r"http_parser\.h": "common/http",
    r"yaml-cpp/": "common/config",
    r"unbound\.h": "common/dns",
    r"nghttp2/": "common/rpc",
    r"event2/": "common/async common/net common/dns common/daemon common/rpc",
    r"tl/expected\.hpp": "common/base",
    r"openssl/": "common/crypto common/net",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def fault(name, target):
    """Why file `name` may not include project file `target`, or None."""
    here, there = name.split("/"), target.split("/")
    if here[0] in ("tests", "deploy") or there[0] not in DAEMONS + ["common"]:
        return None
    if there[0] == "common" and there[1] == "testing" and here[:2] != ["common", "testing"]:
        return "common/testing is for tests only"
    if here[0] == "common":
        if there[0] != "common":
            return "a library includes no daemon"
        allowed = ALLOWED.get(here[1])
        if allowed is None:
            return "common/%s has no row in tests/lib/check_arrows.py" % here[1]
        if there[1] != here[1] and there[1] not in allowed and "*" not in allowed:
            return "common/%s may include only: %s" % (here[1], ", ".join(sorted(allowed)) or "nothing")
    elif here[0] in DAEMONS:
        if there[0] in DAEMONS and there[0] != here[0]:
            return "a daemon never includes another: they meet in proto/ and the store"
        if here[1] == "protocol" and there[0] == "common" and there[1] not in PROTOCOL:
            return "%s/protocol may include only: %s" % (here[0], ", ".join(sorted(PROTOCOL)))
        return layer_fault(here, there)
    return None


def layer_fault(here, there):
    if there[0] != here[0] or here[1] == there[1] or here[1] not in LAYERS or len(there) < 3:
        return None
    if there[1] in LAYERS and LAYERS[there[1]] > LAYERS[here[1]]:
        return "%s/%s is below %s/%s and must not include it" % (here[0], here[1], there[0], there[1])
    return None


def main() -> int:
    names = git("ls-files", "*.h", "*.cpp") or []
    count, bad = 0, 0
    for name in names:
        path = paths.ROOT / name
        if not path.exists():
            continue
        for found in INCLUDE.finditer(path.read_text(errors="replace")):
            count += 1
            reason = fault(name, found[1]) if found[1] else None
            if found[2] and not name.startswith(("tests/", "common/testing/")):
                for pattern, owners in OWNERS.items():
                    if re.match(pattern, found[2]) and not any(name.startswith(o + "/") for o in owners.split()):
                        reason = "<%s> belongs to %s" % (found[2], owners)
            if reason:
                bad += 1
                print("%s includes %s: %s" % (name, found[1] or found[2], reason))
    print("%d includes in %d files, %d wrong" % (count, len(names), bad))
    return int(bad > 0 or count == 0)


if __name__ == "__main__":
    sys.exit(main())
