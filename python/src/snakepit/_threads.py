"""Several synchronous tools at once, each on a thread of its own.

The main thread only reads. On these threads an interrupt reaches Python code alone, not a system call; that is the price.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from snakepit._context import CURRENT
from snakepit._interrupt import Slot, ignore_signal
from snakepit._sync import SyncCall
from snakepit._waiter import Waiter, running, wait_outside

if TYPE_CHECKING:
    from snakepit._call import Run
    from snakepit._runtime import Runtime


_TICK = 0.001
# Ticks without anything to do before the thread that sends items sleeps until it is woken.
_QUIET = 5


class ThreadPool:
    """A main thread that reads and threads that run tools."""

    def __init__(self, runtime: Runtime, threads: int) -> None:
        self.runtime = runtime
        self.fault: BaseException | None = None
        # The main thread always has it.
        self.lead = (True,)
        self._count = threads
        self._queue: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._slots: dict[int, Slot] = {}
        self._over = False
        self._busy: set[int] = set()
        self._parked = False
        self._wake = threading.Semaphore(0)

    def run(self) -> None:
        """Serves until the connection ends. On the main thread."""
        ignore_signal()
        for n in range(self._count):
            threading.Thread(target=self._work, name=f"snakepit-tool-{n + 1}", daemon=True).start()
        threading.Thread(target=self._flush, name="snakepit-flush", daemon=True).start()
        runtime = self.runtime
        reader = runtime.reader
        try:
            while True:
                while (message := reader.next()) is not None:
                    runtime.take(message)
                runtime.loop.flush()
                due = runtime.next_deadline()
                # Looked after also while frames leave no moment to wait.
                if due is not None and (due <= time.monotonic() or not reader.wait(due - time.monotonic())):
                    runtime.expire(time.monotonic())
                elif not reader.receive():
                    break
        except Exception as e:
            self.fault = e
        self._over = True
        runtime.lose()

    def _work(self) -> None:
        slot = Slot()
        self._slots[slot.ident] = slot
        while True:
            call = self._queue.get()
            # Before looking whether it sleeps, since it looks at this before it does.
            self._busy.add(slot.ident)
            if self._parked:
                self._parked = False
                self._wake.release()
            # For threads that the tool starts with a copy of its context; the tool itself is known by its slot.
            CURRENT.set(running(call))
            call.run(slot)
            CURRENT.set(None)
            self._busy.discard(slot.ident)

    def _flush(self) -> None:
        """Sends the items of streams whose next item takes long."""
        quiet = 0
        while not self._over:
            time.sleep(_TICK)
            quiet += 1
            for slot in self.slots():
                now = slot.now
                if now is not None:
                    quiet = 0
                    call = self.runtime.calls.get(now[0])
                    if isinstance(call, SyncCall):
                        call.flush()
            if quiet > _QUIET:
                self._parked = True
                if not self._busy:
                    self._wake.acquire()
                self._parked = False
                quiet = 0

    def queue_sync(self, call: Run) -> None:
        self._queue.put(call)

    def slot_here(self) -> Slot | None:
        return self._slots.get(threading.get_ident())

    def may_block(self) -> bool:
        return self.slot_here() is not None

    def wait(self, ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None = None) -> None:
        slot = self.slot_here()
        if slot is None:
            wait_outside(ready, arrived, waiter)
            return
        slot.wake = arrived.set
        slot.shield()
        call = None if slot.now is None else self.runtime.calls.get(slot.now[0])
        if isinstance(call, SyncCall):
            call.flush()
        calls = waiter.calls if waiter is not None else ()
        while not (ready() or slot.deferred or self._over):
            if waiter is not None and calls:
                waiter.run(slot)
                continue
            arrived.clear()
            if not (ready() or slot.deferred or calls or self._over):
                arrived.wait()
        slot.wake = None
        slot.unshield()
        if self._over and not ready():
            raise ConnectionError("the connection to the host is gone")

    def interrupt(self, call: int) -> bool:
        return any(slot.interrupt(call) for slot in self.slots())

    def slots(self) -> list[Slot]:
        return list(self._slots.values())

    def running(self) -> int:
        return 0

    def after_fork(self) -> None:
        pass

    def shutdown(self, grace: float) -> None:
        threading.Thread(target=self._shutdown, args=(grace,), name="snakepit-shutdown", daemon=True).start()

    def _shutdown(self, grace: float) -> None:
        until = time.monotonic() + grace
        runtime = self.runtime
        while (runtime.calls or runtime.lingering) and time.monotonic() < until:
            time.sleep(0.002)
        try:
            runtime.reader.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass
