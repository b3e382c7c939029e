"""Calls of synchronous tools that take more than decode, call, reply: whatever waits in the queue, streams, has input streams or a session.

Such a call is run in slices on a thread that runs tools: a whole tool, or as many items of a generator as its reader's credit and fairness allow.
"""

from __future__ import annotations

import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from snakepit._call import Inputs
from snakepit._entries import Entry
from snakepit._errors import CallTimeout, ProtocolError
from snakepit._frames import ITEM_COST
from snakepit._inputs import SyncInput
from snakepit._interrupt import Slot
from snakepit._references import refer
from snakepit._replies import ITEM_OVERHEAD, Large
from snakepit._values import OutBuffer, encode

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

# Items of one slice; the first slice is one item, so that it leaves at once.
_SECOND_SLICE = 16
_LONGEST_SLICE = 512


class SyncCall:
    """One call of a synchronous tool."""

    lingers = False

    def __init__(self, runtime: Runtime, call: int, entry: Entry, timeout_ms: int, raw: bytes | bytearray | memoryview, buffers: list[Any]) -> None:
        self.call = call
        self.entry = entry
        self.timeout_ms = timeout_ms
        self.deadline = time.monotonic() + timeout_ms / 1000 if timeout_ms else None
        # Whether it is answered as a stream; set before it is queued.
        self.streamed = False
        self.inputs: Inputs | None = None
        # What the call is part of; set before it is queued.
        self.depth = 0
        self.waiter = 0
        self._runtime = runtime
        self._raw = raw
        self._buffers = buffers
        self._wanted = True
        self._slot: Slot | None = None
        self._iterator: Iterator[Any] | None = None
        self._exhausted = False
        self._slice = 1
        # A generator without credit waits for it; under this lock with the credit.
        self._parking = threading.Lock()
        self._parked = False
        # Credit that came is written by the thread that leads, credit that went by whoever sends.
        self._granted = runtime.host_window
        self._spent = 0
        self._batch: list[bytes] = []
        self._batch_lock = threading.Lock()
        # Set whenever there may be news of an input stream. Made with the first, since few calls have one.
        self._arrived: threading.Event | None = None

    # On the thread that leads.

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        if self.inputs is None:
            self._runtime.give_back(body)
            return
        self.inputs.message(items, body, attached)
        self._wake()

    def half_close(self) -> None:
        if self.inputs is not None:
            self.inputs.half_close()
            self._wake()

    def credit(self, amount: int) -> None:
        self._granted += amount
        if self._granted > self._spent:
            self._unpark()

    def cancel(self) -> None:
        self._wanted = False
        slot = self._slot
        if slot is not None and slot.interrupt(self.call):
            self._wake()
        # A generator that waits for credit is closed where it runs.
        self._unpark()

    def expire(self) -> None:
        """Its time is up: answered now, stopped as if it were cancelled."""
        if self._claim():
            self._runtime.replies.error(self.call, CallTimeout(self.entry.name, self.timeout_ms, self._limit), self.entry.name)
        self.cancel()

    def lose(self) -> None:
        if self.inputs is not None:
            self.inputs.lose(ProtocolError("the connection to the host is gone"))
            self._wake()
        self.cancel()

    def _wake(self) -> None:
        arrived = self._arrived
        if arrived is not None:
            arrived.set()

    @property
    def goes_on(self) -> bool:
        """Whether it is a stream that has begun, and is not to be closed."""
        return self._iterator is not None and self._wanted

    @property
    def _limit(self) -> Literal["call", "stream"]:
        return "stream" if self.entry.tool.streaming else "call"

    def _unpark(self) -> None:
        with self._parking:
            parked, self._parked = self._parked, False
        if parked:
            self._runtime.queue_sync(self)

    # On a thread that runs tools.

    def run(self, slot: Slot) -> None:
        """Runs one slice."""
        now = time.monotonic()
        left = 0 if self.deadline is None else max(1, int((self.deadline - now) * 1000))
        if self.deadline is not None and now >= self.deadline:
            self.expire()
        self._slot = slot
        running = (self.call, self.entry, left, now, self.depth)
        # Not by a name here, since the traceback of the error reaches this frame: they would keep each other, and all that the tool had.
        self._settle(slot, *slot.guard(running, lambda: self._wanted, self._start if self._iterator is None else self._step))

    def _settle(self, slot: Slot, answer: bytes | Large | None, error: BaseException | None, cancelled: bool) -> None:
        """What becomes of the call after a slice."""
        self._slot = None
        self._runtime.logs.finish(self.call)
        if cancelled or not self._wanted:
            self._close(slot)
        elif error is not None:
            self._close_iterator(slot)
            self.flush()
            if self._claim():
                self._runtime.replies.error(self.call, error, self.entry.name)
            self._runtime.ended(self.call)
        elif answer is None:
            self._after_slice()
        else:
            if self._claim():
                self._runtime.replies.send(self.call, answer, wait=True)
                if self.streamed:
                    self._runtime.replies.end(self.call)
            self._runtime.ended(self.call)

    def flush(self) -> None:
        """Sends the items made so far. Also called by whoever takes the lead over while the next item takes long."""
        with self._batch_lock:
            n = len(self._batch)
            if n:
                items = self._batch[:n]
                del self._batch[:n]
                message = self._runtime.replies.items(self.call, items)
                self._spent += message.cost
                self._runtime.replies.send(self.call, message, wait=False)

    def _claim(self) -> bool:
        """The right to answer, which only one has: whoever takes the call out of the table."""
        return self._runtime.calls.pop(self.call, None) is self

    def _start(self) -> bytes | Large | None:
        tool = self.entry.tool
        runtime = self._runtime
        thunk: Callable[[], Any] | None = None
        if tool.fast and not self._buffers:
            try:
                thunk = partial(tool.call, tool.decode(self._raw))  # pyright: ignore[reportArgumentType]
            except Exception:
                # Said again below, by the pass that knows why.
                pass
        if thunk is None:
            thunk = tool.bind(self._raw, self._buffers, self._open_input, runtime.session_of(self.entry), self._refer)  # pyright: ignore[reportArgumentType]
        self._raw = b""
        self._buffers = []
        if tool.streaming:
            self._iterator = thunk()
            return self._step()
        started = time.monotonic()
        result = thunk()
        if self.streamed:
            packed, buffers = encode(result)
            return runtime.replies.items(self.call, [packed], buffers)
        return runtime.replies.result(self.call, result, int((time.monotonic() - started) * 1e6))

    def _step(self) -> None:
        """As many items as credit and fairness allow."""
        iterator = self._iterator
        assert iterator is not None
        runtime = self._runtime
        longest = runtime.batch_bytes
        lead = runtime.threads.lead
        batch = self._batch
        size = 0
        left = self._slice
        self._slice = min(_LONGEST_SLICE, max(_SECOND_SLICE, left * 2))
        room = self._granted - self._spent
        while left > 0 and room > 0:
            try:
                item = next(iterator)
            except StopIteration:
                self._exhausted = True
                return
            left -= 1
            packed, buffers = encode(item)
            n = len(packed) + ITEM_OVERHEAD
            if buffers is not None or n > longest:
                room = self._send_alone(packed, buffers)
                size = 0
                continue
            batch.append(packed)
            size += n
            room -= n if n > ITEM_COST else ITEM_COST
            # When the lead is elsewhere nobody sends this batch while the next item takes long.
            if size >= longest or not lead:
                room = self._send_alone(None, None)
                size = 0

    def _send_alone(self, packed: bytes | None, buffers: list[OutBuffer] | None) -> int:
        runtime = self._runtime
        slot = self._slot
        assert slot is not None
        message = None if packed is None else runtime.replies.items(self.call, [packed], buffers)
        slot.shield()
        self.flush()
        if message is not None:
            runtime.replies.send(self.call, message, wait=True)
            self._spent += message.cost
        slot.unshield()
        return self._granted - self._spent

    def _after_slice(self) -> None:
        self.flush()
        if self._exhausted:
            if self._claim():
                self._runtime.replies.end(self.call)
            self._runtime.ended(self.call)
            return
        with self._parking:
            self._parked = self._wanted and self._granted <= self._spent
            parked = self._parked
        if not parked:
            self._runtime.queue_sync(self)

    def _close(self, slot: Slot) -> None:
        """Ends a call that nobody waits for."""
        self._slot = None
        self._close_iterator(slot)
        self._runtime.ended(self.call)

    def _close_iterator(self, slot: Slot) -> None:
        iterator, self._iterator = self._iterator, None
        close: Callable[[], None] | None = getattr(iterator, "close", None)
        if close is None:
            return
        # The generator's `finally` is the user's code, and may take its time.
        self._runtime.linger(self.call)
        _, error, _ = slot.guard((self.call, self.entry, 0, time.monotonic(), self.depth), lambda: True, close)
        self._runtime.logs.finish(self.call)
        if error is not None and not isinstance(error, CancelledError):
            self._runtime.logs.report(error, self.entry)

    def _refer(self, code: int, payload: memoryview) -> Any:
        return refer(self._runtime, self, code, payload)

    def _open_input(self, number: int, parameter: str, decode: Any) -> SyncInput:
        if self.inputs is None:
            raise ProtocolError("a call without streams has an input stream among its arguments")
        source = self.inputs.get(number)
        source.tool = self.entry.name
        source.parameter = parameter
        source.decode = decode
        # Whoever feeds it looks for this after it has fed; whoever waits, the other way round.
        arrived = self._arrived
        if arrived is None:
            arrived = self._arrived = threading.Event()
        return SyncInput(source, lambda: self._runtime.wait(lambda: source.ready, arrived))
