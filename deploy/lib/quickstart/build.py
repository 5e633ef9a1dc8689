"""Packages and build, with progress."""
import os
import re
import subprocess
import sys

import show

TARGETS = ["dromos-mta", "dromos-imapd", "dromos-jmapd", "dromos-spamd", "dromos-admind", "dromosctl"]
OPTIONAL = "dromos-extract"  # imapd's reader of attachments; a target only where its libraries are


def install_packages(root):
    subprocess.run([str(root / "deploy/install-packages"), "build", "run"], check=True)


def choose_preset(root, wanted):
    if wanted:
        return wanted
    # A developer's tree has a dev build: take it rather than build everything a second time.
    if (root / "build/dev/bin/dromos-mta").exists() and not (root / "build/release/build.ninja").exists():
        return "dev"
    return "release"


def folder(root, wanted):
    """Of programs that are built already."""
    binaries = root / "build" / choose_preset(root, wanted) / "bin"
    if not all((binaries / name).exists() for name in TARGETS):
        sys.exit("quickstart: %s does not hold all of %s" % (binaries, " ".join(TARGETS)))
    return binaries


def build(root, wanted):
    preset = choose_preset(root, wanted)
    place = root / "build" / preset
    show.step("Building (preset %s; the first time takes some minutes)" % preset)
    log = place.parent / ("quickstart-%s.log" % preset)
    place.parent.mkdir(exist_ok=True)
    with open(log, "w") as out:
        if subprocess.run(["cmake", "--preset", preset], cwd=root, stdout=out, stderr=out).returncode != 0:
            sys.exit("quickstart: configuring failed:\n" + log.read_text()[-4000:])
    known = subprocess.run(["ninja", "-C", str(place), "-t", "query", OPTIONAL], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    targets = TARGETS + ([OPTIONAL] if known.returncode == 0 else [])
    process = subprocess.Popen(["ninja", "-C", str(place)] + targets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", env=dict(os.environ, NINJA_STATUS="[%f/%t] "))
    shown, lines = -1, []
    for text in process.stdout:
        lines.append(text)
        match = re.match(r"\[(\d+)/(\d+)\]", text)
        if not match:
            continue
        tenth = int(match[1]) * 10 // max(1, int(match[2]))
        if tenth != shown:
            shown = tenth
            show.line("%s of %s" % (match[1], match[2]))
    if process.wait() != 0:
        sys.exit("quickstart: the build failed:\n" + "".join(lines[-60:]))
    return place / "bin"
