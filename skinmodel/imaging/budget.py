"""Memory that decoding may take, never promised twice and given back."""

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """An amount of memory that is never promised twice.

    Whoever came first goes first, so that a large request is not kept waiting by small ones for
    ever. One that asks for more than there is gets all of it, alone.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._used = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def borrow(self, size: int) -> Iterator[None]:
        """Wait until ``size`` bytes are free, and hold them until the block ends."""
        size = min(size, self._limit)
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: self._queue[0] is ticket and self._used + size <= self._limit
                )
                self._used += size
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._changed.notify_all()


def give_back() -> None:
    """Return memory that is free to the system.

    glibc keeps freed memory in one arena a thread, so that what one thread has freed another
    cannot use. Nothing happens elsewhere.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
