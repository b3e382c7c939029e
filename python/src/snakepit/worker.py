"""The worker process: `python -m snakepit.worker --socket PATH`, with a token on stdin. docs/protocol.md says how it starts and ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snakepit._server import Service

__all__ = ["run"]


def run(path: str, services: Sequence[Service] = (), max_message_bytes: int | None = None) -> None:
    """Runs a worker that listens at `path` until its host is gone or lets it go, then ends the process.

    `services` are served beside WorkerService. A message to the worker may have `max_message_bytes`; by default as many as one to its host.
    """
    # Most of what takes time to start is imported there, and this module is compiled at each start.
    from snakepit._main import run

    run(path, services, max_message_bytes)


def main() -> None:
    """Runs a worker until its host is gone or lets it go."""
    # argparse takes a tenth of the time until the socket is there.
    match sys.argv[1:]:
        case ["--socket", path]:
            from snakepit import _own_imports

            _own_imports.begin()
            run(path)
        case _:
            sys.exit("usage: python -m snakepit.worker --socket PATH")


if __name__ == "__main__":
    main()
