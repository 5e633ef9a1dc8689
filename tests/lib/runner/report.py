"""Prints each part's result as it comes, and the sum at the end."""
import sys
import threading
import time


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.broken = []
        self.started = time.monotonic()
        self.lock = threading.Lock()

    def part(self, name, passed, failed, seconds, details="", log=None):
        """Adds a part; details (of failures) are printed indented."""
        with self.lock:
            self.passed += passed
            self.failed += failed
            mark = "FAIL" if failed else "ok"
            print("%-4s %-34s %5d passed %4d failed %8.1f s" % (mark, name, passed, failed, seconds))
            if failed:
                self.broken.append(name)
                for line in details.rstrip().splitlines()[-80:]:
                    print("     | " + line)
                if log:
                    print("     | whole log: %s" % log)
            sys.stdout.flush()

    def note(self, text):
        with self.lock:
            print("     " + text, flush=True)

    def progress(self, text):
        """A line that the next one overwrites on a terminal; plain lines elsewhere."""
        with self.lock:
            if sys.stdout.isatty():
                print("\r     %-100.100s\r" % text, end="", flush=True)
            else:
                print("     " + text, flush=True)

    def finish(self) -> int:
        print("\n%.0f s" % (time.monotonic() - self.started), end="")
        print("; failed: " + ", ".join(self.broken) if self.broken else "")
        if self.passed == 0 and self.failed == 0:
            print("no tests ran")
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1
