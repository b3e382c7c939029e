"""Which calls of a batch tool run together. Nothing here runs anything, looks at a clock or takes a lock."""

from __future__ import annotations

import itertools
from typing import Generic, TypeVar

T = TypeVar("T")

Key = tuple[str, str, int]
"""What calls have in common that may run together: the tool, the session it takes, and what waits for them."""


class Line(Generic[T]):
    """Calls that wait to run together, in the order they came.

    Batches are announced before it is known which calls they will have: those that are announced always have room for all that wait, and a batch
    takes its calls when it begins. So while one waits for a thread it still fills, and a call that leaves makes room for those behind it.
    """

    def __init__(self, longest: int, key: Key) -> None:
        """`longest` is the most calls of one batch, `key` what those that wait have in common."""
        self.longest = longest
        self.key = key
        # In the order of insertion, so that any can be taken out at once.
        self._waiting: dict[T, None] = {}
        self._announced = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether what is announced has no more room."""
        return len(self._waiting) >= self._announced * self.longest

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is announced."""
        return not self._waiting and not self._announced

    def join(self, call: T) -> bool:
        """Takes a call in. Whether a batch has to be announced for it, which then is."""
        self._waiting[call] = None
        if len(self._waiting) <= self._announced * self.longest:
            return False
        self._announced += 1
        return True

    def leave(self, call: T) -> None:
        """Takes a call out, if it still waits."""
        self._waiting.pop(call, None)

    def begin(self) -> list[T]:
        """A batch that was announced begins: takes out its calls. `next` gives others in the place of those that take no part after all."""
        self._announced -= 1
        calls = list(itertools.islice(self._waiting, self.longest))
        for call in calls:
            del self._waiting[call]
        return calls

    def next(self) -> T | None:
        """Takes out the call that has waited longest. None when there is none."""
        for call in self._waiting:
            del self._waiting[call]
            return call
        return None
