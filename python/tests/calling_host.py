"""A host for tests whose tools Python calls, and which call Python again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import msgspec
from google.protobuf.any_pb2 import Any as AnyMessage
from worker_host import Frame, Host, error_in

from snakepit._errors import SnakepitError, detail_of
from snakepit._frames import CANCEL, CREDIT, END, ERROR, EXECUTE, EXECUTE_STREAM, MESSAGE, OPEN, RESULT, WORKER_CALL, cut, frame
from snakepit.v1.frame_pb2 import CallError, CallHead
from snakepit.v1.host_pb2 import CallToolRequest, CallToolResponse, StreamToolRequest, StreamToolResponse
from snakepit.v1.value_pb2 import Buffer
from snakepit.v1.worker_pb2 import (
    ExecuteToolRequest,
    ExecuteToolResponse,
    ExecuteToolStreamRequest,
    InitializeSessionRequest,
    InitializeSessionResponse,
)


class Python(NamedTuple):
    """What a host tool yields to call Python and be given the result; an error is raised there. A list of them runs at once and gives a list."""

    tool: str
    args: dict[str, Any] | None = None
    streaming: bool = False
    timeout_ms: int = 0
    waiter: int | None = None


class Ask(NamedTuple):
    """A call of a host tool."""

    wire: int
    timeout_ms: int
    request: CallToolRequest
    args: list[Any]
    kwargs: dict[str, Any]
    attached: list[bytes]


HostTool = Callable[[Ask], Generator[Any, Any, Any]]


class _Running:
    """A host tool that runs."""

    def __init__(self, ask: Ask, body: Generator[Any, Any, Any], streaming: bool) -> None:
        self.ask = ask
        self.body = body
        self.streaming = streaming
        self.calls: dict[int, Any] = {}
        self.missing = 0
        self.several = False


class CallingHost(Host):
    """A host with tools, each a generator function: what it yields is an item or a call of Python, what it returns is its result."""

    def __init__(self, tools: str, provided: dict[str, HostTool], threads: int = 1, session: str = "s") -> None:
        super().__init__(tools, threads=threads)
        self.session = session
        self.provided = dict(provided)
        self.asks: list[Ask] = []
        self.cancelled: list[int] = []
        # Answers calls in place of the tools.
        self.instead: Callable[[Frame], None] | None = None
        self._streams: dict[int, int] = {}
        self._running: dict[int, _Running] = {}
        self._callers: dict[int, _Running] = {}
        self._items: dict[int, list[Any]] = {}
        self.python_calls: list[tuple[int, str]] = []
        self.control("InitializeSession", InitializeSessionRequest(session_id=session), InitializeSessionResponse)

    def next(self) -> Frame:
        """The next message that no host tool is concerned with."""
        while (got := self._step()) is None:
            pass
        return got

    def pump(self, done: Callable[[], bool]) -> None:
        """Reads until something is so."""
        while not done():
            if (got := self._step()) is not None:
                self._waiting.append(got)

    def until_asked(self, count: int) -> Ask:
        """Reads until host tools were called that often, and gives the last of these calls."""
        self.pump(lambda: len(self.asks) >= count)
        return self.asks[count - 1]

    def until_cancelled(self, ask: Ask) -> None:
        """Reads until the worker has cancelled a call of a host tool."""
        self.pump(lambda: ask.wire in self.cancelled)

    def _step(self) -> Frame | None:
        got = super().next()
        if got.kind == OPEN and got.call & WORKER_CALL:
            if self.instead is not None:
                self.instead(got)
            else:
                self._opened(got)
            return None
        if got.kind == CANCEL and got.call & WORKER_CALL:
            self.cancelled.append(got.call)
            self._give_up(got.call)
            return None
        if got.call & WORKER_CALL and got.kind in (MESSAGE, END):
            if got.kind == MESSAGE:
                self._begin(got.call, self._streams.pop(got.call), StreamToolRequest.FromString(got.body), True)
            return None
        if got.call in self._callers and got.kind in (RESULT, ERROR, END, MESSAGE):
            self._answered(got)
            return None
        return got

    def in_session(self, tool: str, args: Any = None, *, timeout_ms: int = 0) -> int:
        """Starts a call of the session."""
        return self.start(tool, {} if args is None else args, session=self.session, timeout_ms=timeout_ms)

    def ask(self, tool: str, **args: Any) -> Any:
        """The result of a call of the session."""
        return self.result(self.in_session(tool, args))

    def _opened(self, got: Frame) -> None:
        method = CallHead.FromString(got.body[: got.prefix]).method.rpartition("/")[2]
        if method == "StreamTool":
            # Its request is the first message, and other calls may come between.
            self._streams[got.call] = got.aux
            return
        assert method == "CallTool"
        self._begin(got.call, got.aux, CallToolRequest.FromString(got.body[got.prefix :]), False)

    def _begin(self, call: int, timeout_ms: int, request: Any, streaming: bool) -> None:
        args, kwargs = msgspec.msgpack.decode(request.args, ext_hook=lambda code, data: (code, bytes(data)))
        ask = Ask(call, timeout_ms, request, args, kwargs, self.attached(call))
        self.asks.append(ask)
        name = request.tool or f"function {request.function}"
        running = self._running[call] = _Running(ask, self.provided[name](ask), streaming)
        self._go_on(running, None)

    def _go_on(self, running: _Running, value: Any) -> None:
        call = running.ask.wire
        while call in self._running:
            try:
                given = running.body.throw(value) if isinstance(value, Exception) else running.body.send(value)
            except StopIteration as end:
                del self._running[call]
                if running.streaming:
                    self.send(frame(END, call))
                else:
                    self.send_result(call, end.value)
                return
            except SnakepitError as error:
                del self._running[call]
                self.send_error(call, error)
                return
            if isinstance(given, (Python, list)):
                self._call_python(running, given)
                return
            self.send(frame(MESSAGE, call, StreamToolResponse(items=[msgspec.msgpack.encode(given)]).SerializeToString(), aux=1))
            value = None

    def send_result(self, call: int, value: Any, buffers: list[Buffer] | None = None) -> None:
        """Answers a call of a host tool."""
        self.send(frame(RESULT, call, CallToolResponse(result=msgspec.msgpack.encode(value), buffers=buffers or []).SerializeToString()))

    def send_error(self, call: int, error: SnakepitError) -> None:
        """Answers a call of a host tool with an error."""
        code, detail = detail_of(error, "")
        packed = AnyMessage()
        packed.Pack(detail)
        self.send(frame(ERROR, call, CallError(message=detail.message, details=[packed]).SerializeToString(), aux=code))

    def _call_python(self, running: _Running, given: Python | list[Python]) -> None:
        running.several = isinstance(given, list)
        wanted = given if isinstance(given, list) else [given]
        running.calls = {}
        for one in wanted:
            call = self.new_call()
            running.calls[call] = None
            self._callers[call] = running
            self.python_calls.append((call, one.tool))
        running.missing = len(wanted)
        for call, one in zip(running.calls, wanted, strict=True):
            request = running.ask.request
            waiter = request.waiter if one.waiter is None else one.waiter
            self.send(nested_frame(call, one, self.session, request.depth, waiter))

    def _answered(self, got: Frame) -> None:
        running = self._callers[got.call]
        if got.kind == MESSAGE:
            self._items.setdefault(got.call, []).extend(self.items_in(got))
            self.send(frame(CREDIT, got.call, aux=max(1024 * got.aux, len(got.body))))
            return
        del self._callers[got.call]
        if got.kind == ERROR:
            running.calls[got.call] = error_in(got)
        elif got.kind == END:
            running.calls[got.call] = self._items.pop(got.call, [])
        else:
            running.calls[got.call] = msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body[got.prefix :]).result)
        running.missing -= 1
        if not running.missing:
            results = list(running.calls.values())
            self._go_on(running, results if running.several else results[0])

    def _give_up(self, call: int) -> None:
        """As the signal of a host tool does: what it has called is cancelled."""
        running = self._running.pop(call, None)
        if running is not None:
            for nested in list(running.calls):
                if self._callers.get(nested) is running:
                    del self._callers[nested]
                    self.cancel(nested)


def nested_frame(call: int, one: Python, session: str, depth: int, waiter: int) -> bytes:
    """The frame of a call that a host tool makes."""
    args = msgspec.msgpack.encode(one.args or {})
    if one.streaming:
        body = ExecuteToolStreamRequest(session_id=session, tool=one.tool, args=args, depth=depth, waiter=waiter).SerializeToString()
        return frame(EXECUTE_STREAM, call, body, aux=one.timeout_ms)
    constant = ExecuteToolRequest(session_id=session, tool=one.tool).SerializeToString() + b"\x1a"
    body = constant + ExecuteToolRequest(args=args, depth=depth, waiter=waiter).SerializeToString()[1:]
    return b"".join(b"".join(pieces) for pieces in cut(EXECUTE, call, [body], prefix=len(constant), aux=one.timeout_ms))
