"""Calls of asynchronous tools: tasks on the loop's thread, all together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from snakepit._call import Inputs
from snakepit._context import Running
from snakepit._entries import Entry
from snakepit._errors import CallTimeout, ProtocolError
from snakepit._frames import ITEM_COST
from snakepit._inputs import AsyncInput, Input
from snakepit._references import refer
from snakepit._replies import ITEM_OVERHEAD, Large
from snakepit._values import encode

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

_LONGEST_BATCH = 64


class AsyncCall:
    """One call of an asynchronous tool. Everything but the methods of the leading thread belongs to the loop's thread."""

    lingers = True

    def __init__(self, runtime: Runtime, call: int, entry: Entry, timeout_ms: int, raw: bytes | bytearray | memoryview, buffers: list[Any]) -> None:
        self.call = call
        self.entry = entry
        self.streamed = False
        self.inputs: Inputs | None = None
        # What the call is part of; set before it is started.
        self.depth = 0
        self.waiter = 0
        self._runtime = runtime
        self._raw = raw
        self._buffers = buffers
        self._timeout_ms = timeout_ms
        self._deadline = time.monotonic() + timeout_ms / 1000 if timeout_ms else None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._opened: dict[int, AsyncInput] = {}
        self._credit = runtime.host_window
        self._more_credit: asyncio.Event | None = None
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._flush_due = False

    # On the thread that leads.

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        if self.inputs is None:
            self._runtime.give_back(body)
            return
        source = self.inputs.message(items, body, attached)
        self._runtime.loop.post(self._notify, (source,))

    def half_close(self) -> None:
        if self.inputs is not None:
            self._runtime.loop.post(self._notify, self.inputs.half_close())

    def credit(self, amount: int) -> None:
        self._runtime.loop.post(self._credited, amount)

    def cancel(self) -> None:
        self._runtime.loop.post(self._stop)

    def lose(self) -> None:
        if self.inputs is not None:
            self.inputs.lose(ProtocolError("the connection to the host is gone"))
        self._runtime.loop.post(self._stop)

    # On the loop's thread.

    def start(self) -> None:
        """Starts the tool, unless the call was cancelled before."""
        if self._stopped:
            self._runtime.ended(self.call)
            return
        deadline = self._deadline
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                self._expire()
                self._runtime.ended(self.call)
                return
        else:
            left = 0.0
        self._task = self._runtime.eager.start(self._run(), Running(self.call, self.entry, self.depth, deadline, self.waiter))
        if left and self._task is not None:
            self._timer = self._runtime.loop.loop.call_later(left, self._expire)

    async def _run(self) -> None:
        self._begun = True
        runtime = self._runtime
        answer: bytes | Large | None = None
        error: BaseException | None = None
        try:
            answer = await self._work()
        except BaseException as e:
            error = e
        if self._timer is not None:
            self._timer.cancel()
        runtime.logs.finish(self.call)
        if not self._stopped and runtime.calls.pop(self.call, None) is self:
            self._flush()
            if error is not None:
                runtime.replies.error(self.call, error, self.entry.name)
            else:
                if isinstance(answer, bytes):
                    runtime.send_soon(answer)
                elif answer is not None:
                    runtime.replies.send(self.call, answer, wait=False)
                if self.streamed:
                    runtime.replies.end(self.call)
        runtime.ended(self.call)

    async def _work(self) -> bytes | Large | None:
        tool = self.entry.tool
        runtime = self._runtime
        started = time.monotonic()
        result: Any = None
        decoded = False
        if tool.fast and not self._buffers:
            try:
                arguments = tool.decode(self._raw)  # pyright: ignore[reportArgumentType]
                decoded = True
            except Exception:
                # Said again below, by the pass that knows why.
                pass
            if decoded:
                result = tool.call(arguments)  # pyright: ignore[reportPossiblyUnboundVariable]
        if not decoded:
            thunk = tool.bind(self._raw, self._buffers, self._open_input, runtime.session_of(self.entry), self._refer)  # pyright: ignore[reportArgumentType]
            result = thunk()
        self._raw = b""
        self._buffers = []
        if tool.streaming:
            await self._stream(result)
            return None
        result = await result
        if self.streamed:
            packed, buffers = encode(result)
            return runtime.replies.items(self.call, [packed], buffers)
        return runtime.replies.result(self.call, result, int((time.monotonic() - started) * 1e6))

    async def _stream(self, iterator: AsyncIterator[Any]) -> None:
        runtime = self._runtime
        longest = runtime.batch_bytes
        close = getattr(iterator, "aclose", None)
        first = True
        try:
            async for item in iterator:
                packed, buffers = encode(item)
                size = len(packed) + ITEM_OVERHEAD
                if buffers is not None or size > longest:
                    self._flush()
                    self._send(runtime.replies.items(self.call, [packed], buffers))
                else:
                    self._batch.append(packed)
                    self._batch_bytes += size
                    if first or self._batch_bytes >= longest or len(self._batch) >= _LONGEST_BATCH:
                        first = False
                        self._flush()
                        # A generator that never waits must not keep the others from running.
                        await asyncio.sleep(0)
                    elif not self._flush_due:
                        self._flush_due = True
                        runtime.loop.loop.call_soon(self._flush)
                if self._credit - max(ITEM_COST * len(self._batch), self._batch_bytes) <= 0:
                    self._flush()
                    await self._wait_for_credit()
        finally:
            if close is not None:
                await close()

    async def _wait_for_credit(self) -> None:
        if self._more_credit is None:
            self._more_credit = asyncio.Event()
        while self._credit <= 0:
            self._more_credit.clear()
            await self._more_credit.wait()

    def _flush(self) -> None:
        self._flush_due = False
        if self._batch and not self._stopped:
            items, self._batch, self._batch_bytes = self._batch, [], 0
            self._send(self._runtime.replies.items(self.call, items))

    def _send(self, message: Large) -> None:
        self._credit -= message.cost
        self._runtime.replies.send(self.call, message, wait=False)

    def _credited(self, amount: int) -> None:
        self._credit += amount
        if self._more_credit is not None and self._credit > 0:
            self._more_credit.set()

    def _stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            if self._begun:
                self._runtime.linger(self.call)
            else:
                # A task that is cancelled before its first step never takes it.
                self._runtime.ended(self.call)

    def _expire(self) -> None:
        if self._runtime.calls.pop(self.call, None) is self:
            # Stopped before it is answered: who has the answer may ask at once what still runs.
            self._stop()
            limit = "stream" if self.entry.tool.streaming else "call"
            self._runtime.replies.error(self.call, CallTimeout(self.entry.name, self._timeout_ms, limit), self.entry.name)

    def _notify(self, sources: list[Input] | tuple[Input, ...]) -> None:
        for source in sources:
            opened = self._opened.get(source.number)
            if opened is not None:
                opened.notify()

    def _refer(self, code: int, payload: memoryview) -> Any:
        return refer(self._runtime, self, code, payload)

    def _open_input(self, number: int, parameter: str, decode: Any) -> AsyncInput:
        if self.inputs is None:
            raise ProtocolError("a call without streams has an input stream among its arguments")
        source = self.inputs.get(number)
        source.tool = self.entry.name
        source.parameter = parameter
        source.decode = decode
        opened = self._opened[number] = AsyncInput(source)
        return opened
