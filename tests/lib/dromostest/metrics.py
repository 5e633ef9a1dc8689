"""What a daemon's /metrics page says."""
import urllib.request


def read(daemon, series: str) -> float:
    """Value of a series, written as on the page with its labels; KeyError if it is not there."""
    with urllib.request.urlopen("http://%s:%d/metrics" % daemon.address("metrics"), timeout=10) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
    raise KeyError(series)


def commit_calls(daemon, outcome: str) -> int:
    """Calls of the process's group commit that ended so."""
    return int(read(daemon, 'dromos_common_commit_calls_total{outcome="%s"}' % outcome))
