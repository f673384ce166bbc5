"""Something slow to load, loaded once in the background and shared by every session."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

_LOGGER = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


class WarmUpState(StrEnum):
    """How far the loading has come."""

    COLD = "cold"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class WarmUpStatus:
    """The loading at one moment.

    Attributes:
        state: cold, loading, ready or failed.
        seconds: time since the loading began; once it has ended, how long it took; 0 when cold.
        error: why it failed; None in every other state.
    """

    state: WarmUpState
    seconds: float = 0.0
    error: BaseException | None = None


class WarmUp(Generic[Loaded]):
    """Calls ``load`` once in a background thread, however many sessions ask for it.

    Args:
        load: takes seconds and returns what is to be shared; must itself be safe to share.
    """

    def __init__(self, load: Callable[[], Loaded]):
        self._load = load
        self._lock = threading.Lock()
        self._future: Future[Loaded] | None = None
        self._started = 0.0
        self._ended: float | None = None

    def start(self) -> None:
        """Begin to load, unless that was begun before; returns at once."""
        with self._lock:
            if self._future is None:
                self._submit()

    def retry(self) -> None:
        """Begin again after a failure; does nothing in any other state."""
        with self._lock:
            if self._future is not None and self._future.done() and self._future.exception():
                self._submit()

    @property
    def status(self) -> WarmUpStatus:
        """The loading as it stands now."""
        with self._lock:
            future, started, ended = self._future, self._started, self._ended
        if future is None:
            return WarmUpStatus(WarmUpState.COLD)
        seconds = (time.monotonic() if ended is None else ended) - started
        if not future.done():
            return WarmUpStatus(WarmUpState.LOADING, seconds)
        error = future.exception()
        state = WarmUpState.FAILED if error else WarmUpState.READY
        return WarmUpStatus(state, seconds, error)

    def result(self, timeout: float | None = 0.0) -> Loaded:
        """Return what was loaded.

        Args:
            timeout: seconds to wait for it; None waits for as long as it takes.

        Raises:
            RuntimeError: nothing was started.
            TimeoutError: it is not there yet.
            Exception: whatever ``load`` raised.
        """
        with self._lock:
            future = self._future
        if future is None:
            raise RuntimeError("WarmUp.result was called before WarmUp.start.")
        return future.result(timeout)

    def _submit(self) -> None:
        self._started, self._ended = time.monotonic(), None
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="warm-up")
        self._future = executor.submit(self._run)
        executor.shutdown(wait=False)  # the thread ends with its one task

    def _run(self) -> Loaded:
        try:
            loaded = self._load()
        except Exception:
            _LOGGER.exception("Loading in the background failed.")
            raise
        finally:
            self._ended = time.monotonic()
        return loaded
