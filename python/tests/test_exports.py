"""What ``import snakepit`` gives, and what it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import snakepit


def test_the_public_names_are_these() -> None:
    assert snakepit.__all__ == [
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


def test_every_public_name_is_there() -> None:
    for name in snakepit.__all__:
        assert getattr(snakepit, name) is not None
    assert snakepit.Cancelled is asyncio.CancelledError
    assert issubclass(snakepit.InputError, snakepit.SnakepitError)
    assert not hasattr(snakepit, "nothing_of_this_name")


def test_declaring_tools_imports_nothing_heavy() -> None:
    program = "import sys; from snakepit import Session, tool; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    ).stdout.split()
    assert not {"asyncio", "google.protobuf", "msgspec", "numpy", "uvloop"} & set(loaded)
