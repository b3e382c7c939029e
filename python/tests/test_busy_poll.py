"""Looks in vain become rare, and one that finds something makes them as frequent as before."""

from __future__ import annotations

from itertools import pairwise

from snakepit._busy_poll import BusyPoll


class Source:
    """Something that is ready or not, and counts how often that was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_ready = False

    def ready(self) -> bool:
        self.asked += 1
        return self.is_ready


def looks(poll: BusyPoll, source: Source, times: int) -> list[bool]:
    """Whether each of so many waits began with a look."""
    seen: list[bool] = []
    for _ in range(times):
        before = source.asked
        poll.look()
        seen.append(source.asked > before)
    return seen


def test_a_look_ends_as_soon_as_there_is_something() -> None:
    source = Source()
    source.is_ready = True
    assert looks(BusyPoll(source.ready), source, 100) == [True] * 100
    assert source.asked == 100


def test_looks_in_vain_are_left_out_more_and_more() -> None:
    source = Source()
    seen = looks(BusyPoll(source.ready), source, 400)
    at = [i for i, looked in enumerate(seen) if looked]
    gaps = [b - a - 1 for a, b in pairwise(at)]
    assert gaps[:8] == [1, 3, 7, 15, 31, 63, 63, 63]


def test_a_look_that_finds_something_is_followed_by_the_next() -> None:
    source = Source()
    poll = BusyPoll(source.ready)
    looks(poll, source, 1 + 1 + 1 + 3)
    source.is_ready = True
    assert looks(poll, source, 10) == [True] * 10
    source.is_ready = False
    assert looks(poll, source, 4) == [True, False, True, False]
