"""The base of the one family of errors. Tags, codes, sentences and the names in ``fields`` are those of the TypeScript side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = ["CODES", "SnakepitError", "quoted"]

CODES: dict[str, int] = {
    "InvalidOptions": 3,
    "PythonNotFound": 9,
    "EnvironmentFailed": 9,
    "WorkerStartFailed": 9,
    "ToolNotFound": 5,
    "InvalidArguments": 3,
    "StreamingMismatch": 9,
    "StreamingNotSupported": 12,
    "UnsupportedValue": 3,
    "PayloadTooLarge": 8,
    "ToolFailed": 2,
    "HostToolFailed": 2,
    "InputError": 10,
    "CallTimeout": 4,
    "Cancelled": 1,
    "WorkerCrashed": 14,
    "ConnectionLost": 14,
    "QueueFull": 8,
    "QueueTimeout": 14,
    "PoolClosed": 9,
    "CircuitOpen": 14,
    "ProtocolError": 13,
    "SessionNotFound": 5,
    "SessionExpired": 5,
    "SessionClosed": 9,
    "VariableNotFound": 5,
    "VariableExists": 6,
    "VariableInvalid": 3,
    "VersionConflict": 10,
    "BatchFailed": 10,
    "QuotaExceeded": 8,
    "StoreFailed": 14,
    "AffinityUnavailable": 14,
    "ObjectLost": 5,
    "CallDepthExceeded": 9,
    "Unauthenticated": 16,
    "PermissionDenied": 7,
    "RateLimited": 8,
}
"""The Connect code of every member of the family, by tag."""


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), name)


class SnakepitError(Exception):
    """Base of every error that Snakepit raises.

    The member's own fields stand on the instance under their Python names (``timeout_ms``) and in ``fields`` under their TypeScript names
    (``timeoutMs``), as they travel.
    """

    tag: str = "SnakepitError"
    """Which member of the family this is."""
    retryable: bool = False
    """Whether sending the same call again is safe."""
    fields: dict[str, Any]
    """The member's own fields, as they travel."""

    _sentence: ClassVar[str] = "{tag}"

    def __init__(self, fields: Mapping[str, Any], *, tag: str | None = None, message: str | None = None, retryable: bool | None = None) -> None:
        super().__init__()
        self.fields = dict(fields)
        self._message = message
        if tag is not None:
            self.tag = tag
        if retryable is not None:
            self.retryable = retryable
        for name, value in self.fields.items():
            name = _snake(name)
            # A field of a newer peer must not hide a method.
            if name.isidentifier() and not hasattr(SnakepitError, name):
                setattr(self, name, value)

    @classmethod
    def rebuild(cls, fields: Mapping[str, Any], tag: str, message: str | None, retryable: bool) -> SnakepitError:
        """Makes a member from what travelled."""
        error = cls.__new__(cls)
        SnakepitError.__init__(error, fields, tag=tag, message=message, retryable=retryable)
        return error

    @property
    def code(self) -> int:
        """The Connect code that stands for it on the wire."""
        return CODES.get(self.tag, 2)

    @property
    def message(self) -> str:
        """One sentence, computed from the fields, or as the other side computed it."""
        return self.compute() if self._message is None else self._message

    def compute(self) -> str:
        """The sentence of the fields."""
        return self._sentence.format(tag=self.tag, **{_snake(k): v for k, v in self.fields.items()})

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).rebuild, (self.fields, self.tag, self._message, self.retryable)


def quoted(names: Sequence[str]) -> str:
    """The names in a sentence."""
    return ", ".join(f'"{name}"' for name in names)
