"""Moves: pictures and maps move alike; and how alike two maps are."""

import numpy as np
import pytest

from skinmodel.faithfulness.pictures import CROP, KINDS, draw_moves, move_map, move_picture
from skinmodel.faithfulness.scores import correlate, correlate_ranks
from skinmodel.imaging.placement import Placement, average_over_cells


def many_moves():
    return [move for seed in range(12) for move in draw_moves(np.random.default_rng(seed))]


def test_every_kind_of_move_is_drawn_in_several_directions():
    moves = many_moves()
    assert {move.kind for move in moves} == set(KINDS)
    for kind, count in {"shift": 4, "turn": 2, "crop": 4}.items():
        assert len({m for m in moves if m.kind == kind}) == count


@pytest.mark.parametrize("move", sorted(set(many_moves()), key=str))
def test_a_map_moves_as_the_picture_it_was_made_from(move):
    rng = np.random.default_rng(5)
    import cv2

    coarse = rng.integers(0, 255, (6, 6), dtype=np.uint8)
    picture = cv2.resize(coarse, (120, 120), interpolation=cv2.INTER_CUBIC)
    picture = np.repeat(picture[..., None], 3, axis=2)
    before = average_over_cells(picture[..., 0], 12, 12)
    after = average_over_cells(move_picture(picture, move)[..., 0], 12, 12)
    expected = move_map(before, move)
    known = ~np.isnan(expected)
    assert known.mean() >= 0.6
    assert correlate(after, expected) > 0.98
    assert correlate(after, before) < 0.9


def test_a_turn_of_a_square_is_rot90_and_a_crop_a_corner():
    moves = set(many_moves())
    picture = np.random.default_rng(1).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    turned = {move_picture(picture, m).tobytes() for m in moves if m.kind == "turn"}
    assert turned == {np.rot90(picture, k).tobytes() for k in (1, 3)}
    values = np.arange(9.0).reshape(3, 3)
    maps = {move_map(values, m).tobytes() for m in moves if m.kind == "turn"}
    assert maps == {np.rot90(values, k).tobytes() for k in (1, 3)}
    corners = {m.offset for m in moves if m.kind == "crop"}
    rest = 1 - CROP
    assert corners == {(0.0, 0.0), (0.0, rest), (rest, 0.0), (rest, rest)}


def test_what_comes_from_where_the_map_has_no_cell_is_undefined():
    middle = Placement(0.25, 0.25, 0.75, 0.75)
    shift = next(m for m in many_moves() if m.kind == "shift" and m.offset == (0.2, 0.2))
    moved = move_map(np.arange(25.0).reshape(5, 5), shift, middle)
    np.testing.assert_array_equal(np.isnan(moved[:3, :3]), False)
    assert np.isnan(moved[3:]).all()
    np.testing.assert_allclose(moved[:3, :3], np.arange(25.0).reshape(5, 5)[2:, 2:])


def test_correlation_by_hand_and_of_what_has_no_shape():
    a = np.array([1.0, 2.0, 3.0, np.nan])
    assert correlate(a, 5 - 2 * a) == pytest.approx(-1.0)
    assert correlate(a, np.array([1.0, 3.0, 2.0, 0.0])) == pytest.approx(0.5)
    assert np.isnan(correlate(a, np.full(4, 0.1)))
    assert np.isnan(correlate(a[2:], a[2:]))


def test_rank_correlation_ignores_size_and_shares_ranks():
    a = np.array([1.0, 2.0, 3.0, 4.0])
    assert correlate_ranks(a, np.exp(5 * a)) == pytest.approx(1.0)
    # Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4.
    assert correlate_ranks(np.array([1.0, 1, 3, 4]), a) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
