"""The Python work that is measured: as little as there can be."""

from collections.abc import Iterator

from snakepit import tool


@tool
def echo(text: str) -> str:
    """Give the text back."""
    return text


@tool
def items(n: int) -> Iterator[str]:
    """Yield `n` short strings."""
    for number in range(n):
        yield f"item-{number}"


@tool
def blob(data: bytes) -> bytes:
    """Give the bytes back."""
    return data
