"""The Datasets page in full from the counts that ship, without any data on the machine."""

import pytest
from factories import write_drawn_ham10000

from app.datasets.page import SECTIONS
from app.datasets.wording import NO_BREAK
from skinmodel.data.counts import tables
from skinmodel.data.counts.tables import read_counts, write_counts
from skinmodel.data.verify.status import read_status


@pytest.fixture
def page(open_dashboard):
    return open_dashboard().switch_page("datasets/page.py").run()


def open_section(at, name):
    at.session_state["datasets-section"] = name
    at.run()
    assert not at.exception
    return at


def all_text(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.success, at.header)
    texts = "\n".join(element.value for kind in kinds for element in kind)
    return texts.replace(NO_BREAK, " ")


def cells(at, number=0):
    return at.table[number].value.map(lambda text: str(text).replace(NO_BREAK, " "))


def test_every_section_is_there_without_any_data(page):
    for section in SECTIONS:
        at = open_section(page, section)
        assert not at.error, section
        assert at.table or at.expander or len(all_text(at)) > 500, section
        for table in at.table:
            assert table.proto.alt
        alts = [chart.proto.alt for chart in at.get("plotly_chart")]
        assert all(alts)
        assert len(set(alts)) == len(alts)


def test_classes_show_both_sets_in_counts_and_shares(page):
    table = cells(page)
    assert table.loc["Melanocytic nevus · nv", "HAM10000, images"] == "6,705 (66.9 %)"
    assert table.loc["Melanocytic nevus · nv", "ISIC 2019, images"] == "12,875 (50.8 %)"
    assert table.loc["Squamous cell carcinoma · scc", "HAM10000, images"] == "no such class"
    assert table.loc["Squamous cell carcinoma · scc", "ISIC 2019, HAM10000's own"] == (
        "197 (31.4 %)"
    )
    assert table.loc["None of the eight diagnoses · unk", "ISIC 2019, images"] == "0 (0 %)"
    assert table.loc["**All**"].tolist() == [
        *("10,015 (100 %)", "7,452", "25,331 (100 %)", "13,910", "10,015 (39.5 %)", "15,316")
    ]


def test_what_always_saying_nevus_reaches_is_computed(page):
    table = cells(page, 1)
    assert table.loc["HAM10000"].tolist() == [
        *("66.9 % (6,705 of 10,015)", "14.3 % (1 of 7 diagnoses)", "0 of 1,113"),
        "58 to 1 (nv to df)",
    ]
    assert table.loc["ISIC 2019", "Balanced accuracy"] == "12.5 % (1 of 8 diagnoses)"


def test_the_reports_table_stands_beside_ours(page):
    assert "All 20 numbers of the report's Table 1 equal ours." in all_text(page)
    assert cells(page, 2).loc["Melanoma · mel"].tolist() == ["1,113", "1,113", "4,522", "4,522"]


def test_copies_and_weights_carry_the_badge_of_the_leak(page):
    at = open_section(page, "Augmentation and weights")
    text = all_text(at)
    assert "Leaky protocol: too good" in text
    assert "All 16 numbers of the report's Table 2 equal ours." in text
    assert cells(at).loc["Dermatofibroma · df"].tolist() == [
        *("115 (1.1 %)", "×6", "690 (2.6 %)", "5.50", "5.50", "5.50")
    ]


def test_splits_show_what_crosses_and_what_does_not(page):
    at = open_section(page, "Splits")
    assert "**0 lesions, 0 images.**" in at.success[0].value
    assert "**2,463 lesions, 3,020 images.**" in at.warning[0].value
    assert "6,518 (74.3 %) have a copy of it" in all_text(at)
    ours = cells(at)
    assert ours.loc["**All**", "Test, images"] == "2,003 (100 %)"
    assert ours.loc["Dermatofibroma · df", "Test, lesions"] == "15"


def test_filters_narrow_the_counts_together(page):
    at = open_section(page, "People and sites")
    every = read_counts().of("ham10000")
    assert "**10,015 (100 %) of HAM10000's 10,015 images**" in all_text(at)
    at.multiselect(key="people-diagnosis-ham10000").set_value(["mel"])
    at.multiselect(key="people-sex-ham10000").set_value(["female"])
    at.slider(key="people-age-ham10000").set_value((40, 60))
    at.checkbox(key="people-without-age-ham10000").set_value(False).run()
    rows = every[(every["diagnosis"] == "mel") & (every["sex"] == "female")]
    rows = rows[rows["age"].between(40, 60)]
    assert f"**{rows['images'].sum():,} (" in all_text(at)
    assert f"{rows['lesions'].sum():,} lesions: mel; female; 40 to 60 years; age known." in (
        all_text(at)
    )
    sites = cells(at)
    assert (sites["Value"] == "back").any()


def test_each_set_keeps_a_choice_of_its_own_and_no_answer_is_said(page):
    at = open_section(page, "People and sites")
    at.multiselect(key="people-diagnosis-ham10000").set_value(["mel"])
    at.multiselect(key="people-origin-ham10000").set_value(["follow_up"]).run()
    assert "No image answers to all of these filters." in at.info[0].value
    assert not at.get("plotly_chart")
    at.segmented_control(key="people-set").set_value("isic2019").run()
    assert "**25,331 (100 %) of ISIC 2019's 25,331 images**" in all_text(at)
    assert at.multiselect(key="people-origin-isic2019").label == "Source"


def test_shares_stand_beside_the_whole_set(page):
    at = open_section(page, "People and sites")
    at.multiselect(key="people-sex-ham10000").set_value(["male"])
    at.segmented_control(key="people-scale").set_value("Share").run()
    charts = at.get("plotly_chart")
    assert len(charts) == 5
    assert all("all of HAM10000, n = 10,015" in str(chart.proto) for chart in charts)


def test_missing_values_are_counted(page):
    at = open_section(page, "Lesions and gaps")
    table = cells(at, 1)
    assert table.loc["Melanocytic nevus · nv", "HAM10000, body site"] == "196 (2.9 %)"
    assert table.loc["Squamous cell carcinoma · scc", "HAM10000, age"] == "–"


def test_both_cards_can_be_read(page):
    at = open_section(page, "Data cards")
    assert "### HAM10000: data card" in all_text(at)
    at.segmented_control(key="card-set").set_value("isic2019").run()
    assert "BCN" in all_text(at)


def test_without_images_the_page_says_how_to_get_them(page):
    at = open_section(page, "Pictures")
    assert "python -m skinmodel data download ham10000" in at.info[0].value


def test_what_is_on_the_server_is_looked_at_once_asked_for(open_dashboard, monkeypatch, tmp_path):
    monkeypatch.setenv("SKINMODEL_DATA", str(write_drawn_ham10000(tmp_path)))
    looks = []
    monkeypatch.setattr(
        "app.services.datasets.look_at_disk", lambda data: looks.append(data) or read_status(data)
    )
    at = open_dashboard().switch_page("datasets/page.py").run()
    assert not looks
    at.session_state["datasets-availability"] = True
    at.run()
    assert looks == [tmp_path]
    table = cells(at)
    assert table.loc["HAM10000", "State"] == "in part"
    missing = table.loc["HAM10000", "Missing"].replace("\\", "")
    assert "HAM10000_images_part_1: 84 of 5,000 images" in missing
    assert "HAM10000_segmentations_lesion_tschandl: 0 of 10,015 masks" in missing
    assert table.loc["ISIC 2019", "State"] == "not here"
    assert str(tmp_path) not in all_text(at)


def test_damaged_counts_take_the_page_down_in_words(open_dashboard, monkeypatch, tmp_path):
    write_counts(read_counts(), tmp_path)
    (tmp_path / "images.csv").write_text("nothing")
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    at = open_dashboard().switch_page("datasets/page.py").run()
    assert not at.exception
    assert "images.csv" in at.error[0].value.replace("\\", "")
    assert "python -m skinmodel data count" in at.error[0].value
