"""The thread of the event loop, on which asynchronous tools and handlers run together. It starts with the first of them, or before."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class Loop:
    """An event loop on a thread of its own, given work in batches: one wake-up serves everything posted before `flush`."""

    def __init__(self) -> None:
        self._posted: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._start_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def post(self, work: Callable[..., object], *args: Any) -> None:
        """Has `work(*args)` run on the loop's thread after the next `flush`."""
        self._posted.append((work, args))

    def flush(self) -> None:
        """Wakes the loop if something was posted."""
        if self._posted and not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._drain)

    def call(self, work: Callable[..., object], *args: Any) -> None:
        """`post` and `flush`."""
        self._posted.append((work, args))
        self.flush()

    def start(self) -> None:
        """Starts the thread, which otherwise waits for the first work."""
        assert self.loop

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, running."""
        loop = self._loop
        if loop is None:
            with self._start_lock:
                loop = self._loop
                if loop is None:
                    loop = _new_loop()
                    threading.Thread(target=self._run, args=(loop,), name="snakepit-loop", daemon=True).start()
                    self._loop = loop
        return loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        # A tool that stops the loop, or whose own task wants to exit, must not stop those of the others.
        while not loop.is_closed():
            try:
                loop.run_forever()
            except BaseException as e:
                loop.call_exception_handler({"message": "a task ended the loop, which goes on", "exception": e})

    def _drain(self) -> None:
        # Cleared first: what is posted from here on either is seen below or wakes the loop again.
        self._woken = False
        posted = self._posted
        while posted:
            work, args = posted.popleft()
            try:
                work(*args)
            except BaseException as e:
                # The others must not wait for the next wake-up.
                self.loop.call_exception_handler({"message": "a call could not be taken", "exception": e})
