"""Coroutines whose first step is taken at once, so that one that never waits needs no task of its own.

A coroutine must find a task around it in its first step too: timeouts, task groups and other libraries keep `asyncio.current_task()`. So one spare
task is kept waiting. The first step runs as if it were that task's; when the coroutine waits, the spare task goes on with it and another spare is
made. When it does not, the spare stays as it was, unless the coroutine left something behind in it.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any

from snakepit._context import CURRENT, Running

# Before that, a task cannot be given its context.
_POSSIBLE = sys.version_info >= (3, 11)


class Eager:
    """Starts coroutines on one loop. Belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._spare: _Spare | None = None

    def start(self, work: Coroutine[Any, Any, None], running: Running) -> asyncio.Task[None] | None:
        """Runs `work` for a call, in a context of its own. None when it has ended already; `work` must not raise."""
        spare = self._spare
        if spare is None or not spare.ready:
            if spare is None and _POSSIBLE:
                self._spare = _Spare(self._loop)
            # A task has a copy of the context it is made in.
            token = CURRENT.set(running)
            task = self._loop.create_task(work)
            CURRENT.reset(token)
            return task
        waits = spare.step(work, running)
        if waits:
            self._spare = _Spare(self._loop)
            return spare.task
        if not spare.clean:
            spare.task.cancel()
            self._spare = _Spare(self._loop)
        return None


class _Spare:
    """A task that waits for a coroutine to go on with."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._context: Context = copy_context()
        self._context.run(CURRENT.set, None)
        self._before = [(variable, value) for variable, value in self._context.items() if variable is not CURRENT]
        self._work: Coroutine[Any, Any, None] | None = None
        self._waits_for: Any = None
        self._adopted: asyncio.Future[None] = loop.create_future()
        # Only one that has taken its own first step can be cancelled without skipping all of it.
        self.ready = False
        self.task: asyncio.Task[None] = loop.create_task(self._run(), context=self._context)  # pyright: ignore

    @property
    def clean(self) -> bool:
        """Whether nobody has left a variable or a cancellation behind."""
        context = self._context
        if len(context) != len(self._before) + 1 or self.task.cancelling():  # pyright: ignore
            return False
        return all(context.get(variable) is value for variable, value in self._before)

    def step(self, work: Coroutine[Any, Any, None], running: Running) -> bool:
        """Takes the first step. Whether the coroutine waits, and so belongs to this task now."""
        self._context.run(CURRENT.set, running)
        _enter_task(self._loop, self.task)
        try:
            self._waits_for = self._context.run(work.send, None)
        except StopIteration:
            return False
        finally:
            _leave_task(self._loop, self.task)
        self._work = work
        if not self._adopted.done():
            self._adopted.set_result(None)
        return True

    async def _run(self) -> None:
        self.ready = True
        try:
            await self._adopted
        except asyncio.CancelledError as e:
            if self._work is not None:
                waits_for = self._waits_for
                # As a task that is cancelled does: what it waits for is, and then says so to the coroutine.
                if waits_for is not None and waits_for.cancel():
                    await _Rest(self._work, waits_for, None)
                else:
                    await _Rest(self._work, None, e)
        else:
            assert self._work is not None
            await _Rest(self._work, self._waits_for, None)


class _Rest:
    """What is left of a coroutine that has taken its first step."""

    __slots__ = ("_error", "_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any, error: BaseException | None) -> None:
        self._work = work
        self._waits_for = waits_for
        self._error = error

    def __await__(self) -> Generator[Any, Any, None]:
        work = self._work
        waits_for = self._waits_for
        error = self._error
        try:
            if error is not None:
                waits_for = work.throw(error)
            while True:
                # What is waited for is passed on as it is: the step that gave it has marked it as a task expects.
                try:
                    value = yield waits_for
                except BaseException as e:
                    waits_for = work.throw(e)
                else:
                    waits_for = work.send(value)
        except StopIteration:
            return
