"""The guardian of a worker: `python -I -S _guardian.py CGROUP COMMAND...` runs the worker's command and outlives whatever it starts.

A process that leaves its group, or whose parent has ended, stays a descendant of the guardian, which the kernel makes its parent then
(`PR_SET_CHILD_SUBREAPER`). When the worker or the host is gone the guardian ends them all. Then it ends the way the worker did, so that the host sees
the worker's own exit code or signal. CGROUP is a control group to run the worker in, which the kernel can end as a whole, or empty.

Descriptor 3 is a socket of the host: the worker's pid goes there, and its end means that the host is gone. This file runs by itself, without the
package and without site packages, and imports as little as it can: there is one guardian for each worker.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import sys
import time
from types import FrameType

# What `typing` would be imported for, which takes longer than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_HOST = 3
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 2.0
_LOOK = 0.01


def main() -> NoReturn:
    """Runs the command and ends like it, when nothing that it has started is left."""
    cgroup, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit(f"snakepit: the guardian cannot be a subreaper: {os.strerror(ctypes.get_errno())}")
    os.set_inheritable(_HOST, False)
    _wake_at_end()
    woken = _hear_signals()
    worker = _start(command, cgroup)
    _await_end(worker, woken)
    exit_code = _end_all(worker, cgroup)
    if exit_code < 0:
        # Whoever wants the worker's core has it by now.
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if -exit_code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    os._exit(exit_code & 255)


def _wake_at_end() -> None:
    """Asks the kernel to let this process go on when the host is gone: somebody may have stopped it."""
    fcntl.fcntl(_HOST, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(_HOST, fcntl.F_SETSIG, signal.SIGCONT)
    fcntl.fcntl(_HOST, fcntl.F_SETFL, fcntl.fcntl(_HOST, fcntl.F_GETFL) | os.O_ASYNC)


def _hear_signals() -> int:
    """A descriptor from which the numbers of the signals can be read that come."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    return woken


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Unlike SIG_IGN this is not inherited by what is run."""


def _start(command: list[str], cgroup: str) -> int:
    worker = os.fork()
    if worker == 0:
        try:
            if cgroup:
                _write(f"{cgroup}/cgroup.procs", "0")
            # The host may signal the group as soon as it knows of it.
            os.setsid()
            os.write(_HOST, b"%d\n" % os.getpid())
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"snakepit: {command[0]} cannot be run by its guardian: {error}\n".encode())
        finally:
            os._exit(127)
    return worker


def _await_end(worker: int, woken: int) -> None:
    """Comes back when the worker has ended, the host is gone, or a signal says to end."""
    poll = select.poll()
    poll.register(_HOST, select.POLLIN)
    poll.register(woken, select.POLLIN)
    while not _has_ended(worker):
        if any(descriptor == _HOST for descriptor, _ in poll.poll()):
            return
        if any(number != signal.SIGCHLD for number in os.read(woken, 4096)):
            return
        _reap_others(worker)


def _end_all(worker: int, cgroup: str) -> int:
    """Ends all descendants, however they hide, and says how the worker ended: its exit code, or a signal as a negative number."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    until = time.monotonic() + _PATIENCE
    if cgroup:
        try:
            _write(f"{cgroup}/cgroup.kill", "1")
        except OSError as error:
            os.write(2, f"snakepit: a control group could not be ended: {error}\n".encode())
    exit_code = None
    while time.monotonic() < until:
        # Nobody but this process can reap them, so these pids are surely theirs. What they have started comes here when they have ended.
        for child in _children():
            try:
                os.kill(child, signal.SIGKILL)
            except PermissionError:
                # It has become somebody else's. It is waited for, but not for ever.
                pass
        _reap_others(worker)
        if not any(child != worker for child in _children()) and _has_ended(worker):
            # Reaped last, so that nobody gets the id of its group while the host may still send signals to that.
            if exit_code is None:
                exit_code = _reap(worker)
                worker = 0
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            # The list of children may lack one when another ends meanwhile.
            continue
        signal.sigtimedwait((signal.SIGCHLD,), _LOOK)
    if cgroup:
        try:
            os.rmdir(cgroup)
        except OSError:
            # The host tries again.
            pass
    return _reap(worker) if exit_code is None else exit_code


def _reap(worker: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) if _has_ended(worker) else -int(signal.SIGKILL)


def _reap_others(worker: int) -> None:
    for child in _children():
        if child != worker:
            os.waitpid(child, os.WNOHANG)


def _has_ended(worker: int) -> bool:
    return worker == 0 or os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(pid) for pid in file.read().split()]


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
