"""A model that takes many inputs for little more than the price of one."""

import math

from snakepit import tool


@tool(batch=True, max_batch_size=16, max_wait_ms=50)
def root(x: list[float]) -> list[str | ValueError]:
    """Lists come in and a list goes out, one result for each call; an exception among them fails only its own call."""
    company = f"of {len(x)} together"
    return [f"{math.sqrt(n)} {company}" if n >= 0 else ValueError(f"{n} has no root") for n in x]
