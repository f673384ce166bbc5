"""The arithmetic of chapter 2: by hand, by counting, and by identities."""

import numpy as np
import pytest

from skinmodel.errors import UsageError
from skinmodel.lessons.convolution import correlate
from skinmodel.lessons.geometry import (
    CNN_LAYERS,
    Geometry,
    Layer,
    Padding,
    apply_rule,
    output_size,
    trace_sizes,
)

SMALL = [(n, m, p, s) for n in (1, 5, 8) for m in (1, 2, 5) for p in (0, 1, 4) for s in (1, 2, 7)]


@pytest.mark.parametrize(
    ("n", "m", "p", "s", "size"),
    [(100, 6, 0, 3, 32), (100, 7, 0, 2, 47), (5, 3, 1, 1, 5), (4, 4, 0, 9, 1), (7, 2, 3, 4, 3)],
)
def test_output_sizes_worked_by_hand(n, m, p, s, size):
    assert output_size(n, m, p, s) == size


@pytest.mark.parametrize(("n", "m", "p", "s"), SMALL)
def test_the_formula_counts_the_positions_that_fit(n, m, p, s):
    padded = n + 2 * p
    positions = [start for start in range(0, padded, s) if start + m <= padded]
    if not positions:
        with pytest.raises(UsageError, match="does not fit"):
            output_size(n, m, p, s)
        return
    geometry = Geometry(n, m, p, p, s)
    assert geometry.size == len(positions)
    assert correlate(np.ones((n, n)), np.ones((m, m)), s, p).shape == (geometry.size,) * 2
    assert [geometry.reads(i)[0] + p for i in range(geometry.size)] == positions


def test_the_reports_example_leaves_its_last_cell_unread():
    geometry = Geometry(100, 6, 0, 0, 3)
    assert list(geometry.reads(31)) == [93, 94, 95, 96, 97, 98]
    assert geometry.unread == (99,)
    assert geometry.counts[:7] == (1, 1, 1, 2, 2, 2, 2)
    assert geometry.blank == ()


def test_padding_wider_than_the_kernel_gives_cells_that_read_nothing():
    geometry = Geometry(4, 2, 3, 3, 1)
    assert geometry.blank == (0, 1, 7, 8)  # they start at -3, -2, 4 and 5
    assert set(geometry.counts) == {2}


def test_a_stride_beyond_the_kernel_skips_cells():
    assert Geometry(7, 2, 0, 0, 3).unread == (2, 5, 6)


@pytest.mark.parametrize(
    ("rule", "n", "m", "s", "zeros", "size"),
    [
        (Padding.VALID, 100, 7, 2, (0, 0), 47),
        (Padding.SAME, 23, 3, 2, (1, 1), 12),
        (Padding.SAME, 10, 3, 1, (1, 1), 10),
        (Padding.SAME, 10, 4, 1, (1, 2), 10),  # the odd zero comes after
        (Padding.SAME, 10, 3, 2, (0, 1), 5),
        (Padding.SAME, 10, 1, 3, (0, 0), 4),
        (Padding.FULL, 5, 3, 1, (2, 2), 7),
    ],
)
def test_rules_worked_by_hand(rule, n, m, s, zeros, size):
    geometry = apply_rule(n, m, s, rule)
    assert (geometry.before, geometry.after) == zeros
    assert geometry.size == size


@pytest.mark.parametrize(("n", "m", "_", "s"), SMALL)
def test_same_keeps_the_size_over_the_stride_and_full_reads_all_cells_alike(n, m, _, s):
    assert apply_rule(n, m, s, Padding.SAME).size == -(-n // s)
    assert set(apply_rule(n, m, 1, Padding.FULL).counts) == {m}


@pytest.mark.parametrize("rule", Padding)
@pytest.mark.parametrize("numbers", [(0, 3, 1), (5, 0, 1), (5, 3, 0)])
def test_impossible_numbers_are_refused_under_every_rule(rule, numbers):
    with pytest.raises(UsageError, match="at least 1"):
        apply_rule(*numbers, rule)


def test_negative_padding_is_refused():
    with pytest.raises(UsageError, match="at least 0"):
        Geometry(5, 3, -1, 0, 1)


def test_a_kernel_that_does_not_fit_is_explained_with_its_numbers():
    with pytest.raises(UsageError, match=r"m = 9 .* n = 5 .* 1 \+ 1, which makes 7"):
        output_size(5, 9, 1, 2)


def test_the_cnns_sizes():
    sizes = [size.geometry.size for size in trace_sizes(100, CNN_LAYERS)]
    assert sizes == [47, 23, 12, 10, 10, 8, 8, 8, 6, 6, 4]
    assert trace_sizes(100, CNN_LAYERS)[-1].channels == 512


def test_the_receptive_field_is_what_tracing_cells_back_finds():
    side = 400  # large enough for a cell whose field lies inside
    sizes = trace_sizes(side, CNN_LAYERS)
    for depth, size in enumerate(sizes, start=1):
        firsts = []
        for cell in (size.geometry.size // 2, size.geometry.size // 2 + 1):
            cells = {cell}
            for layer in reversed(sizes[:depth]):
                cells = {i for c in cells for i in layer.geometry.reads(c)}
            assert min(cells) >= 0
            assert max(cells) < side
            assert max(cells) - min(cells) + 1 == size.field, size.layer.name
            firsts.append(min(cells))
        assert firsts[1] - firsts[0] == size.step


def test_a_picture_too_small_for_the_network_is_refused():
    with pytest.raises(UsageError, match="does not fit"):
        trace_sizes(20, CNN_LAYERS)
    assert trace_sizes(5, [Layer("pool", 3, 1, Padding.VALID)])[0].channels == 3
