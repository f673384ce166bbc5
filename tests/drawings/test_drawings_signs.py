"""The drawings of single dermoscopic signs: each shows what it is named after."""

import cv2
import numpy as np
import pytest

from skinmodel.drawings.draw import draw_sign
from skinmodel.drawings.signs import SIGNS
from skinmodel.errors import ConfigError, UnknownNameError


@pytest.fixture(scope="module")
def drawn():
    return {name: draw_sign(name, mark=False).astype(int) for name in SIGNS}


def count_spots(mask, least=12):
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int((stats[1:, cv2.CC_STAT_AREA] >= least).sum())


def darkness(image):
    return image.max(axis=2)


def redness(image):
    return image[..., 0] - image[..., 1:].max(axis=2)


@pytest.mark.parametrize("name", SIGNS)
def test_every_sign_stands_on_skin_and_is_another_picture(drawn, name):
    image = drawn[name]
    assert image.shape == (300, 400, 3)
    red, green, blue = image[100:200, :24].reshape(-1, 3).mean(axis=0)
    assert red > green > blue > 90
    for other in SIGNS:
        assert other == name or np.abs(image - drawn[other]).mean() > 3


def test_a_network_is_lines_around_holes(drawn):
    dark = darkness(drawn["typical network"]) < 145
    holes = count_spots(~dark[100:200, 150:250])
    assert holes > 20
    atypical = darkness(drawn["atypical network"]) < 145
    sizes = [
        np.std(cv2.connectedComponentsWithStats((~m[100:200, 150:250]).astype(np.uint8))[2][1:, 4])
        for m in (dark, atypical)
    ]
    assert sizes[1] > 3 * sizes[0]


def test_globules_are_even_or_not(drawn):
    even = darkness(drawn["regular globules"]) < 120
    assert count_spots(even) > 40
    uneven = darkness(drawn["irregular dots and globules"]) < 120
    areas = [
        cv2.connectedComponentsWithStats(mask.astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
        for mask in (even, uneven)
    ]
    spread = [a[a > 5].std() / a[a > 5].mean() for a in areas]
    assert spread[1] > 2 * spread[0]


def test_streaks_stand_all_around_or_on_one_side(drawn):
    starburst, streaks = (drawn[n] for n in ("starburst", "irregular streaks"))
    halves = [
        ((darkness(image) < 110)[:, :200].sum(), (darkness(image) < 110)[:, 200:].sum())
        for image in (starburst, streaks)
    ]
    assert 0.8 < halves[0][0] / halves[0][1] < 1.25
    assert halves[1][0] < 0.25 * halves[1][1]


def test_colours_are_those_of_the_sign(drawn):
    blue = {n: (i[..., 2] > i[..., 0] + 10).mean() for n, i in drawn.items()}
    assert set(sorted(blue, key=blue.__getitem__)[-3:]) >= {"homogeneous area", "blue-white veil"}
    vivid = {n: (redness(i) > 90).mean() for n, i in drawn.items()}
    reddest = sorted(vivid, key=vivid.__getitem__)[-5:]
    assert {"lacunae", "strawberry pattern"} <= set(reddest)
    for name in ("regression structures", "central white patch", "milia-like cysts"):
        assert (drawn[name].min(axis=2) > 205).sum() > 200, name
    for name in ("arborising vessels", "atypical vessels"):
        assert (redness(drawn[name]) > 80).sum() > 500, name
    assert (darkness(drawn["irregular blotch"])[100:200, 110:190] < 70).sum() > 1000


def test_a_seed_gives_one_drawing_and_wrong_names_are_refused():
    first = draw_sign("lacunae", 4, 64, 80)
    np.testing.assert_array_equal(first, draw_sign("lacunae", 4, 64, 80))
    assert np.abs(first.astype(int) - draw_sign("lacunae", 5, 64, 80)).mean() > 3
    with pytest.raises(UnknownNameError, match="spots"):
        draw_sign("spots")
    with pytest.raises(ConfigError, match="16 x 80"):
        draw_sign("lacunae", 1, 80, 16)
