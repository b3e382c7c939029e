"""A tool, and a start, that wait for gates: files that a test makes in the folder GATES."""

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


@tool(idempotent=True)
def quick(gate: str = "") -> str:
    """Known to be quick, until it is told to wait."""
    if gate:
        wait_for(gate)
    return gate
