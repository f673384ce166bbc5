import numpy as np
import pandas as pd
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError
from skinmodel.evaluation.measures.bootstrap import compute_intervals
from skinmodel.evaluation.measures.thresholds import compute_target_interval, target_of
from skinmodel.evaluation.predictions import build_predictions, to_arrays
from skinmodel.evaluation.subgroups import (
    FIGURES,
    MIN_LESIONS,
    compute_subgroups,
)

IMAGES, LESIONS = 420, 300


@pytest.fixture
def index(rng):
    """420 images of 300 lesions, a third of them melanoma."""
    lesion_of = rng.permutation(np.concatenate([np.arange(LESIONS), rng.integers(0, LESIONS, 120)]))
    of_lesion = pd.DataFrame(
        {
            "truth": rng.choice(CODES, LESIONS, p=[0.3, 0.34, 0.1, 0.1, 0.08, 0.04, 0.04]),
            "sex": rng.choice(["female", "male"], LESIONS),
            "age": rng.integers(0, 18, LESIONS) * 5.0,
        }
    )
    index = of_lesion.loc[lesion_of].reset_index(drop=True)
    index.insert(0, "image_id", [f"ISIC_{number:04d}" for number in range(IMAGES)])
    index.insert(1, "group_id", [f"HAM_{number:04d}" for number in lesion_of])
    return index


@pytest.fixture
def table(rng, index):
    one = index["truth"].to_numpy(str)[:, None] == np.array(CODES)
    odds = rng.gamma(1.0, size=(IMAGES, 7)) + 2 * one
    return build_predictions(index, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32))


def compute(table, index):
    return {(g.attribute, g.value): g for g in compute_subgroups(table, index, draws=30, seed=3)}


def test_each_subgroup_has_the_figures_of_its_own_images(table, index):
    groups = compute(table, index)
    for value in ("female", "male"):
        group = groups["sex", value]
        rows = (index["sex"] == value).to_numpy()
        truth, probabilities, lesions = to_arrays(table[rows])
        assert (group.images, group.lesions) == (rows.sum(), len(np.unique(lesions)))
        expected = compute_intervals(truth, probabilities, lesions, 30, 3)
        positive, score = target_of("malignant", truth, probabilities)
        expected["malignant_auc"] = compute_target_interval(positive, score, lesions, 30, 3)
        assert tuple(group.figures) == FIGURES
        assert group.figures == {name: expected[name] for name in FIGURES}


def test_the_order_of_the_index_does_not_matter(table, index, rng):
    more = pd.concat([index, index.head(3).assign(image_id=["x", "y", "z"])])
    shuffled = more.iloc[rng.permutation(len(more))]
    assert compute(table, shuffled) == compute(table, index)


def test_each_attribute_parts_all_images(table, index):
    groups = compute(table, index)
    for attribute in ("sex", "age"):
        assert sum(g.images for g in groups.values() if g.attribute == attribute) == IMAGES


def test_age_bands_hold_their_lower_bound_and_the_unknown_come_last(table, index):
    ages = [0, 29, 30, 44.9, 45, 59, 60, 74, 75, 120, np.nan, -5]
    index["age"] = [*ages, *[35.0] * (IMAGES - len(ages))]
    groups = [g for g in compute_subgroups(table, index, draws=5) if g.attribute == "age"]
    assert [(g.value, g.images) for g in groups] == [
        ("0-29", 2),
        ("30-44", 2 + IMAGES - len(ages)),
        ("45-59", 2),
        ("60-74", 2),
        ("75+", 2),
        ("unknown", 2),
    ]


def test_what_was_not_recorded_is_unknown_and_last(table, index):
    site = np.array(["scalp", None, "abdomen", "", "  ", "unknown", np.nan], object)
    index["site"] = site[np.arange(IMAGES) % 7]
    groups = [g for g in compute_subgroups(table, index, draws=5) if g.attribute == "site"]
    assert [(g.value, g.images) for g in groups] == [
        ("abdomen", 60),
        ("scalp", 60),
        ("unknown", 300),
    ]


def test_only_attributes_of_the_index_are_reported_in_a_fixed_order(table, index):
    index["source"] = "one"
    index["dx_type"] = "histo"
    groups = compute_subgroups(table, index, draws=5)
    assert list(dict.fromkeys(g.attribute for g in groups)) == ["sex", "age", "dx_type", "source"]
    assert compute_subgroups(table, index[["image_id"]], draws=5) == []


@pytest.mark.parametrize("lesions", [MIN_LESIONS - 1, MIN_LESIONS])
def test_few_lesions_have_no_figure_however_many_images(table, index, lesions):
    chosen = index["group_id"].isin(index["group_id"].unique()[:lesions])
    index["site"] = np.where(chosen, "ear", "back")
    group = compute(table, index)["site", "ear"]
    assert (group.lesions, group.images) == (lesions, chosen.sum())
    assert (group.figures is None) == (lesions < MIN_LESIONS)


@pytest.mark.parametrize("melanomas", [0, 1, MIN_LESIONS - 1, MIN_LESIONS])
def test_a_recall_that_rests_on_few_melanomas_is_not_given(table, index, melanomas):
    kept = index.drop_duplicates("group_id")
    kept = pd.concat([kept[kept["truth"] == "mel"][:melanomas], kept[kept["truth"] == "nv"]])
    index = index.assign(sex="female")
    part = table[table["image_id"].isin(kept["image_id"])]
    figures = compute(part, index)["sex", "female"].figures
    for name in ("recall.mel", "malignant_auc"):
        interval = figures[name]
        bounds = [interval.value, interval.low, interval.high]
        assert np.isnan(bounds).all() == (melanomas < MIN_LESIONS), name
    assert figures["accuracy"].low <= figures["accuracy"].high


@pytest.mark.parametrize("benign", [0, MIN_LESIONS - 1, MIN_LESIONS])
def test_an_area_that_rests_on_few_benign_lesions_is_not_given(table, index, benign):
    kept = index.drop_duplicates("group_id")
    kept = pd.concat([kept[kept["truth"] == "mel"], kept[kept["truth"] == "nv"][:benign]])
    part = table[table["image_id"].isin(kept["image_id"])]
    figures = compute(part, index.assign(sex="male"))["sex", "male"].figures
    assert np.isnan(figures["malignant_auc"].value) == (benign < MIN_LESIONS)
    assert 0 < figures["recall.mel"].low < figures["recall.mel"].high


def test_images_that_the_index_lacks_are_named(table, index):
    with pytest.raises(DatasetError, match=r"2 of 420 images .*missing from.*ISIC_0000, ISIC_0001"):
        compute_subgroups(table, index[2:], draws=5)


def test_images_twice_in_the_index_are_named(table, index):
    with pytest.raises(DatasetError, match=r"1 of 420 images .*more than once in.*ISIC_0007"):
        compute_subgroups(table, pd.concat([index, index[7:8]]), draws=5)
