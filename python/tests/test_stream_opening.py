"""How a streaming call is read: by its constant part and its arguments alone, or as a whole message."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from worker_host import Host

from snakepit._errors import InvalidArguments, ProtocolError, StreamingMismatch, ToolNotFound
from snakepit._frames import EXECUTE_STREAM, frame
from snakepit.v1.worker_pb2 import ExecuteToolStreamRequest

TOOLS = """
from collections.abc import AsyncIterator, Iterator

@tool
def echo(x: int) -> int:
    return x

@tool
def count(n: int = 2) -> Iterator[int]:
    yield from range(n)

@tool
async def acount(n: int = 2) -> AsyncIterator[int]:
    for i in range(n):
        yield i
"""


@pytest.fixture(scope="module", params=[1, 3], ids=["main thread", "three threads"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(TOOLS, threads=request.param) as host:
        yield host


def constant(tool: str) -> bytes:
    return ExecuteToolStreamRequest(tool=tool).SerializeToString() + b"\x1a"


def send(host: Host, body: bytes, prefix: int) -> int:
    call = host.new_call()
    host.send(frame(EXECUTE_STREAM, call, body, prefix=prefix))
    return call


@pytest.mark.parametrize("tool", ["count", "acount"])
def test_a_whole_message_says_the_same_as_its_parts(host: Host, tool: str) -> None:
    args = msgspec.msgpack.encode({"n": 3})
    body = ExecuteToolStreamRequest(tool=tool, args=args).SerializeToString()
    traced = ExecuteToolStreamRequest(tool=tool, args=args, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01").SerializeToString()
    head = len(constant(tool))
    for sent, prefix in ((body, 0), (body, head), (traced, 0), (traced, head)):
        assert host.items(send(host, sent, prefix)) == [0, 1, 2]


@pytest.mark.parametrize("tool", ["count", "acount"])
def test_without_arguments_the_defaults_hold(host: Host, tool: str) -> None:
    assert host.items(host.start_stream(tool, b"")) == [0, 1]
    assert host.items(host.start_stream(tool)) == [0, 1]


@pytest.mark.parametrize("tool", ["count", "acount"])
@pytest.mark.parametrize("broken", [b"", b"\x05", b"\x05\xff", b"\x80", b"\x02\x80\x80\x7a", b"\x01\x07"])
def test_a_call_that_cannot_be_read_fails_alone(host: Host, tool: str, broken: bytes) -> None:
    running = host.start_stream(tool, {"n": 3})
    head = constant(tool)
    call = send(host, head + broken, len(head))
    with pytest.raises((ProtocolError, InvalidArguments)):
        host.items(call)
    assert host.items(running) == [0, 1, 2]


@pytest.mark.parametrize("tool", ["count", "acount"])
def test_an_argument_that_does_not_fit_is_named(host: Host, tool: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        host.items(host.start_stream(tool, {"n": "many"}))
    assert caught.value.argument == "n"


def test_what_is_no_streaming_tool_is_said_with_its_name(host: Host) -> None:
    with pytest.raises(ToolNotFound):
        host.items(host.start_stream("nobody"))
    with pytest.raises(StreamingMismatch) as caught:
        host.items(host.start_stream("echo", {"x": 1}))
    assert caught.value.use == "execute"
