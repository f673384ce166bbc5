"""Wherever HAM10000 is read, a known pair of one lesion under two ids is one group.

That is the guard of the split: unjoined, one lesion could stand on two sides. Drawn tables, which
hold the ids of real pairs, and no image is decoded.
"""

import pandas as pd
import pytest
from factories import LESIONS

from skinmodel.data.counts import measure
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.ham10000 import read_same_lesion_pairs
from skinmodel.data.splits import split_grouped
from skinmodel.data.verify import tables
from skinmodel.diagnoses import CODES

PAIRS = read_same_lesion_pairs()[:LESIONS]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """HAM10000's layout: 12 lesions a class with two images each, and 12 known pairs.

    Each pair is the first image of a lesion of the first class and of one of the second.
    """
    rows = [
        {
            "lesion_id": f"HAM_{k}{lesion:06d}",
            "image_id": f"ISIC_9{k}{lesion:04d}{image}",
            "dx": code,
            "dx_type": "histo",
            "age": 40.0,
            "sex": "female",
            "localization": "back",
        }
        for k, code in enumerate(CODES)
        for lesion in range(LESIONS)
        for image in range(2)
    ]
    table = pd.DataFrame(rows)
    for n, pair in enumerate(PAIRS):
        for position, image_id in enumerate(pair):
            table.loc[2 * (n + LESIONS * position), "image_id"] = image_id
    root = tmp_path_factory.mktemp("joined") / "HAM10000"
    (root / "HAM10000_images").mkdir(parents=True)
    table.to_csv(root / ham10000.METADATA, index=False)
    for image_id in table["image_id"]:
        (root / "HAM10000_images" / f"{image_id}.jpg").touch()
    return root.parent


READERS = {
    "training and evaluation": lambda data: ham10000.read_index(data, complete=False),
    "counts": measure._read_ham10000,
    "verification": lambda data: tables.read_labels(data / "HAM10000", "ham10000")[0].reset_index(),
}


@pytest.fixture(params=READERS)
def index(data, request, monkeypatch):
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 2 * LESIONS))
    return READERS[request.param](data)


def test_a_known_pair_is_one_group_though_its_lesion_ids_differ(index):
    by_id = index.set_index("image_id")
    for a, b in PAIRS:
        assert by_id["lesion_id"][a] != by_id["lesion_id"][b]
        assert by_id["group_id"][a] == by_id["group_id"][b]
    assert index["lesion_id"].nunique() - index["group_id"].nunique() == len(PAIRS)


def test_every_image_of_a_paired_lesion_stands_on_one_side_of_the_split(index):
    apart = split_grouped(index.assign(group_id=index["lesion_id"])).side
    joined = split_grouped(index).side
    assert any(apart[a] != apart[b] for a, b in PAIRS)  # it matters in this index
    lesion_of = index.set_index("image_id")["lesion_id"]
    for pair in PAIRS:
        of_pair = index["image_id"][index["lesion_id"].isin(lesion_of[list(pair)])]
        assert len(of_pair) == 4
        assert len(set(joined[of_pair])) == 1
