"""Tools of the host, called from Python: those that a program provides by name, and functions that it passes among the arguments of a call.

A call of them is part of the call that makes it: it is nested one level deeper, has the time that is left, and is cancelled with it. Values travel
as they do in calls of Python's tools (docs/values.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from snakepit._call import received_buffers
from snakepit._context import Running, caller, current
from snakepit._errors import SnakepitError, StreamingMismatch
from snakepit._host_client import Message, Request
from snakepit._replies import describe
from snakepit._spans import traceparent
from snakepit._values import decode, encode
from snakepit.v1.host_pb2 import (
    CallToolRequest,
    CallToolResponse,
    ListHostToolsRequest,
    ListHostToolsResponse,
    StreamToolRequest,
    StreamToolResponse,
)
from snakepit.v1.tool_pb2 import Tool

if TYPE_CHECKING:
    from snakepit._call import ToolCall
    from snakepit._runtime import Runtime
    from snakepit._session_state import SessionState

__all__ = [
    "HostFunction",
    "HostTool",
    "call_tool",
    "call_tool_async",
    "list_host_tools",
    "list_host_tools_async",
    "stream_tool",
    "stream_tool_async",
]


class HostTool(NamedTuple):
    """A tool of the host's."""

    name: str
    description: str
    """Empty when there is none."""
    streaming: bool
    """Whether it is called by ``stream_tool``."""
    input_schema: Mapping[str, Any]
    """JSON Schema of its arguments; empty when there is none."""


class _Target(NamedTuple):
    """What is called: a tool by its name, or a function by its number."""

    session_id: str
    tool: str
    function: int


def call_tool(runtime: Runtime, state: SessionState, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Calls a tool of the host and waits for its result. Not on the loop's thread. Raises what the host answers, and UnsupportedValue."""
    return _call(runtime, _Target(state.id, name, 0), args, kwargs)


async def call_tool_async(runtime: Runtime, state: SessionState, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """`call_tool` on the loop's thread."""
    return await _call_async(runtime, _Target(state.id, name, 0), args, kwargs)


def stream_tool(runtime: Runtime, state: SessionState, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    """Calls a tool of the host that streams, when the first item is asked for. Closing the iterator cancels the call. Not on the loop's thread."""
    return _stream(runtime, _Target(state.id, name, 0), args, kwargs)


def stream_tool_async(runtime: Runtime, state: SessionState, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> AsyncIterator[Any]:
    """`stream_tool` on the loop's thread."""
    return _stream_async(runtime, _Target(state.id, name, 0), args, kwargs)


def list_host_tools(runtime: Runtime, state: SessionState) -> list[HostTool]:
    """The tools of the host that calls of the session may call. Only outside a session the host has to be asked."""
    if state.id:
        return [_described(tool) for tool in state.host_tools.values()]
    answer = runtime.host.unary("ListHostTools", ListHostToolsRequest(session_id=state.id), ListHostToolsResponse.FromString)
    return [_described(tool) for tool in answer.tools]


async def list_host_tools_async(runtime: Runtime, state: SessionState) -> list[HostTool]:
    """`list_host_tools` on the loop's thread."""
    if state.id:
        return [_described(tool) for tool in state.host_tools.values()]
    answer = await runtime.host.unary_async("ListHostTools", ListHostToolsRequest(session_id=state.id), ListHostToolsResponse.FromString)
    return [_described(tool) for tool in answer.tools]


class HostFunction:
    """A function of the program's that stands among the arguments of a call, for as long as that call runs.

    In a tool written with ``def`` a call of it waits and gives the result; in one written with ``async def`` it gives an awaitable. What a
    generator function yields comes by ``stream``.
    """

    __slots__ = ("_asynchronous", "_runtime", "_target", "_valid")

    def __init__(self, runtime: Runtime, call: ToolCall, number: int) -> None:
        self._runtime = runtime
        self._target = _Target(call.entry.session_id, "", number)
        self._asynchronous = call.entry.tool.asynchronous
        # A call is in the table until it is answered or cancelled.
        self._valid: Callable[[], bool] = lambda: runtime.calls.get(call.call) is call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function. Raises what it throws as HostToolFailed, and RuntimeError when the call that it came with has ended."""
        self._check()
        return (_call_async if self._asynchronous else _call)(self._runtime, self._target, args, kwargs)

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        """Calls a function that streams: an iterator of its items, in a tool written with ``async def`` an asynchronous one."""
        self._check()
        return (_stream_async if self._asynchronous else _stream)(self._runtime, self._target, args, kwargs)

    def _check(self) -> None:
        if not self._valid():
            raise RuntimeError("a function among the arguments of a call may be called only until that call has ended")

    def __repr__(self) -> str:
        return f"<HostFunction {self._target.function}>"


def _call(runtime: Runtime, target: _Target, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    running = current()
    make = _maker(CallToolRequest, target, args, kwargs, running)
    try:
        return _result(runtime.host.call("CallTool", make, _time_left(running), nesting=True))
    except StreamingMismatch as error:
        raise _told(error, target) from None


async def _call_async(runtime: Runtime, target: _Target, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    running = current()
    make = _maker(CallToolRequest, target, args, kwargs, running)
    try:
        return _result(await runtime.host.call_async("CallTool", make, _time_left(running)))
    except StreamingMismatch as error:
        raise _told(error, target) from None


def _stream(runtime: Runtime, target: _Target, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Generator[Any, None, None]:
    running = current()
    make = _maker(StreamToolRequest, target, args, kwargs, running)
    messages = runtime.host.messages("StreamTool", make, _time_left(running), nesting=True)
    try:
        for message in messages:
            yield from _items(message)
    except StreamingMismatch as error:
        raise _told(error, target) from None
    finally:
        messages.close()


async def _stream_async(runtime: Runtime, target: _Target, args: Sequence[Any], kwargs: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
    running = current()
    make = _maker(StreamToolRequest, target, args, kwargs, running)
    messages = runtime.host.messages_async("StreamTool", make, _time_left(running))
    try:
        async for message in messages:
            for item in _items(message):
                yield item
    except StreamingMismatch as error:
        raise _told(error, target) from None
    finally:
        await messages.aclose()


def _maker(
    kind: type[CallToolRequest] | type[StreamToolRequest], target: _Target, args: Sequence[Any], kwargs: Mapping[str, Any], running: Running | None
) -> Callable[[int], Request]:
    packed, buffers = encode([list(args), dict(kwargs)])
    described, attached = describe(buffers or [])
    depth = 1 if running is None else running.depth + 1
    # A call that is part of one that waits on a thread passes on what waits, so that calls which come of it find that thread too.
    passed_on = 0 if running is None else running.waiter
    trace = traceparent()

    def make(waiter: int) -> Request:
        message = kind(
            session_id=target.session_id,
            tool=target.tool,
            function=target.function,
            args=packed,
            buffers=described,
            depth=depth,
            waiter=waiter or passed_on,
            caller=caller(running),
            traceparent=trace,
        )
        return Request(message.SerializeToString(), attached)

    return make


def _time_left(running: Running | None) -> int:
    if running is None or running.deadline is None:
        return 0
    return max(1, int((running.deadline - time.monotonic()) * 1000))


def _result(message: Message) -> Any:
    answer = CallToolResponse.FromString(message.body)
    return decode(answer.result, received_buffers(answer.buffers, message.attached))


def _items(message: Message) -> Iterator[Any]:
    answer = StreamToolResponse.FromString(message.body)
    buffers = received_buffers(answer.buffers, message.attached)
    for item in answer.items:
        yield decode(item, buffers)


def _told(error: StreamingMismatch, target: _Target) -> SnakepitError:
    """The same error, saying how Python calls what streams, and what does not."""
    name = f'host tool "{target.tool}"' if target.tool else "function"
    if error.streaming:
        said = f"The {name} streams: call it with {'stream_tool' if target.tool else 'its method stream'}."
    else:
        said = f"The {name} does not stream: call {'it with call_tool' if target.tool else 'the function itself'}."
    return StreamingMismatch.rebuild(error.fields, error.tag, said, error.retryable)


def _described(tool: Tool) -> HostTool:
    return HostTool(tool.name, tool.description, tool.streaming, json.loads(tool.input_schema_json or "{}"))
