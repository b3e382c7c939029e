"""What a tool knows of the session it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["AsyncSession", "Session"]


class _Base:
    __slots__ = ("_id", "_metadata")

    def __init__(self, id: str, metadata: Mapping[str, str] | None = None) -> None:
        self._id = id
        self._metadata = MappingProxyType(dict(metadata or {}))

    @property
    def id(self) -> str:
        """The user's own name for it; empty outside a session."""
        return self._id

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own words about it. Read only."""
        return self._metadata

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id!r})"


class Session(_Base):
    """The session of a call, in tools written with ``def``. A parameter with this type hint is filled in, never sent by the caller."""

    __slots__ = ()


class AsyncSession(_Base):
    """The session of a call, in tools written with ``async def``. A parameter with this type hint is filled in, never sent by the caller."""

    __slots__ = ()
