"""What a tool forks off is no worker: it has no connection, no call and no other thread.

Libraries fork and never come back (``multiprocessing``, loaders of data sets): they may print, and go on. A tool that forks by itself and comes
back in the child would answer for its parent, so the child ends there. What other threads held at the moment of the fork would be held for ever, so
it is made anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from snakepit._context import HOST

if TYPE_CHECKING:
    from snakepit._runtime import Runtime


def part_at_fork(runtime: Runtime) -> None:
    """Has every process that is forked off from now on give up the connection."""
    os.register_at_fork(after_in_child=lambda: _part(runtime))


def leave() -> NoReturn:
    """Ends a forked process whose tool came back."""
    os.write(2, b"snakepit: a process that a tool forked off came back from the tool; it has to end by itself, with os._exit\n")
    os._exit(1)


def _part(runtime: Runtime) -> None:
    HOST.runtime = None
    runtime.logs.after_fork()
    runtime.threads.after_fork()
    for slot in runtime.threads.slots():
        slot.after_fork(leave)
    runtime.writer.after_fork(leave)
    # Neither the frames nor the end of its parent's connection are any business of the child.
    descriptor = runtime.reader.sock.fileno()
    if descriptor >= 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor)
        os.close(null)
