"""What Dromos' Python tests share: a private PostgreSQL, daemons as subprocesses, small protocol clients."""
