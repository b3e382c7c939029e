"""Arrays: needs numpy in the worker's environment."""

import numpy as np

from snakepit import tool


@tool
def scale(x: np.ndarray, by: float) -> np.ndarray:
    """Multiply an array; it keeps its kind of number."""
    return x * by


@tool
def grid(rows: int, columns: int) -> np.ndarray:
    """Count up in two dimensions."""
    return np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
