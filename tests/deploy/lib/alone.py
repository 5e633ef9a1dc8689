"""A test in a network namespace of its own, so that ports 25, 143, 8080 are free."""
import os
import subprocess
import sys

import network


def in_a_network_of_its_own():
    """Starts this program again inside; what goes out does so through the network it came from (engine.outside)."""
    if "DROMOS_OUTER_PID" not in os.environ:
        child = subprocess.run(["unshare", "--net", sys.executable, *sys.argv], env=dict(os.environ, DROMOS_OUTER_PID=str(os.getpid())), check=False)
        sys.exit(child.returncode)
    network.bring_up_loopback()
