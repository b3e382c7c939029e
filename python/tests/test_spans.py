"""Spans of tools: which trace they belong to, what is around them, and who is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from worker_host import Host, error_in

from snakepit._errors import StreamingMismatch, ToolFailed
from snakepit._frames import ERROR, EVENT, EXECUTE, EXECUTE_STREAM, RESULT, frame
from snakepit.v1.frame_pb2 import Event, SpanEnded
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolStreamRequest

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01"

TOOLS = """
import asyncio
import snakepit
from collections.abc import Iterator, AsyncIterator
from snakepit import span

@tool
def nested(name: str) -> str:
    with span("outer", n=1, share=0.5, on=True, name=name) as outer:
        with span("inner"):
            pass
        with span("second"):
            pass
        outer.set("done", True)
    return outer.traceparent

@tool
async def together() -> None:
    async def part(n: int, mine: asyncio.Event, other: asyncio.Event) -> None:
        async with span(f"part {n}"):
            mine.set()
            await other.wait()
            with span(f"within {n}"):
                await asyncio.sleep(0)
    a, b = asyncio.Event(), asyncio.Event()
    with span("all"):
        await asyncio.gather(part(1, a, b), part(2, b, a))

@tool
def steps(name: str, count: int) -> Iterator[int]:
    with span(name):
        for n in range(count):
            with span(f"{name} {n}"):
                yield n

@tool
def fails() -> None:
    with span("failing"):
        raise ValueError("no")

@tool
async def elsewhere() -> None:
    def run() -> None:
        with span("in a thread"):
            pass
    async with span("around"):
        await asyncio.to_thread(run)

@tool
def says() -> None:
    print("hello")

@tool
def odd(value: object) -> None:
    with span("odd", big=2**70, text="\\ud800", value=value):
        pass
"""


def start(host: Host, tool: str, traceparent: str = PARENT, **args: Any) -> int:
    call = host.new_call()
    request = ExecuteToolRequest(tool=tool, args=msgspec.msgpack.encode(args), traceparent=traceparent)
    constant = ExecuteToolRequest(tool=tool).SerializeToString() + b"\x1a"
    host.send(frame(EXECUTE, call, request.SerializeToString(), prefix=len(constant)))
    return call


def start_stream(host: Host, tool: str, **args: Any) -> int:
    call = host.new_call()
    request = ExecuteToolStreamRequest(tool=tool, args=msgspec.msgpack.encode(args), traceparent=PARENT)
    host.send(frame(EXECUTE_STREAM, call, request.SerializeToString()))
    return call


def spans(host: Host, call: int) -> dict[str, SpanEnded]:
    """The spans that were told until now of this call, by name, in order."""
    host.ping()
    waiting = host._waiting  # pyright: ignore[reportPrivateUsage]
    events = [Event.FromString(got.body) for got in waiting if got.kind == EVENT and got.call == call]
    return {event.span.name: event.span for event in events if event.HasField("span")}


@pytest.fixture(scope="module", params=[1, 2], ids=["on the main thread", "on threads"])
def host(request: pytest.FixtureRequest):
    with Host(TOOLS, threads=request.param) as host:
        yield host


def test_spans_belong_to_the_trace_of_the_call_and_to_what_is_around_them(host: Host) -> None:
    call = start(host, "nested", name="ä")
    own = host.result(call)
    found = spans(host, call)
    assert list(found) == ["inner", "second", "outer"]
    outer = found["outer"]
    assert own == f"00-{TRACE}-{outer.span_id}-01"
    assert {each.trace_id for each in found.values()} == {TRACE}
    assert outer.parent_id == CALLER
    assert found["inner"].parent_id == found["second"].parent_id == outer.span_id
    assert len({each.span_id for each in found.values()} | {CALLER}) == 4
    assert (outer.tool, outer.session_id, outer.error) == ("nested", "", "")
    kinds = {name: value.WhichOneof("value") for name, value in outer.attributes.items()}
    assert kinds == {"n": "whole", "share": "number", "on": "flag", "name": "text", "done": "flag"}
    assert outer.attributes["name"].text == "ä"
    assert outer.start_unix_nanos <= found["inner"].start_unix_nanos <= found["inner"].end_unix_nanos <= outer.end_unix_nanos


def test_tasks_of_one_call_keep_their_spans_apart(host: Host) -> None:
    call = start(host, "together")
    host.result(call)
    found = spans(host, call)
    assert found["all"].parent_id == CALLER
    for n in (1, 2):
        assert found[f"part {n}"].parent_id == found["all"].span_id
        assert found[f"within {n}"].parent_id == found[f"part {n}"].span_id


def test_generators_that_take_turns_keep_their_spans_apart(host: Host) -> None:
    calls = {name: start_stream(host, "steps", name=name, count=40) for name in ("a", "b", "c")}
    for name, call in calls.items():
        assert host.items(call) == list(range(40))
        found = spans(host, call)
        assert found[name].parent_id == CALLER
        assert [found[f"{name} {n}"].parent_id for n in range(40)] == [found[name].span_id] * 40


def test_a_thread_with_a_copy_of_the_context_goes_on_with_its_spans(host: Host) -> None:
    call = start(host, "elsewhere")
    host.result(call)
    found = spans(host, call)
    assert found["in a thread"].parent_id == found["around"].span_id


def test_a_span_says_what_ended_it(host: Host) -> None:
    call = start(host, "fails")
    with pytest.raises(ToolFailed):
        host.result(call)
    assert spans(host, call)["failing"].error == "ValueError: no"


def test_attributes_that_do_not_fit_are_told_as_text(host: Host) -> None:
    call = start(host, "odd", value=[1])
    host.result(call)
    attributes = spans(host, call)["odd"].attributes
    assert {name: value.text for name, value in attributes.items()} == {"big": str(2**70), "text": "\\ud800", "value": "[1]"}


@pytest.mark.parametrize("context", ["", f"00-{TRACE}-{CALLER}-00", "00-junk", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE.upper()}-{CALLER}-01"])
def test_nothing_is_told_of_a_call_that_nobody_traces(host: Host, context: str) -> None:
    call = start(host, "nested", context, name="x")
    host.result(call)
    assert spans(host, call) == {}


def test_a_refused_call_leaves_its_trace_to_nobody(host: Host) -> None:
    call = start(host, "steps", name="a", count=1)
    assert isinstance(error_in(host.for_call(call, ERROR)), StreamingMismatch)
    host.start("nested", {"name": "x"}, call=call)
    assert host.for_call(call, RESULT)
    assert spans(host, call) == {}


def test_lines_say_which_trace_they_belong_to(host: Host) -> None:
    call = start(host, "says")
    assert host.log("hello")[1].trace_id == TRACE
    host.result(call)
    host.call("says")
    assert host.log("hello")[1].trace_id == ""


RECORDER = """
import snakepit
from snakepit import span
from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags, NonRecordingSpan

made = []

class Recording(NonRecordingSpan):
    def __init__(self, name, parent, attributes):
        of = trace.get_current_span(parent).get_span_context()
        super().__init__(SpanContext(of.trace_id or 1, len(made) + 1, False, TraceFlags(1)))
        self.name, self.parent, self.attributes, self.over, self.failed = name, f"{of.span_id:x}", dict(attributes or {}), False, ""
        made.append(self)
    def is_recording(self): return not self.over
    def set_attribute(self, key, value): self.attributes[key] = value
    def record_exception(self, exception, *rest, **more): self.failed = str(exception)
    def end(self, end_time=None): self.over = True

class Tracer(trace.NoOpTracer):
    def start_span(self, name, context=None, kind=None, attributes=None, *rest, **more): return Recording(name, context, attributes)

class Provider(trace.NoOpTracerProvider):
    def get_tracer(self, *rest, **more): return Tracer()

trace.set_tracer_provider(Provider())

@tool
def work() -> list[object]:
    made.clear()
    with span("outer", n=1) as outer:
        outer.set("done", True)
        try:
            with span("inner") as inner:
                assert trace.get_current_span() is made[1]
                raise ValueError("no")
        except ValueError:
            pass
        with trace.get_tracer("x").start_as_current_span("between"), span("innermost"):
            pass
    with trace.get_tracer("x").start_as_current_span("theirs"), span("below"):
        pass
    trace_id = f"{made[0].get_span_context().trace_id:032x}"
    return [trace_id, [outer.traceparent, inner.traceparent], [(s.name, s.parent, s.over, s.failed, s.attributes) for s in made]]
"""


def test_where_opentelemetry_records_spans_they_are_its_own() -> None:
    pytest.importorskip("opentelemetry.trace")
    with Host(RECORDER) as host:
        call = start(host, "work")
        trace_id, contexts, made = host.result(call)
        assert trace_id == TRACE
        assert contexts == [f"00-{TRACE}-{n:016x}-01" for n in (1, 2)]
        outer, inner, between, innermost, theirs, below = made
        assert outer == ["outer", CALLER, True, "", {"n": 1, "done": True}]
        assert inner == ["inner", "1", True, "no", {}]
        assert (between[1], innermost[1]) == ("1", "3")
        assert theirs[:2] == ["theirs", "0"]
        assert below[:3] == ["below", CALLER, True]
        assert spans(host, call) == {}
