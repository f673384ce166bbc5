import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from skinmodel.errors import ImageError
from skinmodel.explain import overlay
from skinmodel.imaging.placement import Placement
from skinmodel.results import DISCLAIMER, Explanation

LUMA = np.array([0.2126, 0.7152, 0.0722])


def explain(values) -> Explanation:
    return Explanation("cnn_sa", "run", "soft_attention", "layer", None, np.float32(values))


def black(height, width) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.fixture
def peak() -> np.ndarray:
    """A map that is hot in its upper left cell and zero elsewhere."""
    values = np.zeros((8, 8), dtype=np.float32)
    values[0, 0] = 0.25
    return values


def test_blend_has_the_size_of_the_photograph_and_leaves_it_alone(photo, rng):
    before = photo.copy()
    result = overlay.blend(photo, explain(rng.random((8, 8))))
    assert result.shape == photo.shape
    assert result.dtype == np.uint8
    assert not np.array_equal(result, photo)
    np.testing.assert_array_equal(photo, before)


def test_blend_keeps_the_photograph_where_the_model_did_not_look(photo, peak):
    result = overlay.blend(photo, explain(peak), opacity=1.0)
    np.testing.assert_array_equal(result[48:, 64:], photo[48:, 64:])
    assert np.abs(result[:6, :8].astype(int) - photo[:6, :8]).mean() > 20


def test_blend_follows_its_equation_at_the_maximum(photo):
    values = np.full((4, 4), 7.0)
    hottest = overlay.colorbar(9, 1)[0, -1]
    for opacity in (0.25, 0.5, 1.0):
        expected = np.rint(photo + opacity * (hottest - photo.astype(float)))
        result = overlay.blend(photo, explain(values), opacity)
        assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_a_null_map_leaves_the_photograph(photo, opacity):
    result = overlay.blend(photo, explain(np.zeros((8, 8))), opacity)
    np.testing.assert_array_equal(result, photo)
    assert result is not photo


def test_no_opacity_leaves_the_photograph(photo, rng):
    np.testing.assert_array_equal(overlay.blend(photo, explain(rng.random((8, 8))), 0.0), photo)


def test_blend_depends_on_the_shape_of_the_map_not_on_its_unit(photo, rng):
    values = rng.random((8, 8)).astype(np.float32)
    first = overlay.blend(photo, explain(values))
    np.testing.assert_array_equal(first, overlay.blend(photo, explain(values * 1024)))


def test_a_flat_map_stays_flat(rng):
    """Min-max scaling would spread this one per cent of noise over every colour."""
    result = overlay.blend(black(80, 100), explain(1 + 0.01 * rng.random((8, 8))), 1.0)
    assert np.ptp(result.reshape(-1, 3), axis=0).max() <= 12


def test_blend_puts_cells_where_they_belong(peak):
    brightness = overlay.blend(black(90, 120), explain(peak), 1.0) @ LUMA
    row, column = np.unravel_index(brightness.argmax(), brightness.shape)
    assert row < 12
    assert column < 15


def test_enlarging_never_leaves_the_scale(rng):
    """Cubic interpolation overshoots beside steps; indices beyond the table would raise or wrap."""
    values = rng.integers(0, 2, (9, 9)).astype(np.float32)
    drawn = np.unique(overlay.blend(black(100, 130), explain(values), 1.0).reshape(-1, 3), axis=0)
    share = np.linspace(0, 1, 2551)
    scale = share[:, np.newaxis] * overlay.colorbar(2551, 1)[0]
    distance = np.abs(drawn[:, np.newaxis].astype(float) - scale).max(axis=2).min(axis=1)
    assert distance.max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (300, 400)])
def test_maps_of_any_size(photo, rng, shape):
    assert overlay.blend(photo, explain(rng.random(shape))).shape == photo.shape


@pytest.mark.parametrize(
    "values",
    [np.ones((2, 2, 1)), np.ones(4), np.ones((0, 3)), [[1.0, np.nan]], [[np.inf, 1]], [[-1, 2]]],
)
def test_what_is_no_map_is_refused(photo, values):
    with pytest.raises(ImageError, match="explanation map"):
        overlay.blend(photo, explain(values))


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_opacity_beyond_its_range_is_refused(photo, opacity):
    with pytest.raises(ImageError, match="opacity"):
        overlay.blend(photo, explain(np.ones((2, 2))), opacity)


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32)],
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ImageError, match=r"expected uint8"):
        overlay.blend(image, explain(np.ones((2, 2))))
    with pytest.raises(ImageError, match=r"expected uint8"):
        overlay.encode_png(image, {})


def test_colorbar_brightens_from_zero_to_maximum():
    wide = overlay.colorbar(256, 12)
    assert wide.shape == (12, 256, 3)
    # Steady growth of luminance is what keeps the scale readable without colour vision.
    assert (np.diff(wide[0] @ LUMA) > -0.5).all()
    assert wide[0, -1] @ LUMA - wide[0, 0] @ LUMA > 150
    np.testing.assert_array_equal(overlay.colorbar(12, 256)[:, 0], wide[0, ::-1])


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_sizes_must_be_positive(width, height):
    with pytest.raises(ImageError, match="at least 1"):
        overlay.colorbar(width, height)


def test_a_caption_stands_below_a_picture_that_stays_as_it_is(photo):
    captioned = overlay.caption(photo, ("CNN, run r1", DISCLAIMER))
    assert captioned.dtype == np.uint8
    assert captioned.shape[1:] == photo.shape[1:]
    np.testing.assert_array_equal(captioned[: len(photo)], photo)
    strip = captioned[len(photo) :] @ LUMA
    assert strip.max() - strip.min() > 180  # dark letters on a light ground
    other = overlay.caption(photo, ("CNN, run r2", DISCLAIMER))
    assert other.shape == captioned.shape
    assert not np.array_equal(other, captioned)


@pytest.mark.parametrize("width", [64, 128, 600, 2048])
def test_no_letter_of_a_caption_leaves_the_picture(width):
    """A word that fits in no row is cut, and every row keeps a margin on its right."""
    lines = ("CNN-SA, run cnn_sa-grouped-s20261123-0123abcd", DISCLAIMER)
    strip = overlay.caption(black(64, width), lines)[64:]
    ink = strip @ LUMA < 128
    assert ink.any()
    border = 3
    for edge in (ink[:border], ink[-border:], ink[:, :border], ink[:, -border:]):
        assert not edge.any()
    rows = np.diff(np.r_[False, ink.any(axis=1), False].astype(int)) == 1
    assert rows.sum() >= len(lines)
    wide = overlay.caption(black(64, 600), lines)[64:] @ LUMA < 128
    scale = (max(11, width / 40) / 15) ** 2  # ink grows with the area of the letters
    assert ink.sum() == pytest.approx(wide.sum() * scale, rel=0.35)


def test_type_grows_with_the_picture():
    heights = [overlay.caption(black(64, w), ("CNN",)).shape[0] - 64 for w in (400, 800, 1600)]
    assert heights[0] < heights[1] < heights[2]


def test_a_label_names_network_run_map_and_what_it_is_not():
    heads = np.full((2, 2, 12), 0.25, np.float32)
    attention = Explanation("cnn_sa", "r1", "soft_attention", "a", None, heads.sum(axis=2), heads)
    cam = Explanation("cnn", "r2", "grad_cam", "conv6", "mel", np.ones((2, 2), np.float32))
    assert overlay.label(cam, "CNN") == (
        "CNN, run r2",
        "Grad-CAM for Melanoma (mel)",
        DISCLAIMER,
    )
    assert overlay.label(attention, "CNN-SA")[1] == (
        "Soft attention, sum of 12 heads, for all diagnoses alike"
    )
    assert overlay.describe_map(attention.of_head(3)) == (
        "Soft attention, head 3 of 12, for all diagnoses alike"
    )
    assert overlay.describe_map(explain([[1]])) == "Soft attention, for all diagnoses alike"
    null = Explanation("cnn", "r2", "grad_cam", "conv6", "mel", np.zeros((2, 2), np.float32))
    assert "no positive evidence" in overlay.label(null, "CNN")[1]


def test_png_keeps_pixels_and_notes_and_nothing_else(photo):
    notes = {"Model": "cnn_sa", "Run": "r1", "Disclaimer": DISCLAIMER, "Comment": "Köfler ≥ 3"}
    with Image.open(io.BytesIO(overlay.encode_png(photo, notes))) as image:
        assert image.format == "PNG"
        assert image.info == notes
        np.testing.assert_array_equal(np.asarray(image), photo)


@pytest.mark.parametrize("keyword", ["", " Model", "a" * 80, "≥", "a\nb"])
def test_keywords_png_does_not_allow_are_refused(photo, keyword):
    with pytest.raises(ImageError, match="keyword"):
        overlay.encode_png(photo, {keyword: "value"})


# --- where a map lies ---


def test_a_map_is_laid_over_the_part_of_the_picture_that_its_cells_tile():
    whole = explain(np.ones((4, 4)))
    middle = replace(whole, placement=Placement(0.25, 0.5, 0.75, 1.0))
    picture = black(80, 100)
    drawn = overlay.blend(picture, middle, 1.0).any(axis=2)
    assert drawn[20:60, 50:].all()
    assert drawn.sum() == 40 * 50
    assert overlay.blend(picture, whole, 1.0).any(axis=2).all()
    beyond = replace(whole, placement=Placement(-0.25, -0.25, 0.25, 0.25))
    assert overlay.blend(picture, beyond, 1.0).any(axis=2).sum() == 20 * 25


def test_a_map_of_the_middle_says_so():
    whole = explain(np.ones((4, 4)))
    assert overlay.describe_place(whole) == ""
    middle = replace(whole, placement=Placement(0.175, 0.175, 0.815, 0.815))
    assert "middle 64 % of the height" in overlay.describe_place(middle)


def test_an_outline_is_drawn_on_a_copy(photo):
    line = np.array([[[10, 10]], [[60, 10]], [[60, 50]], [[10, 50]]], np.int32)
    before = photo.copy()
    drawn = overlay.draw_outline(photo, [line])
    np.testing.assert_array_equal(photo, before)
    changed = (drawn != photo).any(axis=2)
    assert changed[10, 20:50].all()
    assert not changed[20:40, 20:50].any()


def test_a_remark_stands_above_the_disclaimer():
    explanation = explain(np.ones((4, 4)))
    plain, marked = (
        overlay.label(explanation, "CNN"),
        overlay.label(explanation, "CNN", "No better."),
    )
    assert marked == (*plain[:-1], "No better.", DISCLAIMER)
