import json

import numpy as np
import pytest

from skinmodel.errors import ConfigError, ImageError
from skinmodel.imaging import preprocess
from skinmodel.imaging.preprocess import Preprocessing


def make_spec(**changes) -> Preprocessing:
    settings = {
        "height": 2,
        "width": 2,
        "channels": "RGB",
        "scale": 1.0,
        "offset": 0.0,
        "interpolation": "area",
    }
    return Preprocessing(**(settings | changes))


def make_grey(values) -> np.ndarray:
    return np.repeat(np.array(values, dtype=np.uint8)[..., np.newaxis], 3, axis=2)


def test_area_averages_every_pixel_that_falls_into_a_cell():
    image = make_grey([[0, 20, 100, 100], [40, 60, 100, 100], [8, 8, 1, 2], [8, 8, 3, 6]])
    expected = make_grey([[30, 100], [8, 3]])
    np.testing.assert_array_equal(preprocess.resize(image, make_spec()), expected)


def test_linear_samples_only_the_neighbours_of_a_cell_center():
    row = [0, 0, 0, 90, 30, 0, 0, 0]
    image = make_grey([row] * 8)
    spec = make_spec(height=1, width=1, interpolation="linear")
    # The centre lies between columns 3 and 4: (90 + 30) / 2; averaging the row would give 15.
    assert preprocess.resize(image, spec)[0, 0, 0] == 60
    area = make_spec(height=1, width=1)
    assert preprocess.resize(image, area)[0, 0, 0] == 15


def test_area_hardly_depends_on_the_size_of_the_upload(photo):
    spec = make_spec(height=24, width=32)
    doubled = photo.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(preprocess.resize(photo, spec), preprocess.resize(doubled, spec))


@pytest.mark.parametrize(("channels", "expected"), [("RGB", [1, 2, 3]), ("BGR", [3, 2, 1])])
def test_channel_order(channels, expected):
    image = np.full((4, 4, 3), [1, 2, 3], dtype=np.uint8)
    batch = preprocess.apply([image], make_spec(channels=channels))
    np.testing.assert_array_equal(batch[0, 0, 0], expected)


def test_channels_may_each_have_a_scale_and_an_offset_of_their_own():
    pixels = np.array([[[[10, 20, 30]]]], np.uint8)
    spec = make_spec(channels="BGR", scale=(1.0, 2.0, 3.0), offset=(-1.0, 0.0, 1.0))
    np.testing.assert_array_equal(preprocess.scale(pixels, spec), [[[[29, 40, 31]]]])
    assert Preprocessing(**json.loads(json.dumps(spec.to_dict()))) == spec


def test_scale_and_offset_are_applied_in_that_order():
    pixels = np.array([0, 51, 255], dtype=np.uint8).reshape(1, 1, 1, 3)
    values = preprocess.scale(pixels, make_spec(scale=2 / 255, offset=-1.0))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.ravel(), [-1.0, -0.6, 1.0], atol=1e-6)


def test_apply_takes_pictures_of_different_sizes(photo):
    spec = make_spec(height=10, width=12, scale=1 / 255)
    batch = preprocess.apply([photo, photo[:50, :70], photo[:5, :6]], spec)
    assert batch.shape == (3, 10, 12, 3)
    assert batch.dtype == np.float32
    assert 0 <= batch.min() < batch.max() <= 1
    np.testing.assert_array_equal(batch[1], preprocess.apply([photo[:50, :70]], spec)[0])


def test_apply_of_nothing_is_an_empty_batch():
    assert preprocess.apply([], make_spec(height=7, width=9)).shape == (0, 7, 9, 3)


def test_apply_is_resize_then_scale(photo):
    spec = make_spec(height=30, width=40, channels="BGR", scale=0.5, offset=3.0)
    pixels = preprocess.resize(photo, spec)
    assert pixels.dtype == np.uint8
    expected = pixels[..., ::-1].astype(np.float32) * 0.5 + 3.0
    np.testing.assert_array_equal(preprocess.apply([photo], spec)[0], expected)


def test_input_is_left_as_it_was(photo):
    before = photo.copy()
    preprocess.apply([photo], make_spec(channels="BGR"))
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("changes", [{"channels": "RBG"}, {"interpolation": "nearest"}])
def test_unknown_settings_are_refused(changes):
    with pytest.raises(ConfigError, match=str(next(iter(changes.values())))):
        make_spec(**changes)


def test_to_dict_is_enough_to_build_it_again():
    spec = make_spec(scale=1 / 255, interpolation="linear")
    assert Preprocessing(**spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("picture", "received"),
    [
        (np.zeros((4, 4, 3), np.float32), r"array of float32 with shape \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), r"array of uint8 with shape \(4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), r"shape \(4, 4, 1\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"shape \(2, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        ([[[1, 2, 3]]], "a list"),
    ],
)
def test_what_is_no_picture_is_refused_saying_what_it_is(picture, received):
    for use in (preprocess.resize, lambda image, spec: preprocess.apply([image], spec)):
        with pytest.raises(ImageError, match=rf"{received}; expected .*uint8 .*\(H, W, 3\), RGB"):
            use(picture, make_spec())


@pytest.mark.parametrize("interpolation", ["area", "linear"])
def test_a_picture_of_the_inputs_size_is_left_as_it_is(rng, interpolation):
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    spec = make_spec(height=30, width=40, interpolation=interpolation)
    np.testing.assert_array_equal(preprocess.resize(image, spec), image)
