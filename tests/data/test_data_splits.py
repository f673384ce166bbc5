from dataclasses import replace

import pandas as pd
import pytest

from skinmodel import paths
from skinmodel.data import splits
from skinmodel.data.sets.ham10000 import join_lesions, read_index, read_same_lesion_pairs
from skinmodel.data.splits import Leakage, assign_folds, compute_leakage, split_grouped
from skinmodel.diagnoses import CODES
from skinmodel.errors import SplitError

REAL = "fcca4141d41bb4c927e07ba7dca0a809428b4350396a1514d8f31a6880b9194c"
DRAWN = "2a22528ae224ef684ee7a0843fb77c17851f6925f0d0f3d63ac76d8c57d55763"


def make_index(lesions_a_class=40):
    """Lesions of 1 to 6 images, by arithmetic alone: the same on every machine."""
    rows = []
    for k, code in enumerate(CODES):
        for lesion in range(lesions_a_class // (k + 1) + 3):
            for _ in range(1 + (lesion * 7 + k) % 6):
                rows.append((f"ISIC_{len(rows):07d}", f"HAM_{k}{lesion:03d}", code))
    return pd.DataFrame(rows, columns=["image_id", "group_id", "truth"])


INDEX = make_index()


def test_every_lesion_is_on_one_side_and_every_image_on_some():
    split = split_grouped(INDEX)
    assert list(split.side.index) == list(INDEX["image_id"])
    assert set(split.side) == {"train", "val", "test"}
    lesions = [set(split.of(INDEX, side)["group_id"]) for side in splits.SIDES]
    assert sum(map(len, lesions)) == INDEX["group_id"].nunique()
    assert split.leakage == Leakage(lesions=(), images=())
    assert not split.leakage.leaks


def test_folds_0_and_1_are_the_test_and_fold_2_is_the_validation():
    folds = assign_folds(INDEX, splits.SEED)
    assert sorted(folds.unique()) == list(range(10))
    side = split_grouped(INDEX).side.to_numpy()
    assert set(side[folds <= 1]) == {"test"}
    assert set(side[folds == 2]) == {"val"}
    assert set(side[folds >= 3]) == {"train"}


@pytest.mark.parametrize("folds", [2, 5, 10])
@pytest.mark.parametrize("seed", [splits.SEED, 1, 50])
def test_every_diagnosis_is_even_over_the_folds_to_within_one_lesion(seed, folds):
    dealt = INDEX.assign(fold=assign_folds(INDEX, seed, folds))
    images = pd.crosstab(dealt["truth"], dealt["fold"])
    assert images.shape == (7, folds)
    largest = dealt.groupby(["truth", "group_id"]).size().groupby("truth").max()
    assert (images.max(axis=1) - images.min(axis=1) <= largest).all()
    even = images.sum(axis=1) / folds
    assert (images.sub(even, axis=0).abs().max(axis=1) <= largest).all()


def test_the_whole_is_even_over_the_folds_where_lesions_are_of_one_size():
    index = INDEX.drop_duplicates("group_id")
    sizes = assign_folds(index, 3).value_counts()
    assert sizes.max() - sizes.min() <= 1


def test_the_order_of_the_rows_does_not_matter():
    shuffled = INDEX.sample(frac=1, random_state=8)
    assert list(shuffled["image_id"]) != list(INDEX["image_id"])
    split, again = split_grouped(INDEX), split_grouped(shuffled)
    assert again.side.to_dict() == split.side.to_dict()
    assert again.fingerprint == split.fingerprint
    pd.testing.assert_series_equal(
        assign_folds(shuffled, 4).sort_index(), assign_folds(INDEX, 4).sort_index()
    )


def test_the_seed_decides_the_deal():
    assert split_grouped(INDEX, 1).fingerprint == split_grouped(INDEX, 1).fingerprint
    assert split_grouped(INDEX, 1).fingerprint != split_grouped(INDEX, 2).fingerprint


def test_the_split_of_a_drawn_index_is_the_same_on_every_machine():
    assert split_grouped(INDEX).fingerprint == DRAWN
    assert split_grouped(INDEX).side.value_counts().to_dict() == {
        "train": 303,
        "val": 42,
        "test": 84,
    }


def test_the_fingerprint_sees_one_image_that_changes_sides():
    split = split_grouped(INDEX)
    moved = split.side.copy()
    moved.iloc[0] = "val" if moved.iloc[0] != "val" else "test"
    other = splits.Split(split.name, split.seed, moved, split.leakage)
    assert other.fingerprint != split.fingerprint


def test_a_lesion_of_two_diagnoses_stays_whole():
    index = INDEX.copy()
    index.loc[index["group_id"] == "HAM_1002", "group_id"] = "HAM_0004"
    assert index[index["group_id"] == "HAM_0004"]["truth"].nunique() == 2
    assert len(set(assign_folds(index, 1)[index["group_id"] == "HAM_0004"])) == 1
    assert not split_grouped(index).leakage.leaks


def test_known_pairs_stand_on_one_side():
    a, b = read_same_lesion_pairs()[0]
    pair = pd.DataFrame({"image_id": [a, b], "lesion_id": ["HAM_8", "HAM_9"], "truth": "nv"})
    joined = pd.concat([INDEX, join_lesions(pair)], ignore_index=True)
    apart = pd.concat([INDEX, pair.assign(group_id=pair["lesion_id"])], ignore_index=True)

    def sides(index):
        return {split_grouped(index, seed).side[[a, b]].nunique() for seed in range(8)}

    assert sides(apart) == {1, 2}
    assert sides(joined) == {1}


def test_a_split_hands_out_its_sides_in_the_indexs_order():
    split = split_grouped(INDEX)
    sides = {side: split.of(INDEX, side) for side in splits.SIDES}
    assert sum(len(rows) for rows in sides.values()) == len(INDEX)
    for side, rows in sides.items():
        assert list(rows.index) == list(range(len(rows)))
        assert rows["image_id"].is_monotonic_increasing
        assert set(split.side[rows["image_id"]]) == {side}
        assert list(rows.columns) == list(INDEX.columns)


def test_a_mask_marks_the_rows_that_a_side_hands_out():
    split = split_grouped(INDEX)
    for side in splits.SIDES:
        mask = split.mask(INDEX, side)
        assert mask.dtype == bool
        assert list(INDEX["image_id"][mask]) == list(split.of(INDEX, side)["image_id"])


def test_an_image_that_the_split_does_not_know_is_on_no_side():
    strange = INDEX.iloc[:2].assign(image_id=["ISIC_9999998", "ISIC_9999999"])
    assert not any(split_grouped(INDEX).mask(strange, side).any() for side in splits.SIDES)


def test_a_split_without_validation_hands_out_its_test_side_and_leaks_for_it():
    split = split_grouped(INDEX)
    tuned_on_test = replace(split, validation="test")
    assert not split.leaks
    assert tuned_on_test.leaks
    assert tuned_on_test.to_dict() == {**split.to_dict(), "leaks": True}
    validation, test = (tuned_on_test.of(INDEX, side) for side in ("val", "test"))
    pd.testing.assert_frame_equal(validation, test)
    pd.testing.assert_frame_equal(test, split.of(INDEX, "test"))


def test_a_side_of_another_name_is_refused():
    with pytest.raises(SplitError, match="no side 'validation'; a split has train, val, test"):
        split_grouped(INDEX).of(INDEX, "validation")


def test_a_weights_record_learns_name_seed_fingerprint_and_leakage():
    split = split_grouped(INDEX, 5)
    assert split.to_dict() == {
        "name": "grouped",
        "seed": 5,
        "fingerprint": split.fingerprint,
        "leaks": False,
    }


def test_planted_leaks_are_found():
    rows = pd.DataFrame(
        [
            ("i1", "clean", "train"),
            ("i2", "clean", "train"),
            ("i3", "planted lesion", "train"),
            ("i4", "planted lesion", "test"),
            ("i5", "turned copies", "val"),
            ("i5", "turned copies", "test"),
            ("i6", "copies on one side", "test"),
            ("i6", "copies on one side", "test"),
        ],
        columns=["image_id", "group_id", "side"],
    )
    leakage = compute_leakage(rows)
    assert leakage == Leakage(lesions=("planted lesion", "turned copies"), images=("i5",))
    assert leakage.leaks


def test_a_random_split_of_the_same_images_leaks():
    side = ["train", "test", "val"] * len(INDEX)
    leakage = compute_leakage(INDEX.assign(side=side[: len(INDEX)]))
    sizes = INDEX.groupby("group_id").size()
    assert leakage.lesions == tuple(sorted(sizes.index[sizes > 1]))
    assert leakage.images == ()


def test_a_grouped_split_that_would_leak_is_refused(monkeypatch):
    def deal_by_row(index, seed):
        return pd.Series(range(len(index)), index=index.index) % 10

    monkeypatch.setattr(splits, "assign_folds", deal_by_row)
    with pytest.raises(SplitError, match=r"lesions on two sides: HAM_\d+, .*\(\d+ in all\)"):
        split_grouped(INDEX)


@pytest.mark.data
@pytest.mark.skipif(paths.data_dir() is None, reason="SKINMODEL_DATA is not set")
def test_the_real_split_is_the_one_that_the_shipped_weights_name():
    index = read_index(paths.data_dir())
    split = split_grouped(index)
    assert split.fingerprint == REAL
    assert split.side.value_counts().to_dict() == {"train": 7010, "test": 2003, "val": 1002}
    assert split.leakage == Leakage((), ())
    for a, b in read_same_lesion_pairs():
        assert split.side[a] == split.side[b]
    parts = {side: split.of(index, side) for side in splits.SIDES}
    lesions = [set(rows["lesion_id"]) for rows in parts.values()]
    assert not (lesions[0] & lesions[1] | lesions[0] & lesions[2] | lesions[1] & lesions[2])
    share = index["truth"].value_counts(normalize=True)
    for rows in parts.values():
        assert (rows["truth"].value_counts(normalize=True) - share).abs().max() < 0.005
