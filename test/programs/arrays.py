# needs numpy in the worker's environment
import numpy as np

from snakepit import tool


@tool
def scale(x: np.ndarray, by: float) -> np.ndarray:  # arrays arrive as arrays, without a copy where the machine allows
    return x * by
