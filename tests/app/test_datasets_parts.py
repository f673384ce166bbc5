"""The parts of the Datasets page by themselves: figures, filters, comparisons, words."""

import io
import math
from dataclasses import replace

import pandas as pd
import pytest

from app.datasets.augmentation import _describe_weights
from app.datasets.bars import Scale, Series, build_bars, build_columns, describe
from app.datasets.classes import count_shared, describe_renamed
from app.datasets.lesions import summarize_lesions
from app.datasets.people import break_down
from app.datasets.people_filters import Filters, describe_filters, select
from app.datasets.presentation import render_csv
from app.datasets.report_tables import compare_counts, describe_differences
from app.datasets.texts import demote_headings
from app.datasets.wording import NO_BREAK, count_and_share, label_diagnosis, share
from app.shared.content import read_sections
from skinmodel.data.counts.tables import HAM10000, ISIC2019, read_counts
from skinmodel.evaluation.published import CountTable, read_publication
from skinmodel.results import DISCLAIMER


@pytest.fixture(scope="module")
def counts():
    return read_counts()


@pytest.fixture
def rows():
    """Four cells: diagnosis, sex, age, site, origin, images, lesions."""
    cells = [
        ("nv", "female", 30.0, "back", "follow_up", 4, 2),
        ("nv", "male", 50.0, "back", "histo", 3, 3),
        ("mel", "male", math.nan, "face", "histo", 2, 1),
        ("mel", "unknown", 70.0, "unknown", "histo", 1, 1),
    ]
    names = ["diagnosis", "sex", "age", "site", "origin", "images", "lesions"]
    return pd.DataFrame(cells, columns=names)


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        (1113, 10_015, "11.1 %"),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 10_015, "< 0.1 %"),
        (10_014, 10_015, "> 99.9 %"),
        (0, 0, "–"),
    ],
)
def test_a_share_says_0_and_100_only_where_it_is(count, total, text):
    assert share(count, total).replace(NO_BREAK, " ") == text


def test_of_nothing_there_is_no_share():
    assert count_and_share(0, 0) == "0"


def test_a_diagnosis_carries_the_code_of_the_set_it_is_read_in():
    assert label_diagnosis("akiec", HAM10000).endswith("· akiec")
    assert label_diagnosis("akiec", ISIC2019).endswith("· akiec/AK")
    assert label_diagnosis("akiec").endswith("· akiec/AK")
    assert label_diagnosis("mel") == "Melanoma · mel"
    assert label_diagnosis("scc") == "Squamous cell carcinoma · scc"


@pytest.mark.parametrize(
    ("filters", "images"),
    [
        (Filters(), 10),
        (Filters(diagnosis=("nv",)), 7),
        (Filters(sex=("male",)), 5),
        (Filters(sex=("male",), site=("face",)), 2),
        (Filters(diagnosis=("nv", "mel"), origin=("histo",)), 6),
        (Filters(youngest=30, oldest=50), 9),  # the one without an age counts
        (Filters(youngest=30, oldest=50, without_age=False), 7),
        (Filters(without_age=False), 8),
        (Filters(sex=("female",), origin=("histo",)), 0),
    ],
)
def test_filters_work_together(rows, filters, images):
    assert select(rows, filters)["images"].sum() == images


def test_what_is_chosen_is_said_in_words():
    assert describe_filters(Filters()) == "every image"
    assert not Filters().are_set
    chosen = Filters(("mel", "bcc"), ("female",), (), ("follow_up",), 40, 60, without_age=False)
    assert describe_filters(chosen) == "mel or bcc; female; follow-up; 40 to 60 years; age known"
    assert chosen.are_set


def test_breaking_down_keeps_every_value_of_the_whole_set_in_order(rows):
    chosen = select(rows, Filters(sex=("male",)))
    ages = break_down(rows, chosen, "age", HAM10000)
    assert ages["value"].tolist() == ["30", "50", "70", "unknown"]
    assert ages["images"].tolist() == [0, 3, 0, 2]
    assert ages["images_of_all"].tolist() == [4, 3, 1, 2]
    site = break_down(rows, chosen, "site", HAM10000)
    assert site["value"].tolist() == ["back", "face", "unknown"]
    assert site["lesions"].tolist() == [3, 1, 0]
    assert break_down(rows, chosen, "diagnosis", HAM10000)["value"].tolist() == ["nv", "mel"]


def test_bars_are_as_long_as_their_scale_says():
    series = [Series("one", (1000, 0), 2000), Series("two", (10, 1), (20, 4))]
    count, log, of_whole = (build_bars(["a", "b"], series, scale) for scale in Scale)
    assert [tuple(bar.x) for bar in count.data] == [(1000, 0), (10, 1)]
    assert [tuple(bar.x) for bar in of_whole.data] == [(0.5, 0), (0.5, 0.25)]
    assert log.layout.xaxis.type == "log"
    low, high = log.layout.xaxis.range
    assert low < 0 < 3 < high  # a bar of 1 has a length, one of 1,000 room for its figures
    places = [note.x for note in log.layout.annotations if "(" in note.text]
    assert places == pytest.approx([3, low, 1, 0])
    assert len({bar.marker.pattern.shape for bar in count.data}) == 2  # not by colour alone


def test_every_bar_carries_its_count_and_share():
    figure = build_bars(["a", "b"], [Series("one", (3, 1), 4)], Scale.COUNT)
    texts = [note.text.replace(NO_BREAK, " ") for note in figure.layout.annotations]
    assert texts == ["3 (75.0 %)", "1 (25.0 %)", "a", "b"]
    alt = describe("Title", ["a", "b"], [Series("one", (3, 1), 4)]).replace(NO_BREAK, " ")
    assert alt == "Title. one: a 3 (75.0 %), b 1 (25.0 %)."


def test_columns_draw_the_whole_set_as_points_over_the_bars():
    series = [Series("chosen", (1, 3), 4), Series("all", (5, 5), 10)]
    figure = build_columns(["30", "35"], series, Scale.SHARE, "Age")
    assert [trace.type for trace in figure.data] == ["bar", "scatter"]
    assert [tuple(trace.y) for trace in figure.data] == [(0.25, 0.75), (0.5, 0.5)]


def test_the_reports_tables_equal_ours(counts):
    publication = read_publication()
    first, second = publication.get("1"), publication.get("2")
    assert isinstance(first, CountTable)
    assert isinstance(second, CountTable)
    ours = {"isic_2018": counts.by_class(HAM10000), "isic_2019": counts.by_class(ISIC2019)}
    cells = compare_counts(first, ours)
    assert len(cells) == 20  # nine diagnoses and the total, twice
    assert describe_differences(cells, "1") == "All 20 numbers of the report's Table 1 equal ours."
    pictures = dict(counts.augmentation[["diagnosis", "pictures"]].itertuples(index=False))
    assert not any(cell.differs for cell in compare_counts(second, {"total": pictures}))


def test_a_difference_from_the_report_is_named(counts):
    table = read_publication().get("1")
    ours = {"isic_2018": counts.by_class(HAM10000) | {"df": 116, "unk": 2}}
    text = describe_differences(compare_counts(table, ours), "1")
    assert text == (
        "3 of 10 numbers differ from ours: df, isic_2018: 115 printed, 116 counted, unk, "
        "isic_2018: – printed, 2 counted and total, isic_2018: 10,015 printed, 10,018 counted."
    )


def test_printed_weights_that_differ_are_named(counts):
    assert _describe_weights(counts.augmentation).startswith("All 7 weights")
    changed = counts.augmentation.copy()
    changed.loc[0, "weight"] += 0.1
    assert "nv 0.57 printed, 0.67 computed" in _describe_weights(changed)


def test_what_isic_2019_calls_ham10000s_images(counts):
    assert describe_renamed(counts) == (
        "HAM10000's 327 images of akiec are 130 AK and 197 SCC in ISIC 2019."
    )
    assert count_shared(counts)["scc"] == 197
    same = counts.overlap[counts.overlap[HAM10000] == counts.overlap[ISIC2019]]
    assert describe_renamed(replace(counts, overlap=same)) == ""


def test_lesions_with_several_images_are_summed(counts):
    found = summarize_lesions(counts).set_index(["dataset", "diagnosis"])
    sizes = counts.lesions.query("dataset == 'ham10000' and diagnosis == 'df'")
    by_size = dict(zip(sizes["images_per_lesion"], sizes["lesions"], strict=True))
    assert by_size == {1: 39, 2: 26, 3: 8}
    df = found.loc[(HAM10000, "df")]
    assert df.tolist() == [39 + 52 + 24, 73, 34, 76, 3]
    assert found.loc[HAM10000].index[0] == "nv"


def test_saved_tables_say_where_their_numbers_come_from(counts):
    saved = pd.read_csv(io.BytesIO(render_csv(pd.DataFrame({"a": [1, 2]}), counts)))
    assert saved["a"].tolist() == [1, 2]
    assert set(saved["command"]) == {"python -m skinmodel data count --data DIR"}
    assert set(saved["counted"]) == {counts.facts["counted"]}
    assert set(saved["disclaimer"]) == {DISCLAIMER}
    assert "Tschandl" in saved["source"][0]


def test_the_cards_headings_stand_below_the_pages_title():
    assert demote_headings("# A\n\ntext # no\n\n## B") == "### A\n\ntext # no\n\n#### B"


def test_every_section_has_its_text():
    assert set(read_sections("datasets")) == {
        *("intro", "availability", "classes", "overlap", "augmentation", "weights", "splits"),
        *("report_split", "people", "lesions", "missing", "diagnoses"),
    }
