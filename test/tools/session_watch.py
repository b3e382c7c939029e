"""Watchers of variables, for the tests of sessions with real workers.

A ``def`` tool that watches keeps the thread of its worker, so they are for workers of their own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from snakepit import AsyncSession, Session, tool

if TYPE_CHECKING:
    from snakepit._watch import VariableChange


def _seen(change: VariableChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": change.name,
        "value": change.value,
        "version": change.version,
        "coalesced": change.coalesced,
        "at": time.monotonic_ns() / 1e6,
    }


@tool
def watch(session: Session, names: list[str]) -> Iterator[dict[str, Any]]:
    """What the variables are, and every change."""
    for change in session.watch_variables(names):
        yield _seen(change)


@tool
async def watch_async(session: AsyncSession, names: list[str]) -> AsyncIterator[dict[str, Any]]:
    """Watch as `watch` does, without holding a thread."""
    async for change in session.watch_variables(names):
        yield _seen(change)
