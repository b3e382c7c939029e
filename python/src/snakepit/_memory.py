"""Memory that the worker shares with its host: segments for arguments, which the host writes, and segments for results, which the worker writes.

A segment is a memfd of the worker's that both sides keep mapped. It has no name, so nothing is left of it when both have ended, however they end; its
pages are allocated before it is used, so that short memory is an error here and no signal later; and nobody can change its size. At any time it
belongs to one side: who sends a message that names it lends it, the receiver returns the lease.

Making a segment costs as much as sending it over the socket several times. So no call waits for one: what finds none that is free goes over the
socket, and a thread makes one for the next time.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from snakepit._errors import ProtocolError
from snakepit._frames import EVENT, frame
from snakepit.v1.frame_pb2 import Event, LeasesReturned, MemoryProbe, Segment, SegmentsClosed, SegmentsOpened
from snakepit.v1.value_pb2 import SharedRange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from snakepit._buffers import OutBuffer
    from snakepit._writer import Writer

__all__ = ["LEAST_BESIDE", "LEAST_SHARED", "Loan", "Memory"]

LEAST_SHARED = 262_144
"""Buffers that are smaller than this together are cheaper to send."""
LEAST_BESIDE = 4096
"""A buffer that is smaller than this stands in its message."""

_PAGE = 4096
_NONCE = 32
_ALIGN = 64
# Each costs a descriptor.
_MOST_SEGMENTS = 64
# How long a segment is kept that nobody uses, and none is made when the last could not be mapped, in seconds.
_IDLE = 30.0

# What Linux calls F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW and MAP_POPULATE. Not every version of Python names them.
_ADD_SEALS = 1033
_SEALS = 1 | 2 | 4
_POPULATE = 0x8000
_Byte: Any = ctypes.c_ubyte


def _size_class(size: int) -> int:
    """A size not much larger, so that one segment serves sizes that vary a little."""
    step = max(_PAGE, 1 << max(0, size.bit_length() - 4))
    return -(-size // step) * step


class _Pages:
    """A memfd, mapped."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.fd = os.memfd_create("snakepit", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.posix_fallocate(self.fd, 0, size)
            fcntl.fcntl(self.fd, _ADD_SEALS, _SEALS)
            self.map = mmap.mmap(self.fd, size, mmap.MAP_SHARED | _POPULATE, mmap.PROT_READ | mmap.PROT_WRITE)
        except BaseException:
            os.close(self.fd)
            raise
        self.used = time.monotonic()

    def close(self) -> None:
        """Gives the memory up. What still looks at it keeps it mapped on this side."""
        os.close(self.fd)
        try:
            self.map.close()
        except BufferError:
            # An array of a tool's is still there. The mapping goes with the last of them.
            pass


class _ResultSegment(_Pages):
    """A segment that the worker writes results to."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.id = 0
        self.address = ctypes.addressof(_Byte.from_buffer(self.map))
        # The lease that the host has, and whether a message with it is on its way.
        self.lease = 0
        # The lease that it was made known with.
        self.first_lease = 0
        self.writing = False
        # What looks at it here, and the array that `empty` made of it.
        self.root: weakref.ref[Any] | None = None
        self.array: weakref.ref[Any] | None = None

    def hold(self) -> Any:
        """What keeps it in use for as long as anything looks at it."""
        root = None if self.root is None else self.root()
        if root is None:
            root = (_Byte * self.size).from_buffer(self.map)
            self.root = weakref.ref(root)
        return root

    @property
    def free(self) -> bool:
        """Whether it may be written to from its beginning."""
        return not self.lease and not self.writing and (self.root is None or self.root() is None)


class Loan:
    """A segment of results that a message is about to lend. Without `sent` it is free again when this is gone."""

    __slots__ = ("_segment", "_sent", "lease")

    def __init__(self, segment: _ResultSegment, lease: int) -> None:
        self._segment = segment
        self._sent = False
        self.lease = lease
        segment.writing = True

    def range(self, offset: int, length: int) -> SharedRange:
        """A part of it, as a message names it."""
        return SharedRange(segment=self._segment.id, offset=offset, length=length, lease=self.lease)

    def sent(self) -> None:
        """The message goes now: the segment is the host's until it returns the lease."""
        self._sent = True
        self._segment.lease = self.lease
        self._segment.writing = False
        array = None if self._segment.array is None else self._segment.array()
        if array is not None:
            # Whoever keeps the array would change what the caller looks at.
            array.flags.writeable = False

    def __del__(self) -> None:
        if not self._sent:
            self._segment.writing = False


class Memory:
    """What a worker shares with its host. Everything is refused until the host has said that it can map memory."""

    def __init__(self, budget: int, writer: Writer, protected: Callable[[], AbstractContextManager[object]]) -> None:
        self._budget = budget
        self._writer = writer
        # Keeps interrupts of the tool that runs on this thread from what is done within.
        self._protected = protected
        self._pid = os.getpid()
        # Finalizers run at any line, within this lock too.
        self._lock = threading.RLock()
        self._probe: _Pages | None = None
        self._nonce = b""
        # Whether the host has said that it can.
        self.works = False
        self._total = 0
        self._results: dict[int, _ResultSegment] = {}
        self._arguments: dict[int, _Pages] = {}
        self._leases = 0
        self._ids = 0
        # The arguments that tools still have, by lease.
        self._held: dict[int, weakref.ref[Any]] = {}
        # Least size, and whether it is for arguments.
        self._wanted: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()
        self._wanting: set[int] = set()
        # When the host could not map a segment of results last.
        self._refused = -_IDLE
        self._maker: threading.Thread | None = None

    # The handshake.

    def probe(self) -> MemoryProbe | None:
        """A page for the host to find. None where no memory can be shared, or none shall be."""
        if self._budget < LEAST_SHARED or not hasattr(os, "memfd_create"):
            return None
        try:
            self._probe = _Pages(_PAGE)
        except OSError:
            return None
        self._nonce = os.urandom(_NONCE)
        self._probe.map[:_NONCE] = self._nonce
        return MemoryProbe(descriptor=self._probe.fd, nonce=self._nonce)

    def probed(self, works: bool) -> None:
        """The host has answered. Where its mapping is none of the same memory, nothing is shared."""
        probe, self._probe = self._probe, None
        if probe is not None:
            self.works = works and probe.map[_NONCE : 2 * _NONCE] == self._nonce
            probe.close()

    # Results.

    def place(self, buffers: Sequence[OutBuffer]) -> tuple[list[Loan], list[SharedRange | None]]:
        """Where each of these buffers lies in memory: those that `empty` made where they are, the others are copied. None for what is to be sent."""
        loans: list[Loan] = []
        places: list[SharedRange | None] = [None] * len(buffers)
        if not self.works:
            return loans, places
        for index, buffer in enumerate(buffers):
            found = self._where(buffer.data)
            if found is not None:
                loan, offset = found
                loans.append(loan)
                places[index] = loan.range(offset, buffer.data.nbytes)
        rest = [index for index, place in enumerate(places) if place is None and buffers[index].data.nbytes >= LEAST_BESIDE]
        offsets: list[int] = []
        total = 0
        for index in rest:
            offsets.append(total)
            total += -(-buffers[index].data.nbytes // _ALIGN) * _ALIGN
        taken = self._take(total) if total >= LEAST_SHARED else None
        if taken is not None:
            segment, loan = taken
            loans.append(loan)
            for index, offset in zip(rest, offsets, strict=True):
                data = buffers[index].data
                segment.map[offset : offset + data.nbytes] = data
                places[index] = loan.range(offset, data.nbytes)
        return loans, places

    def _where(self, data: memoryview) -> tuple[Loan, int] | None:
        """The segment that `empty` made these bytes in, and where. None when they lie elsewhere, or are lent already."""
        # What `room` made can be written to, until it is lent.
        if data.nbytes < LEAST_SHARED or data.readonly:
            return None
        roots = [segment for segment in list(self._results.values()) if segment.root is not None and segment.root() is not None]
        if not roots:
            return None
        address = ctypes.addressof(_Byte.from_buffer(data))
        for segment in roots:
            offset = address - segment.address
            if offset >= 0 and offset + data.nbytes <= segment.size and offset % _ALIGN == 0:
                with self._lock:
                    if segment.lease or segment.writing:
                        return None
                    self._leases += 1
                    return Loan(segment, self._leases), offset
        return None

    def room(self, size: int) -> Any:
        """Memory for a result of at least so many bytes, as a ctypes array. None when none is free, or it is too little for a segment."""
        return None if (found := self._room(size)) is None else found[1]

    def empty(self, np: Any, shape: Any, dtype: Any) -> Any:
        """An array in memory, not initialised. None as for `room`."""
        dtype = np.dtype(dtype)
        found = None if dtype.hasobject else self._room(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        if found is None:
            return None
        segment, root = found
        array = np.ndarray(shape, dtype, buffer=root)
        segment.array = weakref.ref(array)
        return array

    def _room(self, size: int) -> tuple[_ResultSegment, Any] | None:
        if not self.works or size < LEAST_SHARED:
            return None
        found = self._take(size)
        if found is None:
            return None
        segment, _ = found
        segment.array = None
        return segment, segment.hold()

    def _take(self, size: int) -> tuple[_ResultSegment, Loan] | None:
        """The smallest segment of results that is free and large enough."""
        with self._lock:
            fitting = [segment for segment in self._results.values() if segment.size >= size and segment.free]
            if fitting:
                segment = min(fitting, key=lambda one: one.size)
                segment.used = time.monotonic()
                self._leases += 1
                return segment, Loan(segment, self._leases)
        self._want(size, False)
        return None

    def returned(self, leases: Iterable[int]) -> None:
        """The host has done with results."""
        ended = set(leases)
        for segment in list(self._results.values()):
            if segment.lease in ended:
                segment.lease = 0

    # Arguments.

    def received(self, ranges: Sequence[SharedRange]) -> list[memoryview]:
        """The bytes of buffers that the host has put into memory. The lease is returned when nothing looks at them any more.

        Without a lease they are bytes of a result that the host has a view of; these are read-only.

        Raises ProtocolError for what is no part of a segment of arguments.
        """
        owners: dict[int, Any] = {}
        views: list[memoryview] = []
        for part in ranges:
            result = None if part.lease else self._results.get(part.segment)
            if result is not None and result.lease and part.offset + part.length <= result.size:
                # What the host still looks at is not to be written to.
                views.append(memoryview(result.hold()).cast("B").toreadonly()[part.offset : part.offset + part.length])
                continue
            segment = self._arguments.get(part.segment)
            if segment is None or part.offset + part.length > segment.size or not part.lease:
                raise ProtocolError(f"{part.length} bytes at {part.offset} of segment {part.segment} are no memory of arguments")
            owner = owners.get(part.lease)
            if owner is None:
                owner = owners[part.lease] = (_Byte * segment.size).from_buffer(segment.map)
                self._hold(part.lease, owner)
            views.append(memoryview(owner).cast("B")[part.offset : part.offset + part.length])
        return views

    def _hold(self, lease: int, owner: Any) -> None:
        def gone(_: object) -> None:
            self._held.pop(lease, None)
            # Not in a process that a tool has forked off.
            if os.getpid() == self._pid:
                self._say(Event(leases_returned=LeasesReturned(leases=[lease])))

        self._held[lease] = weakref.ref(owner, gone)

    # Segments.

    def wanted(self, size: int) -> None:
        """The host has found no memory for arguments."""
        if self.works:
            self._want(size, True)
        else:
            self._say(Event(segments_opened=SegmentsOpened()))

    def dropped(self, ids: Iterable[int]) -> None:
        """The host uses these segments no more."""
        for one in ids:
            with self._lock:
                pages = self._arguments.pop(one, None) or self._results.pop(one, None)
                if pages is not None:
                    self._total -= pages.size
            if pages is not None:
                if isinstance(pages, _ResultSegment) and pages.lease == pages.first_lease:
                    # It could not be mapped; the next one could not either.
                    self._refused = time.monotonic()
                pages.close()

    def _want(self, size: int, for_arguments: bool) -> None:
        size = _size_class(size)
        with self._protected():
            if not for_arguments:
                if size in self._wanting or time.monotonic() < self._refused + _IDLE:
                    return
                self._wanting.add(size)
            self._wanted.put((size, for_arguments))
            if self._maker is None:
                with self._lock:
                    if self._maker is None:
                        self._maker = threading.Thread(target=self._make_all, name="snakepit-memory", daemon=True)
                        self._maker.start()

    def _make_all(self) -> None:
        while True:
            try:
                size, for_arguments = self._wanted.get(timeout=_IDLE)
            except queue.Empty:
                self._close_idle(time.monotonic() - _IDLE)
                continue
            self._provide(size, for_arguments)

    def _provide(self, size: int, for_arguments: bool) -> None:
        pages = self._make(size, for_arguments)
        if pages is not None:
            self._open(pages)
        elif for_arguments:
            self._say(Event(segments_opened=SegmentsOpened()))
        self._wanting.discard(size)

    def _make(self, size: int, for_arguments: bool) -> _Pages | None:
        if not self._has_room(size):
            return None
        try:
            return _Pages(size) if for_arguments else _ResultSegment(size)
        except (OSError, ValueError):
            return None

    def _open(self, pages: _Pages) -> None:
        """Makes a segment known. One for results is the host's until it has mapped it: no message names what it cannot read."""
        lease = 0
        with self._lock:
            self._ids += 1
            made = self._ids
            self._total += pages.size
            if isinstance(pages, _ResultSegment):
                pages.id = made
                self._leases += 1
                pages.lease = pages.first_lease = lease = self._leases
                self._results[made] = pages
            else:
                self._arguments[made] = pages
        inode = os.fstat(pages.fd).st_ino
        opened = Segment(id=made, descriptor=pages.fd, inode=inode, bytes=pages.size, for_arguments=not lease, lease=lease)
        self._say(Event(segments_opened=SegmentsOpened(segments=[opened])))

    def _has_room(self, size: int) -> bool:
        """Whether one more may be made. Closes segments of results that are free, those first that were not used for longest."""
        if size > self._budget:
            return False
        while self._total + size > self._budget or len(self._results) + len(self._arguments) >= _MOST_SEGMENTS:
            free = [segment for segment in list(self._results.values()) if segment.free]
            if not free:
                return False
            self._close([min(free, key=lambda one: one.used)])
        return True

    def _close_idle(self, since: float) -> None:
        self._close([segment for segment in list(self._results.values()) if segment.used < since])

    def _close(self, segments: Iterable[_ResultSegment]) -> None:
        closed: list[int] = []
        for segment in segments:
            with self._lock:
                if not segment.free or self._results.pop(segment.id, None) is None:
                    continue
                self._total -= segment.size
            segment.close()
            closed.append(segment.id)
        if closed:
            self._say(Event(segments_closed=SegmentsClosed(segments=closed)))

    def _say(self, event: Event) -> None:
        # Before whatever is sent after it, and behind nothing that is large.
        self._writer.send_for(0, frame(EVENT, 0, event.SerializeToString()))
