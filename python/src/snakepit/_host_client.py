"""Calls that a worker opens: HostService, from a tool or from anything else in the process.

The synchronous functions may be called on any thread but the loop's; in a tool on the main thread they read the connection themselves until the
answer is there, without any change of thread. The asynchronous ones belong to the loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

from snakepit._errors import error_of
from snakepit._frames import CANCEL, CREDIT, END, ERROR, ITEM_COST, MESSAGE, OPEN, RESULT, STREAM, WORKER_CALL, frame
from snakepit._reader import Frame
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
        self.messages: deque[tuple[bytes, int]] = deque()
        self.over = False
        self.error: Exception | None = None
        self.used = 0
        self.changed = changed

    @property
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
        arrived = threading.Event()
        pending = _Pending(arrived.set)
        try:
            self._open(pending, method, request, timeout_ms, False)
            self._runtime.wait(lambda: pending.ready, arrived)
            return parse(self._result(pending))
        finally:
            self._close(pending)

    async def unary_async(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> T:
        """Calls a method of HostService. On the loop's thread."""
        arrived = asyncio.Event()
        pending = _Pending(self._notify(arrived))
        try:
            self._open(pending, method, request, timeout_ms, False)
            await self._arrival(pending, arrived)
            return parse(self._result(pending))
        finally:
            self._close(pending)

    def stream(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> Iterator[T]:
        """Calls a streaming method of HostService. Closing the iterator cancels the call."""
        arrived = threading.Event()
        pending = _Pending(arrived.set)
        try:
            self._open(pending, method, request, timeout_ms, True)
            while True:
                self._runtime.wait(lambda: pending.ready, arrived)
                if not pending.messages:
                    break
                yield parse(self._take(pending))
            if pending.error is not None:
                raise pending.error
        finally:
            self._close(pending)

    async def stream_async(self, method: str, request: _Request, parse: Parse[T], timeout_ms: int = 0) -> AsyncIterator[T]:
        """Calls a streaming method of HostService. On the loop's thread. Closing the iterator cancels the call."""
        arrived = asyncio.Event()
        pending = _Pending(self._notify(arrived))
        try:
            self._open(pending, method, request, timeout_ms, True)
            while True:
                await self._arrival(pending, arrived)
                if not pending.messages:
                    break
                yield parse(self._take(pending))
            if pending.error is not None:
                raise pending.error
        finally:
            self._close(pending)

    # On the thread that leads.

    def take(self, message: Frame) -> None:
        """A frame of a call that the worker opened."""
        pending = self._pending.get(message.call)
        if pending is None:
            return
        kind = message.kind
        if kind == MESSAGE:
            pending.messages.append((bytes(message.body), max(ITEM_COST * message.aux, len(message.body))))
            pending.changed()
        elif kind == RESULT:
            pending.messages.append((bytes(message.body[message.prefix :]), 0))
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

    def _open(self, pending: _Pending, method: str, request: _Request, timeout_ms: int, streaming: bool) -> None:
        head = CallHead(method=_PATH + method).SerializeToString()
        body = request.SerializeToString()
        runtime = self._runtime
        with runtime.protected():
            if self._lost:
                raise _gone()
            call = next(self._ids) & ~WORKER_CALL or next(self._ids)
            call |= WORKER_CALL
            self._pending[call] = pending
            pending.call = call
            parts = [head] if streaming else [head, body]
            runtime.send_message(OPEN, call, list(parts), flags=STREAM if streaming else 0, prefix=len(head), aux=timeout_ms)
            if streaming:
                runtime.send_message(MESSAGE, call, [body], aux=1)
                runtime.writer.send_for(call, frame(END, call))

    def _close(self, pending: _Pending) -> None:
        call = pending.call
        if not call:
            return
        with self._runtime.protected():
            self._pending.pop(call, None)
            if not pending.over:
                self._runtime.writer.drop(call)
                self._runtime.writer.send_for(call, frame(CANCEL, call))

    def _take(self, pending: _Pending) -> bytes:
        body, cost = pending.messages.popleft()
        pending.used += cost
        if not pending.over and pending.used >= self._runtime.limits.stream_window_bytes // 2:
            used, pending.used = pending.used, 0
            with self._runtime.protected():
                self._runtime.writer.send(frame(CREDIT, pending.call, aux=used))
        return body

    def _result(self, pending: _Pending) -> bytes:
        if pending.error is not None:
            raise pending.error
        if not pending.messages:
            raise _gone()
        return pending.messages[0][0]

    def _notify(self, arrived: asyncio.Event) -> Callable[[], None]:
        loop = self._runtime.loop
        return lambda: loop.call(arrived.set)

    async def _arrival(self, pending: _Pending, arrived: asyncio.Event) -> None:
        while not pending.ready:
            arrived.clear()
            if not pending.ready:
                await arrived.wait()


def _gone() -> ConnectionError:
    return ConnectionError("the connection to the host is gone")


def _error(code: int, body: bytearray) -> Exception:
    said = CallError.FromString(bytes(body))
    detail = ErrorDetail()
    for packed in said.details:
        if packed.Unpack(detail):
            return error_of(detail)
    return HostCallFailed(code, said.message)
