"""The members of the family that are about sessions, their variables and what they store in workers, and about calls between the two sides."""

from __future__ import annotations

from collections.abc import Mapping

from snakepit._error_base import SnakepitError, quoted

__all__ = [
    "AffinityUnavailable",
    "BatchFailed",
    "CallDepthExceeded",
    "ObjectLost",
    "QuotaExceeded",
    "SessionClosed",
    "SessionExpired",
    "SessionNotFound",
    "StoreFailed",
    "VariableExists",
    "VariableInvalid",
    "VariableNotFound",
    "VersionConflict",
]


class SessionNotFound(SnakepitError):
    """There is no session of this id. With an empty one: the call belongs to no session, which what it asked for needs."""

    tag = "SessionNotFound"
    session: str

    def __init__(self, session: str) -> None:
        super().__init__({"session": session})

    def compute(self) -> str:
        if self.session == "":
            return "This call belongs to no session: call the tool through one."
        return f'There is no session "{self.session}".'


class SessionExpired(SnakepitError):
    """The session outlived its time."""

    tag = "SessionExpired"
    session: str
    _sentence = 'Session "{session}" has expired.'

    def __init__(self, session: str) -> None:
        super().__init__({"session": session})


class SessionClosed(SnakepitError):
    """The handle of a session was used after it was closed."""

    tag = "SessionClosed"
    session: str
    _sentence = 'This handle of session "{session}" is closed.'

    def __init__(self, session: str) -> None:
        super().__init__({"session": session})


class VariableNotFound(SnakepitError):
    """There is no variable of this name or id."""

    tag = "VariableNotFound"
    variable: str
    _sentence = 'There is no variable "{variable}".'

    def __init__(self, variable: str) -> None:
        super().__init__({"variable": variable})


class VariableExists(SnakepitError):
    """A variable of this name is there already."""

    tag = "VariableExists"
    variable: str
    _sentence = 'There is a variable "{variable}" already.'

    def __init__(self, variable: str) -> None:
        super().__init__({"variable": variable})


class VariableInvalid(SnakepitError):
    """A value breaks the type (``constraint`` is ``"type"``) or a constraint of its variable. Nothing was changed."""

    tag = "VariableInvalid"
    variable: str
    constraint: str
    expected: str
    _sentence = 'Variable "{variable}" must be {expected}.'

    def __init__(self, variable: str, constraint: str, expected: str) -> None:
        super().__init__({"variable": variable, "constraint": constraint, "expected": expected})


class VersionConflict(SnakepitError):
    """A variable has another version than the writer expected. Read it again, then write."""

    tag = "VersionConflict"
    variable: str
    expected: int
    actual: int
    _sentence = 'Variable "{variable}" is at version {actual}, not {expected}.'

    def __init__(self, variable: str, expected: int, actual: int) -> None:
        super().__init__({"variable": variable, "expected": expected, "actual": actual})


class BatchFailed(SnakepitError):
    """A batch was refused, and nothing was changed. ``errors`` says why, by name."""

    tag = "BatchFailed"
    errors: dict[str, str]

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__({"errors": dict(errors)})

    def compute(self) -> str:
        return f"The batch failed for {quoted(list(self.errors))}."


class QuotaExceeded(SnakepitError):
    """A quota of sessions, variables or bytes is used up."""

    tag = "QuotaExceeded"
    quota: str
    limit: int
    _sentence = 'The quota "{quota}" of {limit} is used up.'

    def __init__(self, quota: str, limit: int) -> None:
        super().__init__({"quota": quota, "limit": limit})


class StoreFailed(SnakepitError):
    """The place where the host keeps sessions cannot be read or written. Nothing was changed."""

    tag = "StoreFailed"
    store: str
    reason: str
    _sentence = 'The session store "{store}" failed: {reason}'

    def __init__(self, store: str, reason: str) -> None:
        super().__init__({"store": store, "reason": reason})


class AffinityUnavailable(SnakepitError):
    """A session with the affinity "strict-fail" found its worker busy or gone."""

    tag = "AffinityUnavailable"
    retryable = True
    session: str
    worker: str
    _sentence = 'Worker {worker} of session "{session}" is not available.'

    def __init__(self, session: str, worker: str) -> None:
        super().__init__({"session": session, "worker": worker})


class ObjectLost(SnakepitError):
    """An object stored in a worker is not there any more: the worker has ended, or the object was released."""

    tag = "ObjectLost"
    object: str
    worker: str
    _sentence = 'The object "{object}" is no longer in worker {worker}.'

    def __init__(self, object: str, worker: str) -> None:
        super().__init__({"object": object, "worker": worker})


class CallDepthExceeded(SnakepitError):
    """Calls between the two sides are nested too deep."""

    tag = "CallDepthExceeded"
    tool: str
    limit: int
    _sentence = 'The call of "{tool}" is nested deeper than {limit}.'

    def __init__(self, tool: str, limit: int) -> None:
        super().__init__({"tool": tool, "limit": limit})
