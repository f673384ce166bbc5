"""The networks' own process as the server sees it: started, asked, ended and started anew.

TensorFlow must not be in the process that Streamlit serves pages from. After every run of a page,
be it a second's poll, Streamlit calls ``gc.collect(2)`` and, once Keras is imported,
``keras.backend.clear_session()``. What that does to networks in use, read in Keras 3 and tried:

- The collections (clear_session makes one more) walk through all of TensorFlow's objects, and stop
  every thread meanwhile, that of an import included: a load that was polled each second spent
  minutes on a busy machine on what takes seconds alone.
- It empties TensorFlow's cache of kernels, so that the next request of everybody prepares its graph
  anew: one verdict of EfficientNet-Lite0 took seven times as long as the ones around it.
- It replaces Keras's global state, the scopes of networks being built included, under all threads.

Answers stay the same, to the last bit.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

import skinmodel
from skinmodel.errors import WorkerError
from skinmodel.explain.registry import methods_of
from skinmodel.imaging import preprocess
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference import messages
from skinmodel.inference.messages import (
    Activate,
    Answer,
    Classify,
    Explain,
    Load,
    Prepare,
    Request,
    Stored,
    Task,
)
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.results import Explanation, Prediction
from skinmodel.weights.record import WeightsRecord

IDLE_SECONDS: Final = 600.0
"""Time without a request after which the process ends and gives its memory back."""

_LOADER: Final = "skinmodel.inference.classifier:load_ready"
_AGAIN: Final = "It starts anew at the next request: try again."


class UnexpectedWorkerError(RuntimeError):
    """An error that the networks' process did not raise on purpose.

    Attributes:
        frames: its type and where it was raised, without its message.
    """

    def __init__(self, frames: str):
        super().__init__(f"The networks' process raised an error that nobody expects: {frames}")
        self.frames = frames


@dataclass(frozen=True)
class Progress:
    """What the networks' process holds at one moment.

    Attributes:
        prepared: whether TensorFlow is loaded.
        held: keys of the networks that are loaded.
    """

    prepared: bool = False
    held: frozenset[str] = frozenset()


class NetworkProcess:
    """The one process that runs the networks of a server; safe to share between threads.

    It is started by the first request and again by the next one after it has ended, by itself or
    for want of use. It ends with the server, however that ends.

    Args:
        loader: ``module:function`` that loads a network in the process; importing the module
            loads TensorFlow. Tests name their own.
        idle_seconds: time without a request after which the process is ended.
    """

    def __init__(self, loader: str = _LOADER, idle_seconds: float = IDLE_SECONDS):
        self._loader = loader
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._server_ends = False

    @property
    def progress(self) -> Progress:
        """What is loaded; nothing while there is no process."""
        running = self._running
        return Progress() if running is None or running.ended else running.progress

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        running = self._running
        return None if running is None or running.ended else running.process.pid

    def prepare(self) -> None:
        """Start the process and load TensorFlow in it; takes seconds. Errors as in ``ask``."""
        self.ask(Prepare())

    def ask(self, task: Task) -> Any:
        """Return what a task returns; waits for it.

        Raises:
            SkinModelError: whatever the task raised of that family, as itself.
            WorkerError: the process ended before it answered, or could not be started.
            UnexpectedWorkerError: the task raised anything else.
        """
        while True:
            future = self._start_if_needed().submit(task)
            if future is not None:  # else it ended just now
                return future.result()

    def close(self) -> None:
        """End the process; requests that wait get a ``WorkerError``. The next one starts anew."""
        with self._lock:
            if self._running is not None:
                self._running.end()

    def _start_if_needed(self) -> "_Running":
        with self._lock:
            if self._server_ends:
                raise WorkerError("The server is ending: no network is asked any more.")
            if self._running is None:
                threading.Thread(target=self._end_with_server, daemon=True).start()
            if self._running is None or self._running.ended:
                self._running = _Running(self._loader, self._idle_seconds)
            return self._running

    def _end_with_server(self) -> None:
        """End once the main thread has: else sessions that wait here would keep the server up."""
        threading.main_thread().join()
        self._server_ends = True
        self.close()


class _Running:
    """One process from its start to its end, with the requests that wait for it."""

    def __init__(self, loader: str, idle_seconds: float):
        self.ended = False
        self.progress = Progress()
        self._idle_seconds = idle_seconds
        self._idle: threading.Timer | None = None
        self._numbers = itertools.count()
        self._waiting: dict[int, tuple[Task, Future[Any]]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self.process = _spawn(loader)
        threading.Thread(target=self._read, name="networks-answers", daemon=True).start()

    def submit(self, task: Task) -> Future[Any] | None:
        """Send a task and return where its answer will be; None where the process has ended."""
        future: Future[Any] = Future()
        request = Request(next(self._numbers), task)
        data = messages.encode(request)
        with self._lock:
            if self.ended:
                return None
            self._waiting[request.number] = task, future
            self._stop_idling()
        pipe = self.process.stdin
        assert pipe is not None
        # Where it has just ended, the reading thread finds out and tells the future.
        with suppress(OSError, ValueError), self._writing:
            pipe.write(data)
            pipe.flush()
        return future

    def end(self) -> None:
        """Close the process's input, with which it ends at once."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self.ended = True
        self._stop_idling()
        with self._writing:
            _close(self.process.stdin)

    def _read(self) -> None:
        """Hand answers to those who wait, until the process ends; then tell the others."""
        pipe = self.process.stdout
        assert pipe is not None
        try:
            while True:
                self._deliver(messages.read(pipe))
        except EOFError:
            self._tell_end()

    def _deliver(self, answer: Answer) -> None:
        with self._lock:
            task, future = self._waiting.pop(answer.number)
            prepared = isinstance(task, Prepare) and not answer.unexpected
            self.progress = Progress(
                self.progress.prepared or prepared or bool(answer.held), frozenset(answer.held)
            )
            if not self._waiting and not self.ended:
                self._idle = threading.Timer(self._idle_seconds, self._end_if_idle)
                self._idle.daemon = True
                self._idle.start()
        if answer.error is not None:
            future.set_exception(answer.error)
        elif answer.unexpected:
            future.set_exception(UnexpectedWorkerError(answer.unexpected))
        else:
            future.set_result(answer.value)

    def _tell_end(self) -> None:
        with self._lock:
            closed = self.ended
            self._end()
            waiting, self._waiting = self._waiting, {}
        how = _describe_end(self.process.wait(), closed)
        _close(self.process.stdout)
        for _, future in waiting.values():
            future.set_exception(
                WorkerError(
                    f"The process that runs the networks {how} before it answered. {_AGAIN}"
                )
            )

    def _end_if_idle(self) -> None:
        with self._lock:
            if not self._waiting:
                self._end()

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _spawn(loader: str) -> subprocess.Popen[bytes]:
    """Start the process as a program of its own.

    ``multiprocessing`` would run the server's ``__main__`` in it, which Streamlit replaces by the
    page's script while it runs; forking would copy locks that other threads hold.
    """
    root = str(Path(skinmodel.__file__).resolve().parents[1])
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    # -P: the folder the server was started in is none of the program's.
    command = [sys.executable, "-P", "-m", "skinmodel.inference.worker", loader]
    try:
        return subprocess.Popen(  # noqa: S603 - this program's own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": search},
        )
    except OSError as error:
        raise WorkerError(
            f"The process that runs the networks could not be started ({error}). Free memory, or "
            "allow more processes, and try again."
        ) from error


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(OSError):  # what was not written yet has no reader any more
        if pipe is not None:
            pipe.close()


def _describe_end(code: int, closed: bool) -> str:
    """Return how a process ended, by its exit status, negative for a signal."""
    if closed:
        return "was closed"
    if code < 0:
        memory = ", as the system does where memory runs out," if code == -signal.SIGKILL else ""
        return f"was ended by signal {-code}{memory}"
    return f"ended by itself with status {code} (the server's log may say why)"


class RemoteClassifier:
    """One stored network in the networks' process: what pages ask where TensorFlow must answer.

    Making one loads nothing. The first request does, and so does one after the process has ended;
    pictures are reduced to the network's input size here, so that no more than it sees travels.

    Args:
        process: where the network is to be.
        record: of its weights.
        folder: where their file is.
    """

    def __init__(self, process: NetworkProcess, record: WeightsRecord, folder: Path):
        self._process = process
        self._network = Stored(record, folder)
        self.record = record

    @property
    def spec(self) -> ModelSpec:
        """The network's description."""
        return get_spec(self.record.model)

    @property
    def run_id(self) -> str:
        """The training run the weights come from."""
        return self.record.run_id

    @property
    def temperature(self) -> float:
        """What its answers are calibrated with."""
        return self.record.temperature

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes its input."""
        return self.record.preprocessing

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that can explain this network."""
        return methods_of(self.spec)

    @property
    def is_held(self) -> bool:
        """Whether the process has the network ready now."""
        return self._network.key in self._process.progress.held

    def can_explain(self, _method: str) -> bool:
        """Return whether a map comes at once."""
        return self.is_held

    def can_read(self, _layers: Sequence[str]) -> bool:
        """Return whether layers are read at once."""
        return self.is_held

    def load_tensorflow(self) -> None:
        """Have the network ready; as ``load``."""
        self.load()

    def load(self) -> None:
        """Have the network ready; takes seconds. Errors as in ``NetworkProcess.ask``.

        Raises:
            WeightsError: as ``Classifier.from_stored``.
        """
        self._process.ask(Load(self._network))

    def classify(
        self,
        images: Sequence[NDArray[np.uint8]],
        views: int = 1,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> list[Prediction]:
        """Return one prediction an image; as ``Classifier.classify`` and ``load``."""
        reduced = tuple(preprocess.resize(image, self.preprocessing) for image in images)
        given = tuple(sizes or ((image.shape[0], image.shape[1]) for image in images))
        task = Classify(self._network, reduced, views, given)
        predictions: list[Prediction] = self._process.ask(task)
        return predictions

    def explain(
        self, image: NDArray[np.uint8], method: str, code: str | None = None
    ) -> Explanation:
        """Return where the network looked on one image; as ``Classifier.explain`` and ``load``."""
        reduced = preprocess.resize(image, self.preprocessing)
        explanation: Explanation = self._process.ask(Explain(self._network, reduced, method, code))
        return explanation

    def activations(
        self, image: NDArray[np.uint8], layers: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Return what some layers hand on; as ``Classifier.activations`` and ``load``."""
        reduced = preprocess.resize(image, self.preprocessing)
        outputs: dict[str, NDArray[np.float32]] = self._process.ask(
            Activate(self._network, reduced, tuple(layers))
        )
        return outputs
