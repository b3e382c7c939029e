"""Streams in both directions, of synchronous and asynchronous tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from worker_host import Host, error_in

from snakepit._errors import InputError, InvalidArguments, StreamingMismatch, ToolFailed, UnsupportedValue
from snakepit._frames import CANCEL, CREDIT, END, ERROR, MESSAGE, RESULT, frame
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.worker_pb2 import ExecuteToolStreamRequest, ExecuteToolStreamResponse, InputItems

TOOLS = """
import asyncio, threading
from collections.abc import AsyncIterator, Iterator

events = []

@tool
def happened() -> list[str]:
    out = list(events)
    events.clear()
    return out

@tool
def echo(x: int) -> int:
    return x

@tool
def count(n: int) -> Iterator[int]:
    try:
        yield from range(n)
    finally:
        events.append("count closed")

@tool
async def acount(n: int) -> AsyncIterator[int]:
    try:
        for i in range(n):
            yield i
    finally:
        events.append("acount closed")

turns = {"in_turns": threading.Semaphore(0), "ain_turns": asyncio.Semaphore(0)}

@tool
def in_turns(n: int) -> Iterator[int]:
    for i in range(n):
        yield i
        turns["in_turns"].acquire()

@tool
async def ain_turns(n: int) -> AsyncIterator[int]:
    for i in range(n):
        yield i
        await turns["ain_turns"].acquire()

@tool
async def go_on(which: str) -> None:
    turns[which].release()

@tool
def breaks(after: int) -> Iterator[int]:
    yield from range(after)
    raise RuntimeError("broken")

@tool
async def abreaks(after: int) -> AsyncIterator[int]:
    for i in range(after):
        yield i
    raise RuntimeError("broken")

@tool
def unsendable() -> Iterator[object]:
    try:
        yield 1
        yield open("/dev/null")
    finally:
        events.append("unsendable closed")

@tool
def total(numbers: Iterator[int]) -> int:
    return sum(numbers)

@tool
async def atotal(numbers: AsyncIterator[int]) -> int:
    out = 0
    async for n in numbers:
        out += n
    return out

@tool
def doubled(numbers: Iterator[int]) -> Iterator[int]:
    for n in numbers:
        yield 2 * n

@tool
async def adoubled(numbers: AsyncIterator[int]) -> AsyncIterator[int]:
    async for n in numbers:
        yield 2 * n

@tool
def zipped(a: Iterator[int], b: Iterator[str]) -> list[tuple[int, str]]:
    return list(zip(a, b))

@tool
def first(numbers: Iterator[int]) -> int:
    return next(numbers)

@tool
def big(n: int, size: int) -> Iterator[bytes]:
    for i in range(n):
        yield bytes([i % 256]) * size
"""


@pytest.fixture(scope="module", params=[1, 3], ids=["main thread", "three threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(TOOLS, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: Host) -> Iterator[Host]:
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=7) == 7
    shared.call("happened")


def with_inputs(**args: int | Any) -> bytes:
    """Arguments in which a number stands for an input stream."""
    return msgspec.msgpack.encode({name: msgspec.msgpack.Ext(3, bytes([n])) for name, n in args.items()})


def feed(host: Host, call: int, stream: int, items: list[Any], *, end: bool = False, error: ErrorDetail | None = None) -> int:
    given = InputItems(stream=stream, items=[msgspec.msgpack.encode(i) for i in items], end=end, error=error)
    body = ExecuteToolStreamRequest(input=given).SerializeToString()
    aux = max(1, len(items))
    host.send(frame(MESSAGE, call, body, prefix=stream, aux=aux))
    return max(1024 * aux, len(body))


@pytest.mark.parametrize("tool", ["count", "acount"])
def test_every_item_arrives_in_order_and_batched(host: Host, tool: str) -> None:
    assert host.items(host.start_stream(tool, {"n": 5000})) == list(range(5000))
    call = host.start_stream(tool, {"n": 200})
    first = host.for_call(call)
    assert first.aux == 1
    messages = 1
    while host.for_call(call).kind != END:
        messages += 1
    assert messages < 50


@pytest.mark.parametrize("tool", ["in_turns", "ain_turns"])
def test_items_leave_when_they_are_made(host: Host, tool: str) -> None:
    call = host.start_stream(tool, {"n": 3})
    for _ in range(3):
        # The next one is made only when this one is here.
        got = host.for_call(call)
        assert (got.kind, got.aux) == (MESSAGE, 1)
        host.call("go_on", which=tool)
    assert host.for_call(call).kind == END


@pytest.mark.parametrize("tool", ["count", "acount"])
def test_without_credit_it_stops_and_nothing_else_does(host: Host, tool: str) -> None:
    call = host.start_stream(tool, {"n": 5000})
    got = 0
    while got < 1024:
        got += host.for_call(call).aux
    assert host.call("echo", x=1) == 1
    host.ping()
    assert got == 1024
    assert not [f for f in host._waiting if f.call == call]
    host.send(frame(CREDIT, call, aux=10 * 1024))
    while got < 1034:
        got += host.for_call(call).aux
    assert host.call("echo", x=2) == 2
    assert not [f for f in host._waiting if f.call == call]
    host.cancel(call)
    host.wait_until_idle()
    assert host.call("happened") == [f"{tool} closed"]


def test_a_large_item_costs_its_size(host: Host) -> None:
    call = host.start_stream("big", {"n": 100, "size": 300_000})
    got = 0
    while got < 4:
        got += host.for_call(call).aux
    assert host.call("echo", x=1) == 1
    assert not [f for f in host._waiting if f.call == call]
    host.attached(call)
    host.cancel(call)


@pytest.mark.parametrize("tool", ["breaks", "abreaks"])
def test_a_stream_that_fails_gives_its_items_first(host: Host, tool: str) -> None:
    call = host.start_stream(tool, {"after": 40})
    items: list[int] = []
    while (got := host.for_call(call)).kind == MESSAGE:
        items += host.items_in(got)
    assert items == list(range(40))
    error = error_in(got)
    assert isinstance(error, ToolFailed)
    assert error.detail == "broken"


def test_an_item_that_cannot_travel_fails_the_stream_and_closes_it(host: Host) -> None:
    with pytest.raises(UnsupportedValue):
        host.items(host.start_stream("unsendable"))
    assert host.call("happened") == ["unsendable closed"]


def test_the_wrong_kind_of_call_says_which_is_right(host: Host) -> None:
    with pytest.raises(StreamingMismatch) as caught:
        host.call("count", n=1)
    assert caught.value.use == "executeStream"
    with pytest.raises(StreamingMismatch) as caught:
        host.items(host.start_stream("echo", {"x": 1}))
    assert caught.value.use == "execute"


@pytest.mark.parametrize("tool", ["total", "atotal"])
def test_an_input_stream_is_an_iterator(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    feed(host, call, 1, [1, 2, 3])
    feed(host, call, 1, [4])
    host.ping()
    feed(host, call, 1, [], end=True)
    assert host.items(call) == [10]


@pytest.mark.parametrize("tool", ["total", "atotal"])
def test_half_closing_ends_the_inputs(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    feed(host, call, 1, [5, 6])
    host.send(frame(END, call))
    assert host.items(call) == [11]


@pytest.mark.parametrize("tool", ["total", "atotal"])
def test_credit_comes_back_as_items_are_used(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    cost = sum(feed(host, call, 1, [1] * 64) for _ in range(8))
    got = host.for_call(call, CREDIT)
    assert (got.prefix, got.aux) == (1, cost)
    feed(host, call, 1, [], end=True)
    assert host.items(call) == [512]


@pytest.mark.parametrize("tool", ["doubled", "adoubled"])
def test_items_go_in_and_out_at_once(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    for n in range(20):
        feed(host, call, 1, [n])
        assert host.items_in(host.for_call(call, MESSAGE)) == [2 * n]
    feed(host, call, 1, [], end=True)
    assert host.for_call(call).kind == END


def test_two_inputs_are_told_apart(host: Host) -> None:
    call = host.start_stream("zipped", with_inputs(a=1, b=2))
    feed(host, call, 2, ["x", "y"], end=True)
    feed(host, call, 1, [1, 2], end=True)
    assert host.items(call) == [[[1, "x"], [2, "y"]]]


@pytest.mark.parametrize("tool", ["total", "atotal"])
def test_an_input_that_fails_raises_in_the_tool(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    feed(host, call, 1, [1], error=ErrorDetail(tag="TypeError", message="no numbers left"))
    with pytest.raises(InputError) as caught:
        host.items(call)
    assert (caught.value.argument, caught.value.detail) == ("numbers", "no numbers left")
    assert str(caught.value.__cause__)


def test_an_input_item_of_the_wrong_type_fails_the_call(host: Host) -> None:
    call = host.start_stream("total", with_inputs(numbers=1))
    feed(host, call, 1, ["one"])
    with pytest.raises(InvalidArguments) as caught:
        host.items(call)
    assert caught.value.argument == "numbers"


@pytest.mark.parametrize("tool", ["total", "atotal", "doubled", "adoubled"])
def test_a_tool_that_waits_for_input_is_cancelled(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    feed(host, call, 1, [1])
    host.ping()
    host.cancel(call)
    host.wait_until_idle()
    assert host.call("echo", x=3) == 3


@pytest.mark.parametrize("tool", ["total", "doubled"])
def test_calls_are_answered_while_a_tool_waits_for_input(host: Host, tool: str) -> None:
    call = host.start_stream(tool, with_inputs(numbers=1))
    for n in range(5):
        host.ping()
        assert host.items(host.start_stream("acount", {"n": 3})) == [0, 1, 2]
        feed(host, call, 1, [n])
    feed(host, call, 1, [], end=True)
    assert sum(host.items(call)) in (10, 20)


def test_input_that_nobody_reads_any_more_harms_nothing(host: Host) -> None:
    call = host.start_stream("first", with_inputs(numbers=1))
    for n in range(10):
        feed(host, call, 1, [n])
    assert host.items(call) == [0]
    feed(host, call, 1, [1], end=True)
    host.send(frame(END, call) + frame(CREDIT, call, aux=5) + frame(CANCEL, call))


def test_the_same_by_open(host: Host) -> None:
    call = host.open("/snakepit.v1.WorkerService/ExecuteToolStream", None, streaming=True)
    body = ExecuteToolStreamRequest(tool="doubled", args=with_inputs(numbers=1)).SerializeToString()
    host.send(frame(MESSAGE, call, body, aux=1))
    for n in range(3):
        given = InputItems(stream=1, items=[msgspec.msgpack.encode(n)])
        host.send(frame(MESSAGE, call, ExecuteToolStreamRequest(input=given).SerializeToString(), aux=1))
    host.send(frame(END, call))
    found: list[int] = []
    while (got := host.for_call(call, MESSAGE, END, ERROR, RESULT)).kind == MESSAGE:
        found += [msgspec.msgpack.decode(i) for i in ExecuteToolStreamResponse.FromString(got.body).items]
    assert got.kind == END
    assert found == [0, 2, 4]
