"""Tools that need what takes long to import."""

import numpy
import sklearn.ensemble

from snakepit import tool


@tool
def versions() -> list[str]:
    """Give the versions of what was imported."""
    return [numpy.__version__, sklearn.__version__]
