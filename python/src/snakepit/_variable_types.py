"""What a variable may hold: the part of the description that both languages check alike, row by row of ``test/variables.table.json``.

Values are checked as they travel, so that a tuple is an array and a numpy scalar a number here as they are for the host. The host checks again,
and it alone checks two things: ``schema``, and with it the types that tools define, and ``pattern``, since the regular expressions of the two
languages differ. It also says what is wrong with a description that makes no sense.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from snakepit._errors import InvalidOptions, VariableInvalid

__all__ = ["check", "constraints_json"]

_Check = Callable[[Any], bool]

_MAX_SAFE = (1 << 53) - 1
_UNITS = {"string": "characters", "bytes": "bytes"}


def check(variable: str, type: str, constraints: str, value: Any) -> None:
    """Raises VariableInvalid unless ``value``, as it came out of its MessagePack, fits the type and its constraints, given as JSON."""
    expected, fits, checks = _described(type, constraints)
    if not fits(value):
        raise VariableInvalid(variable, "type", expected)
    if type == "float":
        value = _as_float(value)
    for constraint, wanted, holds in checks:
        if not holds(value):
            raise VariableInvalid(variable, constraint, wanted)


def constraints_json(constraints: Mapping[str, Any] | None) -> str:
    """The constraints as they travel. Raises InvalidOptions for what JSON does not hold."""
    if not constraints:
        return "{}"
    try:
        return json.dumps(dict(constraints), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidOptions("constraints", "JSON") from None


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_choice(value: Any) -> bool:
    # Integers beyond these are no numbers in JavaScript.
    return type(value) in (str, bool) or (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) <= _MAX_SAFE)


def _is_embedding(value: Any) -> bool:
    return type(value) is list and all(type(n) is int or (type(n) is float and math.isfinite(n)) for n in cast("list[Any]", value))


def _is_json(value: Any) -> bool:
    left = [value]
    while left:
        part = left.pop()
        if type(part) is list:
            left += cast("list[Any]", part)
        elif type(part) is dict:
            fields = cast("dict[Any, Any]", part)
            if not all(type(name) is str for name in fields):
                return False
            left += fields.values()
        elif not (part is None or type(part) in (str, bool, int) or (type(part) is float and math.isfinite(part))):
            return False
    return True


_KINDS: dict[str, tuple[str, _Check, tuple[str, ...]]] = {
    "float": ("a number", _is_number, ("min", "max", "choices")),
    "integer": ("an integer", _is_integer, ("min", "max", "choices")),
    "string": ("a string", lambda value: type(value) is str, ("min_length", "max_length", "choices")),
    "boolean": ("a boolean", lambda value: type(value) is bool, ()),
    "json": ("JSON", _is_json, ()),
    "bytes": ("bytes", lambda value: type(value) is bytes, ("min_length", "max_length")),
    "embedding": ("an array of finite numbers", _is_embedding, ("dimensions",)),
    "choice": ("a string, a number or a boolean", _is_choice, ("choices",)),
    "list": ("an array", lambda value: type(value) is list, ("min_length", "max_length")),
}
"""By type: what follows "must be", whether a value is one, and the constraints that are checked here, in their order. Any other type is JSON."""


@lru_cache(maxsize=1_000)
def _described(type: str, constraints: str) -> tuple[str, _Check, tuple[tuple[str, str, _Check], ...]]:
    """The type in words, its check, and its constraints: name, what is expected, whether it holds."""
    expected, fits, allowed = _KINDS.get(type, _KINDS["json"])
    try:
        given: Any = json.loads(constraints, parse_int=_as_javascript)
    except ValueError:
        given = None
    checks: list[tuple[str, str, _Check]] = []
    if isinstance(given, dict):
        for name in allowed:
            made = _CONSTRAINTS[name](cast("dict[str, Any]", given).get(name), _UNITS.get(type, "elements"))
            if made is not None:
                checks.append((name, *made))
    return expected, fits, tuple(checks)


# A constraint that is not there makes no check, and neither does one of the wrong shape, which the host refuses.


def _min(bound: Any, _unit: str) -> tuple[str, _Check] | None:
    # NaN is neither above nor below a bound, and so breaks both.
    return (f"at least {_number_text(bound)}", lambda value: value >= bound) if _is_number(bound) else None


def _max(bound: Any, _unit: str) -> tuple[str, _Check] | None:
    return (f"at most {_number_text(bound)}", lambda value: value <= bound) if _is_number(bound) else None


def _min_length(bound: Any, unit: str) -> tuple[str, _Check] | None:
    return (f"at least {_number_text(bound)} {unit} long", lambda value: len(value) >= bound) if _is_number(bound) else None


def _max_length(bound: Any, unit: str) -> tuple[str, _Check] | None:
    return (f"at most {_number_text(bound)} {unit} long", lambda value: len(value) <= bound) if _is_number(bound) else None


def _dimensions(bound: Any, _unit: str) -> tuple[str, _Check] | None:
    return (f"of {_number_text(bound)} dimensions", lambda value: len(value) == bound) if _is_number(bound) else None


def _choices(choices: Any, _unit: str) -> tuple[str, _Check] | None:
    if type(choices) is not list or not all(type(choice) in (str, bool, int, float) for choice in cast("list[Any]", choices)):
        return None
    members = {_same(choice) for choice in cast("list[Any]", choices)}
    listed = ", ".join(_choice_text(choice) for choice in cast("list[Any]", choices))
    return f"one of {listed}", lambda value: _is_choice(value) and _same(value) in members


_CONSTRAINTS: dict[str, Callable[[Any, str], tuple[str, _Check] | None]] = {
    "min": _min,
    "max": _max,
    "min_length": _min_length,
    "max_length": _max_length,
    "dimensions": _dimensions,
    "choices": _choices,
}
"""What follows "must be", and whether it holds, by the value of the constraint and the unit that lengths are counted in."""


def _as_javascript(digits: str) -> float:
    """An integer of JSON as JavaScript reads it."""
    value = int(digits)
    return value if abs(value) <= _MAX_SAFE else _as_float(value)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _same(value: Any) -> tuple[bool, Any]:
    """Equal for values that are one choice: true is not 1."""
    return (type(value) is bool, value)


def _choice_text(value: Any) -> str:
    return _number_text(value) if _is_number(value) else json.dumps(value, ensure_ascii=False)


def _number_text(value: float) -> str:
    """A number as JavaScript writes it."""
    value = _as_float(value)
    sign, places, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, places))
    if digits == "0" or not isinstance(exponent, int):
        return "0"
    # Where the decimal point stands, counted from the first digit.
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
        text = f"{mantissa}e{point - 1:+d}"
    return "-" + text if sign else text
