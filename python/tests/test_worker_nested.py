"""Host tools that call Python again: on top of the tool that waits, on its thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from calling_host import Ask, CallingHost, Python, nested_frame
from worker_host import Host

from snakepit._errors import CallTimeout, SnakepitError
from snakepit._frames import ERROR, RESULT

TOOLS = """
import threading
import time
from collections.abc import AsyncIterator, Iterator
from snakepit import AsyncSession, Session, progress

STASH = []

def doze(seconds):
    # On a thread other than the main one an interrupt reaches Python code alone.
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.005)

@tool
def here() -> int:
    return threading.get_ident()

@tool
def down(session: Session, n: int) -> list[int]:
    return [threading.get_ident(), *([] if n == 0 else session.call_tool("down", n - 1))]

@tool
async def adown(session: AsyncSession, n: int) -> list[int]:
    return [threading.get_ident(), *([] if n == 0 else await session.call_tool("mixed", n - 1))]

@tool
def mixed(session: Session, n: int) -> list[int]:
    return [threading.get_ident(), *([] if n == 0 else session.call_tool("amixed", n - 1))]

@tool
def call(session: Session, name: str, args: list = []) -> object:
    return session.call_tool(name, *args)

@tool
async def acall(session: AsyncSession, name: str, args: list = []) -> object:
    return await session.call_tool(name, *args)

@tool
def call_guarded(session: Session, name: str) -> str:
    try:
        return session.call_tool(name)
    except BaseException as e:
        return type(e).__name__

@tool
def call_from_thread(session: Session, name: str) -> object:
    out = []
    thread = threading.Thread(target=lambda: out.append(session.call_tool(name)))
    thread.start()
    thread.join()
    return out[0]

@tool
def items(session: Session, name: str, stop: int = 0) -> list:
    out = []
    for item in session.stream_tool(name):
        out.append(item)
        if len(out) == stop:
            break
    return [threading.get_ident(), out]

@tool
def stash(session: Session) -> None:
    STASH.append(session)

@tool
def quick(name: str) -> object:
    return STASH[-1].call_tool(name)

@tool
def sleep(seconds: float) -> str:
    print("asleep")
    doze(seconds)
    return "slept"

@tool
def sleep_in_the_kernel() -> None:
    print("asleep")
    time.sleep(30)

@tool
def spin() -> None:
    print("spinning")
    while True:
        pass

@tool
def stubborn() -> str:
    print("stubborn")
    try:
        doze(30)
    except BaseException as e:
        return type(e).__name__
    return "slept"

@tool
def say(text: str) -> None:
    print(text)
    progress(0.5, text)

@tool
def say_around(session: Session, name: str) -> None:
    print("before")
    session.call_tool(name)
    print("after")

@tool
def count(n: int, size: int = 1) -> Iterator[object]:
    for i in range(n):
        yield "x" * size if size > 1 else [i, threading.get_ident()]

@tool
def endless() -> Iterator[int]:
    n = 0
    try:
        while True:
            yield n
            n += 1
    finally:
        print("closed")

@tool
async def aecho(x: int) -> int:
    return x

@tool
def echo(x: int) -> int:
    return x
"""

Body = Generator[Any, Any, Any]


def down(ask: Ask) -> Body:
    return (yield Python("down", {"n": ask.args[0]}))


def mixed(ask: Ask) -> Body:
    return (yield Python("mixed", {"n": ask.args[0]}))


def amixed(ask: Ask) -> Body:
    return (yield Python("adown", {"n": ask.args[0]}))


def run(tool: str, timeout_ms: int = 0, **args: Any) -> Any:
    """A host tool that calls one of Python's."""

    def body(_ask: Ask) -> Body:
        return (yield Python(tool, args, timeout_ms=timeout_ms))

    return body


def never(_ask: Ask) -> Body:
    yield []


def several(_ask: Ask) -> Body:
    return (yield [Python("here") for _ in range(20)])


def stream_of(_ask: Ask) -> Body:
    return (yield Python("count", {"n": 300}, streaming=True))


def large_stream(_ask: Ask) -> Body:
    items = yield Python("count", {"n": 40, "size": 100_000}, streaming=True)
    return len(items)


def too_deep(_ask: Ask) -> Body:
    yield from ()
    raise SnakepitError({"tool": "missing", "limit": 16}, tag="CallDepthExceeded")


def items_between(_ask: Ask) -> Body:
    for n in range(3):
        yield n
        yield (yield Python("here"))


def one_item_then_python(_ask: Ask) -> Body:
    yield 0
    yield Python("sleep", {"seconds": 0})


PROVIDED: dict[str, Any] = {
    "down": down,
    "mixed": mixed,
    "amixed": amixed,
    "here": run("here"),
    "call here": run("call", name="here"),
    "sleep": run("sleep", seconds=30),
    "spin": run("spin"),
    "stubborn": run("stubborn"),
    "sleep briefly": run("sleep", timeout_ms=50, seconds=30),
    "call sleep": run("call", name="sleep"),
    "say": run("say", text="nested"),
    "never": never,
    "several": several,
    "stream": stream_of,
    "large stream": large_stream,
    "items between": items_between,
    "one item then python": one_item_then_python,
}


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[CallingHost]:
    with CallingHost(TOOLS, PROVIDED, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: CallingHost) -> Iterator[CallingHost]:
    shared.asks.clear()
    shared.cancelled.clear()
    shared.python_calls.clear()
    shared._waiting.clear()
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=1) == 1


def unanswered(host: Host, *calls: int) -> bool:
    return not [f for f in host._waiting if f.call in calls and f.kind in (RESULT, ERROR)]


def test_calls_nest_on_one_thread(host: CallingHost) -> None:
    threads = host.ask("down", n=5)
    assert len(threads) == 6
    assert len(set(threads)) == 1
    assert [ask.request.depth for ask in host.asks] == [1, 2, 3, 4, 5]
    waiters = [ask.request.waiter for ask in host.asks]
    assert len(set(waiters)) == 5
    assert 0 not in waiters
    assert [ask.request.caller.tool for ask in host.asks] == ["down"] * 5


def test_a_tool_without_a_session_parameter_takes_nested_calls_too(host: CallingHost) -> None:
    host.ask("stash")
    assert isinstance(host.call("quick", name="here"), int)
    assert isinstance(host.call("quick", name="call here"), int)


def test_asynchronous_calls_pass_on_what_waits_below_them(host: CallingHost) -> None:
    threads = host.ask("mixed", n=4)
    assert len(threads) == 5
    # Synchronous ones on the thread that waits, asynchronous ones on the loop's.
    assert len(set(threads[::2])) == 1
    assert len(set(threads[1::2])) == 1
    assert [ask.request.depth for ask in host.asks] == [1, 2, 3, 4]


def test_several_calls_of_one_host_tool_run_one_after_another_on_the_thread_that_waits(host: CallingHost) -> None:
    assert len(set(host.ask("call", name="several"))) == 1


def test_a_call_without_a_waiter_runs_like_any_other(host: CallingHost) -> None:
    host.provided["stranger"] = lambda ask: (yield Python("aecho", {"x": 1}, waiter=0))
    assert host.ask("call", name="stranger") == 1
    host.provided["unknown"] = lambda ask: (yield Python("here", waiter=12345))
    assert isinstance(host.ask("acall", name="unknown"), int)
    assert host.asks[-1].request.waiter == 0


def test_what_is_left_when_a_wait_ends_runs_like_any_other(host: CallingHost) -> None:
    call = host.in_session("call", {"name": "never"})
    ask = host.until_asked(1)
    nested = [host.new_call() for _ in range(3)]
    # The answer first, then calls that name what has waited.
    frames = [nested_frame(n, Python("echo", {"x": n}), "s", 1, ask.request.waiter) for n in nested]
    host.send_result(ask.wire, "early")
    host.send(b"".join(frames))
    assert host.result(call) == "early"
    assert [host.result(n) for n in nested] == nested


def test_other_calls_go_on_while_a_nested_one_runs(host: CallingHost) -> None:
    call = host.in_session("call", {"name": "sleep"})
    nested = host.log("asleep")[0]
    host.ping()
    assert host.call("aecho", x=3) == 3
    host.cancel(nested)
    host.cancel(call)
    host.wait_until_idle()


def test_a_stream_of_items_takes_nested_calls_between_them(host: CallingHost) -> None:
    thread, items = host.ask("items", name="items between")
    assert items == [0, thread, 1, thread, 2, thread]


def test_leaving_a_stream_cancels_it_and_leaves_its_nested_calls_to_anybody(host: CallingHost) -> None:
    assert host.ask("items", name="one item then python", stop=1)[1] == [0]
    host.until_cancelled(host.asks[0])


def test_a_nested_generator_runs_on_the_thread_that_waits(host: CallingHost) -> None:
    call = host.in_session("call", {"name": "stream"})
    items = host.result(call)
    assert [n for n, _ in items] == list(range(300))
    assert len({thread for _, thread in items}) == 1


def test_a_nested_generator_waits_for_credit(host: CallingHost) -> None:
    assert host.ask("call", name="large stream") == 40


def test_what_a_nested_call_says_is_its_own(host: CallingHost) -> None:
    call = host.in_session("say_around", {"name": "say"})
    assert host.result(call) is None
    nested = host.python_calls[0][0]
    assert host.log("before")[0] == call
    assert host.log("nested")[0] == nested
    assert host.progress(nested).message == "nested"
    assert host.log("after")[0] == call


@pytest.mark.parametrize("inner", ["sleep", "spin"])
def test_a_cancel_of_the_outer_call_reaches_the_host_at_once(host: CallingHost, inner: str) -> None:
    call = host.in_session("call", {"name": inner})
    nested, _ = host.log({"sleep": "asleep", "spin": "spinning"}[inner])
    host.cancel(call)
    # While the nested call still runs: the host ends it then.
    host.until_cancelled(host.asks[0])
    host.wait_until_idle()
    assert unanswered(host, call, nested)


def test_a_cancel_of_the_outermost_of_three(host: CallingHost) -> None:
    call = host.in_session("call", {"name": "call sleep"})
    host.log("asleep")
    host.cancel(call)
    host.until_cancelled(host.asks[0])
    host.until_cancelled(host.asks[1])
    host.wait_until_idle()
    assert host.asks[1].request.depth == 2


def test_a_cancel_of_the_outer_call_does_not_touch_a_nested_one_that_the_host_keeps(host: CallingHost) -> None:
    call = host.in_session("call_guarded", {"name": "never"})
    ask = host.until_asked(1)
    nested = host.new_call()
    host.send(nested_frame(nested, Python("sleep", {"seconds": 0.2}), "s", 1, ask.request.waiter))
    host.log("asleep")
    host.cancel(call)
    host.until_cancelled(ask)
    assert host.health().cancelled == 1
    assert host.result(nested) == "slept"
    host.wait_until_idle()
    assert unanswered(host, call)


def test_a_cancel_of_the_nested_call_leaves_the_outer_one(host: CallingHost) -> None:
    call = host.in_session("call", {"name": "never"})
    ask = host.until_asked(1)
    nested = host.new_call()
    host.send(nested_frame(nested, Python("stubborn"), "s", 1, ask.request.waiter))
    host.log("stubborn")
    host.cancel(nested)
    host.send_result(ask.wire, "fine")
    assert host.result(call) == "fine"
    assert unanswered(host, nested)


def test_the_deadline_of_a_nested_call_is_its_own(host: CallingHost) -> None:
    with pytest.raises(CallTimeout) as caught:
        host.ask("call", name="sleep briefly")
    assert (caught.value.tool, caught.value.timeout_ms) == ("sleep", 50)
    assert host.cancelled == []


@pytest.mark.parametrize("tool", ["call", "quick"])
def test_the_deadline_of_the_outer_call_ends_what_it_waits_for(host: CallingHost, tool: str) -> None:
    if tool == "quick":
        host.ask("stash")
    call = host.in_session(tool, {"name": "sleep"}, timeout_ms=300)
    host.log("asleep")
    with pytest.raises(CallTimeout) as caught:
        host.result(call)
    assert caught.value.tool == tool
    host.until_cancelled(host.asks[0])
    assert 0 < host.asks[0].timeout_ms <= 300


@pytest.mark.parametrize("tool", ["call", "acall"])
def test_the_time_left_flows_along(host: CallingHost, tool: str) -> None:
    call = host.in_session(tool, {"name": "here"}, timeout_ms=60_000)
    host.result(call)
    assert 50_000 < host.asks[0].timeout_ms <= 60_000
    host.ask(tool, name="here")
    assert host.asks[1].timeout_ms == 0


def test_an_error_of_the_nested_call_goes_through_the_host_to_the_outer_one(host: CallingHost) -> None:
    host.provided["failing"] = run("call", name="missing")
    host.provided["missing"] = too_deep
    with pytest.raises(SnakepitError) as caught:
        host.ask("call", name="failing")
    assert caught.value.tag == "CallDepthExceeded"
    assert caught.value.fields["limit"] == 16


def test_a_thread_of_the_tools_own_has_no_call(host: CallingHost) -> None:
    host.provided["plain"] = lambda ask: (yield Python("aecho", {"x": 5}))
    assert host.ask("call_from_thread", name="plain") == 5
    request = host.asks[0].request
    assert (request.waiter, request.depth, request.caller.call) == (0, 1, 0)


def test_a_tool_that_is_closed_while_a_nested_stream_is_open(host: CallingHost) -> None:
    host.provided["endless"] = lambda ask: (yield Python("endless", streaming=True))
    call = host.in_session("call", {"name": "endless"})
    host.pump(lambda: bool(host._items))
    host.cancel(call)
    host.until_cancelled(host.asks[0])
    host.log("closed")


def test_a_nested_call_is_interrupted_in_a_system_call() -> None:
    with CallingHost(TOOLS, PROVIDED | {"sleep": run("sleep_in_the_kernel")}) as host:
        call = host.in_session("call", {"name": "sleep"})
        host.log("asleep")
        host.cancel(call)
        host.wait_until_idle()


def test_two_threads_nest_each_on_its_own() -> None:
    with CallingHost(TOOLS, PROVIDED, threads=2) as host:
        calls = [host.in_session("down", {"n": 4}) for _ in range(20)]
        seen = [host.result(call) for call in calls]
        assert all(len(set(threads)) == 1 for threads in seen)


def test_a_host_that_goes_while_nested_calls_run() -> None:
    with CallingHost(TOOLS, PROVIDED) as host:
        host.in_session("call", {"name": "call sleep"})
        host.log("asleep")
        host.sock.close()
        assert host.process.popen.wait(20) == 1


def test_shutdown_waits_for_nested_calls() -> None:
    with CallingHost(TOOLS, PROVIDED) as host:
        call = host.in_session("call", {"name": "here"})
        host.shutdown(5000)
        assert isinstance(host.result(call), int)
        assert host.process.popen.wait(20) == 0
