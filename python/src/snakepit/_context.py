"""What a tool can know and say of the call it runs for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from snakepit.v1.frame_pb2 import Event, Progress

if TYPE_CHECKING:
    from snakepit._runtime import Runtime


class Running(NamedTuple):
    """A call that runs."""

    call: int
    tool: str
    session_id: str


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
    running = CURRENT.get()
    if running is None and HOST.runtime is not None:
        # The context of synchronous tools on the main thread is not theirs alone; what its slot runs is.
        slot = HOST.runtime.threads.slot_here()
        now = None if slot is None else slot.now
        if now is not None:
            running = Running(now[0], now[1].name, now[1].session_id)
    return running


def progress(fraction: float, message: str = "") -> None:
    """Tells the caller how far the call is: `fraction` from 0 to 1, and what it is doing.

    Does nothing outside a call, so a tool can be tested by calling it.
    """
    running = current()
    if running is not None and HOST.runtime is not None:
        HOST.runtime.emit(running.call, Event(progress=Progress(fraction=fraction, message=message)))
