"""Paths inside a value, such as ``$.rows[2].f``."""

from __future__ import annotations

import json

__all__ = ["Path"]


class Path:
    """Where a walk is. The text is made only when somebody asks."""

    def __init__(self) -> None:
        self._steps: list[object] = []

    def enter(self, step: object) -> None:
        """Goes into the member ``step``: a key or an index."""
        self._steps.append(step)

    def leave(self) -> None:
        """Comes back out of it."""
        self._steps.pop()

    def __str__(self) -> str:
        return "$" + "".join(map(_written, self._steps))


def _written(step: object) -> str:
    if isinstance(step, str):
        return f".{step}" if step.isidentifier() else f"[{json.dumps(step)}]"
    try:
        return f"[{step!r}]"
    except Exception:
        return f"[<{type(step).__name__}>]"
