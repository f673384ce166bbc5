"""What the data cards and the texts on the diagnoses say is what code and data say."""

import re

import pandas as pd
import pytest

from app.shared.content import read_content, read_sections
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.sets.ham10000 import read_same_lesion_pairs
from skinmodel.data.splits import FOLDS, TEST_FOLDS, VAL_FOLDS
from skinmodel.data.truth_tables import SCC, UNKNOWN
from skinmodel.diagnoses import CODES, DIAGNOSES, Malignancy
from skinmodel.paths import ROOT

CARDS = ("card_ham10000", "card_isic2019")
DESCRIBED = (*CODES, SCC, UNKNOWN)
PARTS = ("What it is.", "Under the dermatoscope.", "Confused with.", "Why it matters.")
NUMBERS = {"one": 1, "two": 2, "three": 3, "seven": 7, "ten": 10}
MALIGNANT = {d.code for d in DIAGNOSES if d.malignancy is not Malignancy.BENIGN}


def test_every_diagnosis_of_both_sets_is_described_and_nothing_else():
    assert set(read_sections("dermoscopy")) == {*DESCRIBED, "imbalance", "references"}


@pytest.mark.parametrize("code", DESCRIBED)
def test_a_diagnosis_is_described_in_four_parts_and_few_words(code):
    text = read_sections("dermoscopy")[code]
    assert tuple(re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)) == PARTS
    assert 80 <= len(text.split()) <= 140
    assert re.search(r"\[\d\]", text)


@pytest.mark.parametrize("name", ["dermoscopy", *CARDS])
def test_every_reference_given_is_listed_and_every_one_listed_is_given(name):
    lines = read_content(name).splitlines()
    listed = [int(m[1]) for line in lines if (m := re.match(r"(\d)\. \S", line))]
    body = " ".join(line for line in lines if not re.match(r"\d\. ", line))
    groups = re.findall(r"\[([\d, ]+)\](?!\()", body)
    given = {int(n) for group in groups for n in group.split(",")}
    assert listed == list(range(1, len(listed) + 1))
    assert given == set(listed)


def test_what_is_said_of_the_imbalance_holds_for_the_release():
    text = read_sections("dermoscopy")["imbalance"]
    share = {c: n / ham10000.IMAGE_COUNT for c, n in ham10000.CLASS_COUNTS.items()}
    assert "two of three pictures of HAM10000 are nevi" in text
    assert share["nv"] == pytest.approx(2 / 3, abs=0.01)
    assert "little more than one in a hundred is a dermatofibroma" in text
    assert 0.01 < share["df"] < 0.0125
    assert min(share, key=share.__getitem__) == "df"


@pytest.mark.parametrize("name", CARDS)
def test_a_card_has_every_part_and_is_linked_from_the_readme(name):
    text = read_content(name)
    parts = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert [p for p in parts if not p.startswith("How this program")] == [
        "What it is",
        "Who collected it, and when",
        "How the pictures were made",
        "The labels, and how they were confirmed",
        "Known defects",
        "What is not represented",
        "What it is for, and what not",
        "Licence and citation",
    ]
    assert len(parts) == 9
    assert "CC BY-NC 4.0" in text
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"](assets/content/{name}.md)" in readme


def test_the_card_of_ham10000_says_what_the_code_does():
    text = read_content("card_ham10000")
    assert f"{ham10000.IMAGE_COUNT:,} dermoscopic images" in text
    assert f"{len(read_same_lesion_pairs())} pairs show one lesion under two ids" in text
    train, val, test, folds = re.search(
        r"dealt to (?P<folds>\w+) folds.*?: (?P<train>\w+) folds to learn from, (?P<val>\w+) to "
        r"choose the epoch and the temperature by, (?P<test>\w+) to test on",
        text,
    ).group("train", "val", "test", "folds")
    assert NUMBERS[folds] == FOLDS
    assert NUMBERS[test] == len(TEST_FOLDS)
    assert NUMBERS[val] == len(VAL_FOLDS)
    assert NUMBERS[train] == FOLDS - len(TEST_FOLDS) - len(VAL_FOLDS)


def test_the_card_of_isic2019_says_what_the_code_does():
    text = read_content("card_isic2019")
    assert f"{isic2019.ROW_COUNT:,} dermoscopic images" in text
    ham = re.search(r"under the ids (ISIC_\d+) to (ISIC_\d+)", text)
    assert all(isic2019.in_ham10000_range(edge) for edge in ham.groups())
    assert int(ham[2][5:]) - int(ham[1][5:]) + 1 == ham10000.IMAGE_COUNT
    [line] = [x for x in text.splitlines() if x.startswith("- **Two pictures stand under two ids")]
    assert set(re.findall(r"ISIC_\d{7}", line)) == isic2019.CONTRADICTORY
    assert "Three groups" in text
    assert len(isic2019.SAME_LESION) == NUMBERS["three"]
    order = re.search(r"The order of what is dropped is: (.+?)\.", text)[1]
    assert order.split(", ") == [
        "images in HAM10000",
        "images whose file is missing",
        "contradicting pairs",
        "SCC",
        "unknown",
    ]


@pytest.mark.data
def test_what_the_card_says_of_ham10000s_labels_holds_for_the_real_table(ham10000_dir):
    table = pd.read_csv(ham10000_dir / "HAM10000" / ham10000.METADATA)
    assert f"of {table['lesion_id'].nunique():,} lesions" in read_content("card_ham10000")
    by_type = table.groupby("dx_type")["dx"].agg(set)
    assert set(table.loc[table["dx"].isin(MALIGNANT), "dx_type"]) == {"histo"}
    assert by_type["follow_up"] == {"nv"}
    assert by_type["confocal"] == {"bkl"}
    assert not by_type["consensus"] & MALIGNANT
    assert (table["age"].dropna() % 5 == 0).all()
    for column in ("age", "sex", "localization"):
        assert (table[column].isna() | (table[column] == "unknown")).any(), column


@pytest.mark.data
def test_what_the_card_says_of_isic2019_holds_for_the_real_tables(ham10000_dir):
    truth = pd.read_csv(ham10000_dir / "ISIC2019" / isic2019.TRUTH)
    table = pd.read_csv(ham10000_dir / "ISIC2019" / isic2019.METADATA)
    text = read_content("card_isic2019")
    assert f"`_downsampled` ({truth['image'].str.endswith('_downsampled').sum():,})" in text
    assert truth["UNK"].sum() == 0
    assert "About one image in twelve has no lesion id" in text
    assert table["lesion_id"].isna().mean() == pytest.approx(1 / 12, rel=0.02)
    assert set(table["lesion_id"].dropna().str[:3]) == {"HAM", "BCN", "MSK"}
