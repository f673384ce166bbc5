"""Something slow to load, loaded once in the background and shared by every session."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
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

    What was loaded may be given up later, to save memory: the warm-up is cold again then, and a
    ``start`` loads anew.

    Args:
        load: takes seconds and returns what is to be shared; must itself be safe to share.
        is_held: whether what was loaded is still there, so that it answers at once.
    """

    def __init__(
        self, load: Callable[[], Loaded], is_held: Callable[[Loaded], bool] = lambda _: True
    ):
        self._load = load
        self._is_held = is_held
        self._lock = threading.Lock()
        self._future: Future[Loaded] | None = None
        self._last: Future[Loaded] | None = None
        self._started = 0.0
        self._ended: float | None = None

    def start(self) -> None:
        """Begin to load, unless that was begun before and is still of use; returns at once."""
        with self._lock:
            if self._future is None or self._is_lost(self._future):
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
        if future is None or self._is_lost(future):
            return WarmUpStatus(WarmUpState.COLD)
        seconds = (time.monotonic() if ended is None else ended) - started
        if not future.done():
            return WarmUpStatus(WarmUpState.LOADING, seconds)
        error = future.exception()
        state = WarmUpState.FAILED if error else WarmUpState.READY
        return WarmUpStatus(state, seconds, error)

    def result(self, timeout: float | None = 0.0) -> Loaded:
        """Return what was loaded; while it is loaded anew, what was loaded before.

        Args:
            timeout: seconds to wait for it; None waits for as long as it takes.

        Raises:
            RuntimeError: nothing was started.
            TimeoutError: it is not there yet.
            Exception: whatever ``load`` raised, where nothing was loaded before.
        """
        with self._lock:
            future = self._last or self._future
        if future is None:
            raise RuntimeError("WarmUp.result was called before WarmUp.start.")
        return future.result(timeout)

    def _is_lost(self, future: Future[Loaded]) -> bool:
        if not future.done() or future.exception():
            return False
        return not self._is_held(future.result())

    def _submit(self) -> None:
        self._started, self._ended = time.monotonic(), None
        self._future = Future()
        # A daemon: a server that stops does not wait for what it will not use.
        threading.Thread(
            target=self._run, args=(self._future,), name="warm-up", daemon=True
        ).start()

    def _run(self, future: Future[Loaded]) -> None:
        try:
            loaded = self._load()
        except Exception as error:
            _LOGGER.exception("Loading in the background failed.")
            self._ended = time.monotonic()
            future.set_exception(error)
            return
        self._ended = time.monotonic()
        future.set_result(loaded)
        self._last = future
