"""Large data: buffers beside the value, cut messages, limits, and everybody else in the meantime."""

from __future__ import annotations

import fcntl
import random
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from worker_host import Host, error_in, execute_frame

from snakepit._errors import PayloadTooLarge, ProtocolError
from snakepit._frames import ATTACH, CANCEL, CUT, EXECUTE, EXECUTE_STREAM, HEADER, MAX_BODY, MESSAGE, PART, RESULT, cut, frame
from snakepit.v1.frame_pb2 import Limits
from snakepit.v1.value_pb2 import Buffer
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolResponse

TOOLS = """
import numpy as np
from collections.abc import Iterator

@tool
def size(data: bytes) -> int:
    return len(data)

@tool
def same(data: bytes) -> bytes:
    return data

@tool
async def asame(data: bytes) -> bytes:
    return data

@tool
def text(n: int) -> str:
    return "x" * n

@tool
def scale(x: np.ndarray, by: float) -> np.ndarray:
    return x * by

shared = np.zeros(4_000_000)

@tool
def bump() -> np.ndarray:
    shared[:] += 1
    return shared

@tool
def echo(x: int) -> int:
    return x

@tool
def blocks(n: int, size: int) -> Iterator[bytes]:
    for i in range(n):
        yield bytes([i]) * size
"""

LIMITS = Limits(max_message_bytes=1_000_000, max_buffer_bytes=3_000_000, stream_window_bytes=1 << 20)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(TOOLS) as host:
        yield host


@pytest.fixture(scope="module")
def small() -> Iterator[Host]:
    with Host(TOOLS, limits=LIMITS) as host:
        yield host


def send_with_buffer(host: Host, tool: str, name: str, data: bytes, buffer: Buffer, **args: object) -> int:
    call = host.new_call()
    raw = msgspec.msgpack.encode({name: msgspec.msgpack.Ext(1, b"\x00"), **args})
    body = ExecuteToolRequest(tool=tool, args=raw, buffers=[buffer]).SerializeToString()
    for message in (cut(ATTACH, call, [data]), cut(EXECUTE, call, [body])):
        for pieces in message:
            host.send(b"".join(pieces))
    return call


def bytes_of(host: Host, call: int) -> bytes:
    """The result of a call that is bytes beside the value."""
    got = host.for_call(call)
    assert got.kind == RESULT, error_in(got)
    response = ExecuteToolResponse.FromString(got.body[got.prefix :])
    value = msgspec.msgpack.decode(response.result)
    if isinstance(value, bytes):
        return value
    assert value == msgspec.msgpack.Ext(1, b"\x00")
    buffer = response.buffers[0]
    return host.attached(call)[buffer.attached] if buffer.WhichOneof("location") == "attached" else buffer.inline


@pytest.mark.parametrize("tool", ["same", "asame"])
@pytest.mark.parametrize("size", [0, 10, 70_000, MAX_BODY, MAX_BODY + 1, 3_000_001])
def test_bytes_beside_the_value_come_back(host: Host, tool: str, size: int) -> None:
    data = random.Random(size).randbytes(size)
    call = send_with_buffer(host, tool, "data", data, Buffer(dtype="bytes", attached=0))
    assert bytes_of(host, call) == data


def test_bytes_within_the_message_come_back(host: Host) -> None:
    call = host.new_call()
    raw = msgspec.msgpack.encode({"data": msgspec.msgpack.Ext(1, b"\x00")})
    body = ExecuteToolRequest(tool="same", args=raw, buffers=[Buffer(dtype="bytes", inline=b"abc")]).SerializeToString()
    host.send(frame(EXECUTE, call, body))
    assert bytes_of(host, call) == b"abc"


def test_an_array_comes_back(host: Host) -> None:
    array = np.arange(100_000, dtype="f8")
    call = send_with_buffer(host, "scale", "x", array.tobytes(), Buffer(dtype="f8", shape=[100_000], kind=Buffer.KIND_NUMPY, attached=0), by=2.0)
    assert np.array_equal(np.frombuffer(bytes_of(host, call)), array * 2)


def test_a_missing_buffer_fails_the_call(host: Host) -> None:
    call = host.new_call()
    raw = msgspec.msgpack.encode({"data": msgspec.msgpack.Ext(1, b"\x00")})
    host.send(frame(EXECUTE, call, ExecuteToolRequest(tool="same", args=raw, buffers=[Buffer(dtype="bytes", attached=0)]).SerializeToString()))
    assert isinstance(error_in(host.for_call(call)), ProtocolError)


def test_a_large_message_without_buffers_is_cut_both_ways(host: Host) -> None:
    call = host.start("size", {"data": bytes(1_000_000)})
    assert host.result(call) == 1_000_000
    assert host.call("text", n=1_500_000) == "x" * 1_500_000


def test_what_no_request_can_be_is_a_fault_of_the_call(host: Host) -> None:
    for kind, prefix in ((EXECUTE, 0), (EXECUTE_STREAM, 0)):
        call = host.new_call()
        host.send(frame(kind, call, b"\xff\xff\xff", prefix=prefix))
        assert isinstance(error_in(host.for_call(call)), ProtocolError)
    assert host.call("echo", x=1) == 1


def test_a_message_over_the_limit_is_refused_and_the_connection_goes_on(small: Host) -> None:
    call = small.start("size", {"data": bytes(1_100_000)})
    with pytest.raises(PayloadTooLarge) as caught:
        small.result(call)
    assert (caught.value.limit, caught.value.option) == (1_000_000, "maxMessageBytes")
    assert small.call("echo", x=1) == 1


def test_buffers_over_the_limit_are_refused_and_the_connection_goes_on(small: Host) -> None:
    call = send_with_buffer(small, "same", "data", bytes(3_000_001), Buffer(dtype="bytes", attached=0))
    with pytest.raises(PayloadTooLarge) as caught:
        small.result(call)
    assert caught.value.option == "maxBufferBytes"
    assert small.call("echo", x=2) == 2


def test_a_result_over_the_limit_is_not_sent(small: Host) -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        small.call("text", n=1_000_000)
    assert caught.value.option == "maxMessageBytes"
    with pytest.raises(PayloadTooLarge) as caught:
        small.call("bump")
    assert caught.value.option == "maxBufferBytes"
    call = small.start_stream("blocks", {"n": 3, "size": 3_100_000})
    with pytest.raises(PayloadTooLarge):
        small.items(call)
    assert small.call("echo", x=3) == 3


def test_a_ping_overtakes_a_large_reply(host: Host) -> None:
    call = host.start("text", {"n": 60_000_000})
    pieces = 0
    first = host.next_raw()
    assert (first.kind, first.flags, first.call) == (RESULT, CUT, call)
    ping = host.start("echo", {"x": 1})
    # What is not read stops the reply, so the worker gets to the ping however busy the machine is.
    while struct.unpack("i", fcntl.ioctl(host.sock, termios.TIOCOUTQ, bytes(4)))[0] > 0:
        time.sleep(0)
    while (got := host.next_raw()).call == call:
        assert got.kind == PART
        pieces += 1
    assert got.call == ping
    # Of 229 in all. How many were in the socket's buffers already is the system's affair.
    assert pieces < 150
    left = int.from_bytes(first.body[:4], "little") - (pieces + 1) * MAX_BODY + 4
    while left > 0:
        left -= len(host.next_raw().body)


def test_a_cancelled_reply_ends_the_message_it_has_begun_and_no_other(host: Host) -> None:
    call = host.start_stream("blocks", {"n": 8, "size": 5_000_000})
    host.sock.recv(1, socket.MSG_PEEK)
    host.cancel(call)
    host.wait_until_idle()
    host.attached(call)
    assert host.call("echo", x=5) == 5
    seen = sum(f.aux for f in host._waiting if f.call == call)
    assert seen < 2


def test_memory_that_a_tool_reuses_is_sent_as_it_was(host: Host) -> None:
    calls = [host.start("bump") for _ in range(3)]
    for n, call in enumerate(calls, 1):
        array = np.frombuffer(bytes_of(host, call))
        assert array.min() == array.max() == n


def test_both_sides_may_write_without_reading(host: Host) -> None:
    data = bytes(30_000_000)
    calls = [host.start("text", {"n": 20_000_000}), host.new_call()]

    raw = msgspec.msgpack.encode({"data": msgspec.msgpack.Ext(1, b"\x00")})
    body = ExecuteToolRequest(tool="same", args=raw, buffers=[Buffer(dtype="bytes", attached=0)]).SerializeToString()
    # Nothing is read while all of this is written, though the worker has a large reply in line from the start.
    for message in (cut(ATTACH, calls[1], [data]), cut(EXECUTE, calls[1], [body])):
        for pieces in message:
            host.send(b"".join(pieces))
    calls += [host.start("echo", {"x": n}) for n in range(2000)]
    assert len(host.result(calls[0])) == 20_000_000
    assert bytes_of(host, calls[1]) == data
    for n, call in enumerate(calls[2:]):
        assert host.result(call) == n


def test_a_cancel_in_the_middle_of_a_message_leaves_the_rest_harmless(host: Host) -> None:
    frames = [b"".join(p) for p in cut(EXECUTE, 900_001, [bytes(MAX_BODY * 3)])]
    host.send(frames[0] + frame(CANCEL, 900_001) + frames[1])
    assert host.call("echo", x=9) == 9


def test_pieces_of_many_calls_interleave(host: Host) -> None:
    calls = [host.new_call() for _ in range(4)]
    lines = [split(execute_frame(c, "size", {"data": bytes(600_000 + c)})) for c in calls]
    for turn in zip(*lines, strict=True):
        host.send(b"".join(turn))
        host.ping()
    assert [host.result(c) for c in calls] == [600_000 + c for c in calls]


def split(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while data:
        n = 16 + HEADER.unpack_from(data)[0]
        found.append(data[:n])
        data = data[n:]
    return found


def test_frames_split_at_every_byte_are_calls_all_the_same(host: Host) -> None:
    call = host.new_call()
    data = execute_frame(call, "echo", {"x": 3})
    for at in range(1, len(data)):
        call = host.new_call()
        data = execute_frame(call, "echo", {"x": 3})
        host.send(data[:at])
        host.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        host.send(data[at:])
        assert host.result(call) == 3


def test_a_slow_reader_of_one_stream_does_not_stop_calls(host: Host) -> None:
    call = host.start_stream("blocks", {"n": 50, "size": 200_000})
    for n in range(200):
        assert host.call("echo", x=n) == n
    assert sum(f.aux for f in host._waiting if f.call == call and f.kind == MESSAGE) <= 7
    host.attached(call)
    host.cancel(call)


def test_ten_megabytes_go_there_and_back_quickly(host: Host) -> None:
    data = bytes(10_000_000)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        call = send_with_buffer(host, "same", "data", data, Buffer(dtype="bytes", attached=0))
        assert bytes_of(host, call) == data
        times.append(time.perf_counter() - began)
    assert min(times) < 1.0


def test_reading_on_a_thread_of_the_test_sees_every_reply() -> None:
    with Host(TOOLS) as host:
        calls = 5000
        found: list[int] = []

        def read() -> None:
            for _ in range(calls):
                found.append(host.next().call)

        reader = threading.Thread(target=read)
        reader.start()
        for n in range(calls):
            host.start("echo", {"x": n})
        reader.join()
        # In whatever order: answers that were held back may be passed by one that its own thread sends.
        assert sorted(found) == list(range(1, calls + 1))
