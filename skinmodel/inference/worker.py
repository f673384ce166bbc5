"""The networks' own process: it loads networks, answers requests and ends with its pipe.

TensorFlow is loaded here and nowhere else while a server runs. Streamlit runs ``gc.collect(2)``
and, once Keras is imported, ``keras.backend.clear_session()`` after every run of a page, so that
networks in the server's process would be disturbed by everyone who looks at a page; ``process``
tells how. Started by ``process.NetworkProcess``, never by hand.

Requests come in at standard input; when it ends, because the server closed it or is no more, this
process ends at once, whatever it is doing. Two threads work: one loads networks, one answers by
networks that are loaded, so that nobody's verdict waits for another's loading. Answers are given
one at a time, verdicts before maps: one waits for at most one request that has begun.
"""

import os
import queue
import signal
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from skinmodel.errors import SkinModelError
from skinmodel.inference import messages
from skinmodel.inference.messages import Answer, Load, Network, NetworkTask, Prepare, Request
from skinmodel.weights.record import WeightsRecord

KEPT: Final = 6
"""Networks held at once, each up to 240 MB; the one not asked for longest goes first."""

LoadNetwork = Callable[[WeightsRecord, Path], Network]


class Desk:
    """Takes requests and has them answered by its two threads.

    Args:
        find_loader: returns what loads a network; itself may take seconds.
        send: hands an answer to the server; called by one thread at a time.
    """

    def __init__(self, find_loader: Callable[[], LoadNetwork], send: Callable[[Answer], None]):
        self._find_loader = find_loader
        self._send = send
        self._held: OrderedDict[str, Network] = OrderedDict()
        self._lock = threading.Lock()
        self._replying = threading.Lock()
        self._to_load: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._to_answer: queue.PriorityQueue[tuple[int, int, Request]] = queue.PriorityQueue()

    def open(self) -> None:
        """Begin to work, in the background."""
        threading.Thread(target=self._keep_loading, name="loading", daemon=True).start()
        threading.Thread(target=self._keep_answering, name="answering", daemon=True).start()

    def take(self, request: Request) -> None:
        """Put a request where it is worked on; returns at once."""
        task = request.task
        if isinstance(task, Prepare) or self._find(task) is None:
            self._to_load.put(request)
        elif isinstance(task, Load):
            self._reply(self._attempt(request, lambda: None))  # it is there
        else:
            self._to_answer.put((task.priority, request.number, request))

    def _find(self, task: NetworkTask) -> Network | None:
        with self._lock:
            network = self._held.get(task.network.key)
            if network is not None:
                self._held.move_to_end(task.network.key)
            return network

    def _keep_loading(self) -> NoReturn:
        while True:
            request = self._to_load.get()
            if isinstance(request.task, Prepare):
                self._reply(self._attempt(request, self._find_loader))
            else:
                self._load(request, request.task)

    def _load(self, request: Request, task: NetworkTask) -> None:
        """Load a request's network, unless one before it had it loaded, and pass the request on."""
        if self._find(task) is None:
            failure = self._attempt(request, lambda: self._load_network(task))
            if failure.error or failure.unexpected:
                self._reply(failure)
                return
        self.take(request)

    def _load_network(self, task: NetworkTask) -> None:
        network = self._find_loader()(task.network.record, task.network.folder)
        with self._lock:
            self._held[task.network.key] = network
            while len(self._held) > KEPT:
                self._held.popitem(last=False)

    def _keep_answering(self) -> NoReturn:
        while True:
            _, _, request = self._to_answer.get()
            task = request.task
            assert not isinstance(task, Prepare | Load)
            network = self._find(task)
            if network is None:  # gone for others' sake since the request came in
                self._to_load.put(request)
            else:
                self._reply(self._attempt(request, partial(task.apply, network)))

    def _attempt(self, request: Request, action: Callable[[], Any]) -> Answer:
        """Return the answer to a request, be it an error."""
        value, error, unexpected = None, None, ""
        try:
            value = action()
        except SkinModelError as found:
            error = found
        except Exception as found:  # noqa: BLE001 - told to the server, which logs it
            unexpected = _describe(found)
        if isinstance(request.task, Prepare):
            value = None
        return Answer(request.number, value, error, unexpected)

    def _reply(self, answer: Answer) -> None:
        """Send an answer with what is held at that very moment, not before an earlier answer."""
        with self._replying:
            with self._lock:
                held = tuple(self._held)
            self._send(replace(answer, held=held))


def _describe(error: BaseException) -> str:
    """Return an error's type and frames and its causes', without their messages."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = f"{type(error).__module__}.{type(error).__qualname__}\n{frames}"
    cause = error.__cause__ or error.__context__
    return text if cause is None else f"{text}caused by: {_describe(cause)}"


def find_loader(name: str) -> LoadNetwork:
    """Return the function of ``module:function``; importing the module loads TensorFlow."""
    module, function = name.split(":")
    loader: LoadNetwork = getattr(import_module(module), function)
    return loader


def main(arguments: list[str]) -> NoReturn:
    """Work until standard input ends.

    Args:
        arguments: one, what ``find_loader`` takes.
    """
    # A terminal's Ctrl+C goes to every process in it; this one ends when the server has.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = _take_pipes()

    def send(answer: Answer) -> None:
        data = _encode(answer)
        try:
            answers.write(data)
            answers.flush()
        except OSError:
            os._exit(0)  # nobody is there to be answered

    desk = Desk(lambda: find_loader(arguments[0]), send)
    desk.open()
    try:
        while True:
            desk.take(messages.read(requests))
    except EOFError:
        os._exit(0)  # at once: threads may be in the middle of a long computation


def _encode(answer: Answer) -> bytes:
    """Return an answer as it goes into the pipe; one that cannot travel is an error itself."""
    try:
        return messages.encode(answer)
    except Exception as found:  # noqa: BLE001 - told to the server, which logs it
        failed = replace(answer, value=None, error=None, unexpected=_describe(found))
        return messages.encode(failed)


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output, and keep what libraries print away from them."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


if __name__ == "__main__":
    main(sys.argv[1:])
