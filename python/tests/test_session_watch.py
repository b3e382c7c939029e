"""Watching variables from tools."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone
from typing import Any

import msgspec
import pytest
from session_host import SESSION, Asked, SessionHost

from snakepit._errors import InvalidOptions, SessionExpired
from snakepit._frames import END, EXECUTE_STREAM, frame
from snakepit.v1.session_pb2 import VariableChange
from snakepit.v1.worker_pb2 import ExecuteToolStreamRequest

TOOLS = """
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from snakepit import AsyncSession, Session

WATCHES = []
LOCK = threading.Lock()

def said(change) -> list:
    return [change.kind, change.name, change.value, change.version, change.coalesced]

@tool
def see(session: Session, count: int, names: list | None = None) -> Iterator[list]:
    for change in session.watch_variables(names):
        yield said(change)
        count -= 1
        if count == 0:
            break

@tool
async def asee(session: AsyncSession, count: int, names: list | None = None) -> AsyncIterator[list]:
    async with session.watch_variables(names) as changes:
        async for change in changes:
            yield said(change)
            count -= 1
            if count == 0:
                break

@tool
def see_whole(session: Session) -> list:
    with session.watch_variables() as changes:
        change = next(changes)
        return [change.id, change.source.side, change.source.worker, change.at]

@tool
def see_and_read(session: Session) -> list:
    return [[change.value, session.get_variable("t")] for change in session.watch_variables() if change.kind == "set"]

@tool
def closing(session: Session) -> list:
    changes = session.watch_variables()
    next(changes)
    changes.close()
    changes.close()
    return list(changes)

@tool
async def aclosing(session: AsyncSession) -> list:
    changes = session.watch_variables()
    await changes.__anext__()
    await changes.aclose()
    await changes.aclose()
    return [change async for change in changes]

@tool
def begin(session: Session) -> None:
    def callback(change) -> None:
        if change.value == "raise":
            raise ValueError("no")
        if change.value == "close":
            # The watch may begin before the tool has been given it.
            with LOCK:
                WATCHES[-1].close()
        print(*said(change)[:4], change.value if change.kind == "ended" else session.get_variable(change.name, default="gone"))
    with LOCK:
        WATCHES.append(session.watch_variables(["t"], callback=callback))

@tool
async def abegin(session: AsyncSession) -> None:
    async def callback(change) -> None:
        if change.value == "raise":
            raise ValueError("no")
        if change.value == "close":
            WATCHES[-1].close()
        print(*said(change)[:4], change.value if change.kind == "ended" else await session.get_variable(change.name, default="gone"))
    WATCHES.append(session.watch_variables(["t"], callback=callback))

@tool
async def abegin_plain(session: AsyncSession) -> None:
    WATCHES.append(session.watch_variables(["t"], lambda change: print(*said(change)[:4], "plain")))

@tool
def stop() -> bool:
    with WATCHES[-1] as watch:
        pass
    watch.close()
    return watch.closed

@tool
def begin_and_stop(session: Session) -> None:
    session.watch_variables(callback=print).close()

@tool
async def abegin_and_stop(session: AsyncSession) -> None:
    session.watch_variables(callback=print).close()

@tool
def threads() -> list:
    return sorted(thread.name for thread in threading.enumerate() if thread.name == "snakepit-watch")
"""
CALLBACKS = pytest.mark.parametrize("tool", ["begin", "abegin"])
ITERATING = pytest.mark.parametrize("tool", ["see", "asee"])


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[SessionHost]:
    with SessionHost(TOOLS, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: SessionHost) -> Iterator[SessionHost]:
    shared.variables.clear()
    shared.instead = None
    shared.asked.clear()
    shared.cancelled.clear()
    yield shared
    shared.wait_until_idle()
    assert not shared._watches


def begin(host: SessionHost, tool: str, **args: Any) -> int:
    """Starts a call that streams, in the session."""
    call = host.new_call()
    body = ExecuteToolStreamRequest(session_id=SESSION, tool=tool, args=msgspec.msgpack.encode(args)).SerializeToString()
    host.send(frame(EXECUTE_STREAM, call, body))
    return call


def until_no_thread(host: SessionHost) -> bool:
    """Threads end a moment after what they did."""
    while host.call("threads"):
        pass
    return True


def change_after(host: SessionHost, asked: Asked) -> None:
    """Answers, with a change right behind the current values."""
    host.answer(asked)
    if asked.method == "WatchVariables":
        host.change("t", "never seen")


@ITERATING
def test_current_values_come_first_and_then_every_change(host: SessionHost, tool: str) -> None:
    host.register("a", "json", [1])
    host.register("b", "json", 2)
    call = begin(host, tool, count=6)
    host.until_watched()
    host.change("a", None)
    host.delete("b")
    host.register("b", "json", 3)
    host.end()
    assert host.items(call) == [
        ["set", "a", [1], 0, 0],
        ["set", "b", 2, 0, 0],
        ["set", "a", None, 1, 0],
        ["deleted", "b", 2, 0, 0],
        ["set", "b", 3, 0, 0],
        ["ended", "", None, 0, 0],
    ]


@ITERATING
def test_only_those_named_are_watched_and_leaving_ends_the_watch(host: SessionHost, tool: str) -> None:
    host.register("a", "json", 1)
    host.register("b", "json", 2)
    call = begin(host, tool, count=2, names=["b", "later"])
    watch = host.until_watched()
    assert list(watch.request.names) == ["b", "later"]
    host.change("a", 5)
    host.register("later", "json", 6)
    assert host.items(call) == [["set", "b", 2, 0, 0], ["set", "later", 6, 0, 0]]
    host.pump(lambda: watch.call in host.cancelled)


@ITERATING
def test_what_was_left_out_is_counted(host: SessionHost, tool: str) -> None:
    host.register("a", "json", 1)
    call = begin(host, tool, count=2)
    watch = host.until_watched()
    host.tell(watch, VariableChange(kind=99), VariableChange(kind=VariableChange.KIND_SET, variable=host.variables["a"], coalesced=41))
    assert host.items(call)[1] == ["set", "a", 1, 0, 41]
    host.pump(lambda: watch.call in host.cancelled)


def test_a_change_says_who_made_it_and_when(host: SessionHost) -> None:
    made = host.register("a", "json", 1)
    found = host.result(host.start("see_whole", session=SESSION))
    assert found == [made.id, "typescript", "", made.at.ToDatetime(timezone.utc)]
    host.pump(lambda: len(host.cancelled) == 1)


def test_a_watcher_may_read(host: SessionHost) -> None:
    host.register("t", "json", 1)
    call = host.start("see_and_read", session=SESSION)
    host.until_watched()
    host.pump(lambda: host.methods() == ["GetVariables"] if len(host.asked) == 1 else False)
    host.change("t", 2)
    host.end()
    assert host.result(call) == [[1, 1], [2, 2]]


@pytest.mark.parametrize("tool", ["closing", "aclosing"])
def test_a_watch_can_be_closed_twice(host: SessionHost, tool: str) -> None:
    host.register("a", "json", 1)
    assert host.result(host.start(tool, session=SESSION)) == []
    host.pump(lambda: len(host.cancelled) == 1)


@ITERATING
def test_cancelling_the_tool_ends_its_watch(host: SessionHost, tool: str) -> None:
    call = begin(host, tool, count=2)
    watch = host.until_watched()
    host.cancel(call)
    host.pump(lambda: watch.call in host.cancelled)


@ITERATING
def test_a_watch_of_nothing_is_refused(host: SessionHost, tool: str) -> None:
    with pytest.raises(InvalidOptions, match="at least one name"):
        host.items(begin(host, tool, count=1, names=[]))


@ITERATING
def test_an_error_of_the_host_ends_the_watch(host: SessionHost, tool: str) -> None:
    host.instead = lambda asked: host.fail(asked, SessionExpired(SESSION))
    with pytest.raises(SessionExpired):
        host.items(begin(host, tool, count=1))


@CALLBACKS
def test_a_callback_outlives_the_call_until_the_session_ends(host: SessionHost, tool: str) -> None:
    host.register("t", "json", 1)
    host.result(host.start(tool, session=SESSION))
    assert host.log("set t 1 0 1")[0] == 0
    host.change("t", 2)
    host.log("set t 2 1 2")
    host.delete("t")
    host.log("deleted t 2 1 gone")
    host.end()
    host.log("ended  None 0 None")
    host.wait_until_idle()
    assert until_no_thread(host)


@CALLBACKS
def test_closing_ends_the_callbacks(host: SessionHost, tool: str) -> None:
    host.result(host.start(tool, session=SESSION))
    watch = host.until_watched()
    assert host.call("stop") is True
    host.pump(lambda: watch.call in host.cancelled)
    assert until_no_thread(host)


@CALLBACKS
def test_a_callback_may_close_its_own_watch(host: SessionHost, tool: str) -> None:
    host.register("t", "json", "close")
    host.instead = lambda asked: change_after(host, asked)
    host.result(host.start(tool, session=SESSION))
    # What runs goes on.
    host.until_log("set t close 0 ")
    host.pump(lambda: len(host.cancelled) == 1)
    assert until_no_thread(host)


@CALLBACKS
def test_what_a_callback_raises_is_logged_and_ends_the_watch(host: SessionHost, tool: str) -> None:
    host.register("t", "json", "raise")
    host.result(host.start(tool, session=SESSION))
    _, line = host.until_log("the callback of a watch failed")
    assert "ValueError: no" in line.text
    host.pump(lambda: len(host.cancelled) == 1)


def test_a_plain_function_may_be_called_back_from_the_loop(host: SessionHost) -> None:
    host.register("t", "json", 1)
    host.result(host.start("abegin_plain", session=SESSION))
    host.log("set t 1 0 plain")
    host.call("stop")
    host.pump(lambda: len(host.cancelled) == 1)


@pytest.mark.parametrize("tool", ["begin_and_stop", "abegin_and_stop"])
def test_a_watch_that_is_closed_at_once_leaves_nothing(host: SessionHost, tool: str) -> None:
    host.register("t", "json", 1)
    for _ in range(20):
        host.result(host.start(tool, session=SESSION))
    assert until_no_thread(host)
    host.pump(lambda: len(host.cancelled) == len(host.asked))


@CALLBACKS
def test_a_watch_that_fails_is_logged(host: SessionHost, tool: str) -> None:
    host.instead = lambda asked: host.fail(asked, SessionExpired(SESSION))
    host.result(host.start(tool, session=SESSION))
    _, line = host.until_log("a watch has failed")
    assert "has expired" in line.text


@CALLBACKS
def test_a_watch_keeps_no_worker_from_exiting(tool: str) -> None:
    with SessionHost(TOOLS) as host:
        host.result(host.start(tool, session=SESSION))
        host.until_watched()
        host.shutdown(0)
        assert host.process.popen.wait(20) == 0


def test_a_stream_that_the_host_ends_without_a_word_ends(host: SessionHost) -> None:
    call = begin(host, "see", count=1)
    watch = host.until_watched()
    host.send(frame(END, watch.call))
    host._watches.clear()
    assert host.items(call) == []
