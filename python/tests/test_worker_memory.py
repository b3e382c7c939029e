"""Memory that is shared with the host, from the host's side: what it may say, and what it is answered with."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from worker_host import Frame, Host, error_in

from snakepit._errors import ProtocolError, StreamingMismatch, ToolNotFound
from snakepit._extensions import buffer_extension
from snakepit._frames import ERROR, EVENT, EXECUTE, MESSAGE, RESULT, cut, frame
from snakepit.v1.frame_pb2 import Event, HostEvent, LeasesReturned, MemoryProbed, Segment, SegmentsClosed, SegmentWanted
from snakepit.v1.value_pb2 import Buffer, SharedRange
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolResponse, ExecuteToolStreamRequest, InputItems

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no memfd elsewhere")

TOOLS = """
from collections.abc import Iterator
import numpy as np

held = []

@tool
def total(x: np.ndarray) -> float:
    return float(x.sum())

@tool
def hold(x: np.ndarray) -> None:
    held.append(x)

@tool
def let_go() -> None:
    held.clear()

@tool
def asked_wrongly(x: np.ndarray) -> Iterator[float]:
    yield from x

@tool
def forever() -> Iterator[int]:
    while True:
        yield 0

@tool
def full(length: int) -> np.ndarray:
    return np.full(length, 7.0)
"""
SIZE = 1 << 19
NUMBERS = SIZE // 8


class MemoryHost(Host):
    """A host that maps what the worker offers."""

    def __init__(self, works: bool = True, answer: bool = True, budget: int = 1 << 24) -> None:
        super().__init__(TOOLS, shared_memory_bytes=budget)
        self.maps: dict[int, mmap.mmap] = {}
        probe = self.hello.memory
        page = self.map(probe.descriptor, 4096)
        assert page[:32] == probe.nonce
        if answer:
            page[32:64] = probe.nonce
        self.say(memory_probed=MemoryProbed(works=works))

    def map(self, descriptor: int, size: int) -> mmap.mmap:
        fd = os.open(f"/proc/{self.hello.pid}/fd/{descriptor}", os.O_RDWR)
        try:
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)

    def say(self, **event: Any) -> None:
        self.send(frame(EVENT, 0, HostEvent(**event).SerializeToString()))

    def event(self, name: str) -> Any:
        def wanted(got: Frame) -> bool:
            return got.kind == EVENT and Event.FromString(got.body).HasField(name)  # pyright: ignore[reportArgumentType]

        return getattr(Event.FromString(self.until(wanted).body), name)

    def segment(self, size: int = SIZE) -> Segment | None:
        """A segment for arguments."""
        self.say(segment_wanted=SegmentWanted(bytes=size))
        opened = self.event("segments_opened").segments
        if not opened:
            return None
        (made,) = opened
        assert made.for_arguments
        self.maps[made.id] = self.map(made.descriptor, made.bytes)
        return made

    def pass_array(self, tool: str, place: SharedRange) -> int:
        call = self.new_call()
        buffer = Buffer(dtype="f8", shape=[place.length // 8], kind=Buffer.KIND_NUMPY, shared=place)
        request = ExecuteToolRequest(tool=tool, args=msgspec.msgpack.encode({"x": buffer_extension(0)}), buffers=[buffer])
        for pieces in cut(EXECUTE, call, [request.SerializeToString()]):
            self.send(b"".join(pieces))
        return call

    def lent(self, call: int) -> SharedRange | None:
        """Where the result of a call lies; None where it came over the socket."""
        got = self.for_call(call, RESULT, ERROR)
        if got.kind == ERROR:
            raise error_in(got)
        (buffer,) = ExecuteToolResponse.FromString(got.body[got.prefix :]).buffers
        return buffer.shared if buffer.HasField("shared") else None

    def warm_result(self) -> tuple[Segment, SharedRange]:
        assert self.lent(self.start("full", {"length": NUMBERS})) is None
        (made,) = self.event("segments_opened").segments
        assert not made.for_arguments
        self.maps[made.id] = self.map(made.descriptor, made.bytes)
        self.say(leases_returned=LeasesReturned(leases=[made.lease]))
        place = self.lent(self.start("full", {"length": NUMBERS}))
        assert place is not None
        return made, place


@pytest.fixture
def host() -> Iterator[MemoryHost]:
    with MemoryHost() as one:
        yield one


def written(host: MemoryHost, made: Segment, lease: int, value: float = 1.0) -> SharedRange:
    np.frombuffer(host.maps[made.id], "f8", NUMBERS)[:] = value
    return SharedRange(segment=made.id, length=SIZE, lease=lease)


def test_arguments_are_read_where_the_host_wrote_them_and_given_back(host: MemoryHost) -> None:
    made = host.segment()
    assert made is not None
    for lease in (1, 2, 3):
        assert host.result(host.pass_array("total", written(host, made, lease, lease))) == NUMBERS * lease
        assert list(host.event("leases_returned").leases) == [lease]


def test_arguments_that_a_tool_keeps_are_given_back_when_it_lets_go(host: MemoryHost) -> None:
    made = host.segment()
    assert made is not None
    host.result(host.pass_array("hold", written(host, made, 5)))
    host.ping()
    host.call("let_go")
    # Nothing was given back before: the first to come is that of the call just made.
    assert list(host.event("leases_returned").leases) == [5]


def test_arguments_of_calls_that_never_run_are_given_back(host: MemoryHost) -> None:
    made = host.segment()
    assert made is not None
    for lease, tool in ((8, "nobody"), (9, "asked_wrongly")):
        with pytest.raises((ToolNotFound, StreamingMismatch)):
            host.result(host.pass_array(tool, written(host, made, lease)))
        assert list(host.event("leases_returned").leases) == [lease]


def test_items_that_nobody_reads_any_more_are_given_back(host: MemoryHost) -> None:
    made = host.segment()
    assert made is not None
    buffer = Buffer(dtype="f8", shape=[NUMBERS], kind=Buffer.KIND_NUMPY, shared=written(host, made, 3))
    items = InputItems(stream=1, items=[msgspec.msgpack.encode(buffer_extension(0))], buffers=[buffer])
    host.send(frame(MESSAGE, host.new_call(), ExecuteToolStreamRequest(input=items).SerializeToString(), prefix=1, aux=1))
    assert list(host.event("leases_returned").leases) == [3]


def test_items_for_a_tool_without_input_streams_are_given_back(host: MemoryHost) -> None:
    made = host.segment()
    assert made is not None
    call = host.start_stream("forever")
    buffer = Buffer(dtype="f8", shape=[NUMBERS], kind=Buffer.KIND_NUMPY, shared=written(host, made, 4))
    items = InputItems(stream=1, items=[msgspec.msgpack.encode(buffer_extension(0))], buffers=[buffer])
    host.send(frame(MESSAGE, call, ExecuteToolStreamRequest(input=items).SerializeToString(), prefix=1, aux=1))
    assert list(host.event("leases_returned").leases) == [4]
    host.cancel(call)
    host.wait_until_idle()


@pytest.mark.parametrize(
    "change",
    [
        {"segment": 99},
        {"offset": SIZE},
        {"length": 1 << 40},
        {"offset": (1 << 64) - 8},
        {"lease": 0},
    ],
)
def test_a_range_that_is_none_fails_its_call_alone(host: MemoryHost, change: dict[str, int]) -> None:
    made = host.segment()
    assert made is not None
    place = SharedRange(**{"segment": made.id, "offset": 0, "length": SIZE, "lease": 1, **change})
    with pytest.raises(ProtocolError, match="no memory of arguments"):
        host.result(host.pass_array("total", place))
    assert host.result(host.pass_array("total", written(host, made, 2))) == NUMBERS


def test_a_segment_of_results_is_no_place_for_arguments(host: MemoryHost) -> None:
    made, _ = host.warm_result()
    with pytest.raises(ProtocolError, match="no memory of arguments"):
        host.result(host.pass_array("total", SharedRange(segment=made.id, length=SIZE, lease=1)))


def test_results_are_not_written_over_before_they_are_given_back(host: MemoryHost) -> None:
    made, place = host.warm_result()
    assert (np.frombuffer(host.maps[made.id], "f8", NUMBERS, place.offset) == 7).all()
    # The only segment is lent, so the next goes over the socket.
    assert host.lent(host.start("full", {"length": NUMBERS})) is None
    host.say(leases_returned=LeasesReturned(leases=[place.lease + 1000]))
    assert host.lent(host.start("full", {"length": 2 * NUMBERS})) is None
    host.say(leases_returned=LeasesReturned(leases=[place.lease]))
    again = host.lent(host.start("full", {"length": NUMBERS}))
    assert again is not None
    assert again.lease != place.lease


def test_a_result_can_be_passed_back_for_as_long_as_it_is_lent(host: MemoryHost) -> None:
    _, place = host.warm_result()
    back = SharedRange(segment=place.segment, offset=place.offset, length=place.length)
    assert host.result(host.pass_array("total", back)) == NUMBERS * 7
    host.result(host.pass_array("hold", back))
    host.say(leases_returned=LeasesReturned(leases=[place.lease]))
    with pytest.raises(ProtocolError, match="no memory of arguments"):
        host.result(host.pass_array("total", back))
    # The tool still has it, so it is not written to.
    assert host.lent(host.start("full", {"length": NUMBERS})) is None
    host.call("let_go")
    assert host.event("segments_opened") is not None
    again = host.lent(host.start("full", {"length": NUMBERS}))
    assert again is not None


def test_segments_that_the_host_does_not_want_any_more_make_room(host: MemoryHost) -> None:
    made: list[Segment] = []
    while (one := host.segment(1 << 22)) is not None:
        made.append(one)
    assert len(made) == 4
    host.say(segments_closed=SegmentsClosed(segments=[made[0].id, 12345]))
    assert host.segment(1 << 22) is not None
    with pytest.raises(ProtocolError, match="no memory of arguments"):
        host.result(host.pass_array("total", SharedRange(segment=made[0].id, length=SIZE, lease=1)))


@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_more_memory_than_there_may_be_is_refused(host: MemoryHost, size: int) -> None:
    assert host.segment(size) is None
    host.ping()


@pytest.mark.parametrize(("works", "answer"), [(False, True), (True, False)])
def test_nothing_is_shared_unless_both_sides_have_found_the_page(works: bool, answer: bool) -> None:
    with MemoryHost(works, answer) as host:
        assert host.segment() is None
        for _ in range(3):
            assert host.lent(host.start("full", {"length": NUMBERS})) is None


def test_a_host_that_wants_no_memory_is_offered_none() -> None:
    with Host(TOOLS) as host:
        assert not host.hello.HasField("memory")


def test_no_message_names_memory_that_the_host_has_not_mapped(host: MemoryHost) -> None:
    assert host.lent(host.start("full", {"length": NUMBERS})) is None
    (made,) = host.event("segments_opened").segments
    assert made.lease
    for _ in range(3):
        assert host.lent(host.start("full", {"length": NUMBERS})) is None
    host.say(leases_returned=LeasesReturned(leases=[made.lease]))
    place = host.lent(host.start("full", {"length": NUMBERS}))
    assert place is not None
    assert place.segment == made.id


def test_where_the_host_cannot_map_results_none_are_offered_for_a_while(host: MemoryHost) -> None:
    assert host.lent(host.start("full", {"length": NUMBERS})) is None
    (made,) = host.event("segments_opened").segments
    host.say(segments_closed=SegmentsClosed(segments=[made.id]))
    for length in (NUMBERS, 2 * NUMBERS):
        assert host.lent(host.start("full", {"length": length})) is None
    # What the host asks for itself it is still given, and nothing was said before that.
    made = host.segment()
    assert made is not None
