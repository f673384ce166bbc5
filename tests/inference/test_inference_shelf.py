import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from skinmodel.errors import WeightsError
from skinmodel.inference import shelf as module
from skinmodel.inference.engine import Outputs
from skinmodel.inference.quick import LOGITS_LAYER
from skinmodel.inference.shelf import EngineShelf, ShelvedClassifier
from skinmodel.weights import store

IMAGE = np.random.default_rng(5).integers(0, 256, (90, 130, 3)).astype(np.uint8)


class StubEngine:
    """Its logits are the mean of each input's channels, and four zeros."""

    placement = None

    def run(self, inputs):
        logits = np.zeros((len(inputs), 7), np.float32)
        logits[:, :3] = inputs.mean(axis=(1, 2))
        attention = np.full((len(inputs), 2, 2, 3), 0.25, np.float32)
        return Outputs(logits, logits[:, :3], attention)


class StubRemote:
    is_held = False

    def __init__(self):
        self.asked = []

    def explain(self, _image, method, code=None):
        self.asked.append((method, code))
        return "a map"

    def activations(self, _image, layers):
        self.asked.append(tuple(layers))
        return {}

    def load(self):
        self.is_held = True


@pytest.fixture
def loaded(monkeypatch):
    """What was loaded, by the records' digests; an element removed from ``broken`` loads again."""
    found = SimpleNamespace(keys=[], broken=set())

    def load(record, folder):
        found.keys.append(record.sha256)
        if record.sha256 in found.broken:
            raise WeightsError("corrupt")
        return StubEngine()

    monkeypatch.setattr(module, "load_engine", load)
    return found


def record_of(number, name="cnn_sa"):
    return replace(store.find(name, "shipped")[0], sha256=f"{number:064x}", guard=None)


def test_an_engine_is_loaded_once_for_all_who_ask_at_once(loaded, tmp_path):
    shelf, record = EngineShelf(), record_of(1)
    assert not shelf.holds(record)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: shelf.open(record, tmp_path), range(16)))
    assert len(found) == 1
    assert len(loaded.keys) == 1
    assert shelf.holds(record)


def test_one_that_cannot_be_loaded_is_tried_again_by_the_next_to_ask(loaded, tmp_path):
    shelf, record = EngineShelf(), record_of(1)
    loaded.broken.add(record.sha256)
    for _ in range(2):
        with pytest.raises(WeightsError, match="corrupt"):
            shelf.open(record, tmp_path)
        assert not shelf.holds(record)
    loaded.broken.clear()
    shelf.open(record, tmp_path)
    assert shelf.holds(record)
    assert len(loaded.keys) == 3


def test_the_one_not_asked_for_longest_goes_first(loaded, tmp_path):
    shelf = EngineShelf(kept=2)
    first, second, third = (record_of(k) for k in (1, 2, 3))
    for record in (first, second, first, third):
        shelf.open(record, tmp_path)
    assert [shelf.holds(record) for record in (first, second, third)] == [True, False, True]


def test_engines_are_given_up_when_nobody_asks_any_more(loaded, tmp_path, monkeypatch):
    timers = []

    class Timer:
        def __init__(self, seconds, action):
            self.seconds, self.action = seconds, action
            timers.append(self)

        def start(self):
            """Wait to be told."""

    now = 100.0
    monkeypatch.setattr(module, "threading", SimpleNamespace(Lock=threading.Lock, Timer=Timer))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    shelf, record = EngineShelf(idle_seconds=60.0), record_of(1)
    shelf.open(record, tmp_path)
    now = 150.0
    shelf.open(record, tmp_path)
    [first] = timers
    assert first.seconds == 60.0
    now = 160.0
    first.action()
    assert shelf.holds(record)
    assert timers[1].seconds == 50.0
    now = 210.0
    timers[1].action()
    assert not shelf.holds(record)
    assert len(timers) == 2
    shelf.open(record, tmp_path)
    assert len(timers) == 3


def test_verdict_soft_attention_and_logits_are_its_own_and_the_rest_is_tensorflows(
    loaded, tmp_path
):
    remote, record = StubRemote(), record_of(1)
    network = ShelvedClassifier(EngineShelf(), remote, record, tmp_path)
    assert not network.is_held
    network.load()
    assert network.is_held
    [prediction] = network.classify([IMAGE])
    assert (prediction.model, prediction.run_id) == ("cnn_sa", record.run_id)
    assert prediction.temperature == record.temperature
    found = network.explain(IMAGE, "soft_attention", "mel")
    np.testing.assert_array_equal(found.values, np.full((2, 2), 0.75))
    assert (found.code, found.layer) == (None, "soft_attention")
    logits = network.activations(IMAGE, [LOGITS_LAYER])[LOGITS_LAYER]
    assert logits.shape == (7,)
    assert not remote.asked
    assert network.explain(IMAGE, "grad_cam", "mel") == "a map"
    network.activations(IMAGE, ["conv1", LOGITS_LAYER])
    assert remote.asked == [("grad_cam", "mel"), ("conv1", LOGITS_LAYER)]


def test_what_waits_for_tensorflow_is_known_beforehand(loaded, tmp_path):
    network = ShelvedClassifier(EngineShelf(), StubRemote(), record_of(1), tmp_path)
    assert network.can_explain("soft_attention")
    assert network.can_read([LOGITS_LAYER])
    assert not network.can_explain("grad_cam")
    assert not network.can_read(["conv1"])
    network.load_tensorflow()
    assert network.can_explain("grad_cam")
    assert network.can_read(["conv1"])
