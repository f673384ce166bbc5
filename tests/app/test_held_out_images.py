"""Real images of the test folds: offered only where the data are, truth hidden until asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from factories import write_drawn_ham10000
from fakes import make_record

from app import intake, samples
from app.intake import Source
from skinmodel.data import ham10000
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import get_diagnosis


@pytest.fixture
def drawn_data(tmp_path, monkeypatch):
    folder = write_drawn_ham10000(tmp_path)
    index = ham10000.read_index(folder, complete=False)
    monkeypatch.setattr("app.samples.read_index", lambda _: index)
    monkeypatch.setenv("SKINMODEL_DATA", str(folder))
    return split_grouped(index).of(index, "test")


def choose_source(open_dashboard):
    at = open_dashboard()
    return at.segmented_control(key="source").set_value(Source.TEST_IMAGES).run()


def all_text(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_without_a_data_folder_one_calm_sentence(open_dashboard):
    at = choose_source(open_dashboard)
    assert not at.exception
    assert not at.error
    assert "SKINMODEL_DATA" in at.info[0].value


def test_broken_data_folder_is_named_with_its_defects_and_read_once(
    open_dashboard, tmp_path, monkeypatch
):
    folder = write_drawn_ham10000(tmp_path)
    monkeypatch.setenv("SKINMODEL_DATA", str(folder))
    reads = []

    def read(path):
        reads.append(path)
        return ham10000.read_index(path)

    monkeypatch.setattr("app.samples.read_index", read)
    at = choose_source(open_dashboard).run()
    assert not at.exception
    [error] = at.error
    assert error.proto.title == "The test images cannot be offered"
    assert "rows where the release has 10,015" in error.value
    assert "images of nv where the release has 6,705" in error.value
    assert len(at.file_uploader) == 0
    assert reads == [folder]
    [again] = [b for b in at.button if b.label == "Look again"]
    again.click().run()
    assert reads == [folder] * 2


def test_data_folder_without_ham10000_says_what_is_looked_for(
    open_dashboard, tmp_path, monkeypatch
):
    monkeypatch.setenv("SKINMODEL_DATA", str(tmp_path))
    at = choose_source(open_dashboard)
    assert not at.exception
    assert "HAM10000\\_metadata.csv" in at.error[0].value


def test_truth_is_hidden_until_asked_for_and_hidden_again_for_the_next(open_dashboard, drawn_data):
    at = choose_source(open_dashboard)
    first, second = [b for b in at.button if b.key and b.key.startswith("take-")][:2]
    truth = drawn_data.set_index("image_id").loc[first.label, "truth"]
    at = first.click().run()
    assert f"**{get_diagnosis(truth).name}**, confirmed" not in all_text(at)
    at.toggle[0].set_value(True).run()
    assert f"**{get_diagnosis(truth).name}**, confirmed by histopathology" in all_text(at)
    at = at.button(key=second.key).click().run()
    assert "confirmed by" not in all_text(at)
    assert not at.toggle[0].value


@pytest.mark.parametrize(("fingerprint", "claimed"), [("same", True), ("other", False)])
def test_unseen_is_claimed_only_for_weights_of_this_very_split(
    open_dashboard, drawn_data, monkeypatch, fingerprint, claimed
):
    index = samples.read_index(Path())
    own = split_grouped(index).fingerprint if fingerprint == "same" else "0" * 64
    record = make_record("cnn")
    record = replace(record, split={**record.split, "fingerprint": own})
    monkeypatch.setattr("app.services.read_records", lambda: (record,))
    text = all_text(choose_source(open_dashboard))
    assert ("neither trained nor tuned on" in text) is claimed
    assert ("may have been trained on" in text) is not claimed


def test_only_test_folds_are_drawn_and_a_new_draw_differs(open_dashboard, drawn_data):
    at = choose_source(open_dashboard)
    shown = [b.label for b in at.button if b.key and b.key.startswith("take-")]
    assert len(shown) == intake.DRAWN_AT_ONCE
    assert set(shown) <= set(drawn_data["image_id"])
    [again] = [b for b in at.button if b.label == "Draw others"]
    at = again.click().run()
    assert [b.label for b in at.button if b.key and b.key.startswith("take-")] != shown


def test_every_diagnosis_is_equally_likely_to_be_drawn():
    import pandas as pd

    truth = ["nv"] * 300 + ["df"] * 30
    table = pd.DataFrame({"image_id": range(330), "truth": truth})
    drawn = pd.concat(intake.draw_test_images(table, n) for n in range(100))
    share = (drawn["truth"] == "df").mean()
    assert 0.4 < share < 0.6
    assert intake.draw_test_images(table, 3).equals(intake.draw_test_images(table, 3))
