"""Calls of batch tools: each waits for others of its kind, then all of them run as one call of the function.

Calls wait in a line (`_batch_line.py`): one for each tool, and one for each session where the tool takes a session. A batch (`_batch_runs.py`) starts
when it is full, or when the first of its calls has waited as long as the tool says. Calls of synchronous tools are put together on the thread that
leads and run on one that runs tools, those of asynchronous tools on the loop's thread. Calls that come of what a tool waits for have a line of their
own, because they run on top of it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snakepit._batch_line import Key, Line
from snakepit._batch_runs import AsyncBatch, Batch, SyncBatch
from snakepit._entries import Entry
from snakepit._errors import CallTimeout
from snakepit._references import refer

if TYPE_CHECKING:
    from snakepit._runtime import Runtime
    from snakepit._session_state import SessionState
    from snakepit.v1.frame_pb2 import Event


class BatchedCall:
    """One call of a batch tool. Its methods are for the thread that leads, but for `check`."""

    def __init__(
        self,
        runtime: Runtime,
        call: int,
        entry: Entry,
        timeout_ms: int,
        raw: bytes | memoryview,
        buffers: list[Any],
        depth: int,
        waiter: int,
    ) -> None:
        self.call = call
        self.entry = entry
        self.timeout_ms = timeout_ms
        self.deadline = time.monotonic() + timeout_ms / 1000 if timeout_ms else None
        self.depth = depth
        self.waiter = waiter
        self._runtime = runtime
        self._raw = raw
        self._buffers = buffers
        # What the function is to be given for it, once it was checked.
        self.arguments: Any = None
        # Written under the lock of the batches: where it waits, the batch that has it, and whether nothing of it waits or runs any more.
        self.line: Line[BatchedCall] | None = None
        self.batch: Batch | None = None
        self.over = False

    @property
    def lingers(self) -> bool:
        """Whether its code still runs for a moment after `cancel`."""
        return self.entry.tool.asynchronous

    @property
    def wanted(self) -> bool:
        """Whether it has not been answered, and was not cancelled."""
        return self._runtime.calls.get(self.call) is self

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        pass

    def half_close(self) -> None:
        pass

    def credit(self, amount: int) -> None:
        pass

    def cancel(self) -> None:
        leave = self._runtime.batches.leave
        if self.entry.tool.asynchronous:
            self._runtime.loop.post(leave, self)
        else:
            leave(self)

    def lose(self) -> None:
        self.cancel()

    def expire(self) -> None:
        """Its time is up: answered now, stopped as if it were cancelled."""
        if self._runtime.withdraw(self.call) is self:
            self.cancel()
            self._runtime.replies.error(self.call, CallTimeout(self.entry.name, self.timeout_ms, "call"), self.entry.name)

    def claim(self) -> bool:
        """The right to answer, which only one has: whoever takes the call out of the table."""
        return self._runtime.calls.pop(self.call, None) is self

    def check(self) -> bool:
        """Decodes the arguments, where its batch runs. False when it takes no part: its time is up, it was cancelled, or they are wrong."""
        if self.deadline is not None and self.deadline <= time.monotonic():
            self.expire()
        raw, buffers, self._raw, self._buffers = self._raw, self._buffers, b"", []
        if not self.wanted:
            return False
        try:
            self.arguments = self.entry.tool.arguments(raw, buffers, self._refer)
        except BaseException as e:
            if self.claim():
                self._runtime.replies.error(self.call, e, self.entry.name)
                self._runtime.batches.leave(self)
            return False
        return True

    def _refer(self, code: int, payload: memoryview) -> Any:
        return refer(self._runtime, self, code, payload)


class Batches:
    """All of a worker."""

    def __init__(self, runtime: Runtime, outside: SessionState) -> None:
        """`outside` is the state of what belongs to no session."""
        self._runtime = runtime
        self._outside = outside
        self._lock = threading.Lock()
        self._lines: dict[Key, Line[BatchedCall]] = {}
        # The batch that was announced last in each line.
        self._newest: dict[Key, Batch] = {}
        # Below zero, where no call of the host has its id.
        self._numbers = itertools.count(-1, -1)
        self._open = 0

    def __len__(self) -> int:
        """Batches that are announced or run."""
        return self._open

    def join(self, call: BatchedCall) -> None:
        """Has a call run together with others. On the thread that leads; for an asynchronous tool on the loop's."""
        tool = call.entry.tool
        assert tool.batch is not None
        longest, wait_ms = tool.batch
        key = (tool.name, call.entry.session_id if tool.takes_session else "", call.waiter)
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = Line(longest, key)
            call.line = line
            announced = line.join(call)
            if announced:
                self._newest[key] = self._announce(line, call)
            batch = self._newest[key]
            full = line.full
        if full:
            batch.start()
        elif announced:
            batch.start_within(wait_ms / 1000)

    def _announce(self, line: Line[BatchedCall], call: BatchedCall) -> Batch:
        tool = call.entry.tool
        # Calls of several sessions have none in common.
        entry = call.entry if tool.takes_session else Entry(tool, self._outside)
        batch = (AsyncBatch if tool.asynchronous else SyncBatch)(self._runtime, next(self._numbers), line, entry, call.waiter)
        self._runtime.calls[batch.call] = batch
        self._open += 1
        return batch

    def fill(self, batch: Batch) -> None:
        """Gives a batch that begins its calls. Where it runs; it may have none in the end."""
        line = batch.line
        found: list[BatchedCall] = []
        with self._lock:
            taken = deque(line.begin())
        while taken:
            call = taken.popleft()
            if call.check():
                found.append(call)
                continue
            with self._lock:
                other = line.next()
            if other is not None:
                taken.append(other)
        with self._lock:
            # Some may have been cancelled since.
            batch.take([call for call in found if not call.over])
            for call in batch.calls:
                call.batch = batch
            # Another thread may have found it idle before, and a new one may stand in its place.
            if line.idle and self._lines.get(line.key) is line:
                del self._lines[line.key], self._newest[line.key]

    def leave(self, call: BatchedCall) -> None:
        """A call is not wanted any more. It is taken out where it waits; a batch that runs is interrupted when nobody wants any of it."""
        with self._lock:
            batch = call.batch
            if call.over:
                return
            if batch is None:
                if call.line is not None:
                    call.line.leave(call)
                abandoned = False
            else:
                batch.wanted -= 1
                abandoned = not batch.wanted
            # The last one is over when the batch is.
            call.over = not abandoned
        if batch is not None and abandoned:
            batch.interrupt()
        else:
            self._runtime.ended(call.call)

    def settle(self, batch: Batch) -> list[BatchedCall]:
        """A batch has run, and nobody leaves it from here on: those of its calls that have not left."""
        with self._lock:
            rest = [call for call in batch.calls if not call.over]
            for call in batch.calls:
                call.over = True
                # They would keep each other.
                call.batch = None
            self._open -= 1
        self._runtime.calls.pop(batch.call, None)
        return rest

    def hearers(self, number: int, event: Event) -> Sequence[int]:
        """Who is told of what the function of a batch says: all that want to know how far it is, and none that it logs something."""
        return self.wanted(number) if event.HasField("progress") else (0,)

    def wanted(self, number: int) -> list[int]:
        """The calls of a batch that runs and that have been neither answered nor cancelled."""
        batch = self._runtime.calls.get(number)
        return [call.call for call in batch.calls if call.wanted] if isinstance(batch, Batch) else []
