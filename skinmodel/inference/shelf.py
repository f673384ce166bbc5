"""The networks that a server has in ONNX Runtime: opened once for all sessions, given up unused.

ONNX Runtime may be in the process that serves pages: it lets go of the interpreter while it
computes, keeps nothing that Streamlit's collections would walk through, and has no state that is
cleared under it. TensorFlow may not; see ``process``.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from skinmodel.explain.registry import SOFT_ATTENTION
from skinmodel.inference.base import Image
from skinmodel.inference.engine import OnnxEngine
from skinmodel.inference.process import IDLE_SECONDS, RemoteClassifier
from skinmodel.inference.quick import LOGITS_LAYER, QuickClassifier, load_engine
from skinmodel.models.registry import get_spec
from skinmodel.results import Prediction
from skinmodel.trust.guard import read_guard
from skinmodel.weights.record import WeightsRecord

KEPT: Final = 6
"""Networks held at once, each up to 240 MB; the one not asked for longest goes first."""


class EngineShelf:
    """Engines by the weights they run; safe to share between threads.

    Args:
        kept: how many are held at once.
        idle_seconds: time without a request after which all are given up.
    """

    def __init__(self, kept: int = KEPT, idle_seconds: float = IDLE_SECONDS):
        self._kept = kept
        self._idle_seconds = idle_seconds
        self._engines: OrderedDict[str, Future[OnnxEngine]] = OrderedDict()
        self._lock = threading.Lock()
        self._asked = 0.0
        self._is_watched = False

    def open(self, record: WeightsRecord, folder: Path) -> OnnxEngine:
        """Return the engine of a record with a graph; the first to ask loads it, others wait.

        Raises:
            WeightsError: as ``quick.load_engine``; the next one to ask tries again.
        """
        key = record.sha256
        with self._lock:
            self._asked = time.monotonic()
            future = self._engines.get(key)
            is_first = future is None
            if future is None:
                future = self._engines[key] = Future()
            self._engines.move_to_end(key)
            while len(self._engines) > self._kept:
                self._engines.popitem(last=False)
            self._watch(self._idle_seconds)
        if is_first:
            self._load(future, record, folder)
        return future.result()

    def holds(self, record: WeightsRecord) -> bool:
        """Return whether the engine of a record answers at once."""
        with self._lock:
            future = self._engines.get(record.sha256)
        return future is not None and future.done() and future.exception() is None

    def _load(self, future: Future[OnnxEngine], record: WeightsRecord, folder: Path) -> None:
        try:
            engine = load_engine(record, folder)
        except Exception as error:  # noqa: BLE001 - told to everyone who waits
            with self._lock:
                if self._engines.get(record.sha256) is future:
                    del self._engines[record.sha256]
            future.set_exception(error)
        else:
            future.set_result(engine)

    def _watch(self, seconds: float) -> None:
        """Look again in so many seconds, unless that is going to be done."""
        if not self._is_watched:
            self._is_watched = True
            timer = threading.Timer(seconds, self._give_up_if_idle)
            timer.daemon = True
            timer.start()

    def _give_up_if_idle(self) -> None:
        with self._lock:
            self._is_watched = False
            left = self._asked + self._idle_seconds - time.monotonic()
            if left > 0:
                self._watch(left)
            else:
                self._engines.clear()


class ShelvedClassifier(QuickClassifier):
    """One stored network of a server; what pages ask.

    Making one loads nothing. What needs gradients or the inside of the network is asked of the
    networks' own process.

    Args:
        shelf: where its engine is to be.
        remote: the same network in the networks' own process.
        record: of its weights, with a graph.
        folder: where their files are.
    """

    def __init__(
        self, shelf: EngineShelf, remote: RemoteClassifier, record: WeightsRecord, folder: Path
    ):
        super().__init__(
            get_spec(record.model),
            record.preprocessing,
            record.run_id,
            record.temperature,
            record,
            open_engine=lambda: shelf.open(record, folder),
            open_tensorflow=lambda: remote,
        )
        self._stored, self._folder = record, folder
        self._shelf = shelf
        self._remote = remote

    @property
    def is_held(self) -> bool:
        """Whether verdicts come at once."""
        return self._shelf.holds(self._stored)

    def load(self) -> None:
        """Have verdicts at hand; takes a second. Errors as in ``EngineShelf.open``."""
        self._open_engine()
        self._open_guard()

    def classify(
        self,
        images: Sequence[Image],
        views: int = 1,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> list[Prediction]:
        """Return one prediction an image; as ``BaseClassifier.classify`` and ``load``."""
        self._open_guard()
        return super().classify(images, views, sizes)

    def _open_guard(self) -> None:
        if self.guard is None:
            self.guard = read_guard(self._stored, self._folder)

    def can_explain(self, method: str) -> bool:
        """Return whether a map comes without TensorFlow being loaded first."""
        return method == SOFT_ATTENTION or self._remote.is_held

    def can_read(self, layers: Sequence[str]) -> bool:
        """Return whether layers are read without TensorFlow being loaded first."""
        return set(layers) <= {LOGITS_LAYER} or self._remote.is_held

    def load_tensorflow(self) -> None:
        """Have everything else at hand; takes seconds. Errors as in ``RemoteClassifier.load``."""
        self._remote.load()
