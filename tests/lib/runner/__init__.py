"""The parts of tests/run: building, suites, and the report."""
