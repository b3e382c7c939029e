"""What a worker knows of one session: what InitializeSession said, what tools have stored for it, and what is kept of its variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snakepit._session_cache import Cache
    from snakepit.v1.tool_pb2 import Tool

__all__ = ["SessionState"]


class SessionState:
    """One session in this worker. Read by any thread; changed by the thread that reads, but for the objects, which tools store themselves."""

    __slots__ = ("host_tools", "id", "kept", "metadata", "moved_from", "objects", "refs")

    def __init__(self, id: str, kept: Cache | None = None) -> None:
        self.id = id
        """The user's own name for it; empty outside a session."""
        self.metadata: Mapping[str, str] = {}
        """The user's own words about it."""
        self.host_tools: Mapping[str, Tool] = {}
        """The host's tools by name, as InitializeSession listed them last."""
        self.moved_from = ""
        """The worker that had the session before and died; empty when there was none."""
        self.objects: dict[str, Any] = {}
        """What tools have stored under keys of their own."""
        self.refs: dict[str, Any] = {}
        """What `snakepit.ref` has stored, until the host releases it."""
        self.kept = kept
        """What is kept of the variables; None where nothing is."""

    def initialize(self, metadata: Mapping[str, str], host_tools: Iterable[Tool], moved_from: str) -> None:
        """Takes in what InitializeSession says: all host tools there are now. What else it does not say stays as it was."""
        if metadata:
            self.metadata = dict(metadata)
        self.host_tools = {tool.name: tool for tool in host_tools}
        self.moved_from = moved_from or self.moved_from

    def drop(self) -> None:
        """Lets go of what was stored and kept."""
        self.objects.clear()
        self.refs.clear()
        if self.kept is not None:
            self.kept.clear()
