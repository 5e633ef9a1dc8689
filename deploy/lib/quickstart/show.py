"""What the quickstart says in the terminal."""
import sys

COLOUR = sys.stdout.isatty()


def paint(code, text):
    return "\033[%sm%s\033[0m" % (code, text) if COLOUR else text


def step(text):
    print(paint("1;34", "==>"), text, flush=True)


def line(text):
    print("    " + text, flush=True)


def good(text):
    print("  " + paint("32", "ok") + "  " + text, flush=True)


def failure(text):
    print(paint("31", "quickstart: ") + text, file=sys.stderr, flush=True)
