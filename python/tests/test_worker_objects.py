"""Objects that stay in the worker, and what becomes of them when their session does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.msgpack import Ext
from worker_host import Host

from snakepit._errors import InvalidArguments, ObjectLost, ToolFailed
from snakepit._frames import CREDIT, END, EVENT, EXECUTE_STREAM, MESSAGE, frame
from snakepit.v1.frame_pb2 import HostEvent, ObjectsReleased, VariablesChanged
from snakepit.v1.worker_pb2 import (
    CleanupSessionRequest,
    CleanupSessionResponse,
    ExecuteToolStreamRequest,
    InitializeSessionRequest,
    InitializeSessionResponse,
)

TOOLS = """
import dataclasses
from collections.abc import Iterator
from typing import Any
from snakepit import AsyncSession, Ref, Session, ref

ALIVE = set()

class Model:
    def __init__(self, bias):
        self.bias = bias
        ALIVE.add(id(self))
    def __del__(self):
        ALIVE.discard(id(self))

class Other:
    pass

@dataclasses.dataclass
class Point:
    x: int

KINDS = {"list": lambda: [1], "dict": lambda: {"a": 1}, "point": lambda: Point(1), "other": Other, "int": lambda: 7, "none": lambda: None}

@tool
def fit(bias: int) -> Ref:
    return ref(Model(bias))

@tool
async def afit(bias: int) -> Ref:
    return ref(Model(bias))

@tool
def fit_many(n: int) -> Iterator[Any]:
    for i in range(n):
        yield {"model": ref(Model(i)), "beyond": 2**80}

@tool
def store(kind: str) -> Ref:
    return ref(KINDS[kind]())

@tool
def predict(model: Model, x: int) -> int:
    return model.bias + x

@tool
async def apredict(model: Model, x: int) -> int:
    return model.bias + x

@tool
def maybe(model: Model | None = None) -> int:
    return -1 if model is None else model.bias

@tool
def total(models: list[Model]) -> int:
    return sum(m.bias for m in models)

@tool
def untyped(model, inner={}):
    return [type(model).__name__, [type(v).__name__ for v in inner.values()]]

@tool
def grow(value: list[int]) -> int:
    value.append(1)
    return len(value)

@tool
def move(point: Point) -> int:
    point.x += 1
    return point.x

@tool
def doubled(number: float) -> float:
    return number * 2

@tool
def alive() -> int:
    return len(ALIVE)

@tool
def put(session: Session, key: str, value: Any) -> None:
    session.store_local_object(key, [value])

@tool
def get(session: Session, key: str) -> Any:
    return session.get_local_object(key)

@tool
async def aget(session: AsyncSession, key: str) -> Any:
    return session.get_local_object(key)

@tool
def get_or(session: Session, key: str) -> Any:
    return session.get_local_object(key, None)

@tool
def about(session: Session) -> list:
    return [session.id, dict(session.metadata)]

@tool
def hold(session: Session, key: str) -> Iterator[Any]:
    for _ in range(10_000):
        yield [session.id, session.get_local_object(key, "gone")] + ["x" * 1000]

@tool
def echo(x: int) -> int:
    return x
"""


def initialize(host: Host, session: str, **fields: Any) -> InitializeSessionResponse:
    return host.control("InitializeSession", InitializeSessionRequest(session_id=session, **fields), InitializeSessionResponse)


def clean_up(host: Host, session: str) -> bool:
    return host.control("CleanupSession", CleanupSessionRequest(session_id=session), CleanupSessionResponse).success


def place(ext: Ext) -> list[str]:
    assert ext.code == 5
    return msgspec.msgpack.decode(ext.data)


def ext(session: str, worker: str, key: str, kind: str = "x") -> Ext:
    return Ext(5, msgspec.msgpack.encode([session, worker, key, kind]))


def release(host: Host, session: str, *keys: str) -> None:
    host.send(frame(EVENT, 0, HostEvent(objects_released=ObjectsReleased(session_id=session, keys=keys)).SerializeToString()))


class Sessions(Host):
    """A host with a session."""

    session = "s"

    def ask(self, tool: str, **args: Any) -> Any:
        return self.result(self.start(tool, args, session=self.session))


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[Sessions]:
    with Sessions(TOOLS, threads=request.param) as host:
        yield host


@pytest.fixture
def host(shared: Sessions) -> Iterator[Sessions]:
    shared.session = "s"
    initialize(shared, "s")
    yield shared
    shared.wait_until_idle()
    clean_up(shared, "s")
    assert shared.call("alive") == 0


@pytest.mark.parametrize("fit", ["fit", "afit"])
@pytest.mark.parametrize("predict", ["predict", "apredict"])
def test_an_object_stays_and_comes_back_as_itself(host: Sessions, fit: str, predict: str) -> None:
    model = host.ask(fit, bias=10)
    session, worker, key, kind = place(model)
    assert (session, worker) == ("s", "w1")
    assert kind.endswith(".Model")
    assert key
    assert host.ask(predict, model=model, x=5) == 15


def test_references_inside_items_and_other_arguments(host: Sessions) -> None:
    call = host.new_call()
    request = ExecuteToolStreamRequest(session_id="s", tool="fit_many", args=msgspec.msgpack.encode({"n": 3}))
    host.send(frame(EXECUTE_STREAM, call, request.SerializeToString()))
    models = [item["model"] for item in host.items(call)]
    assert len({place(model)[2] for model in models}) == 3
    assert host.ask("total", models=models) == 3
    assert host.ask("untyped", model=models[0], inner={"a": models[1]}) == ["Model", ["Model"]]
    assert host.ask("maybe", model=models[2]) == 2
    assert host.ask("maybe") == -1


def test_an_object_that_a_hint_describes_is_not_copied(host: Sessions) -> None:
    value = host.ask("store", kind="list")
    assert [host.ask("grow", value=value) for _ in range(3)] == [2, 3, 4]
    point = host.ask("store", kind="point")
    assert [host.ask("move", point=point) for _ in range(3)] == [2, 3, 4]
    assert place(value)[3] == "list"


def test_an_object_of_another_class_is_refused(host: Sessions) -> None:
    for kind in ("other", "list", "int", "none"):
        with pytest.raises(InvalidArguments) as caught:
            host.ask("predict", model=host.ask("store", kind=kind), x=1)
        assert caught.value.argument == "model"
    with pytest.raises(InvalidArguments):
        host.ask("grow", value=host.ask("store", kind="dict"))
    # What has no identity to keep is converted like any other value.
    assert host.ask("doubled", number=host.ask("store", kind="int")) == 14


def test_what_is_not_here_is_lost(host: Sessions) -> None:
    model = host.ask("fit", bias=1)
    _, worker, key, kind = place(model)
    initialize(host, "t")
    for wrong in (ext("s", "w0", key, kind), ext("t", worker, key, kind), ext("s", worker, "nope", kind)):
        with pytest.raises(ObjectLost) as caught:
            host.ask("predict", model=wrong, x=1)
        assert caught.value.object == place(wrong)[2]
        assert caught.value.worker == place(wrong)[1]
    with pytest.raises(ObjectLost):
        host.result(host.start("predict", {"model": model, "x": 1}, session="t"))
    with pytest.raises(ObjectLost):
        host.call("predict", model=model, x=1)
    clean_up(host, "t")


def test_a_reference_that_cannot_be_read_is_refused(host: Sessions) -> None:
    with pytest.raises(InvalidArguments, match="cannot be read"):
        host.ask("predict", model=Ext(5, b"\xc1"), x=1)


def test_outside_a_session_there_is_nothing_to_keep_an_object_for(host: Sessions) -> None:
    with pytest.raises(ToolFailed, match=r"snakepit\.ref keeps objects for a session"):
        host.call("fit", bias=1)


def test_the_host_releases_objects(host: Sessions) -> None:
    models = [host.ask("fit", bias=n) for n in range(3)]
    assert host.call("alive") == 3
    release(host, "s", place(models[0])[2], place(models[2])[2])
    assert host.call("alive") == 1
    with pytest.raises(ObjectLost):
        host.ask("predict", model=models[0], x=1)
    assert host.ask("predict", model=models[1], x=1) == 2
    release(host, "s", place(models[0])[2], "nope")
    release(host, "unknown", place(models[1])[2])
    assert host.call("alive") == 1


def test_objects_end_with_their_session(host: Sessions) -> None:
    model = host.ask("fit", bias=1)
    assert clean_up(host, "s")
    assert host.call("alive") == 0
    initialize(host, "s")
    # The keys of the new session are others.
    assert place(host.ask("fit", bias=2))[2] != place(model)[2]
    with pytest.raises(ObjectLost):
        host.ask("predict", model=model, x=1)


def test_a_tool_stores_objects_under_keys_of_its_own(host: Sessions) -> None:
    model = host.ask("fit", bias=1)
    host.ask("put", key=place(model)[2], value=3)
    assert host.ask("get", key=place(model)[2]) == [3]
    assert host.ask("aget", key=place(model)[2]) == [3]
    assert host.ask("predict", model=model, x=1) == 2
    assert host.ask("get_or", key="nope") is None
    with pytest.raises(ToolFailed) as caught:
        host.ask("get", key="nope")
    assert caught.value.type == "KeyError"


def test_what_went_with_another_worker_is_named(host: Sessions) -> None:
    initialize(host, "moved", moved_from="w0")
    host.session = "moved"
    with pytest.raises(ObjectLost) as caught:
        host.ask("get", key="model")
    assert (caught.value.object, caught.value.worker) == ("model", "w0")
    assert host.ask("get_or", key="model") is None
    host.ask("put", key="model", value=1)
    assert host.ask("get", key="model") == [1]
    clean_up(host, "moved")


def test_a_session_is_made_known_once_and_forgotten_once(host: Sessions) -> None:
    assert initialize(host, "i", metadata={"a": "1"}).created
    host.session = "i"
    assert host.ask("about") == ["i", {"a": "1"}]
    host.ask("put", key="k", value=1)
    assert not initialize(host, "i").created
    assert host.ask("about") == ["i", {"a": "1"}]
    assert not initialize(host, "i", metadata={"b": "2"}).created
    assert host.ask("about") == ["i", {"b": "2"}]
    assert host.ask("get", key="k") == [1]
    assert clean_up(host, "i")
    assert not clean_up(host, "i")
    assert initialize(host, "i").created
    assert host.ask("about") == ["i", {}]
    assert host.ask("get_or", key="k") is None
    clean_up(host, "i")


def test_calls_follow_what_makes_their_session_known_without_waiting(host: Sessions) -> None:
    """All of it in one write, over and over: each call sees what was said right before it."""
    host.session = "quick"
    calls: list[int] = []
    for n in range(200):
        host.open("/snakepit.v1.WorkerService/InitializeSession", InitializeSessionRequest(session_id="quick", metadata={"n": str(n)}))
        calls.append(host.start("about", session="quick"))
        host.open("/snakepit.v1.WorkerService/CleanupSession", CleanupSessionRequest(session_id="quick"))
    assert [host.result(call) for call in calls] == [["quick", {"n": str(n)}] for n in range(200)]


def test_a_call_that_runs_goes_on_with_its_session(host: Sessions) -> None:
    host.ask("put", key="k", value=1)
    call = host.new_call()
    request = ExecuteToolStreamRequest(session_id="s", tool="hold", args=msgspec.msgpack.encode({"key": "k"}))
    host.send(frame(EXECUTE_STREAM, call, request.SerializeToString()))
    first = host.for_call(call, MESSAGE)
    assert host.items_in(first)[0][:2] == ["s", [1]]
    assert clean_up(host, "s")
    last: Any = None
    while (got := host.for_call(call)).kind != END:
        last = host.items_in(got)[-1]
        host.send(frame(CREDIT, call, aux=max(1024 * got.aux, len(got.body))))
    assert last[:2] == ["s", "gone"]


def test_events_about_what_is_not_known_are_passed_over(host: Sessions) -> None:
    host.send(frame(EVENT, 0, HostEvent(variables_changed=VariablesChanged(session_id="unknown")).SerializeToString()))
    host.send(frame(EVENT, 0, HostEvent().SerializeToString()))
    assert host.call("echo", x=1) == 1


def test_an_event_that_is_none_ends_the_connection() -> None:
    with Host(TOOLS) as host:
        host.send(frame(EVENT, 0, b"\xff"))
        assert host.process.popen.wait(20) == 1
    with Host(TOOLS) as host:
        host.send(frame(EVENT, 5, b""))
        assert host.process.popen.wait(20) == 1
