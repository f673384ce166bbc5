import numpy as np
import pandas as pd
import pytest
from factories import make_index

from skinmodel.data.report.leakage import (
    LeakageCounts,
    compute_leakage_report,
    unseen_images,
    unseen_pictures,
)
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import Leakage, Split, split_grouped
from skinmodel.diagnoses import CODES

INDEX_COLUMNS = ["image_id", "lesion_id", "group_id", "truth"]
SMALL = make_index((60, 12, 10, 8, 6, 4, 4))


def make_split(pictures, sides):
    side = pd.Series(sides, index=pictures["image_id"], dtype=str)
    return Split("report", 0, side, Leakage((), ()), validation="test")


def test_leakage_counts_tell_a_turned_copy_from_another_photograph():
    # a and b are two photographs of one melanoma, c is another melanoma, d to f are nevi.
    index = pd.DataFrame(
        [
            ("a", "L1", "G1", "mel"),
            ("b", "L1", "G1", "mel"),
            ("c", "L2", "G2", "mel"),
            ("d", "L3", "G3", "nv"),
            ("e", "L4", "G3", "nv"),  # another lesion id, but known to be the same lesion
            ("f", "L5", "G5", "nv"),
        ],
        columns=INDEX_COLUMNS,
    )
    pictures = build_pictures(index)
    test = {
        "a:turn90",
        "b:turn90",
        "b",
        "d",
        "f",
        *[p for p in pictures["image_id"] if p[0] == "c"],
    }
    split = make_split(pictures, ["test" if p in test else "train" for p in pictures["image_id"]])
    report = compute_leakage_report(pictures, split)
    assert report.by_class["mel"] == LeakageCounts(
        pictures=9, turned_copy=3, same_lesion=3, either=3
    )
    assert report.by_class["nv"] == LeakageCounts(
        pictures=2, turned_copy=0, same_lesion=1, either=1
    )
    assert report.total == LeakageCounts(pictures=11, turned_copy=3, same_lesion=4, either=4)
    assert report.by_class["df"] == LeakageCounts(0, 0, 0, 0)
    assert report.total.share("either") == 4 / 11
    assert np.isnan(report.by_class["df"].share("either"))
    assert report.to_dict()["by_class"]["mel"]["turned_copy"] == 3


def test_only_its_own_copies_in_training_are_no_other_photograph():
    pictures = build_pictures(SMALL.iloc[60:61])
    split = make_split(pictures, ["test"] + ["train"] * 5)
    total = compute_leakage_report(pictures, split).total
    assert total == LeakageCounts(pictures=1, turned_copy=1, same_lesion=0, either=1)


def test_unseen_images_are_test_images_of_lesions_that_the_report_never_trained_on():
    pictures = build_pictures(SMALL)
    report, grouped = split_report(pictures), split_grouped(SMALL)
    unseen = unseen_images(SMALL, pictures, report, grouped)
    trained = set(pictures["group_id"][report.side.to_numpy() == "train"])
    expected = [
        row.image_id
        for row in SMALL.itertuples()
        if grouped.side[row.image_id] == "test" and row.group_id not in trained
    ]
    assert list(unseen.image_ids) == expected
    assert expected
    assert list(unseen.by_class) == list(CODES)
    assert sum(unseen.by_class.values()) == len(expected)
    truth = SMALL.set_index("image_id")["truth"]
    assert unseen.by_class["nv"] == sum(truth[image] == "nv" for image in expected)


def test_unseen_pictures_are_those_of_the_test_side_that_training_does_not_give_away():
    pictures = build_pictures(SMALL)
    split = split_report(pictures)
    unseen = unseen_pictures(pictures, split)
    total = compute_leakage_report(pictures, split).total
    assert len(unseen.image_ids) == total.pictures - total.either > 0
    assert sum(unseen.by_class.values()) == len(unseen.image_ids)
    lesion = pictures.set_index("image_id")["group_id"]
    trained = set(split.of(pictures, "train")["group_id"])
    assert not trained & set(lesion[list(unseen.image_ids)])
    assert set(split.side[list(unseen.image_ids)]) == {"test"}


@pytest.mark.data
def test_the_real_split_leaks_as_written(ham10000_dir):
    pictures = build_pictures(ham10000.read_index(ham10000_dir))
    split = split_report(pictures)
    report = compute_leakage_report(pictures, split)
    assert report.total == LeakageCounts(8767, turned_copy=6518, same_lesion=4975, either=7104)
    nevi = report.by_class["nv"]
    assert nevi == LeakageCounts(2213, turned_copy=0, same_lesion=574, either=574)
    others = [report.by_class[code] for code in CODES if code != "nv"]
    assert sum(counts.pictures - counts.either for counts in others) == 24
    unseen = unseen_pictures(pictures, split)
    assert len(unseen.image_ids) == 1663
    assert unseen.by_class == dict(zip(CODES, (1639, 0, 12, 0, 6, 6, 0), strict=True))
    assert (
        pictures.set_index("image_id")["source_image_id"][list(unseen.image_ids)].nunique() == 1643
    )


@pytest.mark.data
def test_all_real_images_that_neither_protocol_has_seen_are_nevi(ham10000_dir):
    index = ham10000.read_index(ham10000_dir)
    pictures = build_pictures(index)
    unseen = unseen_images(index, pictures, split_report(pictures), split_grouped(index))
    assert len(unseen.image_ids) == 322
    assert unseen.by_class == {code: 322 if code == "nv" else 0 for code in CODES}
