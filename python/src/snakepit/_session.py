"""What a tool knows of the session it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakepit._runtime import Runtime
    from snakepit._session_state import SessionState

__all__ = ["AsyncSession", "Session"]


class _Base:
    __slots__ = ("_runtime", "_state")

    def __init__(self, state: SessionState, runtime: Runtime) -> None:
        self._state = state
        self._runtime = runtime

    @property
    def id(self) -> str:
        """The user's own name for it; empty outside a session."""
        return self._state.id

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own words about it. Read only."""
        return MappingProxyType(self._state.metadata)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state.id!r})"


class Session(_Base):
    """The session of a call, in tools written with ``def``. A parameter with this type hint is filled in, never sent by the caller."""

    __slots__ = ()


class AsyncSession(_Base):
    """The session of a call, in tools written with ``async def``. A parameter with this type hint is filled in, never sent by the caller."""

    __slots__ = ()
