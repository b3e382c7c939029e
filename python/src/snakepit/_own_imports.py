"""How Snakepit's own modules are imported, and what they import: quickly, because a start takes little else.

They are compiled once and kept beside their source, also where Python is told to write none (PYTHONDONTWRITEBYTECODE, common in containers): to
compile them at each start costs more than all else of it. An installer compiles a package whatever is wished of the program's own modules, but
nothing of Python's installs this one. In a folder that cannot be written they are compiled each time.

Meanwhile no garbage is collected, of which importing makes next to none. What is there afterwards stays, so nothing looks at it again either.
"""

from __future__ import annotations

import gc
import sys
from typing import NamedTuple


class _Before(NamedTuple):
    collects: bool
    writes_no_bytecode: bool


_before: _Before | None = None


def begin() -> None:
    """From here on only modules of Snakepit's own are imported, and what they need."""
    global _before
    _before = _Before(gc.isenabled(), sys.dont_write_bytecode)
    gc.disable()
    sys.dont_write_bytecode = False


def end() -> None:
    """All is again as it was before `begin`. Does nothing without it."""
    global _before
    if _before is None:
        return
    sys.dont_write_bytecode = _before.writes_no_bytecode
    gc.freeze()
    if _before.collects:
        gc.enable()
    _before = None
