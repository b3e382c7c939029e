"""A batch from its announcement to its end: many calls, one run of the function."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snakepit._context import Running
from snakepit._entries import Entry
from snakepit._interrupt import Slot
from snakepit._replies import Large

if TYPE_CHECKING:
    from snakepit._batch_line import Line
    from snakepit._batches import BatchedCall
    from snakepit._runtime import Runtime

Answer = bytes | Large | BaseException
"""What becomes of one call: its answer as it travels, or what it fails with."""


class Batch:
    """Many calls that run as one. It stands in the table of calls under a number below zero, so that nothing of any of its calls interrupts it."""

    lingers = False
    goes_on = False
    # Whether its thread may wait until memory that tools may change is sent.
    waits = False

    def __init__(self, runtime: Runtime, number: int, line: Line[BatchedCall], entry: Entry, waiter: int) -> None:
        self.call = number
        self.line = line
        self.entry = entry
        self.waiter = waiter
        self.depth = 0
        self.deadline: float | None = None
        self.calls: list[BatchedCall] = []
        # How many somebody wants; written under the lock of the batches.
        self.wanted = 0
        self._runtime = runtime
        self._started = False

    # Nobody but its calls is spoken to.

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        pass

    def half_close(self) -> None:
        pass

    def credit(self, amount: int) -> None:
        pass

    def cancel(self) -> None:
        pass

    def lose(self) -> None:
        pass

    def start(self) -> None:
        """Has it begin, if it has not been started before. Where calls join."""
        raise NotImplementedError

    def start_within(self, seconds: float) -> None:
        """Starts it after so long."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Nobody wants any of its calls any more."""
        raise NotImplementedError

    def take(self, calls: list[BatchedCall]) -> None:
        """Takes its calls, under the lock of the batches."""
        self.calls = calls
        self.wanted = len(calls)
        self.depth = max((call.depth for call in calls), default=0)
        deadlines = [call.deadline for call in calls if call.deadline is not None]
        # What the function asks of others is in vain only when no call is left.
        self.deadline = max(deadlines) if deadlines and len(deadlines) == len(calls) else None

    # Where it runs.

    def _call(self) -> Any:
        arguments = [call.arguments for call in self.calls]
        for call in self.calls:
            call.arguments = None
        return self.entry.tool.call(arguments, self._runtime.session_of(self.entry))

    def _answers(self, results: object, us: int) -> list[Answer]:
        answers: list[Answer] = []
        for call, value in zip(self.calls, one_for_each(results, len(self.calls)), strict=True):
            try:
                answers.append(value if isinstance(value, BaseException) else self._runtime.replies.result(call.call, value, us))
            except Exception as e:
                # One that cannot be sent fails alone.
                answers.append(e)
        return answers

    def _settle(self, answers: Sequence[Answer] | None, error: BaseException | None) -> None:
        """Answers its calls: each with its own, or all with the same error."""
        runtime = self._runtime
        runtime.logs.finish(self.call)
        rest = runtime.batches.settle(self)
        small: list[bytes] = []
        large: list[tuple[int, Large]] = []
        for call, answer in zip(self.calls, answers or [error] * len(self.calls), strict=True):
            if not call.claim():
                continue
            if isinstance(answer, bytes):
                small.append(answer)
            elif isinstance(answer, Large):
                large.append((call.call, answer))
            elif answer is not None:
                small.append(runtime.replies.error_frame(call.call, answer, self.entry.name))
        if small:
            self._send(b"".join(small))
        for call, message in large:
            runtime.replies.send(call, message, wait=self.waits)
        for call in rest:
            runtime.ended(call.call)

    def _send(self, data: bytes) -> None:
        self._runtime.writer.send(data)


class SyncBatch(Batch):
    """A batch of a synchronous tool."""

    waits = True

    def __init__(self, runtime: Runtime, number: int, line: Line[BatchedCall], entry: Entry, waiter: int) -> None:
        super().__init__(runtime, number, line, entry, waiter)
        self._slot: Slot | None = None

    def start(self) -> None:
        if not self._started:
            self._started = True
            self._runtime.queue_sync(self)

    def start_within(self, seconds: float) -> None:
        # At once means as soon as a thread is free: what has been read by then comes along.
        if seconds:
            self._runtime.deadlines.add(time.monotonic() + seconds, self.call)
        else:
            self.start()

    def interrupt(self) -> None:
        slot = self._slot
        if slot is not None:
            slot.interrupt(self.call)

    def run(self, slot: Slot) -> None:
        """Runs it, on a thread that runs tools."""
        self._runtime.batches.fill(self)
        self._slot = slot
        now = time.monotonic()
        left = 0 if self.deadline is None else max(1, int((self.deadline - now) * 1000))
        running = (self.call, self.entry, left, now, self.depth)
        # Not by a name here, since the traceback of the error reaches this frame: they would keep each other, and all that the tool had.
        self._settle(*slot.guard(running, lambda: self.wanted > 0, self._work)[:2])

    def _work(self) -> list[Answer]:
        started = time.monotonic()
        results = self._call()
        return self._answers(results, int((time.monotonic() - started) * 1e6))


class AsyncBatch(Batch):
    """A batch of an asynchronous tool. It belongs to the loop's thread."""

    def __init__(self, runtime: Runtime, number: int, line: Line[BatchedCall], entry: Entry, waiter: int) -> None:
        super().__init__(runtime, number, line, entry, waiter)
        self._timer: asyncio.Handle | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    def start(self) -> None:
        if self._started:
            return
        self._started = True
        if self._timer is not None:
            self._timer.cancel()
        runtime = self._runtime
        runtime.batches.fill(self)
        if self.calls:
            self._task = runtime.eager.start(self._run(), Running(self.call, self.entry, self.depth, self.deadline, self.waiter))
        else:
            self._settle([], None)

    def start_within(self, seconds: float) -> None:
        loop = self._runtime.loop.loop
        # At once means after what has been read by now.
        self._timer = loop.call_later(seconds, self.start) if seconds else loop.call_soon(self.start)

    def interrupt(self) -> None:
        if self._task is None or self._task.done():
            return
        self._task.cancel()
        if not self._begun:
            # A task that is cancelled before its first step never takes it.
            self._settle([], None)

    async def _run(self) -> None:
        self._begun = True
        answers: list[Answer] | None = None
        error: BaseException | None = None
        started = time.monotonic()
        try:
            results = await self._call()
            answers = self._answers(results, int((time.monotonic() - started) * 1e6))
        except BaseException as e:
            error = e
        self._settle(answers, error)
        # Its traceback holds this frame: they would keep each other, and all that the tool had.
        del error

    def _send(self, data: bytes) -> None:
        self._runtime.send_soon(data)


def one_for_each(results: Any, calls: int) -> Sequence[Any]:
    """What a batch tool returned, when it is as many results as there were calls. Raises TypeError or ValueError."""
    if type(results) not in (list, tuple) and not hasattr(results, "shape"):
        raise TypeError(f"a batch tool must return a list with a result for each call, not {type(results).__name__}")
    if len(results) != calls:
        raise ValueError(f"a batch tool must return a result for each call: {calls} were due, {len(results)} came")
    return results
