"""A tool that waits for its host on a thread that runs tools, and the calls that come of it.

The host tool that it waits for may call Python again, and with one thread there would be nobody to run that. So a call that names what waits for
it runs on top of it, on the same thread, one such call after another; then the wait goes on. What is left when the wait is over runs like any other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from snakepit._context import CURRENT, Running
from snakepit._interrupt import Slot

if TYPE_CHECKING:
    from snakepit._call import Run

Queue = Callable[["Run"], None]


class Waiter:
    """One wait, or the waits of one stream. Calls are added by the thread that leads, and run by the one that waits."""

    def __init__(self, wake: Callable[[], None], abandon: Callable[[], None], queue: Queue) -> None:
        """`wake` says that there is a call, `abandon` gives up what is waited for, `queue` takes what is left."""
        self.calls: deque[Run] = deque()
        self._wake = wake
        self._abandon = abandon
        self._queue = queue
        self._over = False

    def add(self, call: Run) -> None:
        """Has a slice of a call run while the tool waits."""
        self.calls.append(call)
        # It may have ended meanwhile, and have looked before this was there.
        if self._over:
            self._let_go()
        self._wake()

    def run(self, slot: Slot) -> None:
        """Runs the next call on top of what the slot runs, unless that was interrupted."""
        if slot.set_aside(self._abandon):
            call = self.calls.popleft()
            token = CURRENT.set(running(call))
            try:
                call.run(slot)
            finally:
                CURRENT.reset(token)
                slot.resume()

    def end(self) -> None:
        """Nobody waits any more, or not where calls may run."""
        self._over = True
        self._let_go()

    def _let_go(self) -> None:
        while True:
            try:
                call = self.calls.popleft()
            except IndexError:
                return
            call.waiter = 0
            self._queue(call)


def running(call: Run) -> Running:
    """The call as its context has it. Threads that it starts wait by themselves, so nothing may be run on top of what they do."""
    return Running(call.call, call.entry, call.depth, call.deadline)


def wait_outside(ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None) -> None:
    """Waits on a thread of the user's own, where no tools run."""
    if waiter is not None:
        waiter.end()
    while not ready():
        arrived.clear()
        if not ready():
            arrived.wait()
