"""Benchmarks: the suite (five daemons and their PostgreSQL) under load, and the peer beside it where there is one."""
