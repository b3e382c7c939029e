"""The tools of most examples."""

from collections.abc import AsyncIterator, Iterator

from snakepit import tool


@tool
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


@tool
def countdown(start: int) -> Iterator[int]:
    """Count down to one. A generator is a streaming tool."""
    yield from range(start, 0, -1)


@tool
async def tokens(prompt: str) -> AsyncIterator[str]:
    """The words of a sentence, one by one."""
    for word in prompt.split():
        yield word


@tool
def total(numbers: Iterator[float]) -> float:
    """The sum of a stream that the caller sends."""
    return sum(numbers)
