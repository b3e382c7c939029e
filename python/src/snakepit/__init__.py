"""Python tools for programs in TypeScript. See ``tool``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from snakepit._declare import tool
from snakepit._session import AsyncSession, Session

if TYPE_CHECKING:
    from asyncio import CancelledError as Cancelled

    from snakepit._context import progress
    from snakepit._errors import HostToolFailed, InputError, SnakepitError

__all__ = ["AsyncSession", "Cancelled", "HostToolFailed", "InputError", "Session", "SnakepitError", "progress", "tool"]

# What needs protobuf or asyncio is imported when it is first used, so that declaring tools stays quick.
_LATER = {
    "Cancelled": "snakepit._errors",
    "HostToolFailed": "snakepit._errors",
    "InputError": "snakepit._errors",
    "SnakepitError": "snakepit._errors",
    "progress": "snakepit._context",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value
