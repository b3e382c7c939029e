"""Every kind of docs/values.md, and random values."""

from __future__ import annotations

import array
import asyncio
import dataclasses
import math
import os
import sys
import threading
from collections import UserDict, UserList, deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from carry import carried, there_and_back
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext
from value_table import Pair, Record, Row, from_python

from snakepit._errors import ProtocolError, UnsupportedValue
from snakepit._hints import convert, known
from snakepit._values import decode, encode

ROWS = from_python()


def same(one: Any, other: Any) -> bool:
    """Equal in type, too, and NaN and the sign of zero."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (one == other and math.copysign(1, one) == math.copysign(1, other))
    if isinstance(one, memoryview):
        return one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return len(one) == len(other) and all(same(a, b) and same(one[a], other[b]) for a, b in zip(one, other, strict=True))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_a_kind_comes_back_as_the_table_says(row: Row) -> None:
    value = row.value()
    back = there_and_back(value)
    expected = row.evaluate(row.untyped) if row.untyped else value
    assert same(back, expected)
    assert (row.lossless == "yes") == (not row.untyped)


@pytest.mark.parametrize("row", [row for row in ROWS if row.hint], ids=lambda row: row.kind)
def test_a_kind_comes_back_equal_with_its_hint(row: Row) -> None:
    value = row.value()
    assert same(convert(there_and_back(value), known(row.evaluate(row.hint))), value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.hint], ids=lambda row: row.kind)
def test_a_kind_comes_back_equal_inside_containers(row: Row) -> None:
    value = row.value()
    hint = list[row.evaluate(row.hint)]  # pyright: ignore[reportInvalidTypeArguments]
    assert same(convert(there_and_back([value, value]), known(hint)), [value, value])


def test_the_table_names_every_kind_once() -> None:
    kinds = [row.kind for row in ROWS]
    assert len(kinds) == len(set(kinds)) > 40
    assert all(row.lossless in ("yes", "typed", "no") for row in ROWS)
    assert all(bool(row.untyped) == (row.lossless != "yes") for row in ROWS)


keys = st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.binary(max_size=9), st.tuples(st.text(), st.integers()))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.just(timezone.utc)),
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=40)


@given(values)
def test_random_nested_values_come_back_as_they_went(value: Any) -> None:
    assert same(there_and_back(value), value)


@given(st.integers() | st.integers(min_value=-(2**4000), max_value=2**4000))
def test_integers_of_any_size_come_back(value: int) -> None:
    assert there_and_back(value) == value
    assert there_and_back({"a": [value]}) == {"a": [value]}


@pytest.mark.parametrize("exponent", [7, 8, 31, 32, 53, 63, 64, 65, 127, 128])
def test_integers_around_the_powers_of_two_come_back(exponent: int) -> None:
    for value in (2**exponent - 1, 2**exponent, 2**exponent + 1):
        assert there_and_back([value, -value]) == [value, -value]


def test_an_integer_within_64_bits_is_a_plain_integer_on_the_wire() -> None:
    assert encode(2**64 - 1) == (b"\xcf" + b"\xff" * 8, None)
    assert encode(2**64)[0] == msgspec.msgpack.encode(Ext(2, b"\x01" + bytes(8)))
    assert encode(-(2**63) - 1)[0] == msgspec.msgpack.encode(Ext(2, (-(2**63) - 1).to_bytes(9, "big", signed=True)))


def test_the_slow_pass_writes_what_the_fast_one_writes() -> None:
    plain = {"rows": [1, 2.5, None, True, "x", b"y", (1, 2), {3}, Pair(1, [2]), Record(3), Decimal("1.5")], 7: {(1, (2, 3)): "key"}}
    fast, _ = encode(plain)
    slow, _ = encode({**plain, "big": 2**64})
    assert decode(slow) == {**decode(fast), "big": 2**64}


def test_big_integers_hide_in_keys_and_fields() -> None:
    assert there_and_back({2**70: {(1, 2**71): 2}}) == {2**70: {(1, 2**71): 2}}
    assert there_and_back([Pair(2**70, [2**71]), Record(2**72)]) == [{"a": 2**70, "b": [2**71]}, {"aB": 2**72}]


def test_encoding_leaves_the_value_alone() -> None:
    pair = Pair(2**70, [2**71])
    encode([pair, {"a": pair}])
    assert pair == Pair(2**70, [2**71])


@dataclasses.dataclass
class Holder:
    f: Any


def function() -> None: ...


async def coroutine() -> None: ...


def cycle() -> list[Any]:
    ring: list[Any] = [1]
    ring.append({"again": ring})
    return ring


UNSUPPORTED: list[tuple[Any, str, str]] = [
    (function, "$", "function"),
    (print, "$", "function"),
    ({"rows": [1, 2, {"f": lambda: 1}]}, "$.rows[2].f", "function"),
    ({"a b": [function]}, '$["a b"][0]', "function"),
    ({1: {None: function}}, "$[1][None]", "function"),
    ([Holder(Holder([function]))], "$[0].f.f[0]", "function"),
    ((1, function), "$[1]", "function"),
    ({"m": os}, "$.m", "module os"),
    ([int], "$[0]", "class int"),
    ([iter([1])], "$[0]", "iterator"),
    ([(x for x in [1])], "$[0]", "generator"),
    ({"z": 1j}, "$.z", "complex"),
    ({"z": np.complex64(1j)}, "$.z", "complex"),
    ({"text": "\ud800"}, "$.text", "surrogate"),
    ({"\ud800": 1}, "$", "surrogate"),
    ([object()], "$[0]", "type object"),
    ([ValueError("x")], "$[0]", "type ValueError"),
    ([threading.Lock()], "$[0]", "lock"),
    ({"d": deque([function])}, "$.d", "function"),
    ({"a": np.array([1, function], dtype=object)}, "$.a[1]", "function"),
    ({"a": np.zeros(2, dtype="i4,f8")}, "$.a", "dtype"),
    ({"a": np.ma.masked_array([1, 2], [True, False])}, "$.a", "mask"),
    ({"a": [np.timedelta64(1, "ns")]}, "$.a[0]", "microseconds"),
    (cycle(), "$[1].again", "contains itself"),
]


@pytest.mark.parametrize(("value", "path", "reason"), UNSUPPORTED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_cannot_travel_is_named_by_its_path(value: Any, path: str, reason: str) -> None:
    with pytest.raises(UnsupportedValue) as caught:
        encode(value)
    assert caught.value.path.startswith(path)
    assert reason in caught.value.reason
    assert str(caught.value) == f"The value at {caught.value.path} cannot travel: {caught.value.reason}."


def test_an_open_file_cannot_travel() -> None:
    with open(__file__, encoding="utf-8") as file, pytest.raises(UnsupportedValue, match=r"\$\.f cannot travel: it is an open file"):
        encode({"f": file})


def test_a_coroutine_cannot_travel() -> None:
    waiting = coroutine()
    with pytest.raises(UnsupportedValue, match="not awaited"):
        encode([waiting])
    asyncio.run(waiting)


@given(st.lists(st.one_of(st.integers(min_value=0, max_value=3), st.sampled_from(["a", "b c", "ünï", ""])), max_size=8))
def test_the_path_leads_to_the_value(steps: list[Any]) -> None:
    value: Any = function
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [0] * step + [value]
    with pytest.raises(UnsupportedValue) as caught:
        encode(value)
    expected = "$" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" if s.isidentifier() else f'["{s}"]' for s in steps)
    assert caught.value.path == expected


def test_a_value_may_stand_in_two_places() -> None:
    shared = [2**70]
    assert there_and_back([shared, shared]) == [shared, shared]


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: Holder(inner), lambda inner: deque([inner])])
def test_what_is_nested_too_deep_is_refused(wrap: Any) -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = wrap(deep)
    with pytest.raises(UnsupportedValue, match="nested"):
        encode(deep)


def test_the_slow_pass_reaches_as_deep_as_javascript_does() -> None:
    deep: Any = 2**70
    for _ in range(300):
        deep = [deep]
    assert there_and_back(deep) == deep


def test_collections_of_other_kinds_go_as_what_they_are_like() -> None:
    assert there_and_back([UserDict(a=1), UserList([1]), {"k": 1}.keys(), {"k": 2}.values(), {"k": 3}.items()]) == [
        {"a": 1},
        [1],
        ["k"],
        [2],
        [["k", 3]],
    ]


def test_subclasses_of_plain_types_go_as_their_base() -> None:
    class Number(int): ...

    class Real(float): ...

    class Raw(bytes): ...

    class Day(datetime): ...

    assert there_and_back([Number(2**70), Number(1), Real(1.5), Raw(b"x"), Day(2020, 1, 1, tzinfo=timezone.utc)]) == [
        2**70,
        1,
        1.5,
        b"x",
        datetime(2020, 1, 1, tzinfo=timezone.utc),
    ]


def test_a_zone_becomes_utc_at_the_same_moment() -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    back = there_and_back(moment)
    assert back == moment
    assert back.utcoffset() == timedelta(0)


def test_numpy_values_that_are_no_time_are_none() -> None:
    assert there_and_back([np.datetime64("NaT", "s"), np.timedelta64("NaT", "s")]) == [None, None]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_size_come_back(kind: Any, size: int) -> None:
    data = os.urandom(size)
    raw, buffers = encode(kind(data))
    assert (buffers is not None) == (size > 65_536)
    assert decode(raw, carried(buffers)) == data


def test_large_bytes_are_not_copied() -> None:
    data = bytes(1_000_000)
    _, buffers = encode(data)
    assert buffers is not None
    assert buffers[0].data.obj is data


def test_one_buffer_in_two_places_is_one_object() -> None:
    raw = msgspec.msgpack.encode([Ext(1, b"\x00"), Ext(1, b"\x00")])
    first, second = decode(raw, carried(encode(np.arange(3))[1]))
    assert first is second


@given(st.binary())
def test_random_bytes_are_refused_or_decoded(raw: bytes) -> None:
    try:
        decode(raw)
    except (ProtocolError, UnsupportedValue):
        pass


def test_deeply_nested_bytes_are_refused() -> None:
    with pytest.raises(UnsupportedValue, match="nested"):
        decode(b"\x91" * 100_000 + b"\x01")


@pytest.mark.parametrize("raw", [Ext(1, b"\x00"), Ext(3, b"\x01"), Ext(99, b"x")])
def test_an_extension_that_means_nothing_is_refused(raw: Ext) -> None:
    with pytest.raises(UnsupportedValue):
        decode(msgspec.msgpack.encode(raw))


def test_threads_encode_side_by_side() -> None:
    """Buffers of one thread never end up with another."""
    failures: list[object] = []

    def work(number: int) -> None:
        for size in range(1, 200):
            value = [np.full(size, number), b"x" * size, array.array("d", [number] * size)]
            raw, buffers = encode(value)
            one, _, two = decode(raw, carried(buffers))
            if not (one == number).all() or set(two) != {float(number)}:
                failures.append((number, size))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
