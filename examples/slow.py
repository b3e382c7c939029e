"""Tools that take their time."""

import time

import snakepit
from snakepit import tool


@tool
def train(epochs: int) -> str:
    """Report how far it is while it works."""
    for epoch in range(1, epochs + 1):
        snakepit.progress(epoch / epochs, f"epoch {epoch}")
    return "trained"


@tool
def think() -> str:
    """Never end, and say so when interrupted."""
    try:
        snakepit.progress(0, "thinking")
        while True:
            time.sleep(0.01)
    except snakepit.Cancelled:
        print("interrupted")
        raise
