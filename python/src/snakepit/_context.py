"""What a tool can know and say of the call it runs for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from snakepit.v1.frame_pb2 import Event, Progress
from snakepit.v1.session_pb2 import Caller

if TYPE_CHECKING:
    from snakepit._entries import Entry
    from snakepit._runtime import Runtime


class Running(NamedTuple):
    """A call that runs."""

    call: int
    entry: Entry
    depth: int = 0
    """How often the chain of calls that leads here has come from a worker to its host."""
    deadline: float | None = None
    """When its time is up, by the monotonic clock."""
    waiter: int = 0
    """What waits, on a thread that runs tools, for the host tool that this call is part of; 0 for none."""

    @property
    def tool(self) -> str:
        """Name of the tool."""
        return self.entry.name


CURRENT: ContextVar[Running | None] = ContextVar("snakepit_call", default=None)
"""Set in the context of asynchronous tools and of synchronous ones on threads of their own."""


class _Host:
    """What the running worker gives to this module; nothing outside a worker."""

    runtime: Runtime | None = None

    def attach(self, runtime: Runtime) -> None:
        """Makes the worker known."""
        self.runtime = runtime


HOST = _Host()
"""The running worker."""


def current() -> Running | None:
    """The call that this code runs for."""
    runtime = HOST.runtime
    if runtime is not None:
        # The context of synchronous tools on the main thread is not theirs alone; what its slot runs is.
        slot = runtime.threads.slot_here()
        now = None if slot is None else slot.now
        if now is not None:
            call, entry, left, at, depth = now
            return Running(call, entry, depth, at + left / 1000 if left else None)
    return CURRENT.get()


def caller(running: Running | None) -> Caller | None:
    """Who asks, as the host is told."""
    if running is None:
        return None
    call = running.call
    if call < 0:
        # A batch is known to the host by one of its calls.
        call = next(iter(HOST.runtime.batches.wanted(call)), 0) if HOST.runtime is not None else 0
    return Caller(tool=running.tool, call=call)


def progress(fraction: float, message: str = "") -> None:
    """Tells the caller how far the call is: `fraction` from 0 to 1, and what it is doing.

    Does nothing outside a call, so a tool can be tested by calling it. Raises PayloadTooLarge for a message over 64 MiB, unless its host takes more.
    """
    running = current()
    if running is not None and HOST.runtime is not None:
        HOST.runtime.emit(running.call, Event(progress=Progress(fraction=fraction, message=message)))
