"""The one family of errors, as Python needs it.

    SnakepitError
     +-- InvalidOptions
     +-- ToolNotFound
     +-- InvalidArguments
     +-- StreamingMismatch
     +-- UnsupportedValue
     +-- PayloadTooLarge
     +-- ToolFailed
     +-- HostToolFailed
     +-- InputError
     +-- CallTimeout
     +-- WorkerStartFailed
     +-- ProtocolError
     +-- SessionNotFound
     +-- SessionExpired
     +-- SessionClosed
     +-- VariableNotFound
     +-- VariableExists
     +-- VariableInvalid
     +-- VersionConflict
     +-- BatchFailed
     +-- QuotaExceeded
     +-- StoreFailed
     +-- AffinityUnavailable
     +-- ObjectLost
     +-- CallDepthExceeded

``Cancelled`` is ``asyncio.CancelledError`` and so no member of the tree. A member that has no class here arrives as a plain ``SnakepitError`` with
its tag. Tags, codes, sentences and the names in ``fields`` are those of the TypeScript side.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from google.protobuf import struct_pb2

from snakepit._error_base import CODES, SnakepitError, quoted
from snakepit._session_errors import (
    AffinityUnavailable,
    BatchFailed,
    CallDepthExceeded,
    ObjectLost,
    QuotaExceeded,
    SessionClosed,
    SessionExpired,
    SessionNotFound,
    StoreFailed,
    VariableExists,
    VariableInvalid,
    VariableNotFound,
    VersionConflict,
)
from snakepit._tracebacks import PythonCause, cause_of, causes_of, describe, readable, text_of, text_of_value
from snakepit.v1 import error_pb2

if TYPE_CHECKING:
    from asyncio import CancelledError as Cancelled

__all__ = [
    "CODES",
    "AffinityUnavailable",
    "BatchFailed",
    "CallDepthExceeded",
    "CallTimeout",
    "Cancelled",
    "HostToolFailed",
    "InputError",
    "InvalidArguments",
    "InvalidOptions",
    "ObjectLost",
    "PayloadTooLarge",
    "ProtocolError",
    "QuotaExceeded",
    "SessionClosed",
    "SessionExpired",
    "SessionNotFound",
    "SnakepitError",
    "StoreFailed",
    "StreamingMismatch",
    "ToolFailed",
    "ToolNotFound",
    "UnsupportedValue",
    "VariableExists",
    "VariableInvalid",
    "VariableNotFound",
    "VersionConflict",
    "WorkerStartFailed",
    "detail_of",
    "error_of",
]


def __getattr__(name: str) -> Any:
    # asyncio takes longer to import than all the rest, and a program that only declares tools does not need it.
    if name == "Cancelled":
        from asyncio import CancelledError

        return CancelledError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class InvalidOptions(SnakepitError):
    """An option or a description has a value that makes no sense."""

    tag = "InvalidOptions"
    option: str
    expected: str
    _sentence = 'Option "{option}" must be {expected}.'

    def __init__(self, option: str, expected: str) -> None:
        super().__init__({"option": option, "expected": expected})


class ToolNotFound(SnakepitError):
    """There is no tool of this name. ``nearest`` are names like it."""

    tag = "ToolNotFound"
    tool: str
    nearest: list[str]

    def __init__(self, tool: str, nearest: Sequence[str] = ()) -> None:
        super().__init__({"tool": tool, "nearest": list(nearest)})

    def compute(self) -> str:
        return f'There is no tool "{self.tool}"' + (f"; did you mean {quoted(self.nearest)}?" if self.nearest else ".")


class InvalidArguments(SnakepitError):
    """An argument is missing, unknown or of the wrong type. ``path`` leads to it, such as ``$.rows[2]``. Raised before user code runs."""

    tag = "InvalidArguments"
    tool: str
    argument: str
    path: str
    expected: str
    _sentence = 'Tool "{tool}", argument "{argument}": {expected}'

    def __init__(self, tool: str, argument: str, path: str, expected: str) -> None:
        super().__init__({"tool": tool, "argument": argument, "path": path, "expected": expected})


class StreamingMismatch(SnakepitError):
    """A streaming tool was called with ``execute``, or the reverse. ``use`` names the method that fits."""

    tag = "StreamingMismatch"
    tool: str
    streaming: bool
    use: Literal["execute", "executeStream"]

    def __init__(self, tool: str, streaming: bool) -> None:
        super().__init__({"tool": tool, "streaming": streaming, "use": "executeStream" if streaming else "execute"})

    def compute(self) -> str:
        return f'Tool "{self.tool}" {"streams" if self.streaming else "does not stream"}: call it with {self.use}.'


class UnsupportedValue(SnakepitError):
    """A value cannot travel. ``path`` leads to it inside the value, such as ``$.rows[2].f``."""

    tag = "UnsupportedValue"
    path: str
    reason: str
    _sentence = "The value at {path} cannot travel: {reason}."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__({"path": path, "reason": reason})


class PayloadTooLarge(SnakepitError):
    """A message is over the limit of whoever would receive it. Nothing was sent. Sizes are in bytes; ``option`` raises the limit."""

    tag = "PayloadTooLarge"
    size: int
    limit: int
    option: str
    _sentence = '{size} bytes are over the limit of {limit}; raise it with the option "{option}".'

    def __init__(self, size: int, limit: int, option: str) -> None:
        super().__init__({"size": size, "limit": limit, "option": option})


class ToolFailed(SnakepitError):
    """A tool raised. ``causes`` are what led to it, nearest first, each with ``type``, ``message`` and ``traceback``."""

    tag = "ToolFailed"
    tool: str
    type: str
    detail: str
    traceback: str
    causes: list[PythonCause]
    _sentence = 'Tool "{tool}" raised {type}: {detail}'

    def __init__(self, tool: str, type: str, detail: str, traceback: str, causes: Sequence[PythonCause] = ()) -> None:
        super().__init__({"tool": tool, "type": type, "detail": detail, "traceback": traceback, "causes": [dict(c) for c in causes]})


class HostToolFailed(SnakepitError):
    """A tool of the host failed. Raised where Python called it."""

    tag = "HostToolFailed"
    tool: str
    type: str
    detail: str
    stack: str
    _sentence = 'Host tool "{tool}" failed with {type}: {detail}'

    def __init__(self, tool: str, type: str, detail: str, stack: str) -> None:
        super().__init__({"tool": tool, "type": type, "detail": detail, "stack": stack})


class InputError(SnakepitError):
    """An input stream failed where it is made. Raised in the tool where it asks for the next item; ``__cause__`` is the original error."""

    tag = "InputError"
    tool: str
    argument: str
    detail: str
    _sentence = 'The input stream "{argument}" of tool "{tool}" failed: {detail}'

    def __init__(self, tool: str, argument: str, detail: str) -> None:
        super().__init__({"tool": tool, "argument": argument, "detail": detail})


class CallTimeout(SnakepitError):
    """A call took longer than its limit, in milliseconds."""

    tag = "CallTimeout"
    tool: str
    timeout_ms: int
    limit: Literal["call", "stream", "start"]
    _sentence = 'Tool "{tool}" took longer than the {limit} limit of {timeout_ms} ms.'

    def __init__(self, tool: str, timeout_ms: int, limit: Literal["call", "stream", "start"] = "call") -> None:
        super().__init__({"tool": tool, "timeoutMs": timeout_ms, "limit": limit})


class WorkerStartFailed(SnakepitError):
    """The worker could not start. For a failed import, ``type``, ``traceback`` and ``__cause__`` are those of the import error."""

    tag = "WorkerStartFailed"
    worker: str
    reason: str
    type: str
    traceback: str
    stderr: list[str]
    _sentence = "Worker {worker} did not start: {reason}"

    def __init__(self, reason: str, *, worker: str = "", type: str = "", traceback: str = "", stderr: Sequence[str] = ()) -> None:
        super().__init__({"worker": worker, "reason": reason, "type": type, "traceback": traceback, "stderr": list(stderr)})

    def of(self, worker: str) -> WorkerStartFailed:
        """The same failure with the name of the worker, which whoever loads tools does not know."""
        named = WorkerStartFailed(self.reason, worker=worker, type=self.type, traceback=self.traceback, stderr=self.stderr)
        named.__cause__ = self.__cause__
        return named


class ProtocolError(SnakepitError):
    """The peer broke the protocol, or the two sides speak different versions of it."""

    tag = "ProtocolError"
    reason: str
    _sentence = "Protocol error: {reason}."

    def __init__(self, reason: str) -> None:
        super().__init__({"reason": reason})


MEMBERS: dict[str, type[SnakepitError]] = {
    member.tag: member
    for member in (
        InvalidOptions,
        ToolNotFound,
        InvalidArguments,
        StreamingMismatch,
        UnsupportedValue,
        PayloadTooLarge,
        ToolFailed,
        HostToolFailed,
        InputError,
        CallTimeout,
        WorkerStartFailed,
        ProtocolError,
        SessionNotFound,
        SessionExpired,
        SessionClosed,
        VariableNotFound,
        VariableExists,
        VariableInvalid,
        VersionConflict,
        BatchFailed,
        QuotaExceeded,
        StoreFailed,
        AffinityUnavailable,
        ObjectLost,
        CallDepthExceeded,
    )
}
"""The members that have a class here, by tag."""


def detail_of(error: BaseException, tool: str) -> tuple[int, error_pb2.ErrorDetail]:
    """What travels for an exception that ended a call of ``tool``: the Connect code and the detail.

    A member of the family stays what it is, a cancellation becomes ``Cancelled``, and anything else is a tool that raised: ``ToolFailed`` with
    its type, message, traceback and causes.
    """
    if isinstance(error, SnakepitError):
        return error.code, _detail(error.tag, error.message, error.retryable, error.fields, _cause_of(error))
    if _is_cancelled(error):
        return CODES["Cancelled"], _detail("Cancelled", f'The call of tool "{tool}" was cancelled.', False, {"tool": tool}, None)
    said = describe(error)
    failed = ToolFailed(tool, said["type"], said["message"], said["traceback"], [describe(cause) for cause in causes_of(error)])
    return failed.code, _detail(failed.tag, failed.message, False, failed.fields, _cause_of(error))


def error_of(detail: error_pb2.ErrorDetail) -> SnakepitError:
    """The error that a detail stands for: same tag, same fields, same cause. A tag without a class here gives a plain ``SnakepitError``."""
    fields = {name: _plain(value) for name, value in detail.fields.items()}
    error = MEMBERS.get(detail.tag, SnakepitError).rebuild(fields, detail.tag, detail.message or None, detail.retryable)
    if detail.HasField("cause"):
        error.__cause__ = error_of(detail.cause)
    return error


def _is_cancelled(error: BaseException) -> bool:
    # Without asyncio there is nothing to be an instance of.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _detail(tag: str, message: str, retryable: bool, fields: Mapping[str, Any], cause: error_pb2.ErrorDetail | None) -> error_pb2.ErrorDetail:
    detail = error_pb2.ErrorDetail(tag=readable(tag), message=readable(message), retryable=retryable, cause=cause)
    detail.fields.update(_sendable(fields))
    return detail


def _cause_of(error: BaseException) -> error_pb2.ErrorDetail | None:
    """The chain as nested details. Exceptions outside the family go with the name of their type as tag."""
    nested: error_pb2.ErrorDetail | None = None
    for cause in reversed(_chain_of(error)):
        if isinstance(cause, SnakepitError):
            nested = _detail(cause.tag, cause.message, cause.retryable, cause.fields, nested)
        else:
            nested = _detail(_foreign_tag(type(cause)), text_of(cause), False, {}, nested)
    return nested


def _foreign_tag(kind: type[BaseException]) -> str:
    # A user's own ToolNotFound is no member of the family.
    return f"{kind.__module__}.{kind.__name__}" if kind.__name__ in CODES else kind.__name__


def _chain_of(error: BaseException) -> list[BaseException]:
    seen = {id(error)}
    chain: list[BaseException] = []
    following = error
    while len(chain) < 32:
        cause = cause_of(following)
        if cause is None or id(cause) in seen:
            break
        seen.add(id(cause))
        chain.append(cause)
        following = cause
    return chain


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {readable(str(k)): _sendable(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(v) for v in cast("list[Any]", value)]
    if value is None or isinstance(value, bool):
        return value
    # An error must be told whatever a user puts into it: what is no number, or too large, goes as words.
    if hasattr(cast("object", value), "__float__"):
        try:
            return float(cast("float", value))
        except Exception:
            pass
    return text_of_value(cast("object", value))


def _plain(value: Any) -> Any:
    """A field as Python has it: ``Struct`` knows only floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, struct_pb2.Struct):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, struct_pb2.ListValue):
        return [_plain(inner) for inner in value]
    return value
