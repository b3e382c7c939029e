"""Interrupts at moments that a real worker meets once in a hundred thousand calls."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

import pytest

from snakepit._interrupt import Slot

NOW: Any = (7, None, 0, 0.0, 0)


def on_a_thread(work: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as e:
            failures.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure


@pytest.mark.parametrize("moment", ["_begin", "finish"])
def test_an_interrupt_before_the_first_and_after_the_last_line_of_a_tool_stays_with_it(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        slot = Slot()
        real = getattr(slot, moment)

        def interrupted(*args: Any) -> Any:
            if moment == "finish":
                monkeypatch.undo()
                slot.interrupt(7)
                return real()
            begun = real(*args)
            slot.interrupt(7)
            return begun

        monkeypatch.setattr(slot, moment, interrupted)
        _, error, cancelled = slot.guard(NOW, lambda: True, lambda: 1)
        assert cancelled
        assert error is None or isinstance(error, CancelledError)
        assert slot.guard((8, *NOW[1:]), lambda: True, lambda: 2) == (2, None, False)

    on_a_thread(work)


def test_what_is_not_wanted_any_more_does_not_run() -> None:
    ran: list[int] = []
    on_a_thread(lambda: ran.append(0 if Slot().guard(NOW, lambda: False, lambda: ran.append(1)) == (None, None, True) else 2))
    assert ran == [0]
