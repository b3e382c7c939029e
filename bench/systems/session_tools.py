"""What a session costs a tool: reads that the worker keeps, reads that ask the host, and beside them the cheapest question there is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from snakepit import Session, tool


@tool
def reads(session: Session, rounds: int, calls: int) -> dict[str, float]:
    """Microseconds of a read of each kind and of a bare call: medians of rounds in which all take their turn."""
    session.set_cache_config(ttl_seconds=3_600)
    # The bare call is not for tools.
    host = session._runtime.host  # pyright: ignore[reportPrivateUsage]
    kinds: dict[str, Callable[[], object]] = {
        "bare_call_us": lambda: host.ping("v50"),
        "uncached_get_us": lambda: session.get_variable("v50", bypass_cache=True),
        "cached_get_us": lambda: session.get_variable("v50"),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, run in kinds.items():
            began = time.perf_counter_ns()
            for _ in range(calls):
                run()
            took = (time.perf_counter_ns() - began) / calls / 1_000
            # The first round warms up.
            if number > 0:
                times[kind].append(took)
    return {kind: statistics.median(values) for kind, values in times.items()}
