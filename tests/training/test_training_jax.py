"""JAX's engine gives what TensorFlow's gives, and the same again after a stop."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from factories import write_drawn_ham10000
from jax_side import EPOCHS, SETTINGS
from safetensors.numpy import load_file

from skinmodel import paths
from skinmodel.errors import ConfigError
from skinmodel.training import engine, parity
from skinmodel.training.engine import open_engine
from skinmodel.training.parity import LOSS_TOLERANCE, WEIGHT_TOLERANCE, train_ten_steps
from skinmodel.training.recipes import load_recipe
from skinmodel.training.run_folder import read_finished, read_history
from skinmodel.training.tensorflow_engine.augmentation import augment
from skinmodel.weights.manifest import read_manifest

TIMES = ("seconds", "images_per_second")


def draw_given():
    """Return pictures with masks behind them, and what is drawn for each."""
    rng = np.random.default_rng(9)
    return {
        "pixels": rng.integers(0, 256, (4, 40, 56, 4), dtype=np.uint8),
        "affine": rng.uniform(-1, 1, (9, 4)).astype(np.float32),
        "colour": rng.uniform(-1, 1, (3, 4, 1, 1, 1)).astype(np.float32),
        "share": np.float32(np.log(0.43)),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder in which ``jax_side`` has left what it found, in a process of its own."""
    folder = tmp_path_factory.mktemp("jax")
    write_drawn_ham10000(folder / "data")
    np.savez(folder / "given.npz", **draw_given())
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(paths.ROOT), *sys.path])}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("jax_side.py")), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", SETTINGS)
def test_augmentation_by_the_same_numbers_agrees_within_one_grey_level(made, monkeypatch, name):
    given = draw_given()
    by_shape = {given[part].shape: given[part] for part in ("affine", "colour", "share")}

    def uniform(shape, seed, minval, maxval):
        return tf.constant(by_shape[tuple(int(n) for n in shape)])

    monkeypatch.setattr(tf.random, "stateless_uniform", uniform)
    expected = augment(given["pixels"], SETTINGS[name], tf.constant([1, 0], tf.int32)).numpy()
    found = np.load(made / "augmented.npz")[name]
    assert np.abs(found - expected).max() < 1.0
    changed = np.abs(expected - given["pixels"]).max() > 50
    assert changed == (name != "same")


def test_ten_steps_give_the_losses_and_weights_of_tensorflow(made):
    losses, weights = train_ten_steps("tensorflow")
    found = load_file(made / "parity.safetensors")
    np.testing.assert_allclose(found.pop("losses"), losses, rtol=0, atol=LOSS_TOLERANCE)
    assert found.keys() == weights.keys()
    for name, values in weights.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=WEIGHT_TOLERANCE, err_msg=name)
    # What a GPU's losses are compared with, where TensorFlow is not to be had.
    np.testing.assert_allclose(parity.read_saved(), losses, rtol=0, atol=LOSS_TOLERANCE)


def test_a_run_stopped_and_resumed_is_the_run_trained_straight_to_the_bit(made):
    assert json.loads((made / "found.json").read_text())["statuses"] == [0, 130, 0]
    [straight], [parts] = (made / "straight").iterdir(), (made / "parts").iterdir()
    ours, theirs = read_finished(parts), read_finished(straight)
    assert ours.result.epoch == theirs.result.epoch
    for name, values in theirs.weights.items():
        np.testing.assert_array_equal(ours.weights[name], values, err_msg=name)
    rows = [
        [{k: v for k, v in row.items() if k not in TIMES} for row in read_history(run)]
        for run in (parts, straight)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == EPOCHS


def test_a_run_on_jax_says_so_and_loads_no_tensorflow(made):
    assert json.loads((made / "found.json").read_text())["tensorflow"] is False
    [run] = (made / "straight").iterdir()
    finished = read_finished(run)
    assert finished.config["engine"] == "jax"
    assert {"jax", "keras"} < set(finished.result.versions)
    assert "tensorflow" not in finished.result.versions
    [record] = read_manifest(made / "home" / "weights")
    assert record.recipe["engine"] == "jax"
    assert record.run_id == finished.result.run_id == run.name


def test_the_engine_is_part_of_the_fingerprint_and_tensorflows_runs_keep_theirs():
    plain = load_recipe("grouped", "cnn", "float32")
    other = load_recipe("grouped", "cnn", "float32", engine="jax")
    assert "engine" not in plain.to_dict()
    assert other.to_dict() == {**plain.to_dict(), "engine": "jax"}
    assert other.fingerprint != plain.fingerprint
    assert replace(other, engine="tensorflow").fingerprint == plain.fingerprint


def test_a_recipe_cannot_choose_the_engine(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('engine = "jax"\n')
    with pytest.raises(ConfigError, match="engine is not a recipe's to set"):
        load_recipe(str(file), "cnn", "float32")


def test_without_jax_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"'jax' is not installed.*pip install -r requirements-j"):
        open_engine("jax")


def test_a_process_whose_keras_runs_on_another_backend_is_told_so():
    with pytest.raises(
        ConfigError, match=r"runs on 'tensorflow'.*process of its own.*--engine jax"
    ):
        open_engine("jax")
