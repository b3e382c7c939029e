"""The tools that the first pages of the documentation show."""

from collections.abc import AsyncIterator, Iterator

from snakepit import tool


@tool
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


@tool
def countdown(start: int) -> Iterator[int]:
    yield from range(start, 0, -1)


@tool
async def tokens(prompt: str) -> AsyncIterator[str]:
    for word in prompt.split():
        yield word


@tool
def total(numbers: Iterator[float]) -> float:
    return sum(numbers)


class Model:
    def __enter__(self):
        self.bias = 1
        return self

    def __exit__(self, *exc):
        self.bias = 0

    @tool(idempotent=True)
    def predict(self, rows: list[list[float]]) -> list[int]:
        return [int(sum(r)) + self.bias for r in rows]
