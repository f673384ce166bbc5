"""What a saved result holds, and what it must not hold."""

import hashlib
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from fakes import make_classifiers
from PIL import Image
from pypdf import PdfReader
from streamlit.runtime.media_file_manager import MediaFileManager

from app.services.pictures import Analysis, Origin, open_picture
from app.shared.report import describe_overlay, render_json, render_overlay_png
from skinmodel.explain import overlay
from skinmodel.results import DISCLAIMER, Explanation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def analysis(picture_bytes):
    analysis = Analysis(open_picture(picture_bytes, Origin.UPLOAD))
    for name, fake in make_classifiers().items():
        [analysis.predictions[name]] = fake.classify([analysis.picture.image])
        found = fake.explain(analysis.picture.image, "grad_cam", "mel")
        analysis.explanations[(name, "grad_cam", "mel")] = found
    return analysis


def test_json_names_models_runs_and_disclaimer_but_no_file(analysis, picture_bytes):
    titles = {"cnn": "CNN", "cnn_sa": "CNN-SA"}
    document = json.loads(render_json(analysis, titles, ["Read with care."], NOW))
    assert document["disclaimer"] == DISCLAIMER
    assert document["saved"] == "2026-01-02T03:04:05+00:00"
    assert document["models_agree"] is True
    assert document["cautions"] == ["Read with care."]
    assert document["image"] == {
        "sha256": hashlib.sha256(picture_bytes).hexdigest(),
        "width": 128,
        "height": 96,
        "origin": "upload",
        "title": None,
    }
    for result, name in zip(document["results"], ("cnn", "cnn_sa"), strict=True):
        assert result["model"] == name
        assert result["run_id"] == f"grouped-{name}-0123abcd"
        assert result["disclaimer"] == DISCLAIMER
        assert sum(result["probabilities"].values()) == pytest.approx(1)
    assert [e["diagnosis"] for e in document["explanations"]] == ["mel", "mel"]


def test_overlay_has_the_uploads_size_and_says_what_it_is(analysis):
    explanation = analysis.explanations[("cnn", "grad_cam", "mel")]
    data = render_overlay_png(analysis.picture, explanation, 0.5, "CNN")
    with Image.open(io.BytesIO(data)) as image:
        blended = overlay.blend(analysis.picture.image, explanation, 0.5)
        assert blended.shape == (96, 128, 3)
        lines = overlay.label(explanation, "CNN")
        expected = overlay.caption(blended, lines, explanation.raw_maximum)
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert image.info["Disclaimer"] == DISCLAIMER
        assert image.info["Model"] == "cnn"
        assert image.info["Run"] == "grouped-cnn-0123abcd"
        assert image.info["Method"] == "Grad-CAM"
        assert image.info["Layer"] == "conv6"
        assert image.info["Diagnosis"] == "mel"
        assert float(image.info["Raw maximum"]) == pytest.approx(explanation.raw_maximum, rel=1e-5)
        assert image.info["Image SHA-256"] == analysis.picture.sha256


def test_overlay_of_one_head_says_which(analysis):
    fake = make_classifiers()["cnn_sa"]
    explanation = fake.explain(analysis.picture.image, "soft_attention").of_head(7)
    data = render_overlay_png(analysis.picture, explanation, 0.5, "CNN-SA")
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["Head"] == "7"
    assert "head 7 of 12" in describe_overlay(explanation, "CNN-SA")


@pytest.mark.parametrize(
    ("cell", "place"),
    [((0, 0), "top left"), ((7, 7), "bottom right"), ((4, 3), "in the centre"), ((3, 7), "middle")],
)
def test_overlay_description_says_where_the_map_is_strongest(cell, place):
    values = np.zeros((8, 8), np.float32)
    values[cell] = 2
    explanation = Explanation("cnn", "run", "grad_cam", "conv6", "mel", values)
    assert place in describe_overlay(explanation, "CNN")


def test_page_offers_json_and_both_overlays(open_dashboard, picture_bytes, monkeypatch):
    callables = []
    add = MediaFileManager.add_deferred

    def spy(self, *args, **kwargs):
        callables.extend(a for a in (*args, *kwargs.values()) if callable(a))
        return add(self, *args, **kwargs)

    monkeypatch.setattr(MediaFileManager, "add_deferred", spy)
    at = open_dashboard()
    at.file_uploader[0].set_value(("patient-name.png", picture_bytes, "image/png"))
    at.run()
    assert [b.label for b in at.download_button] == [
        "Save the report (PDF)",
        "Save the result (JSON)",
        "Save the overlay (PNG)",
        "Save the overlay (PNG)",
    ]
    files = [make() for make in callables]
    assert len(files) == 4
    report = files.pop(0)
    [reader] = [PdfReader(io.BytesIO(report))]
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "Both networks say: melanocytic nevus, at 91.0 % (CNN) and 86.0 % (CNN-SA)." in text
    assert "CNN-SA: Soft attention, sum of 12 heads" in text  # the map that the page shows
    assert "run grouped-cnn-0123abcd, temperature 1.25" in text
    assert "Your file, 128 x 96 pixels." in text
    assert b"patient-name" not in report
    assert {r["model"] for r in json.loads(files[0])["results"]} == {"cnn", "cnn_sa"}
    assert len(json.loads(files[0])["explanations"]) == 2
    for data in files:
        assert b"patient-name" not in data
        assert DISCLAIMER.encode() in data
        assert b"grouped-cnn" in data


def test_a_remark_that_cannot_be_printed_is_refused_with_its_reason(open_dashboard, picture_bytes):
    at = open_dashboard()
    at.file_uploader[0].set_value(("lesion.png", picture_bytes, "image/png")).run()
    key = f"report-remarks-{at.session_state['picture'].key}"
    at.text_area(key=key).set_value("黑色素瘤").run()
    [error] = at.error
    assert "the report's font has no" in error.value
    assert at.download_button[0].disabled
    at.text_area(key=key).set_value("Меланома").run()
    assert not at.error
    assert not at.download_button[0].disabled


def test_an_overlay_carries_the_date_the_probability_and_a_colour_key(analysis):
    explanation = analysis.explanations[("cnn", "grad_cam", "mel")]
    said = {"prediction": analysis.predictions["cnn"], "now": NOW}
    data = render_overlay_png(analysis.picture, explanation, 0.5, "CNN", **said)
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["Probability"] == (
            "Probability: Melanocytic nevus 91.0 %, Melanoma 0.8 %"
        )
        assert image.info["Saved"] == "2026-01-02T03:04:05+00:00"
        shown = np.asarray(image)
    key = overlay.colorbar(128, 1)[0]
    assert (shown == key).all(axis=(1, 2)).sum() >= 8
