"""The tables of docs/values.md, and the types that their examples speak of."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import typing
from collections import deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import attrs
import msgspec
import numpy as np
import pydantic

PAGE = Path(__file__).resolve().parents[2] / "docs" / "values.md"


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


@dataclasses.dataclass
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


class Typed(typing.TypedDict):
    a: int


class Text(str):
    __slots__ = ()


# What the examples may speak of.
NAMES: dict[str, Any] = {
    "Any": Any,
    "Attrs": Attrs,
    "Colour": Colour,
    "Decimal": Decimal,
    "Level": Level,
    "MappingProxyType": MappingProxyType,
    "Model": Model,
    "Pair": Pair,
    "Point": Point,
    "PurePosixPath": PurePosixPath,
    "Record": Record,
    "Text": Text,
    "Typed": Typed,
    "UTC": timezone.utc,
    "UUID": UUID,
    "date": date,
    "datetime": datetime,
    "deque": deque,
    "math": math,
    "np": np,
    "time": time,
    "timedelta": timedelta,
}


class Row(NamedTuple):
    kind: str
    python: str
    javascript: str
    lossless: str
    untyped: str
    hint: str

    def value(self) -> Any:
        return self.evaluate(self.python)

    def evaluate(self, text: str) -> Any:
        return eval(text, dict(NAMES))


def rows_of(title: str) -> list[list[str]]:
    """The cells of the first table under a heading, without their backticks."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in table[2:]]


def from_python() -> list[Row]:
    return [Row(*cells[:6]) for cells in rows_of("From Python to JavaScript and back")]


def dtypes() -> list[tuple[str, str]]:
    """Each dtype with the format of its memoryview, empty where there is none."""
    return [(cells[0], cells[3]) for cells in rows_of("Arrays")]
