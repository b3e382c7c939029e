"""Dying with the host, whatever the process is doing.

The host holds the other end of a socket that nobody writes to. The kernel is asked to send SIGKILL to the worker's whole process group when anything
happens on it, which is when the host is gone. That needs no thread and no global lock, so it also works while C code holds that lock.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import select
import signal
import socket
import sys
import threading

_PR_SET_PDEATHSIG = 1
_MOMENT_MS = 300


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def lead_group() -> None:
    """Makes this process the leader of a session and so of a process group of its own."""
    try:
        os.setsid()
    except PermissionError:
        # It is one already.
        if os.getpgrp() != os.getpid():
            raise


def die_with_parent(wanted: bool = True) -> None:
    """Asks for SIGKILL when the thread that started this process ends, or asks no more. Linux only; for the time until the lifeline is armed."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL) if wanted else 0, 0, 0, 0)


def arm(lifeline: socket.socket) -> None:
    """Ties the process group to the socket. The socket must stay open for as long as the process lives."""
    if hasattr(fcntl, "F_SETSIG"):
        fd = lifeline.fileno()
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
        # The host may have gone before.
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLHUP)
        if poll.poll(0):
            _kill_group()
        # The threads of a host end one after the other, and its sockets with the last. Were this process killed with the first of them, nobody would
        # be left to hear of the sockets, and what tools have started would live on.
        die_with_parent(False)
    else:
        threading.Thread(target=_watch, args=(lifeline,), name="snakepit-lifeline", daemon=True).start()


def await_end(lifeline: socket.socket) -> None:
    """Waits a moment for the host to be gone, which ends this whole group.

    A host that is killed may lose its other connection first. A worker that ended at once would leave behind what its tools have started.
    """
    descriptor = lifeline.fileno()
    if descriptor >= 0:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if any(not event & select.POLLNVAL for _, event in poll.poll(_MOMENT_MS)):
            _kill_group()


def _watch(lifeline: socket.socket) -> None:
    # Without the kernel's help this waits for the global lock while C code holds it.
    try:
        lifeline.recv(1)
    except OSError:
        pass
    _kill_group()


def _kill_group() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(70)
