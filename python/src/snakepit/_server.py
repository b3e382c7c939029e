"""Services of any kind over the frames: unary, client, server and bidirectional streams, opened by Open frames.

A service is a table of methods by path. A handler is a function of the request (for a client stream an asynchronous iterator of requests) and a
`Context`. An `async def` runs on the loop's thread and returns the response; for a server stream it is an asynchronous generator of responses. A
plain `def`, for unary methods alone, answers on the thread that reads, at once, so it must be short. A handler fails a call by raising `CallFailed`.

    service = Service({"/pkg.Greeter/Hello": Method(HelloRequest.FromString, HelloResponse.SerializeToString, False, False, hello)})

A worker serves WorkerService this way (`_worker_service.py`), and beside it whatever is given to `snakepit.worker.run(path, [service])`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError

from snakepit._call import Call
from snakepit._errors import SnakepitError, detail_of
from snakepit._frames import CREDIT, END, ERROR, HEAD, ITEM_COST, MESSAGE, RESULT, Bytes, frame
from snakepit._loop import Loop
from snakepit._reader import Frame
from snakepit._writer import Writer
from snakepit.v1.frame_pb2 import CallError, CallHead, CallMeta, Header, Limits

CANCELED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
UNIMPLEMENTED = 12
INTERNAL = 13

Headers = dict[str, list[str]]
"""Values by lower-case name, in the order they were added."""


class CallFailed(Exception):
    """Fails a call with a Connect code, a message, and details as pairs of a type's name and its encoded message."""

    def __init__(self, code: int, message: str = "", details: Sequence[tuple[str, bytes]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True)
class Method:
    """How one method is served."""

    request_parser: Callable[[bytes], Any]
    serializer: Callable[[Any], bytes]
    client_streaming: bool
    server_streaming: bool
    handler: Callable[..., Any]


@dataclass(frozen=True)
class Service:
    """Methods by path, such as "/pkg.Service/Method"."""

    methods: Mapping[str, Method]


@dataclass
class Context:
    """What a handler knows of its call, and says beside its responses."""

    method: str
    request_headers: Headers
    timeout_ms: int | None
    """Time left when the call came, in milliseconds; None for no limit."""
    response_headers: Headers = field(default_factory=dict[str, list[str]])
    response_trailers: Headers = field(default_factory=dict[str, list[str]])
    send_headers: Callable[[], None] = lambda: None
    """Sends the response headers of a stream now; otherwise they go before the first response."""


class Carrier(Protocol):
    """The connection that calls come over."""

    writer: Writer
    loop: Loop
    calls: dict[int, Call]
    limits: Limits
    host_window: int

    def send_message(self, kind: int, call: int, parts: list[Bytes], *, flags: int = 0, prefix: int = 0, aux: int = 0) -> None: ...
    def ended(self, call: int) -> None: ...


class Dispatcher:
    """Finds what serves an opened call."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._methods: dict[str, Method] = {}
        self._special: dict[str, Callable[[Frame, bytearray], None]] = {}

    def add(self, service: Service) -> None:
        """Serves the methods of a service."""
        self._methods.update(service.methods)

    def add_special(self, path: str, open_call: Callable[[Frame, bytearray], None]) -> None:
        """Has a method's calls opened by a function of the frame and the request, if there is one yet."""
        self._special[path] = open_call

    def open(self, message: Frame, streaming: bool) -> None:
        """Opens a call. On the thread that leads."""
        call = message.call
        carrier = self._carrier
        try:
            head = CallHead.FromString(bytes(message.body[: message.prefix]))
        except DecodeError:
            send_error(carrier, call, CallFailed(INTERNAL, "the head of the call cannot be read"))
            return
        body = message.body[message.prefix :]
        special = self._special.get(head.method)
        if special is not None:
            special(message, body)
            return
        method = self._methods.get(head.method)
        if method is None:
            send_error(carrier, call, CallFailed(UNIMPLEMENTED, f"{head.method} is not served here"))
            return
        if streaming != (method.client_streaming or method.server_streaming):
            send_error(carrier, call, CallFailed(INTERNAL, f"{head.method} was opened as {'a stream' if streaming else 'unary'}, which it is not"))
            return
        context = Context(head.method, {h.name: list(h.values) for h in head.headers}, message.aux or None)
        if not streaming and not inspect.iscoroutinefunction(method.handler):
            self._answer(call, method, context, body)
            return
        opened = _ServiceCall(carrier, call, method, context, streaming)
        carrier.calls[call] = opened
        if not streaming:
            opened.message(0, 1, body, [])
            opened.half_close()
        carrier.loop.post(opened.start)

    def _answer(self, call: int, method: Method, context: Context, body: bytearray) -> None:
        carrier = self._carrier
        try:
            response = method.serializer(method.handler(_parse(method, bytes(body)), context))
            meta = _meta(context.response_headers, context.response_trailers)
            carrier.send_message(RESULT, call, [meta, response], prefix=len(meta))
        except Exception as e:
            send_error(carrier, call, e, context.response_headers, context.response_trailers)
        carrier.ended(call)


class _ServiceCall:
    """One call of a handler on the loop's thread."""

    lingers = True

    def __init__(self, carrier: Carrier, call: int, method: Method, context: Context, streaming: bool) -> None:
        self._carrier = carrier
        self._call = call
        self._method = method
        self._context = context
        self._streaming = streaming
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._closed = False
        self._arrived: asyncio.Event | None = None
        self._used = 0
        self._credit = carrier.host_window
        self._more_credit: asyncio.Event | None = None
        self._head_sent = False
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._stopped = False
        self._expired = False
        context.send_headers = self._send_headers

    # On the thread that leads.

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        self._inbox.append((bytes(body), max(ITEM_COST * items, len(body))))
        self._carrier.loop.post(self._wake)

    def half_close(self) -> None:
        self._closed = True
        self._carrier.loop.post(self._wake)

    def credit(self, amount: int) -> None:
        self._carrier.loop.post(self._credited, amount)

    def cancel(self) -> None:
        self._carrier.loop.post(self._stop)

    def lose(self) -> None:
        self._carrier.loop.post(self._stop)

    # On the loop's thread.

    def start(self) -> None:
        """Starts the handler."""
        if self._stopped:
            self._carrier.ended(self._call)
            return
        self._arrived = asyncio.Event()
        self._more_credit = asyncio.Event()
        self._task = self._carrier.loop.loop.create_task(self._run())

    async def _run(self) -> None:
        self._begun = True
        carrier, call, context = self._carrier, self._call, self._context
        timer = None
        if context.timeout_ms is not None:
            timer = carrier.loop.loop.call_later(context.timeout_ms / 1000, self._expire)
        error: BaseException | None = None
        response = b""
        try:
            response = await self._serve()
        except BaseException as e:
            error = CallFailed(DEADLINE_EXCEEDED, "the call took longer than its limit") if self._expired else e
        if timer is not None:
            timer.cancel()
        if carrier.calls.pop(call, None) is self:
            try:
                if error is not None:
                    raise error
                if self._streaming:
                    self._send_headers()
                    carrier.writer.send_for(call, frame(END, call, _meta({}, context.response_trailers)))
                else:
                    meta = _meta(context.response_headers, context.response_trailers)
                    carrier.send_message(RESULT, call, [meta, response], prefix=len(meta))
            except BaseException as e:
                send_error(carrier, call, e, {} if self._head_sent else context.response_headers, context.response_trailers)
        carrier.ended(call)

    async def _serve(self) -> bytes:
        method, context = self._method, self._context
        request: Any = self._requests() if method.client_streaming else await self._only_request()
        if not method.server_streaming:
            response = method.serializer(await method.handler(request, context))
            if not self._streaming:
                return response
            await self._send(response)
            return b""
        responses: AsyncIterator[Any] = method.handler(request, context)
        try:
            async for item in responses:
                await self._send(method.serializer(item))
        finally:
            close = getattr(responses, "aclose", None)
            if close is not None:
                await close()
        return b""

    async def _requests(self) -> AsyncIterator[Any]:
        while (body := await self._next()) is not None:
            yield _parse(self._method, body)

    async def _only_request(self) -> Any:
        body = await self._next()
        if body is None:
            raise CallFailed(UNIMPLEMENTED, "expected exactly one request message, got none")
        if self._streaming and await self._next() is not None:
            raise CallFailed(UNIMPLEMENTED, "expected exactly one request message, got more")
        return _parse(self._method, body)

    async def _next(self) -> bytes | None:
        assert self._arrived is not None
        while not self._inbox:
            if self._closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        body, cost = self._inbox.popleft()
        self._used += cost
        if self._streaming and not self._closed and self._used >= self._carrier.limits.stream_window_bytes // 2:
            used, self._used = self._used, 0
            self._carrier.writer.send(frame(CREDIT, self._call, aux=used))
        return body

    async def _send(self, response: bytes) -> None:
        assert self._more_credit is not None
        self._send_headers()
        while self._credit <= 0:
            self._more_credit.clear()
            await self._more_credit.wait()
        if self._stopped:
            return
        self._credit -= max(ITEM_COST, len(response))
        self._carrier.send_message(MESSAGE, self._call, [response], aux=1)

    def _send_headers(self) -> None:
        if self._streaming and not self._head_sent and not self._stopped:
            self._head_sent = True
            if self._context.response_headers:
                self._carrier.writer.send_for(self._call, frame(HEAD, self._call, _meta(self._context.response_headers, {})))

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()

    def _credited(self, amount: int) -> None:
        self._credit += amount
        if self._more_credit is not None:
            self._more_credit.set()

    def _expire(self) -> None:
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def _stop(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            if not self._begun:
                # A task that is cancelled before its first step never takes it.
                self._carrier.ended(self._call)


def _parse(method: Method, body: bytes) -> Any:
    try:
        return method.request_parser(body)
    except CallFailed:
        raise
    except Exception as e:
        raise CallFailed(INVALID_ARGUMENT, f"the request cannot be read: {e}") from e


def _headers(headers: Mapping[str, Iterable[str]]) -> list[Header]:
    return [Header(name=name.lower(), values=values) for name, values in headers.items()]


def _meta(headers: Headers, trailers: Headers) -> bytes:
    if not headers and not trailers:
        return b""
    return CallMeta(headers=_headers(headers), trailers=_headers(trailers)).SerializeToString()


def send_error(carrier: Carrier, call: int, error: BaseException, headers: Headers | None = None, trailers: Headers | None = None) -> None:
    """Answers a call with an error."""
    body = CallError(headers=_headers(headers or {}), trailers=_headers(trailers or {}))
    if isinstance(error, CallFailed):
        code = error.code
        body.message = error.message
        body.details.extend(AnyMessage(type_url=_url(name), value=value) for name, value in error.details)
    elif isinstance(error, SnakepitError):
        code, detail = detail_of(error, "")
        body.message = detail.message
        body.details.add().Pack(detail)
    elif isinstance(error, asyncio.CancelledError):
        code = CANCELED
        body.message = "the handler was cancelled"
    else:
        code = UNKNOWN
        body.message = f"{type(error).__name__}: {error}"
    carrier.send_message(ERROR, call, [body.SerializeToString()], aux=code)


def _url(name: str) -> str:
    return name if "/" in name else f"type.googleapis.com/{name}"
