"""Many connections in IDLE, held by processes of their own: a process has descriptors, and an interpreter lock, for some thousands.

Run as a program it is such a process: on stdin a line of JSON (Idlers.begin), then "watch" (answered by the moments of EXISTS in the
INBOXes, on the clock that all processes share), at the end of stdin it ends. The parent's side is Idlers.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import threading

EACH = 5000  # connections a process
THREADS = 4


class Idlers:
    """Connections of `who` ([login, mailbox]) at `address`, opened by begin() and wait_open()."""

    def __init__(self, address, password, tls):
        self.common = dict(address=address, password=password, tls=tls)
        self.processes, self.opened = [], 0

    def begin(self, who):
        for at in range(0, len(who), EACH):
            process = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.processes.append(process)
            process.stdin.write(json.dumps(dict(self.common, who=who[at:at + EACH])) + "\n")
            process.stdin.flush()

    def answers(self, seconds, first=0):
        """A line of each from the `first` on, decoded; who is not done in time is ended."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        try:
            lines = [process.stdout.readline() for process in self.processes[first:]]
        finally:
            timer.cancel()
        if not all(lines):
            raise RuntimeError("a process of clients ended, or was not done within %d s" % seconds)
        return [json.loads(line) for line in lines]

    def wait_open(self, seconds):
        """Those of begin() since the last time."""
        for answer in self.answers(seconds, self.opened):
            if answer != "open":
                raise RuntimeError("clients: %s" % answer)
        self.opened = len(self.processes)

    def watch(self):
        for process in self.processes:
            process.stdin.write("watch\n")
            process.stdin.flush()

    def kill(self):
        for process in self.processes:
            process.kill()

    def close(self):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self.processes = []


def tell(what):
    print(json.dumps(what), flush=True)


def main():
    import resource
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    from bench import client
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    task = json.loads(sys.stdin.readline())
    context = client.tls_context() if task["tls"] else None

    def open_one(login_and_mailbox):
        login, mailbox = login_and_mailbox
        one = client.Imap(tuple(task["address"]), login, task["password"], context)
        one.idle(mailbox)
        return mailbox, one

    try:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            idlers = list(pool.map(open_one, task["who"]))
    except (OSError, EOFError, RuntimeError) as error:
        return tell("%s: %s" % (type(error).__name__, error))
    tell("open")
    for _ in sys.stdin:
        try:
            tell([one.wait_exists(60) for mailbox, one in idlers if mailbox == "INBOX"])
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            tell("%s: %s" % (type(error).__name__, error))
    for _, one in idlers:
        one.close()


if __name__ == "__main__":
    main()
