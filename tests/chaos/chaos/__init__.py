"""Chaos: steady mixed load on the whole suite while its processes are killed, stopped and restarted."""
