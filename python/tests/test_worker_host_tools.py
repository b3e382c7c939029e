"""Calling tools of the host, and functions among the arguments of a call."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import msgspec
import pytest
from calling_host import Ask, CallingHost, Python
from msgspec.msgpack import Ext
from worker_host import Frame, Host

from snakepit._errors import HostToolFailed, InvalidArguments, PayloadTooLarge, StreamingMismatch, ToolFailed, UnsupportedValue
from snakepit._frames import ATTACH, RESULT, cut, frame
from snakepit.v1.frame_pb2 import CallHead, Limits
from snakepit.v1.host_pb2 import CallToolResponse, ListHostToolsRequest, ListHostToolsResponse
from snakepit.v1.tool_pb2 import Tool
from snakepit.v1.value_pb2 import Buffer
from snakepit.v1.worker_pb2 import InitializeSessionRequest, InitializeSessionResponse

TOOLS = """
import array
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from snakepit import AsyncSession, HostFunction, Session, StreamingMismatch

KEPT = []

@tool
def call(session: Session, name: str, args: list = [], named: dict[str, Any] = {}) -> object:
    return session.call_tool(name, *args, **named)

@tool
async def acall(session: AsyncSession, name: str, args: list = [], named: dict[str, Any] = {}) -> object:
    return await session.call_tool(name, *args, **named)

@tool
def items(session: Session, name: str, most: int = 1000) -> list:
    out = []
    for item in session.stream_tool(name):
        out.append(item)
        if len(out) >= most:
            break
    return out

@tool
async def aitems(session: AsyncSession, name: str, most: int = 1000) -> list:
    out = []
    stream = session.stream_tool(name)
    async for item in stream:
        out.append(item)
        if len(out) >= most:
            break
    await stream.aclose()
    return out

@tool
def send_array(session: Session, n: int, stream: bool = False) -> object:
    data = array.array("d", range(n))
    if stream:
        return list(session.stream_tool("stream", data))
    return session.call_tool("sum", data, label=b"x" * 70_000)

@tool
async def asend_array(session: AsyncSession, n: int) -> object:
    return await session.call_tool("sum", array.array("d", range(n)), label=b"x" * 70_000)

@tool
def send_unsupported(session: Session) -> None:
    session.call_tool("echo", {"f": print})

@tool
def listed(session: Session) -> list:
    return [list(t) for t in session.list_tools()]

@tool
def apply(f: Callable[[int], int], x: int) -> int:
    return f(x)

@tool
def apply_named(f: HostFunction, x: int) -> list:
    return [f(1, x=x), f(2, x=x)]

@tool
def apply_any(f, x: int = 1):
    return [f(x), repr(f)]

@tool
def apply_each(fs: list[Callable[..., int]]) -> list[int]:
    return [f() for f in fs]

@tool
async def aapply(f: Callable[[int], Any], x: int) -> int:
    return await f(x) + await f(x + 1)

@tool
def gather(f: Callable[..., Any]) -> list:
    return list(f.stream(3))

@tool
async def agather(f: Callable[..., Any]) -> list:
    return [item async for item in f.stream(3)]

@tool
def over(f: Callable[[int], int]) -> Iterator[int]:
    for n in range(3):
        yield f(n)

@tool
def keep(f: Callable[[], int]) -> None:
    KEPT.append(f)

@tool
def call_kept() -> int:
    return KEPT[-1]()

@tool
def takes_int(f: int) -> int:
    return f

@tool
def give_back(f: Callable[[], int]) -> object:
    return f

@tool
def optional(f: Callable[[int], int] | None = None) -> int:
    return 0 if f is None else f(1)

@tool
def echo(x: int) -> int:
    return x
"""

Body = Generator[Any, Any, Any]


def echo(ask: Ask) -> Body:
    yield from ()
    return [ask.args, ask.kwargs]


def double(ask: Ask) -> Body:
    yield from ()
    return ask.args[0] * 2


def failing(ask: Ask) -> Body:
    yield from ()
    raise HostToolFailed("fails", "RangeError", "too much", "at x.ts:1")


def three(ask: Ask) -> Body:
    yield 1
    yield {"a": [2]}
    yield None


def many(ask: Ask) -> Body:
    yield from range(5000)


def total(ask: Ask) -> Body:
    yield from ()
    buffers = list(ask.request.buffers)
    return [ask.args, ask.kwargs, [b.dtype for b in buffers], [len(ask.attached[b.attached]) for b in buffers]]


def streamed(ask: Ask) -> Body:
    yield {ask.request.buffers[0].dtype: len(ask.attached[0])}


def mismatched(streaming: bool) -> Any:
    def body(ask: Ask) -> Body:
        yield from ()
        raise StreamingMismatch(ask.request.tool, streaming)

    return body


def never(ask: Ask) -> Body:
    yield []


def again(ask: Ask) -> Body:
    yield from ()
    return (yield Python("echo", {"x": ask.args[0] + 100}))


PROVIDED: dict[str, Any] = {
    "echo": echo,
    "fails": failing,
    "three": three,
    "many": many,
    "sum": total,
    "stream": streamed,
    "streams": mismatched(True),
    "does not": mismatched(False),
    "function 1": double,
    "function 2": three,
    "function 3": again,
    "function 4": mismatched(True),
    "function 5": failing,
    "function 6": echo,
}


def fn(number: int) -> Ext:
    return Ext(4, bytes([number]))


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[CallingHost]:
    with CallingHost(TOOLS, PROVIDED, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: CallingHost) -> Iterator[CallingHost]:
    shared.asks.clear()
    shared.cancelled.clear()
    shared.instead = None
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=1) == 1


@pytest.mark.parametrize("tool", ["call", "acall"])
def test_arguments_go_by_position_and_by_name(host: CallingHost, tool: str) -> None:
    given = host.ask(tool, name="echo", args=[1, "a", None], named={"x": [1.5], "y": {"z": True}})
    assert given == [[1, "a", None], {"x": [1.5], "y": {"z": True}}]
    request = host.asks[0].request
    assert (request.session_id, request.tool, request.depth, request.caller.tool) == ("s", "echo", 1, tool)
    assert request.caller.call > 0
    assert bool(request.waiter) == (tool == "call")


@pytest.mark.parametrize("tool", ["call", "acall"])
def test_what_the_host_tool_fails_with_is_raised(host: CallingHost, tool: str) -> None:
    with pytest.raises(HostToolFailed) as caught:
        host.ask(tool, name="fails")
    assert caught.value.fields == {"tool": "fails", "type": "RangeError", "detail": "too much", "stack": "at x.ts:1"}


@pytest.mark.parametrize("tool", ["items", "aitems"])
def test_items_of_a_host_tool_come_in_order(host: CallingHost, tool: str) -> None:
    assert host.ask(tool, name="three") == [1, {"a": [2]}, None]
    assert host.ask(tool, name="many", most=10_000) == list(range(5000))
    assert host.cancelled == []


@pytest.mark.parametrize("tool", ["items", "aitems"])
def test_leaving_a_stream_of_the_host_cancels_it(host: CallingHost, tool: str) -> None:
    def endless(ask: Ask) -> Body:
        yield 1
        yield []

    host.provided["endless"] = endless
    assert host.ask(tool, name="endless", most=1) == [1]
    host.until_cancelled(host.asks[0])


@pytest.mark.parametrize("tool", ["send_array", "asend_array"])
def test_large_data_goes_beside_the_arguments(host: CallingHost, tool: str) -> None:
    args, kwargs, dtypes, sizes = host.ask(tool, n=20_000)
    # The code of the extension and the number of the buffer.
    assert args == [[1, b"\x00"]]
    # Plain bytes inside a container stay in it.
    assert kwargs == {"label": b"x" * 70_000}
    assert (dtypes, sizes) == (["f8"], [160_000])


def test_large_data_goes_beside_the_arguments_of_a_stream(host: CallingHost) -> None:
    assert host.ask("send_array", n=100_000, stream=True) == [{"f8": 800_000}]


@pytest.mark.parametrize("tool", ["call", "acall"])
def test_large_data_comes_beside_a_result(host: CallingHost, tool: str) -> None:
    def answer(got: Frame) -> None:
        data = bytes(range(256)) * 4000
        host.send(b"".join(b"".join(p) for p in cut(ATTACH, got.call, [data])))
        result = msgspec.msgpack.encode(Ext(1, b"\x00"))
        body = CallToolResponse(result=result, buffers=[Buffer(dtype="bytes", attached=0)]).SerializeToString()
        host.send(frame(RESULT, got.call, body))

    host.instead = answer
    call = host.in_session(tool, {"name": "x"})
    got = host.for_call(call)
    assert got.kind == RESULT
    assert host.attached(call) == [bytes(range(256)) * 4000]


def test_buffers_of_an_answer_that_nobody_waits_for_are_dropped(host: CallingHost) -> None:
    host.provided["never"] = never
    call = host.in_session("call", {"name": "never"})
    ask = host.until_asked(1)
    host.send(frame(ATTACH, ask.wire, b"x" * 1000))
    host.cancel(call)
    host.until_cancelled(ask)
    host.send(frame(ATTACH, ask.wire, b"x" * 1000))
    assert host.ask("call", name="echo") == [[], {}]


@pytest.mark.parametrize("tool", ["call", "acall"])
def test_a_host_tool_that_streams_is_called_otherwise(host: CallingHost, tool: str) -> None:
    with pytest.raises(StreamingMismatch, match="stream_tool"):
        host.ask(tool, name="streams")


@pytest.mark.parametrize("tool", ["items", "aitems"])
def test_a_host_tool_that_does_not_stream_is_called_otherwise(host: CallingHost, tool: str) -> None:
    with pytest.raises(StreamingMismatch, match="call_tool"):
        host.ask(tool, name="does not")


def test_an_argument_that_cannot_travel_is_refused_before_anything_is_sent(host: CallingHost) -> None:
    with pytest.raises(UnsupportedValue) as caught:
        host.ask("send_unsupported")
    assert caught.value.path == "$[0][0].f"
    assert host.asks == []


def test_arguments_over_the_limits_of_the_host_are_refused() -> None:
    limits = Limits(max_message_bytes=100_000, max_buffer_bytes=100_000, stream_window_bytes=1 << 20)
    with Host(TOOLS, limits=limits) as host:
        for tool, args, option in (
            ("send_array", {"n": 20_000}, "maxBufferBytes"),
            ("call", {"name": "echo", "args": ["x" * 50_000, "y" * 50_000]}, "maxMessageBytes"),
        ):
            with pytest.raises(PayloadTooLarge) as caught:
                host.result(host.start(tool, args))
            assert caught.value.option == option
        assert host.call("echo", x=2) == 2


LOOKUP = Tool(name="lookup", description="Looks up.", streaming=True, input_schema_json='{"type":"object"}')


def test_outside_a_session_the_host_is_asked_for_its_tools(host: CallingHost) -> None:
    def answer(got: Frame) -> None:
        head = CallHead.FromString(got.body[: got.prefix])
        assert head.method == "/snakepit.v1.HostService/ListHostTools"
        assert ListHostToolsRequest.FromString(got.body[got.prefix :]).session_id == ""
        host.send(frame(RESULT, got.call, ListHostToolsResponse(tools=[LOOKUP, Tool(name="b")]).SerializeToString()))

    host.instead = answer
    assert host.call("listed") == [["lookup", "Looks up.", True, {"type": "object"}], ["b", "", False, {}]]


def test_in_a_session_its_host_tools_are_known_as_they_were_said_last(host: CallingHost) -> None:
    for tools, names in (([LOOKUP, Tool(name="b")], ["lookup", "b"]), ([Tool(name="b")], ["b"]), ([], [])):
        request = InitializeSessionRequest(session_id="s", host_tools=tools)
        host.control("InitializeSession", request, InitializeSessionResponse)
        assert [name for name, *_ in host.ask("listed")] == names


def test_a_function_is_called(host: CallingHost) -> None:
    assert host.call("apply", f=fn(1), x=21) == 42
    request = host.asks[0].request
    assert (request.function, request.tool, request.depth, request.session_id) == (1, "", 1, "")
    assert request.waiter
    assert host.ask("apply", f=fn(1), x=2) == 4
    assert host.asks[1].request.session_id == "s"


def test_a_function_takes_arguments_by_position_and_by_name(host: CallingHost) -> None:
    assert host.call("apply_named", f=fn(6), x=5) == [[[1], {"x": 5}], [[2], {"x": 5}]]


def test_a_function_in_an_asynchronous_tool_gives_an_awaitable(host: CallingHost) -> None:
    assert host.call("aapply", f=fn(1), x=3) == 14


def test_functions_without_a_hint_and_inside_lists(host: CallingHost) -> None:
    assert host.call("apply_any", f=fn(1), x=4)[0] == 8
    assert host.call("optional") == 0
    assert host.call("optional", f=fn(1)) == 2


def test_a_function_that_calls_python_again(host: CallingHost) -> None:
    assert host.call("apply", f=fn(3), x=5) == 105


@pytest.mark.parametrize("tool", ["gather", "agather"])
def test_a_function_that_streams(host: CallingHost, tool: str) -> None:
    assert host.call(tool, f=fn(2)) == [1, {"a": [2]}, None]


def test_a_function_that_streams_is_called_otherwise(host: CallingHost) -> None:
    with pytest.raises(StreamingMismatch, match="its method stream"):
        host.call("apply", f=fn(4), x=1)


def test_what_a_function_throws_is_raised(host: CallingHost) -> None:
    with pytest.raises(HostToolFailed, match="RangeError"):
        host.call("apply", f=fn(5), x=1)


def test_a_generator_calls_a_function_between_its_items(host: CallingHost) -> None:
    assert host.items(host.start_stream("over", msgspec.msgpack.encode({"f": fn(1)}))) == [0, 2, 4]


def test_a_function_ends_with_its_call(host: CallingHost) -> None:
    host.call("keep", f=fn(1))
    with pytest.raises(ToolFailed) as caught:
        host.call("call_kept")
    assert caught.value.type == "RuntimeError"
    assert "only until that call has ended" in caught.value.detail
    assert host.asks == []


def test_a_function_for_another_hint_is_refused(host: CallingHost) -> None:
    with pytest.raises(InvalidArguments) as caught:
        host.call("takes_int", f=fn(1))
    assert (caught.value.argument, caught.value.path) == ("f", "$.f")
    with pytest.raises(InvalidArguments, match="Callable"):
        host.call("apply", f=3, x=1)


def test_a_function_does_not_go_back(host: CallingHost) -> None:
    with pytest.raises(UnsupportedValue, match="HostFunction"):
        host.call("give_back", f=fn(1))


def test_a_parameter_that_takes_a_function_has_a_schema(host: CallingHost) -> None:
    spec = next(tool for tool in host.hello.tools if tool.name == "apply")
    schema = msgspec.json.decode(spec.input_schema_json)
    assert schema["required"] == ["f", "x"]
    assert schema["properties"]["f"] == {"title": "Callable"}


def test_functions_inside_other_arguments(host: CallingHost) -> None:
    host.provided["function 8"] = lambda ask: _returning(8)
    host.provided["function 9"] = lambda ask: _returning(9)
    assert host.call("apply_each", fs=[fn(8), fn(9), fn(8)]) == [8, 9, 8]


def _returning(value: Any) -> Body:
    yield from ()
    return value
