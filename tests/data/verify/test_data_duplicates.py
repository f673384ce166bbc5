import numpy as np
import pandas as pd
import pytest

from skinmodel.data.verify.known import find_identical, judge_identical

ROWS = pd.DataFrame(
    [
        ("a", "nv", "L1", "L1"),
        ("b", "nv", "L1", "L1"),
        ("c", "mel", "L1", "L1"),
        ("d", "nv", "L2", "L1"),  # joined with L1 by what is known
        ("e", "nv", np.nan, "L1"),  # likewise, without a lesion id
        ("f", "nv", "L3", "L3"),
        ("ISIC_0067502", "mel", "L4", "L4"),
        ("ISIC_0067980", "nv", "L5", "L5"),
    ],
    columns=["image_id", "truth", "lesion_id", "group_id"],
).set_index("image_id")


def test_equal_digests_make_a_group_and_unread_images_none():
    digests = {"d": b"2", "b": b"1", "x": b"", "y": b"", "a": b"1", "c": b"2", "e": b"3"}
    assert find_identical(digests) == [("a", "b"), ("c", "d")]
    assert find_identical({}) == []


@pytest.mark.parametrize(
    ("ids", "standing"),
    [
        (("a", "b"), "of one lesion"),
        (("a", "c"), "unknown"),
        (("a", "d"), "of lesions known to be one"),
        (("a", "e"), "of lesions known to be one"),
        (("a", "b", "f"), "unknown"),
        (("a", "no row"), "unknown"),
        (("ISIC_0067502", "ISIC_0067980"), "under two diagnoses, as is known"),
        (("ISIC_0067502", "a"), "unknown"),
    ],
)
def test_identical_pictures_are_judged_by_lesion_and_diagnosis(ids, standing):
    assert judge_identical(ids, ROWS).standing == standing
