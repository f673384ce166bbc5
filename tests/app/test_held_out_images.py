"""Real images of the test folds: offered only where the data are, truth hidden until asked for."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factories import write_drawn_ham10000
from fakes import AGREEING, make_record

from app import services, state
from app.learn import subject
from app.services import samples
from app.services.pictures import Origin
from app.shared import intake
from app.shared.intake import Source
from app.shared.report import render_json
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import get_diagnosis
from skinmodel.quiz.answers import to_csv
from skinmodel.results import Prediction


@pytest.fixture
def drawn_data(tmp_path, monkeypatch):
    folder = write_drawn_ham10000(tmp_path)
    index = ham10000.read_index(folder, complete=False)
    monkeypatch.setattr("app.services.samples.read_index", lambda _: index)
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

    monkeypatch.setattr("app.services.samples.read_index", read)
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


def of_split(monkeypatch, fingerprint):
    record = make_record("cnn")
    if fingerprint is None:
        fingerprint = split_grouped(samples.read_index(Path())).fingerprint
    record = replace(record, split={**record.split, "fingerprint": fingerprint})
    monkeypatch.setattr("app.services.read_records", lambda: (record,))


@pytest.mark.parametrize(
    ("fingerprint", "origin"),
    [(None, Origin.HAM10000), ("0" * 64, Origin.HAM10000_UNPLACED)],
)
def test_a_test_image_carries_no_better_provenance_than_it_has(
    open_dashboard, drawn_data, monkeypatch, fingerprint, origin
):
    of_split(monkeypatch, fingerprint)
    at = choose_source(open_dashboard)
    [first, *_] = [b for b in at.button if b.key and b.key.startswith("take-")]
    at = first.click().run()
    assert at.session_state["picture"].origin is origin
    cautioned = any("may have been trained on this very lesion" in w.value for w in at.warning)
    assert cautioned is (origin is Origin.HAM10000_UNPLACED)


@pytest.mark.parametrize(("fingerprint", "unseen"), [(None, True), ("0" * 64, False)])
def test_the_quiz_calls_lesions_unseen_only_for_weights_of_this_very_split(
    open_dashboard, drawn_data, monkeypatch, fingerprint, unseen
):
    of_split(monkeypatch, fingerprint)
    at = open_dashboard().switch_page("quiz/page.py").run()
    assert ("none of the networks was trained on" in all_text(at)) is unseen
    [start] = [b for b in at.button if b.label == "Start"]
    at = start.click().run()
    quiz = at.session_state["quiz"]
    [send] = [b for b in at.button if b.label == get_diagnosis("nv").name]
    at = send.click().run()
    assert not at.exception
    assert ("may have been trained on this very lesion" in all_text(at)) is not unseen
    assert ("scores may be too good" in all_text(at)) is not unseen
    assert (b"perhaps seen" in to_csv(quiz.answers)) is not unseen


def test_the_learn_page_names_the_provenance_too(open_dashboard, drawn_data, monkeypatch):
    of_split(monkeypatch, "0" * 64)
    at = open_dashboard().switch_page("learn/page.py").run()
    at.pills(key="learn-source").set_value(subject.Source.TEST_IMAGE).run()
    assert not at.exception
    assert "(HAM10000, perhaps seen in training)" in all_text(at)


def test_a_picture_seen_in_the_quiz_keeps_its_own_name_when_it_is_classified(
    drawn_data, monkeypatch
):
    path, name = drawn_data.iloc[0][["path", "image_id"]]
    in_quiz = services.open_file(path, Origin.HAM10000, "Quiz")
    chosen = services.open_file(path, Origin.HAM10000, name)
    monkeypatch.setattr("streamlit.session_state", {})
    prediction = Prediction("cnn", "run", AGREEING["cnn"], 1.0)
    state.get_analysis(in_quiz).predictions["cnn"] = prediction
    now = datetime(2026, 1, 1, tzinfo=UTC)
    saved = json.loads(render_json(state.get_analysis(chosen), {"cnn": "CNN"}, (), now))
    assert saved["image"]["title"] == name
    assert [r["run_id"] for r in saved["results"]] == ["run"]  # what is known is kept


@pytest.mark.parametrize("source", [Source.SAMPLES, Source.TEST_IMAGES])
def test_a_picture_that_vanished_is_named_and_the_others_stay(
    open_dashboard, drawn_data, monkeypatch, tmp_path, source
):
    folder = tmp_path / "samples"
    shutil.copytree(samples.SAMPLES, folder)
    monkeypatch.setattr(samples, "SAMPLES", folder)
    at = open_dashboard()
    at.segmented_control(key="source").set_value(source).run()
    shown = [b for b in at.button if b.key and b.key.startswith("take-")]
    paths = {s.title: s.path for s in samples.read_drawings()} | dict(
        zip(drawn_data["image_id"], drawn_data["path"], strict=True)
    )
    gone = Path(paths[shown[0].label])
    gone.unlink()
    at = shown[0].click().run()  # it vanished after it had been offered
    assert not at.exception
    assert [e for e in at.error if e.proto.title == "This picture cannot be used"]
    assert all("inside the program" not in e.value for e in at.error)
    assert any(gone.name in e.value.replace("\\", "") for e in at.error)
    left = [b.key for b in at.button if b.key and b.key.startswith("take-")]
    assert left == [b.key for b in shown[1:]]


def test_a_quiz_picture_that_vanished_is_named(open_dashboard, drawn_data, monkeypatch):
    of_split(monkeypatch, None)
    at = open_dashboard().switch_page("quiz/page.py").run()
    for path in drawn_data["path"]:
        Path(path).unlink()
    [start] = [b for b in at.button if b.label == "Start"]
    at = start.click().run()
    assert not at.exception
    assert "There is no file" in at.error[0].value


def test_a_lost_list_of_drawings_is_named(open_dashboard, monkeypatch, tmp_path):
    monkeypatch.setattr(samples, "SAMPLES", tmp_path)
    at = open_dashboard()
    at.segmented_control(key="source").set_value(Source.SAMPLES).run()
    assert "index.json" in at.error[0].value.replace("\\", "")
    assert "Restore the folder" in at.error[0].value
