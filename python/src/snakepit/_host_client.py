"""Calls that a worker opens: HostService, from a tool or from anything else in the process.

The synchronous functions may be called on any thread but the loop's; in a tool on the main thread they read the connection themselves until the
answer is there, without any change of thread. The asynchronous ones belong to the loop's thread.

`unary` and `stream` are for requests that are nothing but a message. `call` and `messages` are below them, for requests with buffers, and for those
from which calls of this worker may come (`_waiter.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from snakepit._errors import PayloadTooLarge, error_of
from snakepit._frames import CANCEL, CREDIT, END, ERROR, ITEM_COST, MESSAGE, OPEN, RESULT, STREAM, WORKER_CALL, cut, frame
from snakepit._reader import Frame
from snakepit._waiter import Waiter
from snakepit._writer import whole
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.frame_pb2 import CallError, CallHead
from snakepit.v1.host_pb2 import PingHostRequest, PingHostResponse

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

_PATH = "/snakepit.v1.HostService/"


class _Request(Protocol):
    def SerializeToString(self) -> bytes: ...  # noqa: N802


T = TypeVar("T")
Parse = Callable[[bytes], T]


class Request(NamedTuple):
    """A request with the buffers that go before it."""

    body: bytes
    attached: list[memoryview]


class Message(NamedTuple):
    """A message of an answer, with the buffers that came before it."""

    body: bytes
    attached: list[bytearray]
    cost: int


Make = Callable[[int], Request]
"""Makes a request, given the number of what waits for the answer: 0 where no call can be run on top of the wait."""


class HostCallFailed(Exception):
    """The host answered with an error that is none of the family. `code` is the Connect code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Pending:
    """One call on its way."""

    def __init__(self, changed: Callable[[], None]) -> None:
        # 0 until it has been sent.
        self.call = 0
        self.waiter: Waiter | None = None
        self.messages: deque[Message] = deque()
        self.over = False
        self.error: Exception | None = None
        self.used = 0
        self.changed = changed

    def ready(self) -> bool:
        return self.over or bool(self.messages)

    def end(self, error: Exception | None) -> None:
        self.error = error
        self.over = True
        self.changed()


class HostClient:
    """The worker's side of its own calls."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._lost = False

    def ping(self, message: str) -> str:
        """Asks the host for an answer."""
        return self.unary("PingHost", PingHostRequest(message=message), PingHostResponse.FromString).message

    async def ping_async(self, message: str) -> str:
        """Asks the host for an answer."""
        return (await self.unary_async("PingHost", PingHostRequest(message=message), PingHostResponse.FromString)).message

    def unary(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> T:
        """Calls a method of HostService and waits for its answer. Raises what the host answers."""
        return parse(self.call(method, _plain(request), timeout_ms).body)

    async def unary_async(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> T:
        """Calls a method of HostService. On the loop's thread."""
        return parse((await self.call_async(method, _plain(request), timeout_ms)).body)

    def stream(
        self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0, opened: Callable[[int], None] | None = None
    ) -> Generator[T, None, None]:
        """Calls a streaming method of HostService. Closing the iterator cancels the call; so does `cancel` with the number that `opened` is told."""
        messages = self.messages(method, _plain(request), timeout_ms, opened=opened)
        try:
            for message in messages:
                yield parse(message.body)
        finally:
            messages.close()

    async def stream_async(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> AsyncGenerator[T, None]:
        """Calls a streaming method of HostService. On the loop's thread. Closing the iterator cancels the call."""
        messages = self.messages_async(method, _plain(request), timeout_ms)
        try:
            async for message in messages:
                yield parse(message.body)
        finally:
            await messages.aclose()

    def call(self, method: str, make: Make, timeout_ms: int = 0, nesting: bool = False) -> Message:
        """Calls a method and waits for its answer. With `nesting`, calls of this worker that come of it may run on top of the wait."""
        arrived = threading.Event()
        pending = _Pending(arrived.set)
        number = self._number()
        nesting = nesting and self._runtime.threads.slot_here() is not None
        request = make(number if nesting else 0)
        try:
            self._open(pending, number, method, request, timeout_ms, False, arrived.set if nesting else None)
            self._runtime.wait(pending.ready, arrived, pending.waiter)
            return self._result(pending)
        finally:
            self._close(pending)

    async def call_async(self, method: str, make: Make, timeout_ms: int = 0) -> Message:
        """Calls a method. On the loop's thread."""
        arrived = asyncio.Event()
        pending = _Pending(self._notify(arrived))
        request = make(0)
        try:
            self._open(pending, self._number(), method, request, timeout_ms, False, None)
            await self._arrival(pending, arrived)
            return self._result(pending)
        finally:
            self._close(pending)

    def messages(
        self, method: str, make: Make, timeout_ms: int = 0, nesting: bool = False, opened: Callable[[int], None] | None = None
    ) -> Generator[Message, None, None]:
        """Calls a streaming method when the first message is asked for. Closing the generator cancels the call. `nesting` as for `call`."""
        arrived = threading.Event()
        pending = _Pending(arrived.set)
        number = self._number()
        nesting = nesting and self._runtime.threads.slot_here() is not None
        request = make(number if nesting else 0)
        try:
            self._open(pending, number, method, request, timeout_ms, True, arrived.set if nesting else None)
            if opened is not None:
                opened(pending.call)
            while True:
                self._runtime.wait(pending.ready, arrived, pending.waiter)
                if not pending.messages:
                    break
                yield self._take(pending)
            if pending.error is not None:
                raise pending.error
        finally:
            self._close(pending)

    async def messages_async(self, method: str, make: Make, timeout_ms: int = 0) -> AsyncGenerator[Message, None]:
        """Calls a streaming method when the first message is asked for. On the loop's thread. Closing the generator cancels the call."""
        arrived = asyncio.Event()
        pending = _Pending(self._notify(arrived))
        request = make(0)
        try:
            self._open(pending, self._number(), method, request, timeout_ms, True, None)
            while True:
                await self._arrival(pending, arrived)
                if not pending.messages:
                    break
                yield self._take(pending)
            if pending.error is not None:
                raise pending.error
        finally:
            self._close(pending)

    def cancel(self, call: int) -> None:
        """Ends a call that another thread waits for: its iterator ends after what has come. On any thread."""
        pending = self._pending.get(call)
        if pending is not None:
            with self._runtime.protected():
                self._abandon(pending)
                pending.end(None)

    # On the thread that leads.

    def take(self, message: Frame) -> None:
        """A frame of a call that the worker opened."""
        attached = self._runtime.reader.attached(message.call) or []
        pending = self._pending.get(message.call)
        if pending is None:
            return
        kind = message.kind
        if kind == MESSAGE:
            cost = max(ITEM_COST * message.aux, len(message.body) + sum(map(len, attached)))
            pending.messages.append(Message(bytes(message.body), attached, cost))
            pending.changed()
        elif kind == RESULT:
            pending.messages.append(Message(bytes(message.body[message.prefix :]), attached, 0))
            pending.end(None)
        elif kind == END:
            pending.end(None)
        elif kind == ERROR:
            pending.end(_error(message.aux, message.body))

    def is_open(self, call: int) -> bool:
        """Whether a call has not ended."""
        return call in self._pending

    def fail(self, call: int, error: Exception) -> None:
        """Ends a call whose answer is refused."""
        pending = self._pending.get(call)
        if pending is not None and not pending.over:
            self._runtime.writer.send_for(call, frame(CANCEL, call))
            pending.end(error)

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        for pending in list(self._pending.values()):
            pending.end(_gone())

    # Wherever the call was opened.

    # An interrupt may come out of any of these; what was opened is closed all the same, since `pending` is known before.

    def _number(self) -> int:
        # Also the number of what waits, so it is known before anything is sent.
        return next(self._ids) & ~WORKER_CALL or next(self._ids)

    def _open(
        self, pending: _Pending, number: int, method: str, request: Request, timeout_ms: int, streaming: bool, wake: Callable[[], None] | None
    ) -> None:
        head = CallHead(method=_PATH + method).SerializeToString()
        runtime = self._runtime
        with runtime.protected():
            if self._lost:
                raise _gone()
            call = number | WORKER_CALL
            self._pending[call] = pending
            pending.call = call
            if wake is not None:
                pending.waiter = runtime.waiters[number] = Waiter(wake, lambda: self._abandon(pending), runtime.threads.queue_sync)
            if request.attached:
                self._send_large(call, head, request, timeout_ms, streaming)
            elif streaming:
                runtime.send_message(OPEN, call, [head], flags=STREAM, prefix=len(head), aux=timeout_ms)
                runtime.send_message(MESSAGE, call, [request.body], aux=1)
                runtime.writer.send_for(call, frame(END, call))
            else:
                runtime.send_message(OPEN, call, [head, request.body], prefix=len(head), aux=timeout_ms)

    def _send_large(self, call: int, head: bytes, request: Request, timeout_ms: int, streaming: bool) -> None:
        runtime = self._runtime
        limit = runtime.host_limits.max_message_bytes
        if len(request.body) > limit:
            raise PayloadTooLarge(len(request.body), limit, "maxMessageBytes")
        if streaming:
            opening = [cut(OPEN, call, [head], flags=STREAM, prefix=len(head), aux=timeout_ms)]
            closing = [cut(MESSAGE, call, [request.body], aux=1), whole(frame(END, call))]
        else:
            opening = []
            closing = [cut(OPEN, call, [head, request.body], prefix=len(head), aux=timeout_ms)]
        # Only who is relieved of reading may wait until shared memory has been sent.
        runtime.replies.send(call, runtime.replies.request(call, opening, request.attached, closing), wait=runtime.threads.may_block())

    def _close(self, pending: _Pending) -> None:
        if not pending.call:
            return
        with self._runtime.protected():
            self._abandon(pending)
            if pending.waiter is not None:
                self._runtime.waiters.pop(pending.call & ~WORKER_CALL, None)
                pending.waiter.end()

    def _abandon(self, pending: _Pending) -> None:
        """Wants no answer any more. On any thread, under a shield where a tool runs."""
        call = pending.call
        if self._pending.pop(call, None) is not None and not pending.over:
            # Or buffers whose message does not come would keep the reader looking for it.
            self._runtime.reader.attached(call)
            self._runtime.writer.drop(call)
            self._runtime.writer.send_for(call, frame(CANCEL, call))

    def _take(self, pending: _Pending) -> Message:
        message = pending.messages.popleft()
        pending.used += message.cost
        if not pending.over and pending.used >= self._runtime.limits.stream_window_bytes // 2:
            used, pending.used = pending.used, 0
            with self._runtime.protected():
                self._runtime.writer.send(frame(CREDIT, pending.call, aux=used))
        return message

    def _result(self, pending: _Pending) -> Message:
        if pending.error is not None:
            raise pending.error
        if not pending.messages:
            raise _gone()
        return pending.messages[0]

    def _notify(self, arrived: asyncio.Event) -> Callable[[], None]:
        loop = self._runtime.loop
        return lambda: loop.call(arrived.set)

    async def _arrival(self, pending: _Pending, arrived: asyncio.Event) -> None:
        while not pending.ready():
            arrived.clear()
            if not pending.ready():
                await arrived.wait()


def _plain(request: _Request) -> Make:
    return lambda _waiter: Request(request.SerializeToString(), [])


def _gone() -> ConnectionError:
    return ConnectionError("the connection to the host is gone")


def _error(code: int, body: bytearray) -> Exception:
    said = CallError.FromString(bytes(body))
    detail = ErrorDetail()
    for packed in said.details:
        if packed.Unpack(detail):
            return error_of(detail)
    return HostCallFailed(code, said.message)
