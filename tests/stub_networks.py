"""Networks for tests of the networks' own process: no TensorFlow, and they do as they are told.

A run id of ``needs-NAME`` fails to load while the folder has no file NAME. What ``explain`` is to
do stands in its method: ``wait`` for the file ``code``, ``die``, ``fail`` in either way, or just
answer. Whatever is done is noted in the folder's ``log``.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import UnknownNameError, WeightsError
from skinmodel.results import Explanation, Prediction
from skinmodel.weights.record import WeightsRecord

LOADER = "stub_networks:load"
SECRET = "name of a patient"


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


class StubNetwork:
    """Its first probability is the mean of the picture's first channel over 255."""

    def __init__(self, record: WeightsRecord, folder: Path):
        self.record = record
        self.folder = folder

    def note(self, text: str) -> None:
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")

    def classify(
        self, images: Sequence[NDArray[np.uint8]], _views: int = 1, _sizes: object = None
    ) -> list[Prediction]:
        print("a library that prints", flush=True)
        os.write(1, b"and one that writes to the descriptor\n")
        self.note("classify")
        shape = (self.record.preprocessing.height, self.record.preprocessing.width, 3)
        assert all(image.shape == shape for image in images)
        shares = [float(image[..., 0].mean()) / 255 for image in images]
        name, run_id = self.record.model, self.record.run_id
        return [Prediction(name, run_id, (s, 1 - s, 0, 0, 0, 0, 0)) for s in shares]

    def explain(
        self, image: NDArray[np.uint8], method: str, code: str | None = None
    ) -> Explanation:
        self.note(f"{method} begins")
        if method == "wait":
            wait_for(self.folder / str(code))
        elif method == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif method == "fail on purpose":
            raise UnknownNameError("method", method, ["grad_cam"])
        elif method == "fail":
            raise ValueError(SECRET)
        elif method == "unpicklable":
            return lambda: None
        self.note(f"{method} ends")
        values = np.full((2, 2), image.mean(), np.float32)
        return Explanation(self.record.model, self.record.run_id, method, "layer", code, values)

    def activations(
        self, image: NDArray[np.uint8], layers: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        return {name: np.full(3, image.mean(), np.float32) for name in layers}


def load(record: WeightsRecord, folder: Path) -> StubNetwork:
    network = StubNetwork(record, folder)
    network.note(f"load {record.run_id}")
    if record.run_id.startswith("slow-"):
        wait_for(folder / record.run_id)
    needed = folder / record.run_id.removeprefix("needs-")
    if record.run_id.startswith("needs-") and not needed.exists():
        raise WeightsError(f"The weights of {record.run_id} are corrupt.")
    assert "tensorflow" not in sys.modules
    return network
