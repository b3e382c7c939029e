"""Calls that a worker opens to its host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from worker_host import Frame, Host

from snakepit._errors import ToolFailed
from snakepit._frames import CANCEL, END, ERROR, MESSAGE, OPEN, RESULT, STREAM, WORKER_CALL, frame
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.frame_pb2 import CallError, CallHead, CallMeta, Header
from snakepit.v1.host_pb2 import PingHostRequest, PingHostResponse, WatchVariablesRequest, WatchVariablesResponse
from snakepit.v1.session_pb2 import VariableChange

TOOLS = """
import threading
from collections.abc import AsyncIterator, Iterator
from snakepit._context import HOST
from snakepit.v1.host_pb2 import WatchVariablesRequest, WatchVariablesResponse

def host():
    return HOST.runtime.host

@tool
def ask(text: str) -> str:
    return host().ping(text)

@tool
async def aask(text: str) -> str:
    return await host().ping_async(text)

@tool
def ask_often(n: int) -> int:
    return sum(len(host().ping("x")) for _ in range(n))

@tool
def ask_from_thread(text: str) -> str:
    out = []
    t = threading.Thread(target=lambda: out.append(host().ping(text)))
    t.start()
    t.join()
    return out[0]

@tool
def ask_streaming(n: int) -> Iterator[str]:
    for i in range(n):
        yield host().ping(str(i))

@tool
def ask_guarded() -> str:
    try:
        return host().ping("x")
    except Exception as e:
        return type(e).__name__

@tool
def ask_and_stay() -> str:
    try:
        return host().ping("x")
    except BaseException:
        return "stayed"

@tool
def watch(n: int) -> int:
    seen = 0
    for change in host().stream("WatchVariables", WatchVariablesRequest(session_id="s"), WatchVariablesResponse.FromString):
        seen += len(change.changes)
        if seen >= n:
            break
    return seen

@tool
async def awatch(n: int) -> int:
    seen = 0
    async for change in host().stream_async("WatchVariables", WatchVariablesRequest(session_id="s"), WatchVariablesResponse.FromString):
        seen += len(change.changes)
        if seen >= n:
            break
    return seen

@tool
def echo(x: int) -> int:
    return x
"""


class Answering(Host):
    """A host that answers."""

    def __init__(self, threads: int) -> None:
        super().__init__(TOOLS, threads=threads)
        self.opened: list[Frame] = []
        self.hold = False
        self.on_open = self.answer

    def answer(self, got: Frame) -> None:
        assert got.call & WORKER_CALL
        self.opened.append(got)
        head = CallHead.FromString(got.body[: got.prefix])
        if self.hold:
            return
        if head.method == "/snakepit.v1.HostService/PingHost":
            self.reply(got)
        else:
            assert head.method == "/snakepit.v1.HostService/WatchVariables"
            assert got.flags & STREAM

    def reply(self, got: Frame) -> None:
        request = PingHostRequest.FromString(got.body[got.prefix :])
        meta = CallMeta(headers=[Header(name="x", values=["y"])]).SerializeToString()
        self.send(frame(RESULT, got.call, meta + PingHostResponse(message=request.message + "!").SerializeToString(), prefix=len(meta)))


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[Answering]:
    with Answering(request.param) as host:
        yield host


@pytest.fixture
def host(shared: Answering) -> Iterator[Answering]:
    shared.hold = False
    shared.opened.clear()
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=1) == 1


@pytest.mark.parametrize("tool", ["ask", "aask", "ask_from_thread"])
def test_a_tool_asks_its_host(host: Answering, tool: str) -> None:
    assert host.call(tool, text="hi") == "hi!"


def test_a_stream_asks_between_its_items(host: Answering) -> None:
    assert host.items(host.start_stream("ask_streaming", {"n": 30})) == [f"{n}!" for n in range(30)]


def test_asking_often_beside_other_calls(host: Answering) -> None:
    asking = [host.start("ask_often", {"n": 300}), host.start("aask", {"text": "a"})]
    others = [host.start("echo", {"x": n}) for n in range(300)]
    assert host.result(asking[0]) == 600
    assert host.result(asking[1]) == "a!"
    assert [host.result(c) for c in others] == list(range(300))


@pytest.mark.parametrize("tool", ["ask", "aask"])
def test_the_worker_answers_while_a_tool_waits_for_the_host(host: Answering, tool: str) -> None:
    host.hold = True
    call = host.start(tool, {"text": "late"})
    got = host.until(lambda f: f.kind == OPEN)
    host.ping()
    assert host.call("aask", text="x") == "x!" if not host.hold else True
    host.reply(got)
    assert host.result(call) == "late!"


@pytest.mark.parametrize("tool", ["ask", "aask"])
def test_an_error_of_the_host_is_raised_in_the_tool(host: Answering, tool: str) -> None:
    def fail(got: Frame) -> None:
        detail = AnyMessage()
        detail.Pack(ErrorDetail(tag="VariableNotFound", message='There is no variable "x".', fields={"variable": "x"}))
        host.send(frame(ERROR, got.call, CallError(message="no", details=[detail]).SerializeToString(), aux=5))

    host.on_open = fail
    try:
        with pytest.raises(Exception, match="no variable") as caught:
            host.call(tool, text="hi")
        assert caught.value.tag == "VariableNotFound"  # pyright: ignore
    finally:
        host.on_open = host.answer


def test_an_error_outside_the_family_has_its_code(host: Answering) -> None:
    host.on_open = lambda got: host.send(frame(ERROR, got.call, CallError(message="what?").SerializeToString(), aux=12))
    try:
        with pytest.raises(ToolFailed) as caught:
            host.call("ask", text="hi")
        assert (caught.value.type.rpartition(".")[2], caught.value.detail) == ("HostCallFailed", "what?")
    finally:
        host.on_open = host.answer


@pytest.mark.parametrize("tool", ["ask", "aask"])
def test_cancelling_a_tool_that_waits_cancels_its_call(host: Answering, tool: str) -> None:
    host.hold = True
    call = host.start(tool, {"text": "never"})
    got = host.until(lambda f: f.kind == OPEN)
    host.cancel(call)
    assert host.until(lambda f: f.kind == CANCEL).call == got.call
    # An answer that comes too late is dropped.
    host.reply(got)


def test_a_deadline_reaches_a_tool_that_waits(host: Answering) -> None:
    host.hold = True
    call = host.start("ask", {"text": "never"}, timeout_ms=50)
    got = host.until(lambda f: f.kind == OPEN)
    with pytest.raises(Exception, match="50 ms"):
        host.result(call)
    assert host.until(lambda f: f.kind == CANCEL).call == got.call


@pytest.mark.parametrize("tool", ["watch", "awatch"])
def test_a_stream_of_the_host_is_read_and_closed(host: Answering, tool: str) -> None:
    host.hold = True
    call = host.start(tool, {"n": 5})
    got = host.until(lambda f: f.kind == OPEN)
    first = host.for_call(got.call)
    assert (first.kind, first.aux) == (MESSAGE, 1)
    assert WatchVariablesRequest.FromString(first.body).session_id == "s"
    assert host.for_call(got.call).kind == END
    for _ in range(5):
        message = WatchVariablesResponse(changes=[VariableChange()]).SerializeToString()
        host.send(frame(MESSAGE, got.call, message, aux=1))
    assert host.result(call) == 5
    assert host.until(lambda f: f.kind == CANCEL).call == got.call
    # And one that ends by itself.
    call = host.start(tool, {"n": 5})
    got = host.until(lambda f: f.kind == OPEN)
    host.send(frame(MESSAGE, got.call, WatchVariablesResponse(changes=[VariableChange()]).SerializeToString(), aux=1) + frame(END, got.call))
    assert host.result(call) == 1


def test_a_host_that_goes_while_a_tool_waits_for_it() -> None:
    with Answering(1) as host:
        host.hold = True
        host.start("ask_guarded")
        host.until(lambda f: f.kind == OPEN)
        host.sock.close()
        assert host.process.popen.wait(20) == 1


def test_a_cancelled_call_that_stays_is_not_answered_and_spoils_no_other() -> None:
    with Host(TOOLS) as host:
        call = host.start("ask_and_stay")
        host.until(lambda f: f.kind == OPEN)
        host.cancel(call)
        host.wait_until_idle()
        after = host.start("ask_and_stay")
        host.until(lambda f: f.kind == OPEN)
        host.cancel(after)
        host.wait_until_idle()
        assert [f.kind for f in host._waiting if f.call in (call, after)] == []
