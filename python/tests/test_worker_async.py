"""Asynchronous tools run together on a loop of their own, each in its own context."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_host import ControlError, Host, execute_frame

from snakepit._errors import InvalidArguments, ToolFailed
from snakepit._frames import CANCEL, frame
from snakepit.v1.worker_pb2 import (
    CleanupSessionRequest,
    CleanupSessionResponse,
    ExecuteToolRequest,
    ExecuteToolResponse,
    InitializeSessionRequest,
    InitializeSessionResponse,
    ListToolsRequest,
    ListToolsResponse,
)

TOOLS = """
import asyncio, contextvars, sys, threading, time
from snakepit import AsyncSession, Session

VAR = contextvars.ContextVar("VAR", default="none")
gates = {}

@tool
async def aecho(text: str) -> str:
    return text

SET = contextvars.ContextVar("SET")
SET.set("before")
children = []

@tool
async def overwrite() -> str:
    before = SET.get()
    SET.set("of a call")
    return before

@tool
async def exit_in_a_task() -> None:
    async def leave() -> None:
        sys.exit(1)
    asyncio.create_task(leave())

async def child() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        children.append("cancelled")
        raise

@tool
async def parent() -> None:
    await asyncio.gather(child(), child())

@tool
async def ended() -> list[str]:
    return children

@tool
async def where() -> list[str]:
    return [threading.current_thread().name, type(asyncio.get_running_loop()).__module__]

@tool
async def wait_for(name: str) -> str:
    await gates.setdefault(name, asyncio.Event()).wait()
    return name

@tool
async def open_gate(name: str) -> None:
    gates.setdefault(name, asyncio.Event()).set()

@tool
async def context(value: str) -> list[str]:
    before = VAR.get()
    token = VAR.set(value)
    await asyncio.sleep(0)
    inside = VAR.get()
    VAR.reset(token)
    VAR.set(value)
    return [before, inside]

@tool
async def with_timeout() -> str:
    task = asyncio.current_task()
    if sys.version_info >= (3, 11):
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            pass
        async with asyncio.TaskGroup() as group:
            inner = group.create_task(asyncio.sleep(0, "inner"))
        assert inner.result() == "inner"
    else:
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.01)
        except asyncio.TimeoutError:
            pass
    assert asyncio.current_task() is task and task is not None
    return "fine"

@tool
async def cancels_itself() -> str:
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel() if hasattr(asyncio.Task, "uncancel") else None
        return "survived"
    return "not cancelled"

@tool
async def leaves_a_cancel_behind() -> str:
    asyncio.current_task().cancel()
    return "done"

@tool
async def fails() -> None:
    raise LookupError("gone")

@tool
def busy(seconds: float) -> None:
    print("begun")
    time.sleep(seconds)

@tool
def session_id(session: Session) -> list:
    return [session.id, dict(session.metadata)]

@tool
async def asession_id(session: AsyncSession) -> list:
    return [session.id, dict(session.metadata)]
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(TOOLS) as host:
        yield host


def test_they_run_on_the_thread_of_the_loop(host: Host) -> None:
    thread, loop = host.call("where")
    assert (thread, loop.partition(".")[0]) == ("snakepit-loop", "uvloop")


def test_they_run_together(host: Host) -> None:
    calls = [host.start("wait_for", {"name": "g"}) for _ in range(50)]
    host.call("open_gate", name="g")
    assert [host.result(c) for c in calls] == ["g"] * 50


def test_they_run_while_a_synchronous_tool_does(host: Host) -> None:
    call = host.start("busy", {"seconds": 60})
    host.log("begun")
    # Sooner than the other would end.
    assert host.call("aecho", text="x") == "x"
    host.cancel(call)
    host.wait_until_idle()


def test_each_has_a_context_of_its_own(host: Host) -> None:
    calls = [host.start("context", {"value": str(n)}) for n in range(20)]
    assert [host.result(c) for c in calls] == [["none", str(n)] for n in range(20)]


def test_each_is_a_task(host: Host) -> None:
    for _ in range(3):
        assert host.call("with_timeout") == "fine"


def test_a_tool_that_cancels_itself_cancels_nobody_else(host: Host) -> None:
    for _ in range(3):
        assert host.call("cancels_itself") == "survived"
        assert host.call("leaves_a_cancel_behind") == "done"
        assert host.call("aecho", text="x") == "x"


def test_errors_and_wrong_arguments(host: Host) -> None:
    with pytest.raises(ToolFailed) as caught:
        host.call("fails")
    assert caught.value.type == "LookupError"
    with pytest.raises(InvalidArguments):
        host.call("aecho", text=1)


def test_sessions_are_filled_in(host: Host) -> None:
    made = host.control("InitializeSession", InitializeSessionRequest(session_id="s", metadata={"k": "v"}), InitializeSessionResponse)
    assert made.created
    assert len(made.tools) == len(host.hello.tools)
    assert not host.control("InitializeSession", InitializeSessionRequest(session_id="s"), InitializeSessionResponse).created
    for tool in ("session_id", "asession_id"):
        assert host.result(host.start(tool, session="s")) == ["s", {"k": "v"}]
        assert host.result(host.start(tool)) == ["", {}]
    assert host.health().sessions == 1
    assert host.control("CleanupSession", CleanupSessionRequest(session_id="s"), CleanupSessionResponse).success
    assert not host.control("CleanupSession", CleanupSessionRequest(session_id="s"), CleanupSessionResponse).success


def test_control_calls(host: Host) -> None:
    tools = host.control("ListTools", ListToolsRequest(), ListToolsResponse).tools
    assert [t.name for t in tools] == [t.name for t in host.hello.tools]
    health = host.health()
    assert health.pid == host.hello.pid
    assert health.memory_bytes > 1_000_000
    assert health.calls > 0
    with pytest.raises(ControlError) as caught:
        host.control("Nothing", ListToolsRequest(), ListToolsResponse)
    assert caught.value.code == 12


def test_execute_tool_by_open_is_the_same(host: Host) -> None:
    for tool, args in (("aecho", b"\x81\xa4text\xa1y"), ("session_id", b"")):
        response = host.control("ExecuteTool", ExecuteToolRequest(tool=tool, args=args), ExecuteToolResponse)
        assert response.result in (b"\xa1y", b"\x92\xa0\x80")
    with pytest.raises(InvalidArguments):
        host.control("ExecuteTool", ExecuteToolRequest(tool="aecho"), ExecuteToolResponse)


def test_a_variable_that_was_there_before_is_as_before_in_every_call(host: Host) -> None:
    assert [host.call("overwrite") for _ in range(3)] == ["before"] * 3


def test_a_task_that_exits_does_not_take_the_other_tools_along(host: Host) -> None:
    host.call("exit_in_a_task")
    host.wait_until_idle()
    assert host.call("aecho", text="a") == "a"


def test_what_a_cancelled_tool_waits_for_is_cancelled_with_it_however_early(host: Host) -> None:
    host.call("aecho", text="a")
    call = host.new_call()
    host.send(execute_frame(call, "parent", {}) + frame(CANCEL, call))
    host.wait_until_idle()
    assert host.call("ended") == ["cancelled"] * 2
