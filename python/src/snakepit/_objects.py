"""Objects that stay in the worker: those that tools store under keys of their own, and those that the host holds references to.

Both live as long as their session, a reference until the host lets go of it. They are kept apart, so no key of a tool's is ever that of a reference.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec

from snakepit._buffers import Unsupported
from snakepit._context import HOST, current
from snakepit._errors import ObjectLost
from snakepit._extensions import Place, Ref, place_of
from snakepit._session import MISSING

if TYPE_CHECKING:
    from snakepit._runtime import Runtime
    from snakepit._session_state import SessionState

# Of the whole worker: a session that is made known again must not find its objects under the keys of others.
_keys = itertools.count(1)


def ref(obj: object) -> Ref:
    """Keeps an object in this worker and gives what a result or an item may hold in its place.

    The program gets an opaque reference and passes it back to later calls of the same session, whose tools get the object itself. It is kept until
    the program releases it, or the session ends. Raises RuntimeError outside a call of a session.
    """
    running = current()
    runtime = HOST.runtime
    if running is None or runtime is None or not running.entry.session_id:
        raise RuntimeError("snakepit.ref keeps objects for a session: call the tool through a session")
    state = running.entry.state
    key = str(next(_keys))
    state.refs[key] = obj
    return Ref(Place(state.id, runtime.worker_id, key, _name_of(type(obj))))


def stored_object(runtime: Runtime, state: SessionState, payload: memoryview) -> Any:
    """The object of a reference that came back. Raises ObjectLost when it is not here, or no longer."""
    try:
        place = place_of(payload)
    except msgspec.MsgspecError:
        raise Unsupported("a reference to a stored object cannot be read") from None
    if place.session == state.id and place.worker == runtime.worker_id:
        found = state.refs.get(place.key, MISSING)
        if found is not MISSING:
            return found
    raise ObjectLost(place.key, place.worker)


def store_local_object(state: SessionState, key: str, obj: object) -> None:
    """Stores an object in this worker, for later calls of the session that come to it."""
    state.objects[key] = obj


def get_local_object(state: SessionState, key: str, default: Any) -> Any:
    """The object of a key.

    With `MISSING` for a default, raises ObjectLost when the session has come from a worker that died, and KeyError when nothing was stored.
    """
    found = state.objects.get(key, default)
    if found is not MISSING:
        return found
    if state.moved_from:
        raise ObjectLost(key, state.moved_from)
    raise KeyError(key)


def _name_of(kind: type[Any]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
