"""Starts a thread when it is imported, so that forking is unsafe."""

import threading

from snakepit import tool

threading.Thread(target=threading.Event().wait, name="left behind", daemon=True).start()


@tool
def one() -> int:
    return 1
