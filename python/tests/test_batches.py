"""Batch tools: calls that are there together run as one, and each is answered as if it had run alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest
from worker_host import Host, error_in, execute_frame

from snakepit._errors import CallTimeout, InvalidArguments, ToolFailed, UnsupportedValue
from snakepit._frames import CANCEL, CREDIT, ERROR, EVENT, RESULT, frame
from snakepit.v1.frame_pb2 import Event
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolResponse, InitializeSessionRequest, InitializeSessionResponse

TOOLS = """
import asyncio, itertools, threading, time
from snakepit import AsyncSession, Session, progress

runs = []
gate = threading.Event()
ended = []

@tool
async def log() -> list[list[int]]:
    out = list(runs)
    runs.clear()
    return out

@tool
async def endings() -> list[str]:
    out = list(ended)
    ended.clear()
    return out

@tool
async def open_gate() -> None:
    gate.set()

@tool
def echo(x: int) -> int:
    return x

def numbers(x):
    runs.append(list(x))
    return [2 * n for n in x]

LONG = dict(batch=True, max_batch_size=4, max_wait_ms=60_000)

@tool(**LONG)
def full(x: list[int]) -> list[int]:
    return numbers(x)

@tool(**LONG)
async def afull(x: list[int]) -> list[int]:
    await asyncio.sleep(0)
    return numbers(x)

@tool(batch=True, max_batch_size=4, max_wait_ms=20)
def timed(x: list[int]) -> list[int]:
    return numbers(x)

@tool(batch=True, max_batch_size=4, max_wait_ms=20)
async def atimed(x: list[int]) -> list[int]:
    return numbers(x)

@tool(batch=True, max_batch_size=100, max_wait_ms=0)
def eager(x: list[int]) -> list[int]:
    return numbers(x)

@tool(batch=True, max_batch_size=100, max_wait_ms=0)
async def aeager(x: list[int]) -> list[int]:
    return numbers(x)

def odd(x):
    if -1 in x:
        raise KeyError("all")
    if -2 in x:
        return x[1:]
    if -3 in x:
        return "text"
    return [ValueError("odd") if n % 2 else object() if n == 6 else n for n in x]

@tool(**LONG)
def mixed(x: list[int]) -> list[int | ValueError]:
    return odd(x)

@tool(**LONG)
async def amixed(x: list[int]) -> list[int | ValueError]:
    return odd(x)

@tool(**LONG)
def waits(x: list[int]) -> list[int]:
    try:
        progress(0.5, "half")
        print("begun")
        while not gate.is_set():
            time.sleep(0.001)
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    gate.clear()
    return numbers(x)

@tool(**LONG)
async def awaits(x: list[int]) -> list[int]:
    try:
        progress(0.5, "half")
        print("begun")
        while not gate.is_set():
            await asyncio.sleep(0.001)
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    gate.clear()
    return numbers(x)

@tool(**LONG)
def of_session(x: list[int], session: Session) -> list[str]:
    runs.append(list(x))
    return [session.id] * len(x)

@tool(**LONG)
async def aof_session(x: list[int], session: AsyncSession) -> list[str]:
    runs.append(list(x))
    return [session.id] * len(x)

@tool(**LONG)
def large(x: list[int]) -> list[str]:
    return [str(n) * 300_000 for n in x]

@tool(**LONG)
async def alarge(x: list[int]) -> list[str]:
    return [str(n) * 300_000 for n in x]

@tool
def endless():
    yield from itertools.count()
"""

EITHER = pytest.mark.parametrize("kind", ["", "a"], ids=["def", "async def"])


@pytest.fixture(scope="module", params=[1, 3], ids=["one thread", "three threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(TOOLS, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: Host) -> Iterator[Host]:
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=1) == 1
    shared.call("log")
    shared.call("endings")


def start(host: Host, tool: str, *given: object, timeout_ms: int = 0, session: str = "") -> list[int]:
    """Starts a call for each argument, all in one write."""
    calls = [host.new_call() for _ in given]
    host.send(b"".join(execute_frame(call, tool, {"x": x}, timeout_ms, session) for call, x in zip(calls, given, strict=True)))
    return calls


def error(host: Host, call: int) -> Exception:
    return error_in(host.for_call(call, ERROR, RESULT))


@EITHER
def test_a_batch_that_is_full_starts_at_once_and_answers_each_call_with_its_own(host: Host, kind: str) -> None:
    calls = start(host, kind + "full", *range(8))
    assert [host.result(call) for call in calls] == [0, 2, 4, 6, 8, 10, 12, 14]
    assert sorted(host.call("log")) == [[0, 1, 2, 3], [4, 5, 6, 7]]


@EITHER
def test_one_that_is_not_full_starts_when_its_first_call_has_waited(host: Host, kind: str) -> None:
    calls = start(host, kind + "timed", *range(6))
    assert [host.result(call) for call in calls] == [0, 2, 4, 6, 8, 10]
    assert sorted(host.call("log")) == [[0, 1, 2, 3], [4, 5]]


@EITHER
def test_without_a_wait_a_batch_takes_what_has_arrived(host: Host, kind: str) -> None:
    calls = start(host, kind + "eager", *range(40))
    assert [host.result(call) for call in calls] == [2 * x for x in range(40)]
    log = host.call("log")
    assert sorted(x for batch in log for x in batch) == list(range(40))
    # Threads of their own take the first as soon as it is there.
    assert len(log) < 10


@EITHER
def test_wrong_arguments_fail_alone(host: Host, kind: str) -> None:
    calls = start(host, kind + "full", 0, "one", 2, 3)
    assert isinstance(error(host, calls.pop(1)), InvalidArguments)
    assert [host.result(call) for call in calls] == [0, 4, 6]
    assert host.call("log") == [[0, 2, 3]]


@EITHER
def test_where_all_arguments_are_wrong_nothing_runs(host: Host, kind: str) -> None:
    for call in start(host, kind + "full", *"abcd"):
        assert isinstance(error(host, call), InvalidArguments)
    assert host.call("log") == []


@EITHER
def test_an_exception_among_the_results_fails_its_call_alone(host: Host, kind: str) -> None:
    first, second, third, last = start(host, kind + "mixed", 0, 1, 2, 6)
    assert (host.result(first), host.result(third)) == (0, 2)
    failed = error(host, second)
    assert isinstance(failed, ToolFailed)
    assert (failed.tool, failed.type, failed.detail) == (kind + "mixed", "ValueError", "odd")
    # So does a result that cannot be sent.
    assert isinstance(error(host, last), UnsupportedValue)


@EITHER
@pytest.mark.parametrize(
    ("code", "type", "detail"),
    [
        (-1, "KeyError", "'all'"),
        (-2, "ValueError", "a batch tool must return a result for each call: 4 were due, 3 came"),
        (-3, "TypeError", "a batch tool must return a list with a result for each call, not str"),
    ],
)
def test_what_the_function_raises_or_leaves_out_fails_all(host: Host, kind: str, code: int, type: str, detail: str) -> None:
    for call in start(host, kind + "mixed", 0, 2, 4, code):
        failed = error(host, call)
        assert isinstance(failed, ToolFailed)
        assert (failed.tool, failed.type, failed.detail) == (kind + "mixed", type, detail)


@EITHER
def test_large_results_reach_their_own_calls(host: Host, kind: str) -> None:
    calls = start(host, kind + "large", 1, 2, 3, 4)
    assert [host.result(call) for call in reversed(calls)] == [str(n) * 300_000 for n in (4, 3, 2, 1)]


@EITHER
def test_a_cancelled_call_that_waits_is_taken_out(host: Host, kind: str) -> None:
    calls = start(host, kind + "full", 0, 1, 2)
    host.cancel(calls.pop(1))
    calls += start(host, kind + "full", 3, 4)
    assert [host.result(call) for call in calls] == [0, 4, 6, 8]
    assert host.call("log") == [[0, 2, 3, 4]]


@EITHER
def test_a_deadline_ends_a_call_that_waits(host: Host, kind: str) -> None:
    calls = start(host, kind + "full", 0, 1)
    late = start(host, kind + "full", 2, timeout_ms=20)
    assert isinstance(error(host, late[0]), CallTimeout)
    calls += start(host, kind + "full", 3, 4)
    assert [host.result(call) for call in calls] == [0, 2, 6, 8]
    assert host.call("log") == [[0, 1, 3, 4]]


@EITHER
def test_a_call_that_is_cancelled_while_it_runs_harms_no_other(host: Host, kind: str) -> None:
    calls = start(host, kind + "waits", 0, 1, 2, 3)
    host.log("begun")
    # More than once: the first has left the batch by then, and nothing is interrupted on its behalf.
    for _ in range(3):
        host.cancel(calls[0])
    health = host.health()
    assert (health.cancelled, health.running) == (0, 3)
    host.call("open_gate")
    assert [host.result(call) for call in calls[1:]] == [2, 4, 6]
    assert host.call("endings") == []
    assert not [f for f in host._waiting if f.call == calls[0] and f.kind != EVENT]  # pyright: ignore[reportPrivateUsage]


@EITHER
def test_a_deadline_ends_one_call_of_a_batch_that_runs(host: Host, kind: str) -> None:
    first = start(host, kind + "waits", 0, timeout_ms=500)
    calls = start(host, kind + "waits", 1, 2, 3)
    host.log("begun")
    assert isinstance(error(host, first[0]), CallTimeout)
    host.call("open_gate")
    assert [host.result(call) for call in calls] == [2, 4, 6]
    assert host.call("endings") == []


@EITHER
def test_a_batch_that_nobody_wants_any_more_is_interrupted(host: Host, kind: str) -> None:
    calls = start(host, kind + "waits", 0, 1, 2, 3)
    host.log("begun")
    host.send(b"".join(frame(CANCEL, call) for call in calls))
    host.wait_until_idle()
    assert host.call("endings") == ["cancelled"]
    assert not [f for f in host._waiting if f.call in calls and f.kind != EVENT]  # pyright: ignore[reportPrivateUsage]


@EITHER
def test_progress_goes_to_all_and_what_is_printed_names_the_tool(host: Host, kind: str) -> None:
    calls = start(host, kind + "waits", 0, 1, 2, 3)
    call, line = host.log("begun")
    assert (call, line.tool) == (0, kind + "waits")
    assert [host.progress(call).message for call in calls] == ["half"] * 4
    host.call("open_gate")
    assert [host.result(call) for call in calls] == [0, 2, 4, 6]


@EITHER
def test_sessions_are_mixed_only_where_the_tool_takes_none(host: Host, kind: str) -> None:
    for session in ("a", "b"):
        host.control("InitializeSession", InitializeSessionRequest(session_id=session), InitializeSessionResponse)
    calls = {s: start(host, kind + "of_session", *numbers, session=s) for s, numbers in (("a", (0, 1, 2)), ("b", (3, 4, 5)))}
    calls["a"] += start(host, kind + "of_session", 6, session="a")
    calls["b"] += start(host, kind + "of_session", 7, session="b")
    for session, each in calls.items():
        assert [host.result(call) for call in each] == [session] * 4
    assert sorted(host.call("log")) == [[0, 1, 2, 6], [3, 4, 5, 7]]
    both = start(host, kind + "full", 0, 1, session="a") + start(host, kind + "full", 2, 3, session="b")
    assert [host.result(call) for call in both] == [0, 2, 4, 6]
    assert host.call("log") == [[0, 1, 2, 3]]


@EITHER
def test_a_call_that_comes_by_open_joins_the_others(host: Host, kind: str) -> None:
    calls = start(host, kind + "full", 0, 1, 2)
    request = ExecuteToolRequest(tool=kind + "full", args=msgspec.msgpack.encode({"x": 3}))
    opened = host.open("/snakepit.v1.WorkerService/ExecuteTool", request)
    assert [host.result(call) for call in calls] == [0, 2, 4]
    got = host.for_call(opened)
    assert msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body[got.prefix :]).result) == 6


def test_calls_that_never_pause_do_not_keep_a_batch_from_starting(host: Host) -> None:
    calls = start(host, "timed", 1, 2)
    others = [host.new_call() for _ in range(30_000)]
    flood = threading.Thread(target=lambda: host.send(b"".join(execute_frame(call, "echo", {"x": 1}) for call in others)))
    flood.start()
    before = 0
    while (got := host.next()).call != calls[0]:
        before += got.kind == RESULT
    assert msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body).result) == 2
    assert host.result(calls[1]) == 4
    after = 0
    while before + after < len(others):
        after += host.next().kind == RESULT
    flood.join()
    assert after > 0


def test_a_stream_without_end_does_not_keep_a_batch_from_starting(host: Host) -> None:
    stream = host.start_stream("endless")
    calls = start(host, "timed", 1, 2)
    pending = set(calls)
    while pending:
        got = host.next()
        if got.call == stream and got.kind != EVENT:
            host.send(frame(CREDIT, stream, aux=max(1024 * got.aux, len(got.body))))
        elif got.kind == EVENT:
            assert Event.FromString(got.body)
        else:
            assert got.kind == RESULT
            pending.discard(got.call)
    host.cancel(stream)
    host.wait_until_idle()
