"""What the constant part of a call's first message stands for: a tool, called in one session."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from snakepit._errors import ToolNotFound
from snakepit._frames import Bytes
from snakepit._tool import Tool
from snakepit.v1.worker_pb2 import ExecuteToolRequest

if TYPE_CHECKING:
    from snakepit._session_state import SessionState

# Each takes some 300 bytes. What is not kept is read with generated code at each call.
_MOST = 32_768


class Entry:
    """A tool as it is called in one session."""

    __slots__ = ("call", "decode", "detached", "inline", "name", "session_id", "state", "tool")

    def __init__(self, tool: Tool, state: SessionState) -> None:
        self.tool = tool
        self.name = tool.name
        self.state = state
        self.session_id = state.id
        # Whether a call is nothing but decode, call, reply.
        self.inline = tool.fast and not (tool.streaming or tool.asynchronous or tool.batch)
        # Whether a call is nothing but a task on the loop.
        self.detached = tool.asynchronous and not (tool.streaming or tool.batch)
        # msgspec takes any buffer.
        self.decode: Callable[[Any], Any] = tool.decode
        self.call = tool.call


class Entries:
    """Entries by the bytes of the constant part."""

    def __init__(self, tools: dict[str, Tool], state_of: Callable[[str], SessionState]) -> None:
        self._tools = tools
        self._state_of = state_of
        # Read by the loop that runs short tools.
        self.by_prefix: dict[bytes, Entry] = {}
        self._of_session: dict[str, list[bytes]] = {}

    def get(self, prefix: bytes) -> Entry:
        """The entry of a constant part. Raises ToolNotFound, and DecodeError for what is none."""
        entry = self.by_prefix.get(prefix)
        if entry is None:
            # The constant part ends with the tag of the arguments; with an empty length behind it, it is a message.
            request = ExecuteToolRequest.FromString(prefix + b"\x00")
            entry = self.find(request.tool, request.session_id)
            if len(self.by_prefix) < _MOST:
                self.by_prefix[prefix] = entry
                if entry.session_id:
                    self._of_session.setdefault(entry.session_id, []).append(prefix)
        return entry

    def find(self, name: str, session_id: str) -> Entry:
        """The entry of a tool in a session. Raises ToolNotFound with the nearest names."""
        tool = self._tools.get(name)
        if tool is None:
            raise ToolNotFound(name, difflib.get_close_matches(name, self._tools))
        return Entry(tool, self._state_of(session_id))

    def forget_session(self, session_id: str) -> None:
        """Drops what is kept for a session."""
        for prefix in self._of_session.pop(session_id, ()):
            self.by_prefix.pop(prefix, None)


def read_varint(data: Bytes, at: int) -> tuple[int, int]:
    """A protobuf varint and where it ends."""
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        if byte < 128:
            return n, at
        shift += 7


def args_only(body: bytearray, prefix: int) -> memoryview | None:
    """The arguments of a first message, when nothing comes after them; no copy."""
    n, at = read_varint(body, prefix)
    return memoryview(body)[at:] if at + n == len(body) else None
