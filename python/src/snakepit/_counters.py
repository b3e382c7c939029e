"""What tools count, on its way to the metrics of the host."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING

from snakepit._context import HOST
from snakepit.v1.host_pb2 import ReportTelemetryRequest, ReportTelemetryResponse

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

__all__ = ["Counters", "count"]

_INTERVAL = 1.0


class Counters:
    """The counters of one worker. What was counted is reported within a second, all of it together."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._counted: dict[str, float] = {}
        self._due = False
        # The loop itself keeps no task from being collected.
        self._sending: asyncio.Task[None] | None = None

    def add(self, name: str, by: float) -> None:
        """Counts. From any thread."""
        # An interrupt that came here would leave the lock taken.
        with self._runtime.protected():
            with self._lock:
                self._counted[name] = self._counted.get(name, 0.0) + by
                due, self._due = self._due, True
            if not due:
                self._runtime.loop.call(self._wait)

    def report(self) -> None:
        """Reports what has not been reported yet. On the loop's thread."""
        with self._lock:
            counted, self._counted = self._counted, {}
            self._due = False
        if counted:
            self._sending = self._runtime.loop.loop.create_task(self._send(counted))

    def _wait(self) -> None:
        self._runtime.loop.loop.call_later(_INTERVAL, self.report)

    async def _send(self, counted: dict[str, float]) -> None:
        try:
            await self._runtime.host.unary_async("ReportTelemetry", ReportTelemetryRequest(counters=counted), ReportTelemetryResponse.FromString)
        except Exception:
            # A host that does not want them has lost nothing that it needs, and one that is gone hears nothing.
            pass


def count(name: str, by: float = 1) -> None:
    """Adds ``by``, which is not negative, to a counter of this name in the host's metrics. Raises ValueError for what is no such number.

    Does nothing outside a worker, so a tool can be tested by calling it. What was counted in the last second before a worker is killed is lost.
    """
    if not name or not math.isfinite(by) or by < 0:
        raise ValueError(f"a counter has a name and counts up: {name!r}, {by!r}")
    runtime = HOST.runtime
    if runtime is not None:
        runtime.counters.add(name, by)
