import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinmodel.diagnoses import CODES
from skinmodel.explain import overlay
from skinmodel.imaging.images import read
from skinmodel.inference.batch import predict_files
from skinmodel.models.registry import MODELS
from skinmodel.results import DISCLAIMER, Explanation, Prediction

BRIGHT = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)


class FakeClassifier:
    """Answers by a rule, without TensorFlow, and remembers what it was asked."""

    def __init__(self, model, run_id, methods, values=BRIGHT):
        self.spec = MODELS[model]
        self.run_id = run_id
        self.methods = methods
        self.values = values
        self.asked = []

    def classify(self, images, views=1):
        self.asked.append((len(images), views))
        p = tuple(0.7 if code == "bkl" else 0.05 for code in CODES)
        return [Prediction(self.spec.name, self.run_id, p) for _ in images]

    def explain(self, _image, method, code=None):
        self.asked.append((method, code))
        return Explanation(
            self.spec.name,
            self.run_id,
            method,
            "conv6",
            code if method == "grad_cam" else None,
            self.values,
        )


@pytest.fixture
def both():
    return {
        "cnn": FakeClassifier("cnn", "run-c", ("grad_cam",)),
        "cnn_sa": FakeClassifier("cnn_sa", "run-s", ("soft_attention", "grad_cam")),
    }


@pytest.fixture
def picture(tmp_path, photo, encode_image):
    file = tmp_path / "lesion.png"
    file.write_bytes(encode_image(photo))
    return str(file)


def test_every_file_is_answered_by_every_model_in_order(both, picture):
    answers = list(predict_files([picture, picture], both, views=8))
    assert [(a.file, a.prediction.model) for a in answers] == [
        (picture, "cnn"),
        (picture, "cnn_sa"),
    ] * 2
    assert both["cnn"].asked == [(1, 8), (1, 8)]
    assert all(a.error is None and a.explanation is None and a.overlay is None for a in answers)
    assert answers[0].to_dict() == {"file": picture, **answers[0].prediction.to_dict()}


def test_an_unreadable_file_gives_one_error_and_the_others_are_answered(both, picture, tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture")
    missing = str(tmp_path / "nowhere.png")
    answers = list(predict_files([str(text), picture, missing, str(tmp_path)], both))
    assert [(a.file, a.error is None) for a in answers] == [
        (str(text), False),
        (picture, True),
        (picture, True),
        (missing, False),
        (str(tmp_path), False),
    ]
    assert "text file" in answers[0].error
    assert answers[0].to_dict() == {"file": str(text), "error": answers[0].error}


def test_answers_come_one_by_one(both, picture):
    answers = predict_files([picture, picture], both)
    next(answers)
    assert [len(c.asked) for c in both.values()] == [1, 0]


def test_a_method_explains_the_models_that_have_it_for_the_class_predicted(both, picture):
    answers = list(predict_files([picture], both, method="soft_attention"))
    assert [a.explanation and a.explanation.method for a in answers] == [None, "soft_attention"]
    answers = list(predict_files([picture], both, method="grad_cam"))
    assert [a.explanation.code for a in answers] == ["bkl", "bkl"]
    assert answers[0].to_dict()["explanation"]["raw_maximum"] == 4.0
    assert "overlay" not in answers[0].to_dict()


def test_overlays_are_written_by_each_models_own_method(both, picture, tmp_path):
    out = tmp_path / "deep" / "out"
    answers = list(predict_files([picture], both, out=out))
    assert [a.overlay for a in answers] == [
        str(out / "0001-lesion-cnn-grad_cam.png"),
        str(out / "0001-lesion-cnn_sa-soft_attention.png"),
    ]
    assert sorted(p.name for p in out.iterdir()) == sorted(Path(a.overlay).name for a in answers)
    assert answers[1].to_dict()["overlay"] == answers[1].overlay


def test_an_overlay_says_what_it_is_and_shows_the_blend(both, picture, tmp_path):
    [answer, _] = predict_files([picture], both, method="grad_cam", out=tmp_path / "out")
    with Image.open(answer.overlay) as png:
        assert png.text == {
            "model": "cnn",
            "run_id": "run-c",
            "method": "grad_cam",
            "diagnosis": "bkl",
            "disclaimer": DISCLAIMER,
        }
        shown = np.asarray(png.convert("RGB"))
    image = read(Path(picture))
    blended = overlay.blend(image, answer.explanation)
    assert not np.array_equal(blended, image)
    lines = ("CNN, run run-c", "Grad-CAM for Benign keratosis-like lesion (bkl)", DISCLAIMER)
    np.testing.assert_array_equal(shown, overlay.caption(blended, lines))


def test_a_null_map_leaves_the_photograph_as_it_is(picture, tmp_path):
    null = {"cnn": FakeClassifier("cnn", "run-c", ("grad_cam",), np.zeros((2, 2), np.float32))}
    [answer] = predict_files([picture], null, out=tmp_path / "out")
    assert answer.explanation.is_null
    image = read(Path(picture))
    np.testing.assert_array_equal(read(Path(answer.overlay))[: len(image)], image)


def test_files_of_one_name_and_runs_of_one_model_get_overlays_of_their_own(
    picture, tmp_path, photo, encode_image
):
    other = tmp_path / "second" / "lesion.png"
    other.parent.mkdir()
    other.write_bytes(encode_image(255 - photo))
    runs = {
        "cnn": FakeClassifier("cnn", "run-c", ("grad_cam",)),
        "run-d": FakeClassifier("cnn", "run-d", ("grad_cam",)),
    }
    answers = list(predict_files([picture, str(other)], runs, out=tmp_path / "out"))
    assert len({a.overlay for a in answers}) == 4
    for answer in answers:
        with Image.open(answer.overlay) as png:
            assert png.text["run_id"] == answer.prediction.run_id


def test_a_name_as_long_as_file_systems_allow_still_gets_its_overlay(
    both, tmp_path, photo, encode_image
):
    file = tmp_path / f"{'ä' * 125}.png"  # 254 bytes
    file.write_bytes(encode_image(photo))
    answers = list(predict_files([str(file)], both, out=tmp_path / "out"))
    assert all(Path(a.overlay).is_file() for a in answers)


def test_an_overlay_that_cannot_be_written_says_what_to_do(both, picture, tmp_path):
    (tmp_path / "out").write_text("a file")
    for answer in predict_files([picture], both, out=tmp_path / "out"):
        assert re.search(r"could not be written.*--out", answer.overlay_error)
        assert answer.overlay is None
        assert answer.to_dict() == {
            "file": picture,
            **answer.prediction.to_dict(),
            "explanation": answer.explanation.to_dict(),
            "overlay_error": answer.overlay_error,
        }


def test_one_overlay_that_cannot_be_written_leaves_the_other_answers(both, picture, tmp_path):
    out = tmp_path / "out"
    (out / "0001-lesion-cnn_sa-soft_attention.png").mkdir(parents=True)  # stands in the way
    answers = list(predict_files([picture, picture], both, out=out))
    assert [a.failed for a in answers] == [False, True, False, False]
    assert [a.overlay is None for a in answers] == [False, True, False, False]
    assert all(a.prediction and a.error is None for a in answers)


def test_a_map_that_cannot_be_drawn_leaves_the_other_answers(both, picture, tmp_path):
    both["cnn"].values = np.full((2, 2), -1, np.float32)
    broken, sound = predict_files([picture], both, out=tmp_path / "out")
    assert "explanation map" in broken.overlay_error
    assert sound.overlay


def test_overlays_of_long_and_odd_names_are_written(both, tmp_path, photo, encode_image):
    for stem in ("\U0001f600" * 50, "x" * 240, "a\x1b[2J\nb", "\udcff" * 60):
        file = tmp_path / f"{stem}.png"
        file.write_bytes(encode_image(photo))
        answers = list(predict_files([str(file)], both, out=tmp_path / "out"))
        assert [a.overlay_error for a in answers] == [None, None]
        for answer in answers:
            assert Path(answer.overlay).is_file()
            assert answer.overlay.isprintable()
