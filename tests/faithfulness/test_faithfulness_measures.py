"""Sound and broken maps of a network that looks at drawn spots are told apart."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from maps import SpotNetwork, draw_subjects, to_table

from skinmodel.faithfulness.measure import measure
from skinmodel.faithfulness.summary import add_controls, summarize
from skinmodel.imaging.placement import WHOLE

FIGURES = (
    "area",
    "mass",
    "mass_mean",
    "hit",
    "hit_mean",
    "drop",
    "mean_similarity",
    "class_similarity",
    "outer",
    "follow",
    "stay",
)


def measure_drawn(method, subjects=None, per_class=False):
    network, subjects = SpotNetwork(), subjects or draw_subjects()
    probabilities = network.predict(np.stack([s.pixels for s in subjects]))
    found = measure(network, subjects, probabilities, method, WHOLE, per_class=per_class, seed=1)
    table = to_table(subjects, found, probabilities)
    return add_controls(table, found.maps, found.lesions, WHOLE), network


@cache
def figures(method):
    table, _ = measure_drawn(method)
    whole = summarize(table, FIGURES, draws=200)
    off = summarize(table[table["off_centre"] == 1], FIGURES, draws=200)
    return whole, off


def test_a_sound_map_beats_every_control():
    whole, off = figures("sound")
    for part in (whole, off):
        for name in (
            "mass_over_mean",
            "mass_over_gaussian",
            "mass_over_uniform",
            "hit_over_mean",
            "deletion_gain",
            "insertion_gain",
            "upside_down_gain",
            "drop_over_random",
            "drop_over_rolled",
            "follow_over_stay",
        ):
            assert part["differences"][name].low > 0, name
    assert off["differences"]["mass_over_matched"].low > 0
    assert whole["figures"]["mass_ratio"].value > 4
    assert whole["figures"]["hit"].value == 1.0
    assert whole["figures"]["follow"].value > 0.9


def test_a_map_upside_down_fails_every_one_of_them():
    whole, _ = figures("upside_down")
    for name in ("mass_over_uniform", "deletion_gain", "insertion_gain", "upside_down_gain"):
        assert whole["differences"][name].high < 0, name
    assert whole["figures"]["hit"].value == 0.0
    assert whole["differences"]["drop_over_random"].high < 0


def test_a_random_map_gains_nothing_over_chance():
    whole, _ = figures("random")
    for name in ("mass_over_uniform", "deletion_gain", "insertion_gain", "drop_over_random"):
        interval = whole["differences"][name]
        assert interval.low <= 0.02, name
        assert abs(interval.value) < 0.05, name
    assert abs(whole["figures"]["mean_similarity"].value) < 0.2
    assert whole["figures"]["follow"].value < 0.4


def test_a_blob_in_the_centre_looks_good_until_it_meets_its_controls():
    whole, off = figures("centre")
    assert whole["differences"]["mass_over_area"].low > 0
    assert abs(whole["differences"]["mass_over_mean"].value) < 1e-3
    assert abs(whole["differences"]["mass_over_gaussian"].value) < 1e-3
    assert abs(off["differences"]["mass_over_matched"].value) < 0.01
    assert whole["figures"]["mean_similarity"].value > 0.99
    assert whole["figures"]["stay"].value > whole["figures"]["follow"].value


def test_a_shifted_mask_lowers_the_mass():
    right, _ = measure_drawn("sound")
    shifted = [replace(s, lesion=np.roll(s.lesion, 20, axis=1)) for s in draw_subjects()]
    wrong, _ = measure_drawn("sound", shifted)
    assert wrong["mass"].mean() < 0.6 * right["mass"].mean()


def test_null_maps_are_counted_and_no_figure_is_made_of_them():
    table, _ = measure_drawn("null", per_class=True)
    assert (table["null"] == 1).all()
    known = {"null", "area", "offset", "off_centre", "group_id", "probability"}
    known |= {"outer_uniform", "corners_uniform"}
    for name in set(table.columns) - known:
        assert table[name].isna().all(), name
    whole = summarize(table, FIGURES, draws=10)
    assert np.isnan(whole["figures"]["mass"].value)
    assert np.isnan(whole["differences"]["mass_over_mean"].value)


def test_upside_down_deletion_is_insertion_read_backwards():
    sound, _ = measure_drawn("sound")
    subjects = draw_subjects()
    network = SpotNetwork()
    probabilities = network.predict(np.stack([s.pixels for s in subjects]))
    maps = network.explain("sound", np.stack([s.pixels for s in subjects]), None)

    class Turned(SpotNetwork):
        def explain(self, _method, pixels, class_indices):
            found = super().explain("sound", pixels, class_indices)
            return found.max(axis=(1, 2), keepdims=True) - found

    found = measure(Turned(), subjects, probabilities, "any", WHOLE, per_class=False, seed=1)
    turned = np.array([row["deletion"] for row in found.rows])
    assert maps.shape[1:] == (8, 8)
    # The steps are at other shares read backwards (.9 for .1), so the areas are near, not equal.
    np.testing.assert_allclose(turned, sound["insertion"], atol=0.08)


def test_a_picture_is_measured_alike_whatever_stands_beside_it():
    subjects = draw_subjects(8)
    together, _ = measure_drawn("sound", subjects)
    alone, _ = measure_drawn("sound", subjects[5:6])
    for name in ("mass", "hit", "deletion", "insertion", "auc_random", "drop_rolled", "follow"):
        assert together[name][5] == pytest.approx(alone[name][0]), name


def test_the_network_is_asked_in_batches_and_as_often_as_planned():
    _, network = measure_drawn("sound", draw_subjects(6))
    # All blanked; three curves of five; three more random draws; rolled; centre; the picture.
    assert network.asked == 6 * (1 + 15 + 3 + 1 + 1) + 6
