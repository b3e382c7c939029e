"""Tools for the tests of values: what a value is in Python, and whether one came back as it went.

The tables of docs/values.md name the values of Python as expressions and the hints they are checked with; the tools with hints are made from them.
"""

import array
import math
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import attrs
import msgspec
import numpy as np
import pydantic

from snakepit import tool

__all__ = ["UUID", "AsyncIterator", "Decimal", "Iterator", "MappingProxyType", "PurePosixPath", "array", "date", "deque", "math", "time", "timedelta"]

UTC = timezone.utc


class Point(NamedTuple):
    x: int
    y: int


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 2


@dataclass
class Pair:
    a: int
    b: list[int]


class Record(msgspec.Struct, rename="camel"):
    a_b: int


@attrs.define
class Attrs:
    a: int


class Model(pydantic.BaseModel):
    a: int


class Typed(TypedDict):
    a: int


class Text(str):
    __slots__ = ()


@tool
def echo(value):
    """The value as it came."""
    return value


@tool
def type_of(value) -> str:
    """The name of its type."""
    return "None" if value is None else type(value).__name__


@tool
def evaluate(expression: str):
    """The value of a Python expression from the table."""
    return eval(expression)


@tool
def difference(expression: str, value) -> str:
    """What tells the value from that of the expression; empty when nothing does."""
    return _difference(eval(expression), value)


@tool
def total(items: Iterator[float]) -> float:
    """The sum of a stream."""
    return sum(items)


def _difference(expected: Any, value: Any) -> str:
    if isinstance(expected, memoryview) and isinstance(value, memoryview):
        same = expected.format == value.format and expected.shape == value.shape and expected.tobytes() == value.tobytes()
    elif isinstance(expected, np.ndarray):
        same = type(value) is np.ndarray and (value.dtype, value.shape) == (expected.dtype, expected.shape) and value.tobytes() == expected.tobytes()
    elif type(expected) is not type(value):
        same = False
    elif isinstance(expected, float):
        same = math.copysign(1, expected) == math.copysign(1, value) and (expected == value or (math.isnan(expected) and math.isnan(value)))
    else:
        # repr sees the types of what is inside, which == does not; sets print in any order.
        same = expected == value and (isinstance(expected, (set, frozenset, datetime)) or repr(expected) == repr(value))
    return "" if same else f"{type(value).__name__} {value!r} instead of {type(expected).__name__} {expected!r}"


def _tools_for(hint: str) -> None:
    def typed_echo(value):
        return value

    def typed_difference(expression: str, value) -> str:
        return _difference(eval(expression), value)

    for name, function in {f"echo as {hint}": typed_echo, f"difference as {hint}": typed_difference}.items():
        function.__annotations__["value"] = eval(hint)
        function.__name__ = name
        globals()[name] = tool(function)


def _hints_of_the_page() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "values.md").read_text()
    hints: dict[str, None] = {}
    columns: list[int] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 3:
            columns = []
        elif "kind" in cells:
            columns = [index for index, name in enumerate(cells) if name in ("hint", "hints")]
        else:
            for column in columns:
                hints.update(dict.fromkeys(re.findall("`([^`]+)`", cells[column])))
    # A stream is no value that could be echoed.
    return [hint for hint in hints if "Iterator" not in hint]


for _hint in _hints_of_the_page():
    _tools_for(_hint)
