"""What an exception says: its message, its traceback from the first line of user code on, and what led to it.

Nothing here may fail, whatever the exception does in its own ``__str__`` or ``__getattr__``: a failure while reporting a failure would lose both.
"""

from __future__ import annotations

import os
import traceback
from typing import TypedDict

__all__ = ["GENERATED", "PythonCause", "cause_of", "causes_of", "describe", "readable", "text_of", "text_of_value"]

GENERATED = "<snakepit>"
"""File name of the code that is generated for each tool."""

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# Part of the package, but written as user code is.
_SHOWCASE = _PACKAGE + "showcase.py"
_IMPORT_MACHINERY = ("<frozen importlib", "<frozen runpy")

_MAX_CHARS = 65_536
_MAX_CAUSES = 32
_MAX_FRAMES = 1_000


class PythonCause(TypedDict):
    """One exception of a chain, as it travels."""

    type: str
    message: str
    traceback: str


def readable(text: str) -> str:
    """``text`` as protobuf takes it: no lone surrogates, and of a size that one message can hold."""
    if len(text) > _MAX_CHARS:
        half = _MAX_CHARS // 2
        text = f"{text[:half]}\n... {len(text) - _MAX_CHARS} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def text_of(error: BaseException) -> str:
    """What ``str(error)`` says, or that it cannot be said."""
    try:
        return readable(str(error))
    except BaseException:
        return f"<{type(error).__name__}, whose message cannot be read>"


def text_of_value(value: object) -> str:
    """What ``repr(value)`` says, or that it cannot be said."""
    try:
        return readable(repr(value))
    except BaseException:
        return f"<{type(value).__name__}>"


def describe(error: BaseException) -> PythonCause:
    """Type, message and traceback of one exception. The traceback shows the whole chain, as Python prints it."""
    return {"type": type(error).__name__, "message": text_of(error), "traceback": _print(error)}


def causes_of(error: BaseException) -> list[BaseException]:
    """What led to ``error``, nearest first: its causes and contexts, then the members of exception groups met on the way."""
    seen = {id(error)}
    found: list[BaseException] = []
    groups = [error]
    while groups:
        start = groups.pop(0)
        if id(start) not in seen:
            seen.add(id(start))
            found.append(start)
        member = start
        while len(found) < _MAX_CAUSES:
            groups.extend(inner for inner in _members(member) if id(inner) not in seen)
            cause = cause_of(member)
            if cause is None or id(cause) in seen:
                break
            seen.add(id(cause))
            found.append(cause)
            member = cause
    return found[:_MAX_CAUSES]


def cause_of(error: BaseException) -> BaseException | None:
    """What ``error`` was raised from or while handling, as Python prints it."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    # Found by shape: Python 3.10 has exception groups only from a package.
    if not hasattr(type(error), "exceptions") or not hasattr(type(error), "subgroup"):
        return ()
    try:
        return tuple(inner for inner in getattr(error, "exceptions", ()) if isinstance(inner, BaseException))
    except Exception:
        return ()


def _print(error: BaseException) -> str:
    try:
        # After a recursion that went deep, reading every frame would take longer than the recursion.
        report = traceback.TracebackException(type(error), error, error.__traceback__, limit=-_MAX_FRAMES, compact=True)
        _trim(report, set())
        return readable("".join(report.format()))
    except BaseException:
        return f"{type(error).__name__}: {text_of(error)}\n"


def _trim(report: traceback.TracebackException, seen: set[int]) -> None:
    if id(report) in seen:
        return
    seen.add(id(report))
    while report.stack and _is_ours(report.stack[0].filename):
        del report.stack[0]
    for inner in (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())):
        if inner is not None:
            _trim(inner, seen)


def _is_ours(filename: str) -> bool:
    if filename == GENERATED or filename.startswith(_IMPORT_MACHINERY):
        return True
    return filename.startswith(_PACKAGE) and filename != _SHOWCASE
