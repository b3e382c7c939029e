"""Tools: what becomes of a function, how its arguments are checked, how it is called."""

from __future__ import annotations

import array
import asyncio
import enum
import json
import typing
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import msgspec
import numpy as np
import pydantic
import pytest
from carry import carried
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext
from numpy.typing import NDArray

from snakepit import AsyncSession, Session, tool
from snakepit._declare import declaration_of
from snakepit._errors import InvalidArguments, WorkerStartFailed
from snakepit._session_state import SessionState
from snakepit._tool import Tool
from snakepit._values import encode

# What these tests ask of a session it answers alone.
NO_RUNTIME: Any = None


def made(function: Any) -> Tool:
    declaration = declaration_of(function) or declaration_of(tool(function))
    assert declaration is not None
    return Tool(declaration, function, function.__name__)


class Opened(NamedTuple):
    """An input stream as the runtime would open it, over items that are there already."""

    number: int
    parameter: str
    decode: Any

    def items(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            raw, buffers = encode(item)
            yield self.decode(raw, carried(buffers))


def called(function: Any, arguments: Any = None, *, session: Any = None, streams: dict[int, list[Any]] | None = None) -> Any:
    """Calls a tool as the runtime does: the fast way where it may, the slower one where it must."""
    one = function if isinstance(function, Tool) else made(function)
    raw, buffers = encode({} if arguments is None else arguments)
    if one.fast and not buffers:
        try:
            args = one.decode(raw)
        except Exception:
            pass
        else:
            return one.call(args if one.batch is None else [args])

    if one.batch is not None:
        return one.call([one.arguments(raw, buffers)])

    def open_input(number: int, parameter: str, decode: Any) -> Any:
        items = Opened(number, parameter, decode).items((streams or {})[number])
        return _asynchronous(items) if one.asynchronous else items

    return one.bind(raw, carried(buffers), open_input, session)()


async def _asynchronous(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def refused(function: Any, arguments: Any) -> InvalidArguments:
    """What a call with these arguments fails with, the tool itself never having run."""
    ran: list[object] = []
    one = made(function)
    one._namespace["fn"] = lambda *args, **named: ran.append(args)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(InvalidArguments) as caught:
        called(one, arguments)
    assert not ran
    assert caught.value.tool == one.name
    return caught.value


# Declaring


def test_the_function_stays_what_it_was() -> None:
    def add(a: int) -> int:
        return a + 1

    assert tool(add) is add
    assert tool(idempotent=True)(add) is add
    assert add(1) == 2


@pytest.mark.parametrize("target", [3, len, object(), Callable, type("A", (), {})])
def test_only_functions_can_be_tools(target: Any) -> None:
    with pytest.raises(TypeError, match="goes on a function"):
        tool(target)


def test_limits_of_a_batch_must_make_sense() -> None:
    with pytest.raises(ValueError, match="max_batch_size"):
        tool(batch=True, max_batch_size=0)
    with pytest.raises(ValueError, match="max_wait_ms"):
        tool(batch=True, max_wait_ms=-1)


# Kinds of tools


def plain(a: int) -> int:
    return a


def generator() -> Generator[int, None, None]:
    yield 1
    yield 2


def returns_iterator() -> Iterator[int]:
    return iter([1, 2])


def returns_list_as_iterator() -> Iterator[int]:
    return [1, 2]  # type: ignore[return-value]


def unhinted_generator():  # type: ignore[no-untyped-def]
    yield 1
    yield 2


async def coroutine(a: int) -> int:
    await asyncio.sleep(0)
    return a


async def async_generator() -> AsyncGenerator[int, None]:
    yield 1
    yield 2


async def returns_async_iterator() -> AsyncIterator[int]:
    await asyncio.sleep(0)
    return async_generator()


async def returns_plain_iterator() -> Iterator[int]:
    return iter([1, 2])


def returns_async_iterable() -> AsyncIterable[int]:
    return async_generator()


def returns_iterable() -> Iterable[int]:
    return [1, 2]


@pytest.mark.parametrize(
    ("function", "streaming", "asynchronous"),
    [
        (plain, False, False),
        (returns_iterable, False, False),
        (generator, True, False),
        (returns_iterator, True, False),
        (returns_list_as_iterator, True, False),
        (unhinted_generator, True, False),
        (coroutine, False, True),
        (async_generator, True, True),
        (returns_async_iterator, True, True),
        (returns_plain_iterator, True, True),
        (returns_async_iterable, True, True),
    ],
    ids=lambda part: part.__name__ if callable(part) else "",
)
def test_a_tool_is_what_its_function_is(function: Any, streaming: bool, asynchronous: bool) -> None:
    one = made(function)
    assert (one.streaming, one.asynchronous) == (streaming, asynchronous) == (one.spec.streaming, one.spec.asynchronous)
    result = called(one, {"a": 5} if "a" in function.__annotations__ else {})
    if streaming and asynchronous:
        assert asyncio.run(_listed(result)) == [1, 2]
    elif streaming:
        assert next(result) == 1
        assert list(result) == [2]
    elif asynchronous:
        assert asyncio.run(result) == 5
    else:
        assert result in (5, [1, 2])


def test_leaving_a_stream_early_closes_what_a_coroutine_returned() -> None:
    closed: list[str] = []

    async def items() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("inner")

    async def outer() -> AsyncIterator[int]:
        return items()

    async def leave() -> None:
        stream = called(outer)
        assert await stream.__anext__() == 1
        await stream.aclose()

    asyncio.run(leave())
    assert closed == ["inner"]


# Arguments that fit


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


class Named(TypedDict):
    name: str


class Model(pydantic.BaseModel):
    a: int
    b: list[float] = []


class Tree(msgspec.Struct):
    children: list[Tree] = []


Fits = Annotated[int, msgspec.Meta(ge=0)]


def every_kind(
    whole: int,
    real: float,
    text: str,
    flag: bool,
    raw: bytes,
    colour: Colour,
    point: Point,
    named: Named,
    model: Model,
    tree: Tree,
    choice: Literal["a", "b"],
    either: Union[int, str],
    maybe: Optional[float],
    several: Sequence[int],
    pair: tuple[int, str],
    group: set[int],
    moment: datetime,
    anything: Any,
    path: Path,
    queue: deque[int],
    fits: Fits,
    unhinted,  # type: ignore[no-untyped-def]
) -> list[Any]:
    return list(locals().values())


NOW = datetime(2020, 1, 2, tzinfo=timezone.utc)
EVERY_KIND: dict[str, Any] = {
    "whole": 1,
    "real": 2,
    "text": "t",
    "flag": True,
    "raw": b"r",
    "colour": "red",
    "point": {"x": 1},
    "named": {"name": "n"},
    "model": {"a": 1, "b": [1]},
    "tree": {"children": [{"children": []}]},
    "choice": "b",
    "either": "e",
    "maybe": None,
    "several": [1],
    "pair": [1, "p"],
    "group": [1, 1],
    "moment": NOW,
    "anything": {"x": [1]},
    "path": "/a",
    "queue": [1],
    "fits": 3,
    "unhinted": [1, {"2": 3}],
}
EXPECTED: list[Any] = [
    1,
    2.0,
    "t",
    True,
    b"r",
    Colour.RED,
    Point(1),
    {"name": "n"},
    Model(a=1, b=[1.0]),
    Tree([Tree()]),
    "b",
    "e",
    None,
    [1],
    (1, "p"),
    {1},
    NOW,
    {"x": [1]},
    Path("/a"),
    deque([1]),
    3,
    [1, {"2": 3}],
]


def test_arguments_become_what_their_hints_say() -> None:
    one = made(every_kind)
    assert one.fast
    result = called(one, EVERY_KIND)
    assert result == EXPECTED
    assert [type(value) for value in result] == [type(value) for value in EXPECTED]


def test_the_slower_way_gives_what_the_fast_one_gives() -> None:
    raw, _ = encode(EVERY_KIND)
    one = made(every_kind)
    assert one.bind(raw, (), no_streams, None)() == one.call(one.decode(raw))
    # A big integer where anything goes keeps the fast way from being taken.
    big = {**EVERY_KIND, "whole": 2**70, "anything": 2**80}
    assert called(every_kind, big)[0] == 2**70
    assert called(every_kind, big)[17] == 2**80
    assert called(every_kind, big)[1:17] == EXPECTED[1:17]


def no_streams(number: int, parameter: str, decode: Any) -> Any:
    raise AssertionError("no stream was expected")


def test_no_bytes_at_all_are_no_arguments() -> None:
    def greet(name: str = "you") -> str:
        return name

    assert made(greet).bind(b"", (), no_streams, None)() == "you"


def test_keyword_only_parameters_come_by_name() -> None:
    def join(a: str, b: str = "b", *, c: str, d: str = "d") -> str:
        return a + b + c + d

    assert called(join, {"a": "1", "c": "3"}) == "1b3d"


def test_defaults_are_the_functions_own_objects() -> None:
    shared: list[int] = [1]

    def append(x: int, to: list[int] = shared, colour: Colour = Colour.RED, nothing: None = None) -> list[int]:
        to.append(x)
        return to

    assert called(append, {"x": 2}) is shared
    assert called(append, {"x": 3}) == [1, 2, 3]
    assert called(append, {"x": 2**70})[-1] == 2**70


def test_an_integer_is_good_for_a_float_of_any_size() -> None:
    def real(x: float) -> float:
        return x

    for value in (3, 2**53, 2**64, 2**70):
        assert called(real, {"x": value}) == float(value)
        assert type(called(real, {"x": value})) is float


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers() | st.text(max_size=3) | st.none() | st.floats()))
def test_random_arguments_reach_the_tool_or_are_refused(arguments: dict[str, Any]) -> None:
    def f(a: int, b: str, c: float | None = None) -> list[Any]:
        return [a, b, c]

    fits = (
        type(arguments.get("a")) is int and type(arguments.get("b")) is str and (arguments.get("c") is None or type(arguments["c"]) in (int, float))
    )
    if fits:
        got = called(f, arguments)
        assert (got[0], got[1]) == (arguments["a"], arguments["b"])
    else:
        with pytest.raises(InvalidArguments):
            called(f, arguments)


# Arguments that do not fit


def simple(a: int, rows: list[dict[str, list[int]]] = [], point: Point = Point(1), f: float = 0) -> None: ...  # noqa: B006, B008


@pytest.mark.parametrize(
    ("arguments", "argument", "path", "expected"),
    [
        ({}, "a", "$.a", "required"),
        ({"a": "x"}, "a", "$.a", "Expected `int`, got `str`"),
        ({"a": None}, "a", "$.a", "Expected `int`, got `null`"),
        ({"a": 1.5}, "a", "$.a", "Expected `int`, got `float`"),
        ({"a": True}, "a", "$.a", "Expected `int`, got `bool`"),
        ({"a": b"1"}, "a", "$.a", "Expected `int`, got `bytes`"),
        ({"a": 1, "aa": 2}, "aa", "$.aa", 'no such parameter; did you mean "a"?'),
        ({"a": 1, "zzz": 2}, "zzz", "$.zzz", "no such parameter."),
        ({"a": 2**70, "zzz": 2}, "zzz", "$.zzz", "no such parameter"),
        ({"a": 1, "rows": [{"x": [1, 2, "3"]}]}, "rows", "$.rows[0][...][2]", "Expected `int`, got `str`"),
        ({"a": 1, "rows": {}}, "rows", "$.rows", "Expected `array`, got `object`"),
        ({"a": 1, "point": {"y": 1}}, "point", "$.point", "missing required field `x`"),
        ({"a": 1, "point": {"x": [2]}}, "point", "$.point.x", "Expected `int`, got `array`"),
        ({"a": 1, "f": True}, "f", "$.f", "Expected `float`, got `bool`"),
        ({"a": 1, "f": "1"}, "f", "$.f", "Expected `float`, got `str`"),
        ([1], "", "$", "must be an object"),
        (7, "", "$", "must be an object"),
        ({1: 2}, "", "$", "must be an object"),
    ],
)
def test_a_wrong_argument_is_named(arguments: Any, argument: str, path: str, expected: str) -> None:
    error = refused(simple, arguments)
    assert (error.argument, error.path) == (argument, path)
    assert expected in error.expected


WRONG: list[tuple[Any, Any]] = [
    (Colour, "blue"),
    (Literal["a", "b"], "c"),
    (Union[int, str], 1.5),
    (Optional[int], "1"),
    (tuple[int, str], [1]),
    (set[int], [1, "x"]),
    (datetime, "yesterday"),
    (bytes, "aGk="),
    (Fits, -1),
    (Named, {"name": 1}),
    (Model, {"a": "x"}),
    (Model, {"b": [1]}),
    (Tree, {"children": [1]}),
    (deque[int], ["x"]),
    (Path, 3),
    (np.ndarray, "text"),
    (np.ndarray, [1, "a"]),
    (np.ndarray, [[1], [2, 3]]),
    (NDArray[np.uint8], [300]),
    (NDArray[np.int32], [1.5]),
    (NDArray[np.float32], np.zeros(1)),
    (np.float64, "1"),
    (np.int8, 300),
    (array.array, [1]),
    (Union[np.ndarray, float], "x"),
    (Callable[[], int], 1),
]


@pytest.mark.parametrize(("hint", "value"), WRONG, ids=str)
def test_a_value_that_breaks_its_hint_never_reaches_the_tool(hint: Any, value: Any) -> None:
    def f(x, y=None): ...  # type: ignore[no-untyped-def]

    f.__annotations__ = {"x": hint}
    assert refused(f, {"x": value}).argument == "x"
    f.__annotations__ = {"x": list[hint]}
    error = refused(f, {"x": [value]})
    assert error.path.startswith("$.x[0]")
    f.__annotations__ = {"x": hint}
    # The slower way says the same.
    assert refused(f, {"x": value, "y": 2**70}).argument == "x"


def test_arguments_nested_too_deep_are_refused() -> None:
    def f(x: Any) -> None: ...

    with pytest.raises(InvalidArguments, match="nested too deep"):
        made(f).bind(b"\x81\xa1x" + b"\x91" * 100_000 + b"\x01", (), no_streams, None)


@given(st.binary(min_size=1))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidArguments):
        made(simple).bind(raw, (), no_streams, None)


def test_a_buffer_that_is_not_there_is_refused() -> None:
    def f(x: Any) -> None: ...

    with pytest.raises(InvalidArguments, match="buffer 0 is not there"):
        made(f).bind(msgspec.msgpack.encode({"x": Ext(1, b"\x00")}), (), no_streams, None)


# The rest, sessions, streams


def test_rest_takes_what_is_left_over() -> None:
    def f(a: int, **options: float) -> Any:
        return a, options

    one = made(f)
    assert not one.fast
    assert called(one, {"a": 1, "x": 2, "y": 2.5}) == (1, {"x": 2.0, "y": 2.5})
    assert called(one, {"a": 1}) == (1, {})
    assert refused(f, {"a": 1, "x": "no"}).argument == "x"
    assert refused(f, {"x": 1}).argument == "a"
    assert [(p.name, p.rest, p.required) for p in one.spec.parameters] == [("a", False, True), ("options", True, False)]


def test_a_session_is_filled_in() -> None:
    def f(a: int, session: Session, b: int = 2, *, c: int = 3) -> Any:
        return a, session.id, b, c

    one = made(f)
    assert one.takes_session
    assert one.spec.takes_session
    assert not one.fast
    session = Session(SessionState("user-42"), NO_RUNTIME)
    assert called(one, {"a": 1}, session=session) == (1, "user-42", 2, 3)
    assert called(one, {"a": 2**70, "b": 5, "c": 6}, session=session) == (2**70, "user-42", 5, 6)
    assert [p.name for p in one.spec.parameters] == ["a", "b", "c"]
    with pytest.raises(InvalidArguments, match="no such parameter"):
        called(one, {"a": 1, "session": "mine"}, session=session)


def test_an_async_tool_takes_an_async_session() -> None:
    async def f(session: AsyncSession, a: int) -> Any:
        return session.metadata["k"], a

    state = SessionState("s")
    state.initialize({"k": "v"}, [], "")
    assert asyncio.run(called(f, {"a": 1}, session=AsyncSession(state, NO_RUNTIME))) == ("v", 1)


def test_an_input_stream_is_an_iterator() -> None:
    def total(numbers: Iterator[float], start: int = 0) -> float:
        return sum(numbers, start)

    one = made(total)
    assert one.input_streams == ("numbers",)
    assert one.spec.parameters[0].input_stream
    assert called(one, {"numbers": Ext(3, b"\x01"), "start": 1}, streams={1: [1, 2.5, 2**70]}) == 1 + 3.5 + 2.0**70


def test_an_async_tool_reads_its_inputs_asynchronously() -> None:
    async def zipped(a: AsyncIterator[int], b: AsyncIterable[str]) -> AsyncIterator[Any]:
        others = b.__aiter__()
        async for one in a:
            yield one, await others.__anext__()

    stream = called(zipped, {"a": Ext(3, b"\x01"), "b": Ext(3, b"\x02")}, streams={1: [1, 2], 2: ["x", "y"]})
    assert asyncio.run(_listed(stream)) == [(1, "x"), (2, "y")]


def test_items_may_be_arrays() -> None:
    def sums(arrays: Iterator[np.ndarray]) -> list[float]:
        return [float(one.sum()) for one in arrays]

    assert called(sums, {"arrays": Ext(3, b"\x07")}, streams={7: [np.ones(3), np.ones(100_000), [1, 2]]}) == [3, 100_000, 3]


def test_a_wrong_item_is_named_by_its_place() -> None:
    def total(rows: Iterator[list[int]]) -> int:
        return sum(map(len, rows))

    with pytest.raises(InvalidArguments) as caught:
        called(total, {"rows": Ext(3, b"\x01")}, streams={1: [[1], [2], [3, "x"]]})
    assert (caught.value.argument, caught.value.path) == ("rows", "$.rows[2][1]")


@pytest.mark.parametrize("hint", [Iterator[int], Iterable[int], Generator[int, None, None], Optional[Iterator[int]]])
def test_a_caller_that_cannot_stream_may_send_all_items_at_once(hint: Any) -> None:
    def total(numbers, more=None):  # type: ignore[no-untyped-def]
        return sum(numbers)

    total.__annotations__ = {"numbers": hint}
    assert called(total, {"numbers": [1, 2]}) == 3
    assert refused(total, {"numbers": [1, "x"]}).path == "$.numbers[1]"
    assert refused(total, {"numbers": 5}).argument == "numbers"
    assert refused(total, {}).argument == "numbers"


def test_an_optional_stream_may_be_missing() -> None:
    def count(numbers: Iterator[int] | None = None) -> int:
        return -1 if numbers is None else len(list(numbers))

    assert called(count) == called(count, {"numbers": None}) == -1
    assert called(count, {"numbers": Ext(3, b"\x01")}, streams={1: [1, 2]}) == 2


def test_a_stream_where_none_is_taken_is_refused() -> None:
    def f(a: list[int], **rest: Any) -> None: ...

    assert "is a stream" in refused(f, {"a": Ext(3, b"\x01")}).expected
    assert refused(f, {"a": [], "other": Ext(3, b"\x01")}).argument == "other"


# Batches


def test_a_batch_tool_takes_lists_and_its_callers_give_elements() -> None:
    @tool(batch=True, max_batch_size=7, max_wait_ms=3)
    def embed(text: list[str], weight: list[float]) -> list[list[float]]:
        return [[len(t) * w] for t, w in zip(text, weight, strict=True)]

    one = made(embed)
    assert one.fast
    assert one.batch == (one.spec.batch.max_size, one.spec.batch.max_wait_ms) == (7, 3)
    given = [one.arguments(encode(call)[0], ()) for call in ({"text": "abc", "weight": 2}, {"text": "a", "weight": 0.5})]
    assert one.call(given) == [[6.0], [0.5]]
    assert json.loads(one.spec.output_schema_json) == {"type": "array", "items": {"type": "number"}}
    assert json.loads(one.spec.input_schema_json)["properties"]["text"] == {"type": "string"}
    assert refused(embed, {"text": ["abc"], "weight": 1}).argument == "text"


def test_an_async_batch_tool_is_awaited() -> None:
    @tool(batch=True)
    async def double(x: list[int]) -> list[int]:
        return [2 * n for n in x]

    assert asyncio.run(called(double, {"x": 4})) == [8]


def test_the_default_of_a_batch_tool_is_that_of_each_call() -> None:
    @tool(batch=True)
    def greet(name: list[str], word: list[str] = ["hello"]) -> list[str]:  # noqa: B006
        return [f"{w} {n}" for n, w in zip(name, word, strict=True)]

    one = made(greet)
    given = [one.arguments(encode(call)[0], ()) for call in ({"name": "a"}, {"name": "b", "word": "bye"})]
    assert one.call(given) == ["hello a", "bye b"]
    assert json.loads(one.spec.input_schema_json)["properties"]["word"] == {"type": "string", "default": "hello"}


def test_a_batch_tool_may_take_a_session() -> None:
    @tool(batch=True)
    def keep(x: list[int], session: Session) -> list[int]:
        return x

    assert made(keep).spec.takes_session


def test_exceptions_among_the_results_of_a_batch_are_no_part_of_what_it_returns() -> None:
    @tool(batch=True)
    def roots(x: list[float]) -> list[float | ValueError]:
        return [x**0.5 if x >= 0 else ValueError("no root") for x in x]

    assert json.loads(made(roots).spec.output_schema_json) == {"type": "number"}


# Arrays as arguments


def test_an_array_hint_takes_arrays_of_every_kind() -> None:
    def f(x: np.ndarray) -> Any:
        return x

    for value in (np.arange(3.0), array.array("d", [0, 1, 2]), [0.0, 1.0, 2.0]):
        got = called(f, {"x": value})
        assert isinstance(got, np.ndarray)
        assert got.tolist() == [0, 1, 2]
    assert called(f, {"x": [[1, 2], [3, 4]]}).shape == (2, 2)
    assert called(f, {"x": []}).shape == (0,)
    for size in (2, 70_000):
        got = called(f, {"x": b"\x07" * size})
        got[0] += 1
        assert (got.dtype, got.shape, got[0], got[1]) == (np.dtype("u1"), (size,), 8, 7)


def test_a_dtype_hint_takes_what_fits() -> None:
    def f(x: NDArray[np.float32], y: NDArray[np.floating[Any]] | None = None) -> Any:
        return x.dtype

    assert called(f, {"x": np.ones(1, "f4")}) == called(f, {"x": np.ones(1, "i2")}) == called(f, {"x": [1, 2.5]}) == np.dtype("f4")


def test_a_list_hint_takes_a_typed_array() -> None:
    def f(x: list[float], y: tuple[int, ...] = ()) -> Any:
        return x, y

    assert called(f, {"x": np.arange(2.0), "y": array.array("i", [3, 4])}) == ([0.0, 1.0], (3, 4))


def test_large_bytes_arrive_as_their_hint_says() -> None:
    def f(x: bytes, y: bytearray, z: memoryview) -> Any:
        return x, y, z

    big = bytes(70_000)
    one = made(f)
    # What is decoded without a copy must not be: the bytes belong to the next message by then.
    assert not one.fast
    raw = msgspec.msgpack.encode({name: Ext(1, b"\x00") for name in "xyz"})
    got = one.bind(raw, carried(encode(big)[1]), no_streams, None)()
    assert [type(part) for part in got] == [bytes, bytearray, memoryview]
    assert all(bytes(part) == big for part in got)


def test_views_do_not_look_at_the_message() -> None:
    def f(x: memoryview) -> Any:
        return x

    raw = bytearray(encode({"x": b"abc"})[0])
    view = made(f).bind(memoryview(raw), (), no_streams, None)()
    raw[:] = bytes(len(raw))
    assert bytes(view) == b"abc"


def test_a_union_that_msgspec_refuses_takes_the_first_member_that_fits() -> None:
    def f(x: Union[np.ndarray, float, str], many: list[Union[datetime, str]] = []) -> Any:  # noqa: B006
        return x, many

    assert called(f, {"x": 2}) == (2.0, [])
    assert called(f, {"x": "a", "many": ["2020-01-02T00:00:00Z", "soon"]}) == ("a", [NOW, "soon"])
    assert called(f, {"x": np.ones(2)})[0].tolist() == [1, 1]


# What the host is told


def test_the_host_is_told_everything() -> None:
    @tool(idempotent=True)
    def described(
        a: float,
        points: list[Point],
        m: Model,
        mode: Literal["x", "y"] = "x",
        names: tuple[str, ...] = ("n",),
        bad: float = float("nan"),
        untyped=3,  # type: ignore[no-untyped-def]
    ) -> dict[str, Point]:
        """First line.

        More of it.
        """
        raise NotImplementedError

    spec = made(described).spec
    assert (spec.name, spec.description, spec.idempotent) == ("described", "First line.\n\nMore of it.", True)
    assert spec.location.startswith(__file__ + ":")
    assert [(p.name, p.type, p.required, p.default_json) for p in spec.parameters] == [
        ("a", "float", True, ""),
        ("points", "list[Point]", True, ""),
        ("m", "Model", True, ""),
        ("mode", "Literal['x', 'y']" if "'" in spec.parameters[3].type else 'Literal["x", "y"]', False, '"x"'),
        ("names", "tuple[str, ...]", False, '["n"]'),
        ("bad", "float", False, ""),
        ("untyped", "", False, "3"),
    ]
    schema = json.loads(spec.input_schema_json)
    assert schema["required"] == ["a", "points", "m"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["a"] == {"type": "number"}
    assert schema["properties"]["points"]["items"] == {"$ref": "#/$defs/Point"}
    assert schema["$defs"]["Point"]["required"] == ["x"]
    assert schema["properties"]["mode"] == {"enum": ["x", "y"], "default": "x"}
    assert schema["properties"]["untyped"] == {"default": 3}
    assert json.loads(spec.output_schema_json)["additionalProperties"] == {"$ref": "#/$defs/Point"}


def test_a_stream_is_described_by_its_items() -> None:
    assert json.loads(made(generator).spec.output_schema_json) == {"type": "integer"}
    assert made(unhinted_generator).spec.output_schema_json == ""
    assert made(unhinted_generator).spec.description == ""


def test_a_hint_without_a_json_form_leaves_the_others_described() -> None:
    def f(a: dict[tuple[int, int], int], b: int) -> dict[tuple[int, int], int]:
        return a

    one = made(f)
    assert json.loads(one.spec.input_schema_json)["properties"]["b"] == {"type": "integer"}
    assert called(one, {"a": {(1, 2): 3}, "b": 1}) == {(1, 2): 3}


# What cannot be a tool


def positional_only(a, /): ...  # type: ignore[no-untyped-def]
def star(*numbers: int) -> None: ...
def wrong_session(session: AsyncSession) -> None: ...
async def wrong_async_session(session: Session) -> None: ...
def two_sessions(a: Session, b: Session) -> None: ...
def wrong_stream(a: AsyncIterator[int]) -> None: ...
async def wrong_async_stream(a: Iterator[int]) -> None: ...
def unknown_hint(a: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]


@tool(batch=True)
def batch_of_no_list(a: int) -> list[int]: ...  # type: ignore[empty-body]


@tool(batch=True)
def batch_with_default(a: list[int] = []) -> list[int]: ...  # type: ignore[empty-body] # noqa: B006


@tool(batch=True)
def batch_with_rest(a: list[int], **rest: list[int]) -> list[int]: ...  # type: ignore[empty-body]


@tool(batch=True)
def batch_that_streams(a: list[int]) -> Iterator[int]: ...  # type: ignore[empty-body]


@tool(batch=True)
def batch_of_nothing() -> list[int]: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (positional_only, 'the parameter "a" is positional-only'),
        (star, '"\\*numbers"'),
        (wrong_session, '"session" is AsyncSession, but tools written with "def" take Session'),
        (wrong_async_session, '"session" is Session, but tools written with "async def" take AsyncSession'),
        (two_sessions, 'two session parameters, "a" and "b"'),
        (wrong_stream, 'tools written with "def" take as Iterator'),
        (wrong_async_stream, 'tools written with "async def" take as AsyncIterator'),
        (unknown_hint, "'Nowhere' is not defined"),
        (batch_of_no_list, "must be hinted as a list"),
        (batch_with_default, "must be a list of one"),
        (batch_with_rest, 'cannot be "\\*\\*"'),
        (batch_that_streams, "cannot stream"),
        (batch_of_nothing, "needs a parameter"),
    ],
    ids=lambda part: part.__name__ if callable(part) else "",
)
def test_what_cannot_be_called_fails_the_start(function: Any, reason: str) -> None:
    with pytest.raises(WorkerStartFailed, match=reason) as caught:
        made(function)
    assert f'tool "{function.__name__}" ({__file__}:' in caught.value.reason


def test_a_result_hint_that_cannot_be_resolved_does_no_harm() -> None:
    def f(a: int) -> Nowhere:  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]
        return a

    assert called(f, {"a": 1}) == 1
    assert refused(f, {"a": "x"}).argument == "a"


def test_hints_are_read_without_the_future_import() -> None:
    namespace: dict[str, Any] = {"Session": Session, "Iterator": Iterator}
    exec("def f(session: Session, a: Iterator[int]) -> int: return sum(a)", namespace)
    one = made(namespace["f"])
    assert (one.takes_session, one.input_streams) == (True, ("a",))
    assert typing.get_type_hints(namespace["f"])["session"] is Session
