"""What is kept of the constant parts of calls."""

from __future__ import annotations

from snakepit._declare import Declaration
from snakepit._entries import Entries
from snakepit._session_state import SessionState
from snakepit._tool import Tool
from snakepit.v1.worker_pb2 import ExecuteToolRequest

SESSIONS = 10_000


def echo(x: int) -> int:
    return x


def prefix_of(session_id: str) -> bytes:
    # The tag of the arguments ends it.
    return ExecuteToolRequest(session_id=session_id, tool="echo").SerializeToString() + b"\x1a"


def test_ten_thousand_sessions_are_kept_at_the_same_time_and_forgotten_one_by_one() -> None:
    entries = Entries({"echo": Tool(Declaration(echo, False, None), echo, "echo")}, SessionState)
    first = [entries.get(prefix_of(f"session {n}")) for n in range(SESSIONS)]
    entries.forget_session("session 7")
    entries.forget_session("never there")
    again = [entries.get(prefix_of(f"session {n}")) for n in range(SESSIONS)]
    assert [n for n in range(SESSIONS) if again[n] is not first[n]] == [7]
    assert again[7].session_id == "session 7"
