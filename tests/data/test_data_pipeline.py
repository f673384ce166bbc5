import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.changes import to_input
from skinmodel.data.report.protocol import TRANSFORMS, apply_transform
from skinmodel.data.rows import PixelRows, shuffled_order
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.imaging.preprocess import Preprocessing, scale
from skinmodel.training.tensorflow_engine.augmentation import augment, build_batches, draw_affines

SIDE = 16
EVERYTHING = Augmentation(
    horizontal_flip=True,
    vertical_flip=True,
    rotation=180.0,
    zoom=0.2,
    stretch=0.1,
    shear=5.0,
    shift=0.1,
    brightness=0.15,
    contrast=0.15,
    saturation=0.15,
)
# The places of the nine numbers that draw_affines takes from its generator.
PLACES = (
    *("angle", "shear", "zoom", "stretch_x", "stretch_y"),
    *("mirror_x", "mirror_y", "shift_x", "shift_y"),
)


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture
def draw(monkeypatch):
    """Make every draw zero but the named ones: the middle of each range, or its ends."""

    def fix(**numbers):
        def uniform(shape, seed, minval, maxval):
            assert (minval, maxval) == (-1.0, 1.0)
            u = np.zeros([int(n) for n in shape], np.float32)
            for name, value in numbers.items():
                u[PLACES.index(name)] = value
            return tf.constant(u)

        monkeypatch.setattr(tf.random, "stateless_uniform", uniform)

    return fix


def seed(number):
    return tf.constant([7, number], tf.int32)


def run(pixels, settings, number=1):
    return augment(tf.constant(pixels), settings, seed(number)).numpy()


class CountingPixels:
    """Pixels that count how often they are read, and how many images."""

    def __init__(self, pixels):
        self.pixels, self.shape, self.reads, self.images = pixels, pixels.shape, 0, 0

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, rows):
        self.reads += 1
        self.images += len(rows)
        return self.pixels[rows]


# --- batches ---


@pytest.mark.parametrize("order", [None, np.array([5, 0, 3, 1, 4, 2]), np.array([4, 4, 1])])
@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_batches_hold_the_rows_in_the_order_asked_for(pixels, order, batch_size):
    targets = np.arange(6) * 10
    batches = list(build_batches(pixels, targets, batch_size, order).as_numpy_iterator())
    rows = np.arange(6) if order is None else order
    sizes = [len(t) for _, t in batches]
    assert sizes[:-1] == [batch_size] * (math.ceil(len(rows) / batch_size) - 1)
    assert 1 <= sizes[-1] <= batch_size
    got, truth = (np.concatenate(column) for column in zip(*batches, strict=True))
    np.testing.assert_array_equal(got, pixels[rows])
    np.testing.assert_array_equal(truth, targets[rows])
    assert (got.dtype, truth.dtype) == (np.uint8, np.int64)


def test_the_pixels_are_read_once_a_batch_never_once_an_image():
    counting = CountingPixels(np.zeros((100, 4, 4, 3), np.uint8))
    batches = list(build_batches(counting, np.zeros(100, np.int64), 32))
    assert (len(batches), counting.reads) == (4, 4)


@pytest.mark.parametrize("transforms", [None, TRANSFORMS[:5]], ids=["plain", "turned"])
@pytest.mark.parametrize("order", [None, np.array([3, 0, 4, 1, 3, 2])], ids=["all", "shuffled"])
def test_rows_give_the_very_batches_that_a_copy_of_them_would(pixels, transforms, order):
    rows = np.array([5, 2, 2, 0, 4])
    copy = pixels[rows]
    if transforms is not None:
        copy = apply_transform(copy, transforms)
    view = PixelRows(pixels, rows, transforms)
    assert (len(view), view.shape, copy.shape) == (5, copy.shape, (5, SIDE, SIDE, 3))
    pairs = zip(
        build_batches(view, np.arange(5), 2, order).as_numpy_iterator(),
        build_batches(copy, np.arange(5), 2, order).as_numpy_iterator(),
        strict=True,
    )
    for (ours, truth), (theirs, expected) in pairs:
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(truth, expected)


def test_rows_read_no_more_of_the_array_than_a_batch(pixels):
    counting = CountingPixels(np.zeros((100, 4, 4, 3), np.uint8))
    view = PixelRows(counting, np.arange(100)[::-1], ["turn90"] * 100)
    assert counting.images == 0
    batches = iter(build_batches(view, np.zeros(100, np.int64), 8))
    next(batches)
    assert 8 <= counting.images < 100  # the next batches are made meanwhile
    assert sum(len(truth) for _, truth in batches) == 92
    assert (counting.reads, counting.images) == (13, 100)


def test_rows_that_cannot_be_turned_are_refused_before_any_is_gathered(pixels):
    with pytest.raises(ConfigError, match="cannot be turned in place"):
        PixelRows(pixels[:, :, 1:], np.arange(6), ["original"] * 6)
    with pytest.raises(UnknownNameError, match="no transform called 'turn45'"):
        PixelRows(pixels, np.arange(2), ["turn90", "turn45"])


def test_a_mapped_array_gives_the_same_batches(pixels, tmp_path):
    np.save(tmp_path / "pixels.npy", pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    (batch, _), *_ = build_batches(mapped, np.arange(6), 4, np.array([5, 1])).as_numpy_iterator()
    np.testing.assert_array_equal(batch, pixels[[5, 1]])


def test_batches_may_be_read_twice(pixels):
    batches = build_batches(pixels, np.arange(6), 4)
    assert [len(t) for _, t in batches] == [len(t) for _, t in batches] == [4, 2]


def test_an_epoch_visits_every_row_once_in_whole_batches():
    order = shuffled_order(96, 32, 1, 1)
    assert sorted(order) == list(range(96))
    assert len(shuffled_order(100, 32, 1, 1)) == 96
    assert len(set(shuffled_order(100, 32, 1, 1))) == 96
    assert sorted(shuffled_order(5, 32, 1, 1)) == list(range(5))


def test_what_one_epoch_leaves_out_another_visits():
    visited = {int(row) for epoch in range(8) for row in shuffled_order(100, 32, 1, epoch)}
    assert visited == set(range(100))


def test_the_order_is_a_function_of_seed_and_epoch():
    np.testing.assert_array_equal(shuffled_order(50, 10, 3, 2), shuffled_order(50, 10, 3, 2))
    assert list(shuffled_order(50, 10, 3, 2)) != list(shuffled_order(50, 10, 3, 3))
    assert list(shuffled_order(50, 10, 3, 2)) != list(shuffled_order(50, 10, 4, 2))
    assert list(shuffled_order(50, 10, 3, 2)) != list(range(50))


# --- input values ---


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize(("factor", "offset"), [(1 / 127.5, -1.0), (1.0, 0.0), (1 / 255, 0.5)])
def test_training_scales_as_prediction_does(pixels, kind, channels, factor, offset):
    spec = Preprocessing(SIDE, SIDE, channels, factor, offset, "area")
    inputs = to_input(tf.constant(pixels.astype(kind)), spec).numpy()
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs, scale(pixels, spec), rtol=1e-6, atol=1e-6)


def test_input_values_have_the_range_and_order_of_the_spec():
    pixel = np.array([[[[0, 51, 255]]]], np.uint8)
    spec = Preprocessing(1, 1, "BGR", 1 / 127.5, -1.0, "area")
    np.testing.assert_allclose(to_input(pixel, spec).numpy(), [[[[1.0, -0.6, -1.0]]]], atol=1e-6)


# --- geometry ---


def test_nothing_asked_for_gives_the_same_pixels_back(pixels):
    changed = run(pixels, Augmentation())
    assert changed.dtype == np.float32
    np.testing.assert_array_equal(changed, pixels)


@pytest.mark.parametrize(("flip", "axis"), [("horizontal_flip", 1), ("vertical_flip", 0)])
def test_a_flip_is_the_exact_mirror_one_time_in_two(rng, flip, axis):
    pixels = rng.integers(0, 256, (200, 6, 8, 3), dtype=np.uint8)
    changed = run(pixels, replace(Augmentation(), **{flip: True}))
    mirrored = 0
    for before, after in zip(pixels, changed, strict=True):
        if not np.array_equal(before, after):
            np.testing.assert_array_equal(after, np.flip(before, axis))
            mirrored += 1
    assert 70 <= mirrored <= 130


def test_both_flips_are_drawn_apart(rng):
    pixels = rng.integers(0, 256, (100, 6, 6, 3), dtype=np.uint8)
    changed = run(pixels, Augmentation(horizontal_flip=True, vertical_flip=True))
    seen = set()
    for before, after in zip(pixels, changed, strict=True):
        views = {"": before, "x": before[:, ::-1], "y": before[::-1], "xy": before[::-1, ::-1]}
        seen |= {name for name, view in views.items() if np.array_equal(view, after)}
    assert seen == {"", "x", "y", "xy"}


@pytest.mark.parametrize("side", [15, 16])
@pytest.mark.parametrize(("u", "turns"), [(1.0, 1), (-1.0, 3)])
def test_a_quarter_turn_is_about_the_centre(rng, draw, side, u, turns):
    pixels = rng.integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    draw(angle=u)
    changed = run(pixels, Augmentation(rotation=90.0))
    np.testing.assert_allclose(changed, np.rot90(pixels, turns, axes=(1, 2)), atol=0.01)


def test_a_half_turn_of_an_image_that_is_not_square(rng, draw):
    pixels = rng.integers(0, 256, (2, 6, 9, 3), dtype=np.uint8)
    draw(angle=1.0)
    changed = run(pixels, Augmentation(rotation=180.0))
    np.testing.assert_allclose(changed, pixels[:, ::-1, ::-1], atol=0.01)


def test_a_shift_moves_by_its_share_of_the_side(pixels, draw):
    draw(shift_x=1.0, shift_y=-0.5)
    changed = run(pixels, Augmentation(shift=0.25))
    np.testing.assert_allclose(changed[:, 2:, :-4], pixels[:, :-2, 4:], atol=0.01)


def test_beyond_the_border_is_the_mirrored_image_or_its_nearest_pixel(pixels, draw):
    draw(shift_x=1.0)
    mirrored = run(pixels, Augmentation(shift=0.25))
    np.testing.assert_allclose(mirrored[:, :, -4:], pixels[:, :, : SIDE - 5 : -1], atol=0.01)
    nearest = run(pixels, Augmentation(shift=0.25, fill="nearest"))
    np.testing.assert_allclose(
        nearest[:, :, -4:], np.repeat(pixels[:, :, -1:], 4, axis=2), atol=0.01
    )


@pytest.mark.parametrize("u", [-1.0, 0.5, 1.0])
def test_zoom_scales_both_axes_by_one_factor_about_the_centre(draw, u):
    draw(zoom=u)
    a, b, c, d, e, f, *_ = draw_affines(Augmentation(zoom=0.2), 1, 9, 9, seed(1)).numpy()[0]
    assert (a, e) == (pytest.approx(1 / (1 + 0.2 * u)),) * 2
    assert (b, d) == (0, 0)
    assert a * 4 + c == e * 4 + f == pytest.approx(4.0)


def test_stretch_scales_each_axis_by_its_own_factor(draw):
    draw(stretch_x=1.0, stretch_y=-1.0)
    a, b, _, d, e, *_ = draw_affines(Augmentation(stretch=0.2), 1, 9, 9, seed(1)).numpy()[0]
    assert (a, e) == (pytest.approx(1 / 1.2), pytest.approx(1 / 0.8))
    assert (b, d) == (0, 0)


def test_shear_slants_by_its_angle_in_degrees(draw):
    draw(shear=1.0)
    a, b, _, d, e, *_ = draw_affines(Augmentation(shear=10.0), 1, 9, 9, seed(1)).numpy()[0]
    assert (a, d, e) == (1, 0, 1)
    assert b == pytest.approx(math.tan(math.radians(10.0)))


def test_rotations_are_rigid_about_the_centre_and_fill_their_range():
    rows = draw_affines(Augmentation(rotation=30.0), 500, 11, 17, seed(1)).numpy()
    assert rows.shape == (500, 8)
    linear = rows[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    unit = np.broadcast_to(np.eye(2), linear.shape)
    np.testing.assert_allclose(linear @ linear.transpose(0, 2, 1), unit, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(linear), 1.0, atol=1e-5)
    centre = np.array([8.0, 5.0])
    moved = linear @ centre + rows[:, [2, 5]]
    np.testing.assert_allclose(moved, np.broadcast_to(centre, moved.shape), atol=1e-4)
    degrees = np.degrees(np.arctan2(rows[:, 3], rows[:, 0]))
    assert -30.001 <= degrees.min() < -28
    assert 28 < degrees.max() <= 30.001
    assert abs(degrees.mean()) < 3


def test_every_other_setting_stays_in_its_range():
    settings = Augmentation(zoom=0.2, stretch=0.1, shift=0.1)
    rows = draw_affines(settings, 500, 11, 21, seed(2)).numpy()
    sizes = 1 / rows[:, [0, 4]]
    assert 0.8 * 0.9 - 1e-5 <= sizes.min() < 0.8
    assert 1.2 < sizes.max() <= 1.2 * 1.1 + 1e-5
    ratio = sizes[:, 0] / sizes[:, 1]
    assert 0.9 / 1.1 - 1e-5 <= ratio.min() < 0.9
    assert 1.1 < ratio.max() <= 1.1 / 0.9 + 1e-5
    moved_x = rows[:, 0] * 10 + rows[:, 2] - 10
    moved_y = rows[:, 4] * 5 + rows[:, 5] - 5
    assert 2.0 < np.abs(moved_x).max() <= 2.1 + 1e-5
    assert 1.0 < np.abs(moved_y).max() <= 1.1 + 1e-5


# --- colour ---


@pytest.fixture
def mild(rng):
    """Pixels far enough from 0 and 255 that nothing is clipped."""
    return rng.integers(80, 150, (64, 8, 8, 3), dtype=np.uint8)


def spread(factors, amount):
    """Assert that per-image factors fill [1 - amount, 1 + amount]."""
    assert 1 - amount - 1e-4 <= factors.min() < 1 - amount / 2
    assert 1 + amount / 2 < factors.max() <= 1 + amount + 1e-4


def test_brightness_scales_an_image_by_one_factor_within_bounds(mild):
    factors = run(mild, Augmentation(brightness=0.2)) / mild
    np.testing.assert_allclose(factors, factors[:, :1, :1, :1] + 0 * factors, rtol=1e-5)
    spread(factors[:, 0, 0, 0], 0.2)


def test_contrast_scales_the_distance_from_the_mean_and_keeps_the_mean(mild):
    changed = run(mild, Augmentation(contrast=0.2))
    mean = mild.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(changed.mean(axis=(1, 2, 3), keepdims=True), mean, rtol=1e-5)
    factors = (changed - mean).std(axis=(1, 2, 3)) / mild.std(axis=(1, 2, 3))
    np.testing.assert_allclose(
        changed - mean, (mild - mean) * factors[:, None, None, None], atol=1e-3
    )
    spread(factors, 0.2)


def test_saturation_scales_the_distance_from_grey_and_keeps_the_grey(mild):
    changed = run(mild, Augmentation(saturation=0.2))
    grey = mild.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(changed.mean(axis=-1, keepdims=True), grey, rtol=1e-5)
    factors = (changed - grey).std(axis=(1, 2, 3)) / (mild - grey).std(axis=(1, 2, 3))
    np.testing.assert_allclose(
        changed - grey, (mild - grey) * factors[:, None, None, None], atol=1e-3
    )
    spread(factors, 0.2)


def test_a_grey_image_stays_grey(mild):
    grey = np.repeat(mild[..., :1], 3, axis=-1)
    changed = run(grey, Augmentation(brightness=0.2, contrast=0.2, saturation=0.2))
    np.testing.assert_allclose(changed[..., 1:], changed[..., :1] + np.zeros(2), atol=1e-3)


def test_colours_are_clipped_to_what_a_pixel_can_hold(rng):
    pixels = rng.choice(np.array([0, 255], np.uint8), (32, 8, 8, 3))
    changed = run(pixels, Augmentation(brightness=0.5, contrast=0.5, saturation=0.5))
    assert changed.min() == 0.0
    assert changed.max() == 255.0


def test_colour_is_drawn_apart_from_geometry(mild):
    settings = Augmentation(rotation=180.0, brightness=0.2)
    geometry, colour = [], []
    real = tf.random.stateless_uniform

    def record(shape, seed, **bounds):
        u = real(shape, seed, **bounds)
        (geometry if shape[0] == 9 else colour).append(u.numpy()[0].ravel())
        return u

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.random, "stateless_uniform", record)
        run(mild, settings)
    assert len(geometry) == len(colour) == 1
    assert abs(np.corrcoef(geometry[0], colour[0])[0, 1]) < 0.4


# --- chance and graph ---


def test_the_same_seed_gives_the_same_batch_and_another_another(pixels):
    first = run(pixels, EVERYTHING, 1)
    np.testing.assert_array_equal(first, run(pixels, EVERYTHING, 1))
    other = run(pixels, EVERYTHING, 2)
    assert all(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_images_of_a_batch_are_changed_differently(rng):
    same = np.repeat(rng.integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8), 8, axis=0)
    changed = run(same, EVERYTHING)
    assert len({image.tobytes() for image in changed}) == 8


def test_everything_at_once_keeps_shape_and_range(pixels):
    changed = run(pixels, EVERYTHING)
    assert (changed.shape, changed.dtype) == (pixels.shape, np.float32)
    assert changed.min() >= 0.0
    assert changed.max() <= 255.0


def test_a_graph_gives_what_eager_gives_with_one_resampling_and_no_python(pixels):
    graph = tf.function(lambda p, s: augment(p, EVERYTHING, s)).get_concrete_function(
        tf.TensorSpec((None, SIDE, SIDE, 3), tf.uint8), tf.TensorSpec((2,), tf.int32)
    )
    kinds = [operation.type for operation in graph.graph.get_operations()]
    assert kinds.count("ImageProjectiveTransformV3") == 1
    assert not {"PyFunc", "EagerPyFunc", "While", "StatelessWhile", "MapDefun"} & set(kinds)
    np.testing.assert_allclose(
        graph(tf.constant(pixels), seed(1)).numpy(), run(pixels, EVERYTHING, 1), atol=0.05
    )


def test_resolution_is_lost_by_half_of_a_batch_and_only_by_that(rng):
    pixels = rng.integers(0, 256, (4, 40, 60, 3), dtype=np.uint8)
    found = run(pixels, Augmentation(resolution=0.3))
    np.testing.assert_array_equal(found[2:], pixels[2:])
    # Noise that is averaged over some pixels varies less; its mean stays.
    assert (found[:2].std(axis=(1, 2)) < 0.8 * pixels[:2].std(axis=(1, 2))).all()
    np.testing.assert_allclose(found[:2].mean(axis=(1, 2)), pixels[:2].mean(axis=(1, 2)), atol=3)


def test_no_more_detail_is_lost_than_asked_for():
    # A single bright pixel is spread over as many as the picture was reduced by.
    pixels = np.zeros((2, 64, 64, 3), np.uint8)
    pixels[0, 32, 32] = 255
    draw_share = run(pixels, Augmentation(resolution=0.25))
    spread = (draw_share[0, :, :, 0] > 0.5).sum()
    assert 1 < spread <= (2 * 4 + 1) ** 2
    # What fills the picture evenly has no detail to lose.
    even = np.full((2, 64, 64, 3), 90, np.uint8)
    np.testing.assert_allclose(run(even, Augmentation(resolution=0.25)), even, atol=1e-3)
