"""What tools count, and when the host hears of it."""

from __future__ import annotations

import pytest
from worker_host import Host

import snakepit
from snakepit._frames import OPEN, RESULT, frame
from snakepit.v1.frame_pb2 import CallHead
from snakepit.v1.host_pb2 import ReportTelemetryRequest

TOOLS = """
import asyncio
from snakepit import count

@tool
def counts(name: str, by: float) -> None:
    count(name, by)

@tool
async def counts_later(name: str) -> None:
    count(name)
    await asyncio.sleep(0)
    count(name)
"""


def report(host: Host) -> dict[str, float]:
    """The next report of the worker."""
    got = host.until(lambda f: f.kind == OPEN)
    assert CallHead.FromString(got.body[: got.prefix]).method == "/snakepit.v1.HostService/ReportTelemetry"
    host.send(frame(RESULT, got.call))
    return dict(ReportTelemetryRequest.FromString(got.body[got.prefix :]).counters)


def test_what_is_counted_within_a_second_comes_together_and_once() -> None:
    with Host(TOOLS) as host:
        host.call("counts", name="a", by=1)
        host.call("counts", name="a", by=0.5)
        host.call("counts_later", name="b")
        assert report(host) == {"a": 1.5, "b": 2}
        host.call("counts", name="b", by=3)
        assert report(host) == {"b": 3}


def test_only_what_counts_up_is_counted() -> None:
    snakepit.count("outside a worker")
    for name, by in [("a", -1.0), ("a", float("nan")), ("a", float("inf")), ("", 1.0)]:
        with pytest.raises(ValueError, match="counts up"):
            snakepit.count(name, by)
