"""Python tools for programs in TypeScript. See ``tool``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import CancelledError as Cancelled

    from snakepit._context import progress
    from snakepit._counters import count
    from snakepit._declare import tool
    from snakepit._empty import empty
    from snakepit._errors import (
        AffinityUnavailable,
        BatchFailed,
        CallDepthExceeded,
        CallTimeout,
        HostToolFailed,
        InputError,
        InvalidArguments,
        InvalidOptions,
        ObjectLost,
        PayloadTooLarge,
        QuotaExceeded,
        SessionClosed,
        SessionExpired,
        SessionNotFound,
        SnakepitError,
        StoreFailed,
        StreamingMismatch,
        ToolFailed,
        ToolNotFound,
        UnsupportedValue,
        VariableExists,
        VariableInvalid,
        VariableNotFound,
        VersionConflict,
    )
    from snakepit._extensions import Ref
    from snakepit._host_tools import HostFunction, HostTool
    from snakepit._objects import ref
    from snakepit._session import AsyncSession, Session
    from snakepit._session_cache import CacheStats
    from snakepit._spans import Span, span
    from snakepit._variables import ReadOutcome, Source, Variable, WriteOutcome
    from snakepit._watch import AsyncVariableChanges, VariableChange, VariableChanges, Watch

__all__ = [
    "AffinityUnavailable",
    "AsyncSession",
    "AsyncVariableChanges",
    "BatchFailed",
    "CacheStats",
    "CallDepthExceeded",
    "CallTimeout",
    "Cancelled",
    "HostFunction",
    "HostTool",
    "HostToolFailed",
    "InputError",
    "InvalidArguments",
    "InvalidOptions",
    "ObjectLost",
    "PayloadTooLarge",
    "QuotaExceeded",
    "ReadOutcome",
    "Ref",
    "Session",
    "SessionClosed",
    "SessionExpired",
    "SessionNotFound",
    "SnakepitError",
    "Source",
    "Span",
    "StoreFailed",
    "StreamingMismatch",
    "ToolFailed",
    "ToolNotFound",
    "UnsupportedValue",
    "Variable",
    "VariableChange",
    "VariableChanges",
    "VariableExists",
    "VariableInvalid",
    "VariableNotFound",
    "VersionConflict",
    "Watch",
    "WriteOutcome",
    "count",
    "empty",
    "progress",
    "ref",
    "span",
    "tool",
]

# Imported when it is first used, so that declaring tools stays quick, and a worker's socket is there soon.
_LATER = {
    **dict.fromkeys(__all__, "snakepit._errors"),
    **dict.fromkeys(("AsyncSession", "Session"), "snakepit._session"),
    **dict.fromkeys(("HostFunction", "HostTool"), "snakepit._host_tools"),
    **dict.fromkeys(("AsyncVariableChanges", "VariableChange", "VariableChanges", "Watch"), "snakepit._watch"),
    **dict.fromkeys(("ReadOutcome", "Source", "Variable", "WriteOutcome"), "snakepit._variables"),
    "CacheStats": "snakepit._session_cache",
    "Ref": "snakepit._extensions",
    "count": "snakepit._counters",
    "empty": "snakepit._empty",
    "progress": "snakepit._context",
    "ref": "snakepit._objects",
    **dict.fromkeys(("Span", "span"), "snakepit._spans"),
    "tool": "snakepit._declare",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value
