"""Whether workers may be forked off a process that has imported what they need."""

from __future__ import annotations

import os

from snakepit._fork_threads import foreign_threads, fork_on_trial


def why_unsafe() -> str:
    """Why forking is unsafe, in words; empty when it is safe.

    Imports are safe. What starts threads that stay is not (a parallel computation, a pool of threads), nor is a GPU that is in use: its driver knows
    one process only.
    """
    if _uses_gpu():
        return "a GPU is in use (a CUDA context, or a question such as torch.cuda.is_available())"
    fork_on_trial()
    threads = foreign_threads()
    if not threads:
        return ""
    others = len(threads) - 1
    more = f", and {others} more" if others else ""
    return f"{threads[0]} runs{more}: something was computed, or a thread was started, while it was imported"


def _uses_gpu() -> bool:
    """Whether the driver of NVIDIA's GPUs is open. Libraries open it late, when they first look for one."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("/dev/nvidia"):
                return True
        except OSError:
            # The descriptor of the folder itself.
            continue
    return False
