"""Configures and builds a preset with a line of progress every few seconds."""
import re
import time

from dromostest import paths

from . import process

PROGRESS = re.compile(r"^\[(\d+)/(\d+)\] .*?([^/ ]+)$")
SECONDS_BETWEEN_LINES = 15


def preset(report, name, jobs, targets=None):
    """Builds all, or those of `targets` (patterns) that exist. Counts as one check: it built, or not."""
    started = time.monotonic()
    report.progress("configuring %s ..." % name)
    status, output, log = process.run("configure-" + name, ["cmake", "--preset", name])
    if status != 0:
        report.part("build " + name, 0, 1, time.monotonic() - started, output, log)
        return
    command = ["ninja", "-C", "build/" + name, "-k", "0", "-j", str(jobs)]
    if targets is not None:
        chosen = existing_targets(name, targets)
        if not chosen:
            report.note("build %s: none of its targets exists yet" % name)
            return
        command += chosen
    last = [0.0]

    def on_line(line):
        found = PROGRESS.match(line)
        if found and found[1] != "0" and time.monotonic() - last[0] > SECONDS_BETWEEN_LINES:
            last[0] = time.monotonic()
            report.progress("building %s: %s of %s  %s" % (name, found[1], found[2], found[3]))

    status, output, log = process.run("build-" + name, command, timeout=7200, on_line=on_line)
    failed = "\n".join(line for line in output.splitlines() if re.search(r"error|FAILED|undefined", line))
    report.part("build " + name, int(status == 0), int(status != 0), time.monotonic() - started, failed or output, log)


def existing_targets(name, patterns):
    _, output, _ = process.run("targets-" + name, ["ninja", "-C", "build/" + name, "-t", "targets", "all"])
    names = {line.split(":")[0] for line in output.splitlines()}
    return sorted(target for target in names
                  if "/" not in target and any(re.fullmatch(pattern, target) for pattern in patterns))


def binaries(name, folder, pattern):
    """Built programs of the present build files: one that was renamed or removed may still lie there."""
    where = paths.ROOT / "build" / name / folder
    return [where / target for target in existing_targets(name, [pattern]) if (where / target).is_file()]
