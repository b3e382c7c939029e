"""Looking for what comes next for a moment before sleeping.

Whoever makes one call after the other sends the next one soon after an answer. To wake a process that sleeps takes longer than a short call, and
costs both sides more processor time than looking does. So the worker looks for about as long as sleeping and being woken would take. Looks in vain
become rare: the next one, three, seven, ... are left out, up to sixty-three.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

_LONGEST = 50e-6
_MOST_MISSES = 6
# Leaves the processor to others that wait for it, such as the host where both have one between them.
_give_way: Callable[[], None] = getattr(os, "sched_yield", lambda: None)


class BusyPoll:
    """Looks until `ready` says that there is something, or the moment is over."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._misses = 0
        self._left_out = 0

    def look(self) -> None:
        """Returns when there is something to read, or when it is time to sleep."""
        if self._left_out:
            self._left_out -= 1
            return
        ready = self._ready
        until = monotonic() + _LONGEST
        while not ready():
            if monotonic() >= until:
                self._misses = min(self._misses + 1, _MOST_MISSES)
                self._left_out = 2**self._misses - 1
                return
            _give_way()
        self._misses = 0
