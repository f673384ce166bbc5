import pandas as pd
import pytest

from skinmodel import paths
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.ham10000 import join_lesions, read_same_lesion_pairs


def make_index(lesions):
    """One image, called as its lesion but for the first letter, a lesion id."""
    return pd.DataFrame({"image_id": [f"I{name[1:]}" for name in lesions], "lesion_id": lesions})


def group(monkeypatch, pairs, lesions):
    monkeypatch.setattr(ham10000, "read_same_lesion_pairs", lambda: pairs)
    return list(join_lesions(make_index(lesions))["group_id"])


def test_eighteen_pairs_of_different_images_are_known():
    pairs = read_same_lesion_pairs()
    assert len(pairs) == len({frozenset(pair) for pair in pairs}) == 18
    for pair in pairs:
        assert len(set(pair)) == 2
        assert all(image_id.startswith("ISIC_00") and len(image_id) == 12 for image_id in pair)


def test_a_known_pair_is_one_lesion():
    a, b = read_same_lesion_pairs()[0]
    index = pd.DataFrame(
        {"image_id": [a, "ISIC_9999999", b, "ISIC_9999998"], "lesion_id": list("zyxz")}
    )
    assert list(join_lesions(index)["group_id"]) == ["x", "y", "x", "x"]


def test_without_pairs_every_lesion_is_its_own_group(monkeypatch):
    assert group(monkeypatch, [], ["L1", "L2"]) == ["L1", "L2"]


def test_a_pair_of_which_one_image_is_absent_joins_nothing(monkeypatch):
    assert group(monkeypatch, [("I1", "I9"), ("I9", "I2")], ["L1", "L2"]) == ["L1", "L2"]


@pytest.mark.parametrize(
    "pairs",
    [
        [("I1", "I2"), ("I2", "I3"), ("I3", "I4")],
        [("I4", "I3"), ("I2", "I1"), ("I3", "I2")],
        [("I3", "I4"), ("I1", "I4"), ("I2", "I4"), ("I4", "I1")],
    ],
    ids=["forward", "backward", "star with a circle"],
)
def test_chains_of_pairs_share_the_smallest_lesion_id(monkeypatch, pairs):
    lesions = ["L4", "L2", "L5", "L1", "L3"]
    assert group(monkeypatch, pairs, lesions) == ["L1", "L1", "L5", "L1", "L1"]


def test_a_pair_within_one_lesion_changes_nothing(monkeypatch):
    monkeypatch.setattr(ham10000, "read_same_lesion_pairs", lambda: [("I1", "I2")])
    index = pd.DataFrame({"image_id": ["I1", "I2"], "lesion_id": ["L1", "L1"]})
    assert list(join_lesions(index)["group_id"]) == ["L1", "L1"]


def test_groups_stand_on_the_rows_own_index(monkeypatch):
    monkeypatch.setattr(ham10000, "read_same_lesion_pairs", lambda: [("I2", "I3")])
    index = make_index(["L1", "L2", "L3"]).set_axis([30, 10, 20])
    assert join_lesions(index)["group_id"].to_dict() == {30: "L1", 10: "L2", 20: "L2"}


@pytest.mark.data
@pytest.mark.skipif(paths.data_dir() is None, reason="SKINMODEL_DATA is not set")
def test_the_pairs_are_those_that_come_with_the_data():
    released = pd.read_csv(paths.data_dir() / "HAM10000" / "extra_same_lesion_pairs.csv")
    assert list(released.itertuples(index=False, name=None)) == read_same_lesion_pairs()
