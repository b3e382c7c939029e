"""The Python work that is measured, the same for every system: as little as there can be."""

from collections.abc import Iterator


def echo(text: str) -> str:
    """Give the text back."""
    return text


def items(n: int) -> Iterator[str]:
    """Yield `n` short strings."""
    for number in range(n):
        yield f"item-{number}"


def blob(data: bytes) -> bytes:
    """Give the bytes back."""
    return data
