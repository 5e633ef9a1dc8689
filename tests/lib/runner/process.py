"""Runs one command with a time limit, its output in a log file; ends the whole process group it started."""
import os
import signal
import subprocess

from dromostest import paths


def run(name, command, timeout=900, env=None, on_line=None):
    """(exit status, output, log path); status 124 after the time limit."""
    log = paths.LOGS / (name.replace("/", "_") + ".log")
    with open(log, "w", errors="replace") as out:
        process = subprocess.Popen([str(part) for part in command], cwd=paths.ROOT, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE if on_line else out, stderr=subprocess.STDOUT,
                                   text=True if on_line else None, errors="replace" if on_line else None,
                                   start_new_session=True)
        try:
            if on_line:
                for line in process.stdout:
                    out.write(line)
                    on_line(line.rstrip("\n"))
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            out.write("\ntests/run: ended after %d s\n" % timeout)
            status = 124
        except BaseException:
            end_group(process)
            raise
    return status, log.read_text(errors="replace"), log


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
