"""The number grids and maps that all chapters use."""

import json

import numpy as np
import pytest

from app.learn.grids import (
    Box,
    build_number_grid,
    describe_grid,
    render_map,
    write_number,
    write_numbers,
    write_value,
)


def trace(figure):
    return json.loads(figure.to_json())["data"][0]


def test_a_grid_prints_its_values_on_a_scale_with_white_for_zero():
    figure = build_number_grid(np.array([[-2.0, 0], [1, np.nan]]), "Kernel", Box(0, 1))
    heat = trace(figure)
    assert heat["text"] == [["−2", "0"], ["1", ""]]
    assert (heat["zmin"], heat["zmax"]) == (-2, 2)
    assert heat["colorscale"][1] == [0.5, "#FFFFFF"]
    assert figure.layout.title.text == "Kernel"
    [frame] = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.5, 1.5, -0.5, 0.5)


def test_grids_can_share_a_scale():
    assert trace(build_number_grid(np.eye(2), "Map", limit=8))["zmax"] == 8
    assert trace(build_number_grid(np.zeros((2, 2)), "Nothing"))["zmax"] == 1


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (3.0, None, "3"),
        (-3.25, None, "−3.25"),
        (-0.001, None, "0.00"),
        (-0.0, None, "0"),
        (1.5, 0, "2"),
        (0.12345, 3, "0.123"),
    ],
)
def test_numbers_are_printed_without_a_negative_zero(value, decimals, text):
    assert write_number(value, decimals) == text


def test_one_broken_number_gives_all_their_decimals():
    assert write_numbers(np.array([[1, 2.5]])) == [["1.00", "2.50"]]


@pytest.mark.parametrize(
    ("value", "text"), [(-1234.5, "−1,234"), (0.01234, "0.0123"), (12.0, "12"), (-0.0, "0")]
)
def test_values_in_sentences_have_three_figures(value, text):
    assert write_value(value) == text


def test_a_grid_is_told_in_words_and_a_large_one_by_its_range():
    small = describe_grid(np.array([[1, -2], [0, np.nan]]), "Window")
    assert small == "Window, 2 rows, 2 columns: 1, −2; 0, empty."
    large = describe_grid(np.arange(121.0).reshape(11, 11), "Map")
    assert large == "Map, 11 rows, 11 columns, values from 0 to 120."


def test_a_map_without_sign_is_grey_over_its_own_range_or_the_one_given():
    values = np.array([[50.0, 100]])
    own = render_map(values, signed=False)
    assert own[0, 0].tolist() == [0, 0, 0]
    assert own[0, -1].tolist() == [255, 255, 255]
    given = render_map(values, signed=False, limit=200)
    assert given[0, 0].tolist() == [64, 64, 64]
    assert render_map(np.full((2, 2), 7.0)).tolist() == np.zeros((400, 400, 3), int).tolist()


def test_a_map_with_a_sign_is_blue_below_white_at_and_orange_above_zero():
    low, middle, high = render_map(np.array([[-4.0, 0, 2]]))[0, [0, 200, 398]].tolist()
    assert low == [33, 102, 172]
    assert middle == [247, 247, 247]
    assert high[0] > high[2]
    # Half as far from 0 as the largest value: half the colour.
    assert high == [222, 176, 124]


def test_cells_are_whole_pixels_and_the_frame_leaves_its_cell_free():
    values = np.zeros((10, 10))
    values[2, 3] = 1
    picture = render_map(values, signed=False, mark=Box(2, 3))
    assert picture.shape == (400, 400, 3)
    assert (picture[80:120, 120:160] == 255).all()
    assert [179, 38, 30] in picture[100].tolist()
    plain = render_map(values, signed=False)
    assert not (plain == [179, 38, 30]).all(axis=-1).any()


def test_a_picture_in_colour_is_shown_as_it_is(photo):
    np.testing.assert_array_equal(render_map(photo)[::3, ::3], photo)
