"""Tools whose processes leave the worker's group, and tools that say where they run."""

import ctypes
import os
import signal
import subprocess
import sys
import time

from snakepit import tool


@tool
def child() -> int:
    """Start a process that stays in the group."""
    return subprocess.Popen(["sleep", "600"]).pid


@tool
def daemon() -> int:
    """Start a process the way daemons do: a child of nobody, in a session of its own."""
    read, write = os.pipe()
    first = os.fork()
    if first == 0:
        os.setsid()
        second = os.fork()
        if second == 0:
            os.write(write, b"%d" % os.getpid())
            os.execvp("sleep", ["sleep", "600"])
        os._exit(0)
    os.waitpid(first, 0)
    return int(os.read(read, 20))


@tool
def family() -> int:
    """Start a daemon that has children of its own, each in another session."""
    return subprocess.Popen(["sh", "-c", "setsid sleep 600 & setsid sh -c 'setsid sleep 600 & sleep 600' & sleep 600"], start_new_session=True).pid


@tool
def comet() -> int:
    """Start a daemon that never stays the same process for long: each starts the next and ends."""
    first = os.fork()
    if first == 0:
        os.setsid()
        while True:
            if os.fork() != 0:
                os._exit(0)
    return os.waitpid(first, 0)[0]


@tool
def short_lived(count: int) -> None:
    """Start daemons that end at once."""
    for _ in range(count):
        subprocess.run(["sh", "-c", "setsid true &"], check=True)


@tool
def pid() -> int:
    return os.getpid()


@tool
def parent() -> int:
    return os.getppid()


@tool
def crash(how: str) -> None:
    if how.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[how])
    else:
        os._exit(int(how))


@tool
def nap(seconds: float) -> None:
    os.write(1, b"nap\n")
    time.sleep(seconds)


@tool
def loop() -> None:
    os.write(1, b"loop\n")
    while True:
        pass


@tool
def locked(path: str) -> None:
    """Stay in C code that keeps Python's global lock, until something is written to a pipe of this name."""
    sys.setswitchinterval(600)
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)
    libc = ctypes.PyDLL(None)
    # Nobody gets the lock any more once this is said, not even before the next line.
    libc.write(1, b"locked\n", 7)
    libc.read(pipe, ctypes.create_string_buffer(1), 1)
