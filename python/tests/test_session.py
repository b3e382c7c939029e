"""Sessions as tools use them, in a real worker with a host that keeps the variables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from session_host import SESSION, Asked, SessionHost

from snakepit._errors import (
    BatchFailed,
    InvalidOptions,
    ObjectLost,
    SessionNotFound,
    ToolFailed,
    VariableExists,
    VariableInvalid,
    VariableNotFound,
    VersionConflict,
    detail_of,
)
from snakepit.v1 import host_pb2
from snakepit.v1.session_pb2 import Variable

TOOLS = '''
import dataclasses
import inspect
from typing import Any
from snakepit import AsyncSession, Session, SnakepitError

def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, SnakepitError):
        return [value.tag, str(value)]
    return plain(dataclasses.asdict(value)) if dataclasses.is_dataclass(value) else value

@tool
def ask(session: Session, method: str, args: list = [], kwargs: dict = {}) -> Any:
    return plain(getattr(session, method)(*args, **kwargs))

@tool
async def aask(session: AsyncSession, method: str, args: list = [], kwargs: dict = {}) -> Any:
    given = getattr(session, method)(*args, **kwargs)
    return plain(await given if inspect.isawaitable(given) else given)

@tool
def halved(session: Session, method: str, args: list, kwargs: dict) -> Any:
    return getattr(session, method)(chr(0xD800))

@tool
def add_one(session: Session, name: str) -> Any:
    return session.update_variable(name, lambda value: value + 1)

@tool
async def aadd_one(session: AsyncSession, name: str) -> Any:
    return await session.update_variable(name, lambda value: value + 1)

@tool
def alter(session: Session, name: str) -> Any:
    session.get_variable(name).append("mine")
    return session.get_variable(name)

@tool
def twice(session: Session, name: str) -> list:
    """A host tool may change the variable between the two."""
    return [session.get_variable(name), session.call_tool("between"), session.get_variable(name)]

@tool
def set_numpy(session: Session, name: str) -> int:
    import numpy as np
    return session.set_variable(name, np.arange(3, dtype="f4"))

@tool
def about(session: Session) -> list:
    return [session.id, dict(session.metadata), repr(session)]

@tool
def from_thread(session: Session, name: str) -> Any:
    import threading
    out = []
    thread = threading.Thread(target=lambda: out.append(session.get_variable(name)))
    thread.start()
    thread.join()
    return out[0]
'''

BOTH = pytest.mark.parametrize("tool", ["ask", "aask"])


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def shared(request: pytest.FixtureRequest) -> Iterator[SessionHost]:
    with SessionHost(TOOLS, threads=request.param, metadata={"who": "me"}) as host:
        yield host


@pytest.fixture
def host(shared: SessionHost) -> Iterator[SessionHost]:
    shared.cleanup()
    shared.initialize(metadata={"who": "me"})
    shared.variables.clear()
    shared.instead = None
    shared.methods()
    yield shared
    shared.wait_until_idle()


def stats(host: SessionHost, tool: str) -> dict[str, Any]:
    return host.in_session(tool, "get_cache_stats")


@BOTH
def test_a_variable_is_made_read_and_set(host: SessionHost, tool: str) -> None:
    made = host.in_session(tool, "register_variable", "t", "float", 1, constraints={"min": 0, "max": 2}, metadata={"why": "test"})
    assert made == {
        "id": made["id"],
        "name": "t",
        "type": "float",
        "value": 1,
        "version": 0,
        "constraints": {"min": 0, "max": 2},
        "metadata": {"why": "test"},
        "source": {"side": "python", "worker": "w1", "tool": "ask", "call": 7},
        "at": made["at"],
    }
    assert host.in_session(tool, "set_variable", "t", 0.5, metadata={"by": "me"}) == 1
    assert host.in_session(tool, "set_variable", made["id"], 0.75, expected_version=1) == 2
    assert host.in_session(tool, "get_variable", made["id"]) == 0.75
    entry = host.in_session(tool, "variable_entry", "t")
    assert (entry["version"], entry["metadata"]) == (2, {"why": "test", "by": "me"})
    assert entry["at"] == datetime.fromtimestamp(1_700_000_000.125, timezone.utc)
    assert host.in_session(tool, "list_variables") == [entry]
    assert host.in_session(tool, "delete_variable", "t") is True
    assert host.in_session(tool, "delete_variable", "t") is False
    assert host.in_session(tool, "get_variable", "t", default="none") == "none"


@BOTH
def test_the_host_hears_which_call_of_which_tool_asks(host: SessionHost, tool: str) -> None:
    host.register("t", "float", 0)
    for method, args in [("register_variable", ["u", "json", None]), ("set_variable", ["t", 1.0]), ("delete_variable", ["t"])]:
        call = host.start(tool, {"method": method, "args": args}, session=SESSION)
        host.result(call)
        caller = host.asked[-1].request.caller
        assert (caller.tool, caller.call) == (tool, call)


@BOTH
def test_a_default_may_be_none(host: SessionHost, tool: str) -> None:
    assert host.in_session(tool, "get_variable", "nope", default=None) is None
    with pytest.raises(VariableNotFound, match="nope"):
        host.in_session(tool, "get_variable", "nope")
    with pytest.raises(VariableNotFound, match="nope"):
        host.in_session(tool, "variable_entry", "nope")
    with pytest.raises(VariableNotFound, match="nope"):
        host.in_session(tool, "set_variable", "nope", 1)
    assert stats(host, tool)["size"] == 0


@BOTH
def test_a_name_that_is_taken(host: SessionHost, tool: str) -> None:
    host.register("t", "integer", 5)
    with pytest.raises(VariableExists):
        host.in_session(tool, "register_variable", "t", "integer", 1)
    assert host.in_session(tool, "register_variable", "t", "integer", 1, if_not_exists=True)["value"] == 5


@BOTH
def test_versions_keep_writers_apart(host: SessionHost, tool: str) -> None:
    host.register("t", "integer", 5)
    with pytest.raises(VersionConflict) as caught:
        host.in_session(tool, "set_variable", "t", 6, expected_version=3)
    assert (caught.value.expected, caught.value.actual) == (3, 0)


@pytest.mark.parametrize("tool", ["add_one", "aadd_one"])
def test_an_update_starts_again_from_what_somebody_else_has_set(host: SessionHost, tool: str) -> None:
    host.register("n", "integer", 5)

    def meddle(asked: Asked) -> None:
        if asked.method == "SetVariables":
            host.instead = None
            host.change("n", 100)
        host.answer(asked)

    host.instead = meddle
    assert host.result(host.start(tool, {"name": "n"}, session=SESSION)) == 101
    assert host.methods() == ["GetVariables", "SetVariables", "GetVariables", "SetVariables"]


@BOTH
def test_many_are_read_in_one_message_but_those_that_are_kept(host: SessionHost, tool: str) -> None:
    for name in "abc":
        host.register(name, "json", {"is": name})
    assert host.in_session(tool, "get_variable", "b") == {"is": "b"}
    host.methods()
    names = ["a", "nope", "b", host.variables["c"].id, "a"]
    found = host.in_session(tool, "get_variables", names)
    assert found == {"values": {"a": {"is": "a"}, "b": {"is": "b"}, names[3]: {"is": "c"}}, "missing": ["nope"]}
    assert list(found["values"]) == ["a", "b", names[3]]
    assert [list(asked.request.names) for asked in host.asked] == [["a", "nope", names[3]]]
    host.methods()
    assert host.in_session(tool, "get_variables", ["c", "b", "a"])["missing"] == []
    assert host.in_session(tool, "get_variables", []) == {"values": {}, "missing": []}
    assert host.methods() == []
    host.in_session(tool, "get_variables", ["a", "b"], bypass_cache=True)
    assert host.methods() == ["GetVariables"]


@BOTH
def test_a_batch_is_all_or_nothing(host: SessionHost, tool: str) -> None:
    host.register("a", "integer", 1)
    host.register("b", "integer", 2)
    assert host.in_session(tool, "update_variables", {"a": 10, "b": 20}, expected_versions={"a": 0}) == {"versions": {"a": 1, "b": 1}, "errors": {}}
    with pytest.raises(BatchFailed) as caught:
        host.in_session(tool, "update_variables", {"a": 11, "nope": 1}, metadata={"x": "y"})
    assert caught.value.errors == {"nope": 'There is no variable "nope".'}
    assert [host.variables[name].version for name in "ab"] == [1, 1]


@BOTH
def test_a_batch_that_is_not_atomic_changes_what_it_can(host: SessionHost, tool: str) -> None:
    host.register("a", "integer", 1)
    done = host.in_session(tool, "update_variables", {"a": 11, "nope": 1}, atomic=False)
    assert done == {"versions": {"a": 1}, "errors": {"nope": ["VariableNotFound", 'There is no variable "nope".']}}
    assert host.in_session(tool, "get_variable", "a") == 11


@BOTH
def test_batches_have_a_limit_that_is_held_before_anything_is_sent(host: SessionHost, tool: str) -> None:
    names = [f"v{n}" for n in range(1_001)]
    with pytest.raises(InvalidOptions, match="at most 1000 variables"):
        host.in_session(tool, "get_variables", names)
    with pytest.raises(InvalidOptions, match="at most 1000 variables"):
        host.in_session(tool, "update_variables", dict.fromkeys(names, 1))
    for wrong in ["abc", [1]]:
        with pytest.raises(InvalidOptions, match="a list of names"):
            host.in_session(tool, "get_variables", wrong)
    assert host.methods() == []
    assert len(host.in_session(tool, "get_variables", names[1:])["missing"]) == 1_000


@BOTH
def test_what_is_kept_is_read_without_asking(host: SessionHost, tool: str) -> None:
    host.register("t", "json", None)
    assert [host.in_session(tool, "get_variable", name) for name in ("t", "t", host.variables["t"].id)] == [None] * 3
    assert host.methods() == ["GetVariables"]
    found = stats(host, tool)
    assert (found["hits"], found["misses"], found["sets"], found["size"]) == (2, 1, 1, 1)
    assert (found["enabled"], found["ttl_seconds"], found["max_size"]) == (True, 1.0, 1_000)
    host.in_session(tool, "get_variable", "t", bypass_cache=True)
    assert (host.methods(), stats(host, tool)["misses"]) == (["GetVariables"], 2)
    host.in_session(tool, "invalidate_cache", "t")
    host.in_session(tool, "get_variable", "t")
    assert host.methods() == ["GetVariables"]
    host.in_session(tool, "invalidate_cache")
    assert stats(host, tool)["size"] == 0


@BOTH
def test_the_cache_can_be_turned_off(host: SessionHost, tool: str) -> None:
    host.register("t", "json", 1)
    host.in_session(tool, "set_cache_config", enabled=False, ttl_seconds=5.0, max_size=3)
    for _ in range(2):
        assert host.in_session(tool, "get_variable", "t") == 1
    assert [asked.request.keep for asked in host.asked] == [False, False]
    assert {name: stats(host, tool)[name] for name in ("enabled", "ttl_seconds", "max_size", "misses")} == {
        "enabled": False,
        "ttl_seconds": 5.0,
        "max_size": 3,
        "misses": 0,
    }
    with pytest.raises(InvalidOptions):
        host.in_session(tool, "set_cache_config", ttl_seconds=-1)


@BOTH
def test_own_changes_are_read_without_asking(host: SessionHost, tool: str) -> None:
    host.in_session(tool, "register_variable", "t", "json", [1])
    host.in_session(tool, "set_variable", "t", [2])
    host.in_session(tool, "update_variables", {"t": [3]})
    assert host.in_session(tool, "get_variable", "t") == [3]
    assert host.methods() == ["RegisterVariable", "SetVariables", "SetVariables"]


@BOTH
def test_a_change_of_the_host_is_seen_at_once(host: SessionHost, tool: str) -> None:
    host.register("t", "json", 1)
    assert host.in_session(tool, "get_variable", "t") == 1
    host.change("t", 2)
    assert host.in_session(tool, "get_variable", "t") == 2
    host.delete("t")
    assert host.in_session(tool, "get_variable", "t", default="gone") == "gone"
    host.register("t", "json", 3)
    assert host.in_session(tool, "get_variable", "t") == 3


@BOTH
def test_an_answer_that_is_overtaken_by_a_change_is_not_kept(host: SessionHost, tool: str) -> None:
    host.register("t", "json", 1)

    def overtake(asked: Asked) -> None:
        host.instead = None
        before = Variable()
        before.CopyFrom(host.variables["t"])
        host._kept.add("t")
        host.change("t", 2)
        host.reply(asked, host_pb2.GetVariablesResponse(variables=[before]))

    host.instead = overtake
    assert host.in_session(tool, "get_variable", "t") == 1
    assert host.in_session(tool, "get_variable", "t") == 2


def test_what_one_tool_alters_is_not_what_the_next_reads(host: SessionHost) -> None:
    host.register("t", "list", [1])
    assert host.result(host.start("alter", {"name": "t"}, session=SESSION)) == [1]


def test_a_session_starts_with_what_the_host_gives_it(host: SessionHost) -> None:
    host.register("t", "json", {"a": 1})
    host.initialize(variables=[host.variables["t"]])
    host._kept.add("t")
    assert host.in_session("ask", "get_variable", "t") == {"a": 1}
    assert host.methods() == []
    host.change("t", 2)
    assert host.in_session("aask", "get_variable", "t") == 2


def test_nothing_is_kept_when_the_session_has_been_cleaned_up(host: SessionHost) -> None:
    host.register("t", "json", 1)
    host.in_session("ask", "get_variable", "t")
    host.cleanup()
    host.methods()
    host._kept.clear()
    for value in (2, 3):
        host.change("t", value)
        assert host.in_session("ask", "get_variable", "t") == value
    assert [asked.request.keep for asked in host.asked] == [False, False]


@BOTH
@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [("integer", 1.0, "an integer"), ("integer", True, "an integer"), ("float", "1", "a number"), ("flaot", float("nan"), "JSON")],
)
def test_a_wrong_first_value_is_refused_before_it_is_sent(host: SessionHost, tool: str, type: str, value: Any, expected: str) -> None:
    with pytest.raises(VariableInvalid) as caught:
        host.in_session(tool, "register_variable", "t", type, value)
    assert (caught.value.variable, caught.value.constraint, caught.value.expected) == ("t", "type", expected)
    assert host.methods() == []


@BOTH
def test_a_wrong_value_of_a_known_variable_is_refused_before_it_is_sent(host: SessionHost, tool: str) -> None:
    host.register("t", "float", 1, '{"max":2}')
    # Nothing is known of it yet.
    host.in_session(tool, "set_variable", "t", 3)
    host.methods()
    for name in ("t", host.variables["t"].id):
        with pytest.raises(VariableInvalid, match='Variable "t" must be at most 2'):
            host.in_session(tool, "set_variable", name, 3)
    assert host.methods() == []


@BOTH
@pytest.mark.parametrize(
    ("option", "method", "args", "kwargs"),
    [
        ("name", "register_variable", [5, "float", 1], {}),
        ("type", "register_variable", ["t", None, 1], {}),
        ("metadata", "register_variable", ["t", "float", 1], {"metadata": {"a": 1}}),
        ("name", "get_variable", [5], {}),
        ("name", "variable_entry", [None], {}),
        ("name", "set_variable", [5, 1], {}),
        ("expected_version", "set_variable", ["t", 1], {"expected_version": -1}),
        ("expected_version", "set_variable", ["t", 1], {"expected_version": 2**63}),
        ("expected_version", "set_variable", ["t", 1], {"expected_version": 1.5}),
        ("metadata", "set_variable", ["t", 1], {"metadata": ["a"]}),
        ("expected_versions", "update_variables", [{"t": 1}], {"expected_versions": {"t": "1"}}),
        ("metadata", "update_variables", [{"t": 1}], {"metadata": {1: "a"}}),
        ("names", "get_variables", [["t", [1]]], {}),
        ("names", "get_variables", [7], {}),
        ("name", "delete_variable", [b"t"], {}),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(host: SessionHost, tool: str, option: str, method: str, args: Any, kwargs: Any) -> None:
    with pytest.raises(InvalidOptions, match=f'Option "{option}"'):
        host.in_session(tool, method, *args, **kwargs)
    assert host.methods() == []


def test_half_a_surrogate_pair_is_no_name(host: SessionHost) -> None:
    with pytest.raises(InvalidOptions, match='Option "name"'):
        host.in_session("halved", "get_variable")


@BOTH
def test_what_the_host_finds_wrong_is_raised(host: SessionHost, tool: str) -> None:
    host.register("t", "string", "a", '{"pattern":"^a"}')

    def refuse(asked: Asked) -> None:
        _, detail = detail_of(VariableInvalid("t", "pattern", "text that matches ^a"), "")
        host.reply(asked, host_pb2.SetVariablesResponse(errors={"t": detail}))

    host.in_session(tool, "get_variable", "t")
    host.instead = refuse
    with pytest.raises(VariableInvalid, match="text that matches"):
        host.in_session(tool, "set_variable", "t", "b")
    host.instead = None
    assert host.in_session(tool, "get_variable", "t") == "a"


def test_arrays_of_numbers_are_embeddings(host: SessionHost) -> None:
    host.register("e", "embedding", [1.0, 2.0, 3.0], '{"dimensions":3}')
    assert host.result(host.start("set_numpy", {"name": "e"}, session=SESSION)) == 1
    assert host.in_session("ask", "get_variable", "e") == [0.0, 1.0, 2.0]


@BOTH
def test_large_values_go_in_one_piece(host: SessionHost, tool: str) -> None:
    host.register("b", "bytes", b"")
    host.in_session(tool, "set_variable", "b", b"x" * 300_000)
    assert host.variables["b"].value[-300_000:] == b"x" * 300_000
    assert host.in_session(tool, "get_variables", ["b"], bypass_cache=True)["values"] == {"b": b"x" * 300_000}


def test_another_thread_of_the_tool_may_ask(host: SessionHost) -> None:
    host.register("t", "json", 1)
    assert host.result(host.start("from_thread", {"name": "t"}, session=SESSION)) == 1


def test_a_session_says_what_it_is(host: SessionHost) -> None:
    assert host.result(host.start("about", session=SESSION)) == [SESSION, {"who": "me"}, f"Session({SESSION!r})"]
    assert host.result(host.start("about")) == ["", {}, "Session('')"]


@BOTH
@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("register_variable", ["t", "json", 1]),
        ("get_variable", ["t"]),
        ("variable_entry", ["t"]),
        ("get_variables", [["t"]]),
        ("set_variable", ["t", 1]),
        ("update_variables", [{"t": 1}]),
        ("list_variables", []),
        ("delete_variable", ["t"]),
        ("watch_variables", []),
        ("store_local_object", ["k", 1]),
        ("get_local_object", ["k", 1]),
    ],
)
def test_outside_a_session_there_are_no_variables(host: SessionHost, tool: str, method: str, args: list[Any]) -> None:
    with pytest.raises(SessionNotFound, match="call the tool through one"):
        host.result(host.start(tool, {"method": method, "args": args}))
    assert host.methods() == []


@BOTH
def test_outside_a_session_the_cache_is_off(host: SessionHost, tool: str) -> None:
    for method, args in [("set_cache_config", [True]), ("invalidate_cache", [])]:
        host.result(host.start(tool, {"method": method, "args": args}))
    found = host.result(host.start(tool, {"method": "get_cache_stats"}))
    assert (found["enabled"], found["size"], found["misses"]) == (False, 0, 0)


@BOTH
def test_objects_are_stored_for_the_session(host: SessionHost, tool: str) -> None:
    host.in_session(tool, "store_local_object", "k", [1])
    assert host.in_session(tool, "get_local_object", "k") == [1]
    assert host.in_session(tool, "get_local_object", "other", default=None) is None
    with pytest.raises(ToolFailed) as caught:
        host.in_session(tool, "get_local_object", "other")
    assert caught.value.type == "KeyError"
    host.initialize(moved_from="w0")
    with pytest.raises(ObjectLost, match="no longer in worker w0"):
        host.in_session(tool, "get_local_object", "other")


@BOTH
def test_a_session_that_is_gone_says_so(host: SessionHost, tool: str) -> None:
    with pytest.raises(SessionNotFound, match="other"):
        host.result(host.start(tool, {"method": "get_variable", "args": ["t"]}, session="other"))


@BOTH
def test_host_tools_are_listed(host: SessionHost, tool: str) -> None:
    assert host.in_session(tool, "list_tools") == []


@BOTH
def test_cancelling_a_tool_cancels_its_question(host: SessionHost, tool: str) -> None:
    held: list[Asked] = []
    host.instead = held.append
    call = host.start(tool, {"method": "get_variable", "args": ["t"]}, session=SESSION)
    host.pump(lambda: bool(held))
    host.cancel(call)
    host.pump(lambda: held[0].call in host.cancelled)
