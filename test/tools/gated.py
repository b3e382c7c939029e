"""A tool, and a start, that wait for gates: files that a test makes in the folder GATES."""

import itertools
import os
import time

from snakepit import tool

GATES = os.environ["GATES"]
STARTS = f"{GATES}/starts"


def wait_for(gate: str) -> None:
    while not os.path.exists(f"{GATES}/{gate}"):
        time.sleep(0.002)


with open(STARTS, "a") as starts:
    starts.write("x")
if os.path.getsize(STARTS) > 2:
    wait_for("replacements")


_turns = itertools.count()


@tool
def turn() -> int:
    """How many calls of this came before."""
    return next(_turns)


@tool(idempotent=True)
def quick(gate: str = "") -> str:
    """Known to be quick, until it is told to wait."""
    if gate:
        wait_for(gate)
    return gate
