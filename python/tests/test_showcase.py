"""The tools that ship with the package."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

import pytest
from carry import there_and_back

from snakepit import showcase
from snakepit._loading import load
from snakepit._values import encode


def called(name: str, **arguments: Any) -> Any:
    tool = load(["snakepit.showcase"]).tools[name]
    result = tool.call(tool.decode(encode(arguments)[0]))
    return [there_and_back(item) for item in result] if tool.streaming else there_and_back(result)


def test_it_offers_these_tools() -> None:
    assert list(load(["snakepit.showcase"]).tools) == ["ping", "echo", "compute", "ml_inference", "process_dataset"]


def test_ping_and_echo_answer() -> None:
    assert called("ping", message="hello")["message"] == "hello"
    assert called("echo", value={"a": [1, None]}) == {"a": [1, None]}


@pytest.mark.parametrize(
    ("operation", "numbers", "expected"),
    [
        ("add", [1, 2, 3], 6),
        ("subtract", [10, 2, 3], 5),
        ("multiply", [2, 3, 4], 24),
        ("divide", [24, 2, 3], 4),
        ("power", [2, 10], 1024),
        ("sqrt", [9], 3),
        ("mean", [1, 2, 6], 3),
        ("stdev", [1, 2, 3, 4], statistics.stdev([1, 2, 3, 4])),
    ],
)
def test_compute_calculates(operation: str, numbers: list[float], expected: float) -> None:
    assert called("compute", operation=operation, numbers=numbers) == pytest.approx(expected)


def test_compute_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="stdev takes at least 2 numbers, 1 came"):
        showcase.compute("stdev", [1.0])


def test_inference_streams_a_prediction_a_row() -> None:
    predictions = called("ml_inference", inputs=[[10.0, 0.0], [-10.0, 0.0], [1e9, 0.0]], weights=[1.0, 0.0])
    assert [(p["index"], p["label"]) for p in predictions] == [(0, "yes"), (1, "no"), (2, "yes")]
    assert all(0.5 <= p["confidence"] <= 1 for p in predictions)


def test_the_dataset_stream_says_how_far_it_is() -> None:
    chunks = called("process_dataset", rows=2_500, chunk=1_000, seed=1)
    assert [chunk["rows"] for chunk in chunks] == [1_000, 2_000, 2_500]
    assert all(one["progress"] < other["progress"] for one, other in pairwise(chunks))
    assert chunks[-1]["progress"] == 1
    assert abs(chunks[-1]["mean"]) < 0.1
    assert abs(chunks[-1]["stdev"] - 1) < 0.1
