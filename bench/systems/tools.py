"""The same work as tools of Snakepit, and one that costs processor time."""

import time

import work

from snakepit import tool

echo = tool(work.echo)
items = tool(work.items)
blob = tool(work.blob)


@tool
def spin(us: int) -> int:
    """Use the processor for `us` microseconds; waiting for it does not count."""
    end = time.thread_time_ns() + us * 1_000
    turns = 0
    while time.thread_time_ns() < end:
        turns += 1
    return turns
