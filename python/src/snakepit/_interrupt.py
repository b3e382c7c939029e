"""Interrupting a tool, and nothing else.

A slot is a thread that runs tools one after another. Whoever wants to stop one asks its slot by the call's id: under a lock that knows what runs, an
exception is made pending in that thread (PyThreadState_SetAsyncExc), and on the main thread a signal with a handler that does nothing ends the
system call it may be in. When a tool's part ends, the slot takes the lock, forgets the call and clears what is still pending, so that nothing hits
the next call. Code of the runtime that a tool calls (print, waiting for input) stands under a shield: an interrupt then waits until it is left.

While a tool waits for its host, a call that comes of the wait may run on top of it. What is underneath is put aside meanwhile, shielded as it was: an
interrupt of it waits until it is taken up again, and what it waits for is abandoned at once.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from snakepit._entries import Entry

T = TypeVar("T")

SIGNAL = signal.SIGUSR2
_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exc.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING = ctypes.py_object()
# How long the handler of a signal from outside lets other threads run, in ms.
_YIELD_MS = 10


Now = tuple[int, Entry, int, float, int]
"""What a slot runs: the call, the tool, the time left in ms when this part of it began (0 for none), when that was by the monotonic clock, and how
often the chain of calls that leads here has come from a worker to its host."""


class _Aside:
    """What waits underneath the call that runs."""

    __slots__ = ("abandon", "cancelled", "deferred", "now", "shields", "wake")

    def __init__(self, now: Now | None, cancelled: bool, shields: int, wake: Callable[[], None] | None, abandon: Callable[[], None]) -> None:
        self.now = now
        self.cancelled = cancelled
        self.shields = shields
        self.wake = wake
        self.abandon = abandon
        self.deferred = False


class Slot:
    """A thread that runs tools."""

    def __init__(self) -> None:
        self.ident = threading.get_ident()
        self.is_main = threading.current_thread() is threading.main_thread()
        # A finalizer that prints may run within any of the methods.
        self.lock = threading.RLock()
        # On the main thread this is also set without the lock, while it leads: then nobody else may interrupt.
        self.now: Now | None = None
        self.cancelled = False
        # Wakes the thread out of a wait of the runtime.
        self.wake: Callable[[], None] | None = None
        # Set, and not yet raised.
        self._pending = False
        self._shields = 0
        # An interrupt waits for the shield to go.
        self.deferred = False
        self._shield = Shield(self)
        self._exception = ctypes.py_object(self._noted())
        self._leave: Callable[[], object] | None = None
        self._aside: list[_Aside] = []

    def _noted(self) -> type[CancelledError]:
        # It is made in the thread that it is raised in, before any handler there runs. Otherwise a tool that prints while it cleans up would be
        # taken for one that has not seen its interrupt yet, and get it again.
        def seen(error: CancelledError, *args: object) -> None:
            CancelledError.__init__(error, *args)
            if threading.get_ident() == self.ident:
                self._pending = False
                return
            # Until Python 3.11 a thread that the tool is starting goes by the tool's own thread at first, and was taken for it. It ends now.
            with self.lock:
                if self._pending:
                    _set_async_exc(self.ident, self._exception)
            _say_started(self.ident)

        return type("CancelledError", (CancelledError,), {"__init__": seen, "__module__": CancelledError.__module__})

    def after_fork(self, leave: Callable[[], object]) -> None:
        """In a process that was forked off: calls `leave` when the tool comes back."""
        self.lock = threading.RLock()
        self._leave = leave

    def _begin(self, now: Now, wanted: Callable[[], bool]) -> bool:
        """Takes a call on, unless it is no longer wanted. From here on it may be interrupted."""
        with self.lock:
            if not wanted():
                return False
            self.now = now
            return True

    def finish(self) -> bool:
        """The tool's part has ended. True when it was interrupted, whatever it made of that."""
        if self._leave is not None:
            self._leave()
        with self.lock:
            if self._pending:
                _set_async_exc(self.ident, _NOTHING)
            cancelled = self.cancelled
            self.now = None
            self.cancelled = self._pending = self.deferred = False
            self._shields = 0
            return cancelled

    def set_aside(self, abandon: Callable[[], None]) -> bool:
        """Makes room for a call on top of the one that runs, which is shielded and waits; `resume` takes it up again. False when it was interrupted.

        `abandon` gives up what it waits for, and is called when it is interrupted meanwhile.
        """
        with self.lock:
            if self.deferred:
                return False
            self._aside.append(_Aside(self.now, self.cancelled, self._shields, self.wake, abandon))
            self.now = self.wake = None
            self.cancelled = False
            self._shields = 0
            return True

    def resume(self) -> None:
        """Takes up what was set aside last."""
        with self.lock:
            aside = self._aside.pop()
            self.now = aside.now
            self.wake = aside.wake
            self._shields = aside.shields
            self.cancelled = aside.cancelled
            self.deferred = aside.deferred

    @property
    def first(self) -> Now | None:
        """The call that was begun first of those that have not ended here: the only one that can be a short call."""
        if not self._aside:
            return self.now
        with self.lock:
            return self._aside[0].now if self._aside else self.now

    @property
    def first_cancelled(self) -> bool:
        """Whether that call was interrupted."""
        with self.lock:
            return self._aside[0].cancelled if self._aside else self.cancelled

    @property
    def lingering(self) -> list[int]:
        """The calls here that were interrupted and have not ended."""
        with self.lock:
            found = [(self.now, self.cancelled), *((aside.now, aside.cancelled) for aside in self._aside)]
        return [now[0] for now, cancelled in found if now is not None and cancelled]

    def interrupt(self, call: int) -> bool:
        """Raises CancelledError in the tool, once, if this call runs here. Whether it does."""
        with self.lock:
            if self.now is not None and self.now[0] == call:
                if self.cancelled:
                    return True
                self.cancelled = True
                if self._shields:
                    self.deferred = True
                    if self.wake is not None:
                        self.wake()
                    return True
                self._pending = True
                _set_async_exc(self.ident, self._exception)
                act = self.kick
            else:
                aside = next((aside for aside in self._aside if aside.now is not None and aside.now[0] == call), None)
                if aside is None:
                    return False
                if aside.cancelled:
                    return True
                aside.cancelled = aside.deferred = True
                act = aside.abandon
        # Outside the lock, since giving up sends.
        act()
        return True

    def kick(self) -> None:
        """Ends the system call that an interrupted tool may be in. To be repeated: a signal that comes just before the system call is lost."""
        if self.is_main and self._pending:
            signal.pthread_kill(self.ident, SIGNAL)

    def shield(self) -> None:
        """Enters code of the runtime. What has been raised but not yet seen waits until `unshield`."""
        with self.lock:
            if self._pending:
                _set_async_exc(self.ident, _NOTHING)
                self._pending = False
                self.deferred = True
            self._shields += 1

    @property
    def shielded(self) -> bool:
        """Whether the runtime's own code runs on behalf of the tool."""
        return self._shields > 0

    def unshield(self) -> None:
        """Leaves code of the runtime; raises what has waited."""
        with self.lock:
            self._shields -= 1
            raise_now = self.deferred and self._shields == 0
            if raise_now:
                self.deferred = False
        if raise_now:
            raise CancelledError

    @property
    def shielded_part(self) -> Shield:
        """`shield` and `unshield` as a with statement."""
        return self._shield

    def guard(self, now: Now, wanted: Callable[[], bool], work: Callable[[], T]) -> tuple[T | None, BaseException | None, bool]:
        """Runs a part of a tool: what it gave, what it raised, and whether it was interrupted, or not wanted any more and so not run."""
        value: T | None = None
        error: BaseException | None = None
        try:
            try:
                # Within, since an interrupt may come before the first line of the tool.
                if not self._begin(now, wanted):
                    return None, None, True
                value = work()
            except BaseException as e:
                error = e
            cancelled = self.finish()
        except CancelledError as e:
            # It came after the tool's last line. At most one does, so there is no second.
            error = e
            cancelled = self.finish()
        try:
            return value, error, cancelled
        finally:
            # Its traceback holds this frame: they would keep each other, and all that the tool had.
            del error


class Shield:
    """A part of the runtime that no interrupt reaches. Parts may be nested."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def __enter__(self) -> None:
        self._slot.shield()

    def __exit__(self, *_: object) -> None:
        self._slot.unshield()


def _say_started(starter: int) -> None:
    """Lets a thread go on that waits for a new one to say that it has started, which that one never will. Signals wake the main thread alone."""
    frame = sys._current_frames().get(starter)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_code is not threading.Thread.start.__code__:
        frame = frame.f_back
    if frame is not None:
        frame.f_locals["self"]._started.set()


def ignore_signal() -> None:
    """Takes the signal without a word, where the main thread runs no tools: not handled, it would end the process. Only on the main thread."""
    signal.signal(SIGNAL, lambda _signum, _frame: None)


def install_signal(slot: Slot) -> None:
    """Installs the handler of the signal that ends system calls. Only on the main thread."""

    def handle(_signum: int, _frame: FrameType | None) -> None:
        # An interrupt that is pending is raised at the first line of this function, and so leaves the system call.
        # A signal from outside comes when C code holds the global lock and nobody could read the Cancel frame: the other threads get a moment.
        if slot.now is None or slot.cancelled or slot.shielded:
            return
        for _ in range(_YIELD_MS):
            time.sleep(0.001)
            if slot.cancelled:
                return

    signal.signal(SIGNAL, handle)
