"""The worker under test: a worker like any other that serves ConformanceService too. Started by server.py."""

import sys

from service import SERVICE

from snakepit.worker import run

if __name__ == "__main__":
    path, max_message_bytes = sys.argv[1:]
    run(path, [SERVICE], int(max_message_bytes))
