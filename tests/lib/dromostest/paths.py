"""Where things are: the repository, the build, the logs of tests."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("DROMOS_BUILD", ROOT / "build" / "dev"))
BIN = BUILD / "bin"
LOGS = ROOT / "var" / "test-logs"
MIGRATIONS = ROOT / "common" / "store" / "migrations"
