"""What variables take and refuse, by the table that both languages read."""

from __future__ import annotations

import array
import json
import math
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snakepit._errors import InvalidOptions, UnsupportedValue, VariableInvalid
from snakepit._values import decode
from snakepit._variable_types import check, constraints_json
from snakepit._variables import encode_value

TABLE = json.loads((Path(__file__).resolve().parents[2] / "test" / "variables.table.json").read_text(encoding="utf-8"))
# The host alone checks these.
HOSTS_OWN = {"schema", "pattern"}
GOOD = [(row["type"], row["constraints"], value) for row in TABLE["rows"] for value in row["good"]]
BAD = [(row["type"], row["constraints"], value, constraint) for row in TABLE["rows"] for value, constraint in row["bad"]]


def taken(type: str, constraints: dict[str, Any], value: Any) -> Any:
    """The value as it came out of its MessagePack, checked."""
    travelled = decode(encode_value(value))
    check("v", type, constraints_json(constraints), travelled)
    return travelled


def refusal(type: str, constraints: dict[str, Any], value: Any) -> tuple[str, str] | None:
    try:
        taken(type, constraints, value)
    except VariableInvalid as error:
        return error.constraint, error.expected
    return None


@pytest.mark.parametrize(("type", "constraints", "value"), GOOD)
def test_takes_what_the_table_takes(type: str, constraints: dict[str, Any], value: Any) -> None:
    assert taken(type, constraints, value) == value


@pytest.mark.parametrize(("type", "constraints", "value", "constraint"), [row for row in BAD if row[3] not in HOSTS_OWN])
def test_refuses_what_the_table_refuses(type: str, constraints: dict[str, Any], value: Any, constraint: str) -> None:
    found = refusal(type, constraints, value)
    assert found is not None
    assert found[0] == constraint


@pytest.mark.parametrize(("type", "constraints", "value", "constraint"), [row for row in BAD if row[3] in HOSTS_OWN])
def test_leaves_to_the_host_what_the_host_alone_checks(type: str, constraints: dict[str, Any], value: Any, constraint: str) -> None:
    assert refusal(type, constraints, value) is None


@pytest.mark.parametrize("value", [1.0, -0.0, 0.5, math.nan, 1e300, True, np.float64(1)])
def test_no_float_is_an_integer(value: Any) -> None:
    assert refusal("integer", {}, value) == ("type", "an integer")


@pytest.mark.parametrize("value", [0, -3, 2**63, 2**200, -(2**200), np.int16(3)])
def test_integers_have_any_size(value: Any) -> None:
    assert taken("integer", {}, value) == value


@pytest.mark.parametrize(
    ("type", "constraints", "value", "found"),
    [
        ("float", {"min": 0}, math.nan, ("min", "at least 0")),
        ("float", {"max": 2.5}, math.nan, ("max", "at most 2.5")),
        ("float", {"max": 1e308}, 2**2000, ("max", "at most 1e+308")),
        ("float", {"min": -1}, -(2**2000), ("min", "at least -1")),
        ("integer", {"max": 5}, 2**70, ("max", "at most 5")),
        ("embedding", {}, [math.nan], ("type", "an array of finite numbers")),
        ("embedding", {}, [1, math.inf], ("type", "an array of finite numbers")),
        ("embedding", {"dimensions": 2}, np.zeros(3, "f4"), ("dimensions", "of 2 dimensions")),
        ("embedding", {"dimensions": 2}, np.zeros((2, 2)), ("type", "an array of finite numbers")),
        ("string", {"min_length": 2}, "🐍", ("min_length", "at least 2 characters long")),
        ("bytes", {"max_length": 2}, b"abc", ("max_length", "at most 2 bytes long")),
        ("bytes", {}, "abc", ("type", "bytes")),
        ("list", {"max_length": 0}, [1], ("max_length", "at most 0 elements long")),
        ("choice", {"choices": [1, "a", True]}, False, ("choices", 'one of 1, "a", true')),
        ("choice", {"choices": [1]}, True, ("choices", "one of 1")),
        ("choice", {"choices": [True]}, 1, ("choices", "one of true")),
        ("choice", {"choices": ['ä\n"\x00']}, "b", ("choices", 'one of "ä\\n\\"\\u0000"')),
        # No number in JavaScript, which has a kind of its own for it.
        ("choice", {"choices": [2**60]}, 2**60, ("type", "a string, a number or a boolean")),
        ("integer", {"choices": [2**60]}, 2**60, ("choices", "one of 1152921504606847000")),
        ("float", {"choices": [True]}, 1, ("choices", "one of true")),
        ("json", {}, datetime.now(timezone.utc), ("type", "JSON")),
        ("json", {}, {"a": [b"x"]}, ("type", "JSON")),
        ("json", {}, [math.inf], ("type", "JSON")),
        ("json", {}, {1: "a"}, ("type", "JSON")),
        ("Point", {"schema": {}}, [math.nan], ("type", "JSON")),
    ],
)
def test_what_is_wrong_is_said_as_typescript_says_it(type: str, constraints: dict[str, Any], value: Any, found: tuple[str, str]) -> None:
    assert refusal(type, constraints, value) == found


@pytest.mark.parametrize(
    ("type", "constraints", "value", "kept"),
    [
        ("float", {"min": 0, "max": 2}, 1, 1),
        ("float", {}, 2**2000, 2**2000),
        ("float", {"choices": [1, 0.5]}, 1, 1),
        ("float", {"choices": [0]}, -0.0, 0.0),
        ("embedding", {"dimensions": 3}, np.array([1, 2, 3], "f4"), [1, 2, 3]),
        ("embedding", {}, array.array("d", [0.5]), [0.5]),
        ("bytes", {"max_length": 100_000}, b"x" * 70_000, b"x" * 70_000),
        ("bytes", {}, bytearray(b"ab"), b"ab"),
        ("bytes", {}, memoryview(b"ab"), b"ab"),
        ("list", {"max_length": 2}, (1, "a"), [1, "a"]),
        ("list", {}, [b"x" * 70_000], [b"x" * 70_000]),
        ("string", {"max_length": 4}, Decimal("1.10"), "1.10"),
        ("json", {}, {"a": 2**200}, {"a": 2**200}),
        # Not here, where the host would say what is wrong with it.
        ("float", {"min": "1", "pattern": "x"}, 0, 0),
        ("string", {"min": 1}, "a", "a"),
        ("choice", {"choices": "abc"}, "d", "d"),
    ],
)
def test_values_are_taken_as_they_travel(type: str, constraints: dict[str, Any], value: Any, kept: Any) -> None:
    assert taken(type, constraints, value) == kept


def test_deep_json_is_looked_through() -> None:
    deep: Any = math.nan
    for _ in range(400):
        deep = [deep]
    assert refusal("json", {}, deep) == ("type", "JSON")


@pytest.mark.parametrize("value", [[np.zeros(2)], {"a": np.zeros(2)}, lambda: 1, [object()]])
def test_what_no_variable_can_hold_is_refused(value: Any) -> None:
    with pytest.raises(UnsupportedValue):
        encode_value(value)


@pytest.mark.parametrize("constraints", [{"min": math.nan}, {"min": object()}, {"choices": [b"a"]}])
def test_constraints_are_json(constraints: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptions, match='"constraints" must be JSON'):
        constraints_json(constraints)


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (100, "100"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.25e300, "1.25e+300"),
        (2**53 - 1, "9007199254740991"),
        (123456789012345680000, "123456789012345680000"),
        (5e-324, "5e-324"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(bound: float, text: str) -> None:
    assert refusal("float", {"min": bound}, math.nan) == ("min", f"at least {text}")
