"""Soft attention guided by masks: what is minimised, what moves with what, and what may change."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tensorflow as tf
from factories import TINY_MODELS

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.masks import load_masks
from skinmodel.data.rows import PixelRows
from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import WHOLE, Placement, average_over_cells
from skinmodel.models import registry
from skinmodel.models.auxiliary import add_helpers
from skinmodel.models.receptive_field import place_cells
from skinmodel.models.soft_attention import SoftAttention
from skinmodel.training import loop, network
from skinmodel.training.engine import Images
from skinmodel.training.loop import Trainer
from skinmodel.training.network import freeze_features, is_weight, revive_attention
from skinmodel.training.objective import compute_divergence
from skinmodel.training.recipes import guidance_weight, load_recipe
from skinmodel.training.run_folder import read_finished
from skinmodel.training.tensorflow_engine.augmentation import augment


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(registry, "MODELS", TINY_MODELS)


@pytest.fixture
def config():
    recipe = load_recipe("attention", "cnn_sa", "float32", epochs=2)
    return replace(recipe, batch_size=8, initial="random")


def test_the_divergence_by_hand():
    # Four cells of 2 x 2 pixels; the lesion is the whole of one and half of another.
    mask = np.zeros((1, 4, 4), np.float32)
    mask[0, :2, :2] = 255
    mask[0, :2, 2] = 255
    maps = np.full((1, 2, 2, 2), 0.25, np.float32)
    maps[0, 0, 0] = [0.7, 0.5]
    maps[0, 0, 1] = [0.1, 0.3]
    expected = 2 / 3 * np.log((2 / 3) / 0.6) + 1 / 3 * np.log((1 / 3) / 0.2)
    assert float(compute_divergence(mask, maps)) == pytest.approx(expected, rel=1e-5)


def test_masks_are_read_where_the_cells_lie():
    # The cells tile the middle half of each side: the lesion fills the first of them, no more.
    mask = np.zeros((1, 8, 8), np.float32)
    mask[0, :4, :4] = 255
    maps = np.zeros((1, 2, 2, 1), np.float32)
    maps[0, 0, 0] = 1.0
    middle = Placement(0.25, 0.25, 0.75, 0.75)
    assert float(compute_divergence(mask, maps, middle)) == pytest.approx(0.0, abs=1e-6)
    shares = np.full((1, 2, 2, 1), 0.25, np.float32)
    assert float(compute_divergence(mask, shares, middle)) == pytest.approx(np.log(4), rel=1e-5)


def test_the_helpers_know_where_the_cells_of_attention_lie(config):
    model = registry.get_spec("cnn_sa").build()
    helped = add_helpers(model, deep=False, attended=False, maps=True)
    assert helped.names == ("maps",)
    assert helped.placement == place_cells(model, "soft_attention") != WHOLE


def test_a_map_that_is_the_mask_diverges_by_nothing_and_an_empty_mask_says_nothing():
    mask = np.zeros((2, 4, 4), np.float32)
    mask[0, :, :2] = 255
    maps = np.zeros((2, 2, 2, 3), np.float32)
    maps[0, :, 0] = 0.5
    maps[1, 0, 0] = 1.0  # all in one corner, of a picture without a lesion
    assert float(compute_divergence(mask, maps)) == pytest.approx(0.0, abs=1e-6)


def test_guidance_falls_to_nothing(config):
    weights = [guidance_weight(config, step, 10) for step in range(10)]
    assert weights[0] == config.guidance > 0
    assert np.diff(weights) == pytest.approx(-config.guidance / 10)
    assert weights[-1] == pytest.approx(config.guidance / 10)


def test_a_mask_moves_with_its_picture_and_keeps_its_values():
    settings = load_recipe("attention", "cnn_sa", "float32").augmentation
    rng = np.random.default_rng(0)
    masks = np.zeros((6, 80, 80), np.uint8)
    for mask in masks:
        cv2.circle(mask, tuple(int(v) for v in rng.integers(25, 55, 2)), 12, 255, -1)
    pictures = np.repeat(masks[..., None], 3, axis=-1)
    rows = PixelRows(pictures, np.arange(6), masks=masks)
    batch = rows[np.array([4, 1, 5])]
    assert batch.shape == (3, 80, 80, 4)
    np.testing.assert_array_equal(batch[..., 3], masks[[4, 1, 5]])
    seed = tf.constant([3, 5], tf.int32)
    geometry = replace(settings, brightness=0.0, contrast=0.0, saturation=0.0)
    moved = augment(batch, geometry, seed).numpy()
    np.testing.assert_array_equal(moved[..., 3], moved[..., 0])
    assert not np.array_equal(moved[..., 3], batch[..., 3])
    # Colours change the picture only; and the picture as it would without a mask behind it.
    coloured = augment(batch, settings, seed).numpy()
    np.testing.assert_array_equal(coloured[..., 3], moved[..., 3])
    alone = augment(batch[..., :3], settings, seed).numpy()
    np.testing.assert_array_equal(coloured[..., :3], alone)


def test_masks_are_reduced_as_pictures_are(tmp_path):
    mask = np.zeros((80, 120), np.uint8)
    mask[:40, :60] = 255
    files = [tmp_path / f"{n}.png" for n in range(2)]
    for file in files:
        cv2.imwrite(str(file), mask)
        mask = 255 - mask
    loaded = load_masks(files, 10, 10)
    assert loaded.shape == (2, 10, 10)
    assert loaded.dtype == np.uint8
    assert (loaded[0][:5, :5] == 255).all()
    assert loaded[0].sum() == 25 * 255
    np.testing.assert_array_equal(loaded[1], 255 - loaded[0])


def draw_lesions(count):
    """Return pictures of one dark disc on skin, anywhere in the cells' field, with their masks."""
    rng = np.random.default_rng(1)
    pixels = np.full((count, 80, 80, 3), 200, np.uint8)
    masks = np.zeros((count, 80, 80), np.uint8)
    for picture, mask in zip(pixels, masks, strict=True):
        centre = tuple(int(v) for v in rng.integers(25, 55, 2))
        cv2.circle(mask, centre, 10, 255, -1)
        picture[mask > 0] = 60
    return pixels, masks, np.arange(count) % 7


def test_only_attention_trains_and_the_map_finds_the_lesion(config, tmp_path):
    pixels, masks, truth = draw_lesions(64)
    rows = np.arange(64)
    images = Images(PixelRows(pixels, rows, masks=masks), truth)
    held = Images(pixels[:14], truth[:14])
    plain = Augmentation(horizontal_flip=True)
    config = replace(config, epochs=12, learning_rate=0.03, attended=0.0, augmentation=plain)
    session = Trainer(config, images, held, tmp_path / "run", progress=False)
    before = {v.path: v.numpy() for v in session.network.model.variables if v.dtype == "float32"}
    mass_before = measure_mass(session.network.model, pixels, masks)
    session.fit()
    changed = {
        v.path.split("/")[0]
        for v in session.network.model.variables
        if v.dtype == "float32" and not np.array_equal(v.numpy(), before[v.path])
    }
    assert changed == {"soft_attention"}
    assert measure_mass(session.network.model, pixels, masks) > mass_before + 0.1


def measure_mass(model, pixels, masks):
    """Return the mean share of the summed map that lies on the lesion."""
    attention = model.get_layer("soft_attention").output[1]
    maps = type(model)(model.input, attention)(pixels / 127.5 - 1.0, training=False).numpy()
    summed = maps.mean(axis=-1)
    placement = place_cells(model, "soft_attention")
    shares = [average_over_cells(mask / 255, *summed.shape[1:], placement) for mask in masks]
    return float((summed * np.stack(shares)).sum(axis=(1, 2)).mean())


def test_a_network_without_attention_has_nothing_to_train(config):
    spec = registry.get_spec("cnn")
    with pytest.raises(ConfigError, match=r"no soft attention.*nothing to train"):
        freeze_features(spec.build(), spec)


def test_a_run_starts_from_the_shipped_weights_and_only_at_its_start(config, tmp_path, monkeypatch):
    pixels, masks, truth = draw_lesions(16)
    images = Images(PixelRows(pixels, np.arange(16), masks=masks), truth)
    held = Images(pixels[:14], truth[:14])
    loads = []

    def load(model, spec):
        loads.append(spec.name)
        for variable in model.variables:
            if is_weight(variable):
                variable.assign(variable.value * 0 + 0.125)

    monkeypatch.setattr(network, "load_shipped", load)
    config = replace(config, initial="shipped", epochs=2)
    run = tmp_path / "run"
    original = Trainer._run_epoch

    def stop_after_one(self, state):
        if state.epoch == 1:
            raise KeyboardInterrupt
        return original(self, state)

    monkeypatch.setattr(Trainer, "_run_epoch", stop_after_one)
    data = {"name": "drawn", "split": {"name": "grouped", "seed": 3}}
    with pytest.raises(KeyboardInterrupt):
        loop.train(config, images, held, run, data, progress=False)
    monkeypatch.setattr(Trainer, "_run_epoch", original)
    loop.train(config, images, held, run, data, resume=True, progress=False)
    assert loads == ["cnn_sa"]  # the checkpoint brings its own weights
    kept = read_finished(run).weights
    assert (kept["conv1/kernel"] == 0.125).all()
    assert not (kept["soft_attention/kernel"] == 0.125).all()


@pytest.mark.parametrize(("before", "after"), [(-0.007, 0.01), (0.0, 0.01), (0.3, 0.3)])
def test_a_gamma_that_lets_nothing_through_starts_again(config, before, after):
    spec = registry.MODELS["cnn_sa"]
    model = spec.build()
    layer = model.get_layer("soft_attention")
    layer.gamma.assign(before)
    revive_attention(model, spec)
    assert float(layer.gamma) == pytest.approx(after)


def test_a_negative_gamma_is_dead_behind_a_relu():
    # Why: the network's answer knows nothing of the map, and no gradient reaches gamma.
    inputs = tf.constant(np.random.default_rng(2).random((2, 4, 4, 6)), tf.float32)
    layer = SoftAttention(heads=3)
    for gamma, dead in ((-0.1, True), (0.1, False)):
        layer(inputs)
        layer.gamma.assign(gamma)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.nn.relu(layer(inputs)[0]))
        assert (float(total) == 0) is dead
        gradient = tape.gradient(total, layer.gamma.value)
        assert (float(gradient) == 0) is dead
