"""What a worker keeps of a result after it was sent: nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_host import Host

from snakepit._errors import UnsupportedValue

TOOLS = """
import threading, weakref

class Large(list):
    pass

made = []

def remember(value):
    made.append(weakref.ref(value))
    return value

@tool
def large() -> object:
    return remember(Large(["x" * 100_000]))

@tool
def larger() -> object:
    return remember(Large(["x" * 1_000_000]))

@tool
def late() -> object:
    # The other thread has the lead by now.
    threading.Event().wait(0.05)
    return remember(Large(["x" * 100_000]))

@tool
def unsendable() -> object:
    return remember(Large([object()]))

@tool
async def kept() -> int:
    return sum(value() is not None for value in made)
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(TOOLS) as host:
        yield host


@pytest.mark.parametrize("tool", ["large", "larger", "late"])
def test_a_large_result_is_let_go_before_the_next_call(host: Host, tool: str) -> None:
    # The first call of a tool takes another way than those that come after.
    for _ in range(2):
        assert len(host.call(tool)) == 1
    # An asynchronous tool, since that takes nothing of what the main thread keeps away.
    assert host.call("kept") == 0


def test_a_result_that_cannot_be_sent_is_let_go(host: Host) -> None:
    for _ in range(2):
        with pytest.raises(UnsupportedValue):
            host.call("unsendable")
    assert host.call("kept") == 0
