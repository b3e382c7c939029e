"""Tools to look at and to try a pool with: ``Snakepit.open({ tools: "snakepit.showcase" })``. They need nothing but Python."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypedDict

import snakepit
from snakepit import tool

Operation = Literal["add", "subtract", "multiply", "divide", "power", "sqrt", "mean", "stdev"]


class Pong(TypedDict):
    """What ``ping`` answers."""

    message: str
    time_ms: int
    """The worker's clock, milliseconds since 1970."""


class Prediction(TypedDict):
    """One item of ``ml_inference``."""

    index: int
    label: str
    confidence: float
    """From 0 to 1."""
    elapsed_ms: float
    """Since the call began."""


class Chunk(TypedDict):
    """One item of ``process_dataset``."""

    rows: int
    """Rows done so far."""
    total: int
    progress: float
    """From 0 to 1."""
    mean: float
    """Of the rows done so far."""
    stdev: float


@tool(idempotent=True)
def ping(message: str = "pong") -> Pong:
    """Answers at once."""
    return {"message": message, "time_ms": time.time_ns() // 1_000_000}


@tool(idempotent=True)
def echo(value: Any) -> Any:
    """Gives back what it was given."""
    return value


@tool(idempotent=True)
def compute(operation: Operation, numbers: list[float]) -> float:
    """Calculates with numbers, from left to right. ``sqrt`` takes one, ``stdev`` at least two.

    Raises:
        ValueError: too few numbers, or the root of a negative one.
        ZeroDivisionError: a division by 0.
    """
    least = {"sqrt": 1, "mean": 1, "stdev": 2}.get(operation, 2)
    if len(numbers) < least:
        raise ValueError(f"{operation} takes at least {least} numbers, {len(numbers)} came")
    if operation == "sqrt":
        return math.sqrt(numbers[0])
    if operation == "mean":
        return math.fsum(numbers) / len(numbers)
    if operation == "stdev":
        return _stdev(numbers)
    result = numbers[0]
    for number in numbers[1:]:
        result = _apply(operation, result, number)
    return result


@tool
def ml_inference(inputs: list[list[float]], weights: list[float] | None = None, labels: tuple[str, str] = ("no", "yes")) -> Iterator[Prediction]:
    """Classifies rows of numbers one after the other with a logistic model, each as soon as it is done.

    Without ``weights`` all columns count the same. Rows of another length than ``weights`` raise ValueError.
    """
    began = time.perf_counter()
    for index, row in enumerate(inputs):
        by = weights if weights is not None else [1.0 / max(1, len(row))] * len(row)
        if len(by) != len(row):
            raise ValueError(f"row {index} has {len(row)} numbers, the model takes {len(by)}")
        score = math.fsum(x * w for x, w in zip(row, by, strict=True))
        chance = 1 / (1 + math.exp(-max(-500.0, min(500.0, score))))
        yield {
            "index": index,
            "label": labels[chance >= 0.5],
            "confidence": max(chance, 1 - chance),
            "elapsed_ms": (time.perf_counter() - began) * 1_000,
        }


@tool
def process_dataset(rows: int = 10_000, chunk: int = 1_000, seed: int = 0) -> Iterator[Chunk]:
    """Makes ``rows`` random numbers (normal, mean 0, deviation 1) and summarises them chunk by chunk, reporting how far it is."""
    if rows < 1 or chunk < 1:
        raise ValueError("rows and chunk must be at least 1")
    numbers = random.Random(seed)
    done = 0
    # Welford's method: exact also where sums of squares would lose digits.
    mean = squares = 0.0
    while done < rows:
        for _ in range(min(chunk, rows - done)):
            done += 1
            number = numbers.gauss(0, 1)
            distance = number - mean
            mean += distance / done
            squares += distance * (number - mean)
        snakepit.progress(done / rows, f"{done} of {rows} rows")
        yield {"rows": done, "total": rows, "progress": done / rows, "mean": mean, "stdev": math.sqrt(squares / max(1, done - 1))}


def _stdev(numbers: Sequence[float]) -> float:
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))


def _apply(operation: Operation, left: float, right: float) -> float:
    if operation == "add":
        return left + right
    if operation == "subtract":
        return left - right
    if operation == "multiply":
        return left * right
    if operation == "divide":
        return left / right
    return left**right
