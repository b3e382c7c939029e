"""Real workers in milliseconds: imports the worker once and forks one for each path that it reads, a line each.

Says `PATH CODE` when one has ended. What a worker writes goes to `PATH.log`. Its token is 64 zeros.
"""

import os
import select
import signal
import sys

from snakepit import _handshake, _leader, _runtime, _threads, _worker_service, worker  # noqa: F401
from snakepit._loading import load

TOKEN = b"0" * 64 + b"\n"


def start(path: str, inputs: dict[int, tuple[str, int]]) -> None:
    read, write = os.pipe()
    os.write(write, TOKEN)
    pid = os.fork()
    if pid == 0:
        # What was inherited belongs to the farm and to other workers.
        log = os.open(f"{path}.log", os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(read, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        try:
            worker.run(path)
        finally:
            os._exit(1)
    os.close(read)
    inputs[pid] = (path, write)


def reap(inputs: dict[int, tuple[str, int]]) -> None:
    while inputs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        path, write = inputs.pop(pid)
        os.close(write)
        os.write(1, f"{path} {os.waitstatus_to_exitcode(status)}\n".encode())


def main(tools: str) -> None:
    # Loading tools imports what it needs; forked workers find it done.
    load([tools])
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(ended, select.POLLIN)
    inputs: dict[int, tuple[str, int]] = {}
    rest = b""
    while True:
        for fd, _ in poll.poll():
            data = os.read(fd, 4096)
            if fd == ended:
                continue
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                start(line.decode(), inputs)
        reap(inputs)


if __name__ == "__main__":
    main(sys.argv[1])
