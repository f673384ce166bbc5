"""The moving average of the weights, and training from pretrained ones."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from factories import TINY_MODELS

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.models import registry
from skinmodel.training import checkpoint, loop, network
from skinmodel.training.engine import Images
from skinmodel.training.loop import Trainer
from skinmodel.training.network import get_weights, reseed_dropout
from skinmodel.training.recipes import load_recipe
from skinmodel.training.tensorflow_engine.optimizer import WeightAverage


@pytest.fixture(autouse=True, scope="module")
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "MODELS", TINY_MODELS)
        yield


@pytest.fixture(scope="module")
def config(tiny):
    recipe = load_recipe("grouped", "cnn", "float32", epochs=3)
    return replace(recipe, batch_size=14, average=0.5)


def draw_images(count, seed):
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % len(CODES)
    pixels = rng.integers(0, 80, (count, 80, 80, 3)) + 20 * truth[:, None, None, None]
    return Images(pixels.astype(np.uint8), truth.astype(np.int64))


TRAIN, VAL = draw_images(28, 1), draw_images(14, 2)


def build_trainer(config, run):
    return Trainer(config, TRAIN, VAL, run, progress=False)


def test_three_updates_by_hand():
    variable = keras.Variable(np.array([8.0], np.float32), name="weight")
    average = WeightAverage([variable], 0.25)
    for value in (0.0, 4.0, 1.0):
        variable.assign([value])
        average.update()
    # The first two keep (1 + n) / (10 + n) of the old: 2/11 and 3/12; the third the full decay.
    first = 8.0 * 2 / 11
    second = first * 3 / 12 + 4.0 * 9 / 12
    third = second * 0.25 + 1.0 * 0.75
    assert average.get_state()["average/weight"][0] == pytest.approx(third, rel=1e-6)
    assert average.get_state()["average/steps"].tolist() == [3]


def test_the_network_answers_with_the_average_only_inside():
    variable = keras.Variable(np.array([1.0], np.float32), name="weight")
    average = WeightAverage([variable], 0.9)
    variable.assign([5.0])

    def answer():
        with average.applied():
            assert variable.numpy().tolist() == [1.0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer()
    assert variable.numpy().tolist() == [5.0]


def test_its_state_goes_on_and_another_networks_is_refused():
    variable = keras.Variable(np.array([1.0], np.float32), name="weight")
    average, other = WeightAverage([variable], 0.9), WeightAverage([variable], 0.9)
    variable.assign([5.0])
    average.update()
    other.set_state(average.get_state())
    assert other.get_state() == average.get_state()
    with pytest.raises(ConfigError, match=r"average of the weights.*average/weight.*--force"):
        other.set_state({"average/steps": np.array([1])})


def test_what_is_validated_and_kept_is_the_average(tmp_path, config):
    fitted = build_trainer(replace(config, epochs=1), tmp_path)
    state = fitted.fit()
    kept = checkpoint.load_file(checkpoint.best_file(tmp_path, 1))
    own = get_weights(fitted.network.model)
    averages = fitted.engine.average.get_state()
    assert set(kept) == set(own)
    for name, values in kept.items():
        np.testing.assert_array_equal(values, averages[f"average/{name}"])
    assert any(not np.array_equal(values, own[name]) for name, values in kept.items())
    with fitted.engine.average.applied():
        again = fitted._validate()
    assert again["val_loss"] == pytest.approx(state.history[0]["val_loss"], rel=1e-5)


def test_a_stopped_run_goes_on_with_its_average(tmp_path, config, monkeypatch):
    straight = build_trainer(config, tmp_path / "straight").fit()

    def stop_in_epoch_3(model, seed, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return reseed_dropout(model, seed, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "reseed_dropout", stop_in_epoch_3)
        stopped = build_trainer(config, tmp_path / "stopped")
        with pytest.raises(KeyboardInterrupt):
            stopped.fit()
    resumed = build_trainer(config, tmp_path / "stopped").fit()
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    for a, b in zip(resumed.history, straight.history, strict=True):
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=1e-5)


def test_pretrained_weights_are_loaded_at_the_start_and_not_on_a_resume(
    tmp_path, config, monkeypatch
):
    loaded = []
    monkeypatch.setattr(network, "load_pretrained", lambda _, spec: loaded.append(spec.name))
    build_trainer(replace(config, epochs=1), tmp_path / "random").fit()
    assert loaded == []
    pretrained = replace(config, epochs=1, initial="pretrained")
    build_trainer(pretrained, tmp_path / "run").fit()
    assert loaded == ["cnn"]
    build_trainer(pretrained, tmp_path / "run")
    assert loaded == ["cnn"]


def test_a_network_without_a_backbone_cannot_start_from_one(tmp_path, config):
    with pytest.raises(ConfigError, match=r"'cnn' is trained from scratch.*efficientnet_lite0_sa"):
        build_trainer(replace(config, initial="pretrained"), tmp_path)
