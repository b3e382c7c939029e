"""Dying with the host, whatever the process is doing.

The host holds the other end of a socket that nobody writes to. The kernel is asked to send SIGKILL to the worker's whole process group when anything
happens on it, which is when the host is gone. That needs no thread and no global lock, so it also works while C code holds that lock.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import socket
import sys
import threading

_PR_SET_PDEATHSIG = 1


def lead_group() -> None:
    """Makes this process the leader of a session and so of a process group of its own."""
    try:
        os.setsid()
    except PermissionError:
        # It is one already.
        if os.getpgrp() != os.getpid():
            raise


def die_with_parent() -> None:
    """Asks for SIGKILL when the thread that started this process ends. Linux only; a second means beside the lifeline."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


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
    else:
        threading.Thread(target=_watch, args=(lifeline,), name="snakepit-lifeline", daemon=True).start()


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
