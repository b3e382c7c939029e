"""What a worker keeps of a session's variables.

The host tells of every change of what was answered with ``keep``, so a value that is kept is never older than one message. Answers are taken in by
the thread that asked, and changes by the thread that reads, so an answer may be looked at after a change that came behind it. What was last heard of
each name is therefore remembered, with the moment when it was: an answer that is older, or may be, is not kept. Moments are counted, not measured.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from snakepit._errors import InvalidOptions
from snakepit._values import decode

if TYPE_CHECKING:
    from snakepit.v1.frame_pb2 import ChangedVariable
    from snakepit.v1.session_pb2 import Variable

__all__ = ["Cache", "CacheStats", "Cached", "no_cache"]

TTL_SECONDS = 1.0
"""Default of ``ttl_seconds``."""
MAX_SIZE = 1_000
"""Default of ``max_size``."""
# Names of which the last change is remembered; as many as a session has variables by default.
_MAX_HEARD = 10_000
_GONE = float("inf")
_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
# The host takes such a name for an id first, so it cannot be looked up here.
_LIKE_AN_ID = re.compile(r"var_.+_[1-9]\d*", re.DOTALL)


@dataclass(frozen=True)
class CacheStats:
    """What a cache has done so far, and how it is set."""

    size: int
    """Variables that are kept."""
    hits: int
    """Reads that were answered from it."""
    misses: int
    """Reads that were not, those with ``bypass_cache`` among them. Reads while it is off count nowhere."""
    evictions: int
    """Values that went because they were too old or there were too many."""
    sets: int
    """Values that were taken in."""
    hit_rate: float
    """Part of the reads that were hits, from 0 to 1; 0 without any."""
    enabled: bool
    """Whether it keeps anything."""
    ttl_seconds: float
    """How long a value is kept, in seconds."""
    max_size: int
    """Most variables that are kept."""


class Cached:
    """A variable that is kept."""

    __slots__ = ("_raw", "_value", "at", "constraints_json", "id", "name", "type", "version")

    def __init__(self, variable: Variable, at: float) -> None:
        self.id = variable.id
        self.name = variable.name
        self.type = variable.type
        self.version = variable.version
        self.constraints_json = variable.constraints_json
        self.at = at
        self._raw: bytes | None = variable.value
        self._value: Any = None

    def value(self) -> Any:
        """The value, as the reader's own: whoever alters it alters nobody else's."""
        raw = self._raw
        if raw is None:
            return self._value
        value = decode(raw)
        if type(value) in _SCALARS:
            self._value = value
            self._raw = None
        return value


class _Heard(NamedTuple):
    """What was last heard of a name."""

    id: str
    version: float
    moment: int


class Cache:
    """Values by the name and the id of their variable, the one read last at the end. Its methods may be called on any thread and do not block."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # A finalizer that reads a variable may run within any of the methods.
        self._lock = threading.RLock()
        self._clock = clock
        self._enabled = True
        self._ttl = TTL_SECONDS
        self._max_size = MAX_SIZE
        self._over = False
        self._by_id: OrderedDict[str, Cached] = OrderedDict()
        self._ids: dict[str, str] = {}
        # In the order of their moments.
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._moment = 0
        # Of what was heard until then nothing may be remembered.
        self._forgotten = 0
        self._hits = self._misses = self._evictions = self._sets = 0

    # What sessions use.

    def find(self, name: str, bypass: bool = False) -> Cached | None:
        """The variable of a name or an id, if it is kept and not too old. Counts as a hit or a miss; a miss when ``bypass`` wants the host's own."""
        with self._lock:
            found = self._by_id.get(self._ids.get(name, name))
            if found is not None and not bypass:
                if self._clock() - found.at < self._ttl:
                    self._by_id.move_to_end(found.id)
                    self._hits += 1
                    return found
                self._drop(found)
                self._evictions += 1
            if self._enabled:
                self._misses += 1
            return None

    def known(self, name: str) -> Cached | None:
        """What is kept of a variable, too old or not. Its type and constraints hold as long as it does. Counts nowhere."""
        with self._lock:
            return self._by_id.get(self._ids.get(name, name))

    def asking(self) -> int | None:
        """To be called before the host is asked: what `take` has to be told. None when the answer is not to be kept."""
        return self._moment if self._enabled and self._max_size > 0 else None

    def take(self, variables: Iterable[Variable], asked: int | None) -> None:
        """Keeps what the host has answered, unless something later was heard meanwhile."""
        with self._lock:
            if asked is None or not self._enabled:
                return
            at = self._clock()
            for variable in variables:
                self._keep(variable, asked, at)

    def written(self, versions: Mapping[str, int], variables: Iterable[Variable], asked: int | None) -> None:
        """Changes of this worker have these new versions, by name or id. Keeps those that the host has answered whole."""
        with self._lock:
            for name, version in versions.items():
                older = self.known(name)
                if older is not None and older.version < version:
                    self._hear(older.name, older.id, version)
            self.take(variables, asked)

    def invalidate(self, name: str | None = None) -> None:
        """Lets go of the variable of a name or an id; of all without one."""
        with self._lock:
            if name is None:
                self._empty()
            else:
                found = self.known(name)
                if found is not None:
                    self._drop(found)

    def configure(self, enabled: bool | None = None, ttl_seconds: float | None = None, max_size: int | None = None) -> None:
        """Changes what is given. Raises InvalidOptions."""
        if ttl_seconds is not None and not ttl_seconds >= 0:
            raise InvalidOptions("ttl_seconds", "a number of seconds from 0")
        if max_size is not None and max_size < 0:
            raise InvalidOptions("max_size", "a whole number from 0")
        with self._lock:
            if self._over:
                return
            if ttl_seconds is not None:
                self._ttl = ttl_seconds
            if max_size is not None:
                self._max_size = max_size
                self._evict()
            if enabled is not None:
                self._enabled = enabled
                if not enabled:
                    self._empty()

    def stats(self) -> CacheStats:
        """What it has done so far."""
        with self._lock:
            reads = self._hits + self._misses
            return CacheStats(
                size=len(self._by_id),
                hits=self._hits,
                misses=self._misses,
                evictions=self._evictions,
                sets=self._sets,
                hit_rate=self._hits / reads if reads else 0.0,
                enabled=self._enabled,
                ttl_seconds=self._ttl,
                max_size=self._max_size,
            )

    # What the runtime uses.

    def preload(self, variables: Sequence[Variable]) -> None:
        """What the session starts with."""
        self.take(variables, self.asking())

    def changed(self, variables: Sequence[ChangedVariable]) -> None:
        """The host says that what is kept of earlier versions than these is no longer right."""
        with self._lock:
            for variable in variables:
                self._hear(variable.name, variable.id, _GONE if variable.deleted else variable.version)

    def clear(self) -> None:
        """The session is over: keeps nothing, and takes in nothing more, for the host tells of no more changes."""
        with self._lock:
            self._over = True
            self._enabled = False
            self._empty()
            self._heard.clear()

    # Under the lock.

    def _keep(self, variable: Variable, asked: int, at: float) -> None:
        heard = self._heard.get(variable.name)
        if heard is None:
            late = asked < self._forgotten
        elif heard.id == variable.id:
            late = variable.version < heard.version
        else:
            # One of the two has taken the other's place; which, only an answer to a later question tells.
            late = asked < heard.moment
            if late:
                self._drop_by(heard.id)
        if late or self._max_size == 0:
            return
        self._hear(variable.name, variable.id, variable.version)
        self._by_id[variable.id] = Cached(variable, at)
        self._by_id.move_to_end(variable.id)
        if _LIKE_AN_ID.fullmatch(variable.name) is None:
            self._ids[variable.name] = variable.id
        self._sets += 1
        self._evict()

    def _hear(self, name: str, id: str, version: float) -> None:
        if (found := self._by_id.get(id)) is not None and found.version < version:
            self._drop(found)
        heard = self._heard.get(name)
        if heard is not None and heard.id != id:
            # The end of a variable says nothing of the one that has taken its place.
            if version == _GONE:
                return
            self._drop_by(heard.id)
        elif heard is not None and heard.version > version:
            version = heard.version
        self._moment += 1
        self._heard[name] = _Heard(id, version, self._moment)
        self._heard.move_to_end(name)
        if len(self._heard) > _MAX_HEARD:
            _, oldest = self._heard.popitem(last=False)
            self._forgotten = oldest.moment

    def _evict(self) -> None:
        while len(self._by_id) > self._max_size:
            _, oldest = self._by_id.popitem(last=False)
            self._drop(oldest)
            self._evictions += 1

    def _drop(self, found: Cached) -> None:
        self._by_id.pop(found.id, None)
        if self._ids.get(found.name) == found.id:
            del self._ids[found.name]

    def _drop_by(self, id: str) -> None:
        found = self._by_id.get(id)
        if found is not None:
            self._drop(found)

    def _empty(self) -> None:
        self._by_id.clear()
        self._ids.clear()


@lru_cache(maxsize=1)
def no_cache() -> Cache:
    """The one of all sessions that the host has not made known: it is off and stays off."""
    cache = Cache()
    cache.clear()
    return cache
