"""Compiled code of Snakepit's own modules, and of what they import.

They are compiled once and kept beside their source, also where Python is told to write none (PYTHONDONTWRITEBYTECODE, common in containers): to
compile them at each start costs more than all else of it. An installer compiles a package whatever is wished of the program's own modules, but
nothing of Python's installs this one. In a folder that cannot be written they are compiled each time.
"""

from __future__ import annotations

import sys

_wished = sys.dont_write_bytecode


def keep() -> None:
    """From now on compiled code is kept. Only while nothing but Snakepit's own modules are imported."""
    sys.dont_write_bytecode = False


def as_wished() -> None:
    """From now on compiled code is kept where that is wished. Before the tools are imported."""
    sys.dont_write_bytecode = _wished
