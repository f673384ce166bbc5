"""What the Classify page offers around a result: its worth, history, crop and the choice."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from fakes import FakeClassifier, make_probabilities

from app import services
from app.classify.crop import find_box
from app.classify.page import describe_size
from app.services.pictures import Origin, crop_picture, open_picture
from app.services.worth import find_worth
from app.shared.report import render_json
from skinmodel.diagnoses import CODES
from skinmodel.errors import ImageError
from skinmodel.results import Prediction


def give(at, data, name="lesion.png"):
    return at.file_uploader[0].set_value((name, data, "image/png")).run()


@pytest.fixture
def shipped():
    """The default networks by the names of the runs that ship, saying melanoma at 70 %."""
    records = {r.model: r for r in services.read_records() if r.model in ("cnn", "cnn_sa")}
    loaded = {}
    for name, record in records.items():
        loaded[name] = FakeClassifier(name, make_probabilities(mel=0.7, nv=0.26))
        loaded[name].record = record
    return loaded


def test_what_an_answer_was_worth_stands_beside_it(open_dashboard, shipped, picture_bytes):
    at = give(open_dashboard(shipped), picture_bytes)
    [prediction] = shipped["cnn"].classify([np.zeros((64, 64, 3), np.uint8)])
    worth = find_worth(prediction)[CODES.index("mel")]
    assert worth.leading
    assert worth.lesions >= 10
    said = [m.value for m in at.markdown if "got this answer at this certainty" in m.value]
    assert len(said) == 2
    assert f"Of {worth.lesions} test lesions" in said[0]
    assert f"{worth.right} were melanoma" in said[0]
    [chart, _] = at.get("plotly_chart")
    notes = [a["text"] for a in json.loads(chart.proto.spec)["layout"]["annotations"]]
    assert any(note.startswith(f"{worth.right} of {worth.lesions} had it (") for note in notes)


def test_nothing_is_said_of_a_run_whose_predictions_are_not_there():
    assert find_worth(Prediction("cnn", "no-such-run", make_probabilities(mel=0.7))) == ()


def test_a_drawing_is_held_against_no_lesion(open_dashboard, shipped):
    at = open_dashboard(shipped)
    at.segmented_control(key="source").set_value("Drawings").run()
    at.button(key="take-Melanoma").click().run()
    assert not [m for m in at.markdown if "got this answer" in m.value]


def test_a_choice_of_networks_outlives_a_visit_to_another_page(open_dashboard, picture_bytes):
    at = give(open_dashboard(), picture_bytes)
    at.multiselect(key="networks").set_value(["cnn_sa"]).run()
    at.switch_page("about/page.py").run()
    at.switch_page("classify/page.py").run()
    assert at.multiselect(key="networks").value == ["cnn_sa"]


def test_a_part_is_classified_as_a_picture_of_its_own(open_dashboard, picture_bytes):
    at = give(open_dashboard(), picture_bytes)
    whole = at.session_state["picture"]
    assert at.button(key="crop-take").disabled
    at.slider(key=f"crop-x-{whole.key}").set_value((25, 100)).run()
    at.button(key="crop-take").click().run()
    part = at.session_state["picture"]
    assert part.crop == (32, 0, 128, 96)
    assert part.sha256 == whole.sha256
    np.testing.assert_array_equal(part.image, whole.image[:, 32:])
    assert "a part of 96 x 96 pixels of a file of 128 x 96 pixels" in describe_size(part)
    assert [a.picture for a in at.session_state["analyses"].values()] == [whole, part]
    analysis = at.session_state["analyses"][part.origin, part.key]
    titles = {name: name for name in analysis.predictions}
    saved = json.loads(render_json(analysis, titles, (), datetime(2026, 1, 1, tzinfo=UTC)))
    assert saved["image"]["crop"] == [32, 0, 128, 96]


def test_a_part_too_small_for_a_network_is_refused(picture_bytes):
    picture = open_picture(picture_bytes, Origin.UPLOAD)
    with pytest.raises(ImageError, match="at least 64"):
        crop_picture(picture, (0, 0, 63, 96))
    with pytest.raises(ImageError, match="not inside"):
        crop_picture(picture, (0, 0, 129, 96))
    assert find_box((96, 128), (0, 100), (50, 100)) == (0, 48, 128, 96)


def test_the_caption_gives_the_files_own_size(photo, encode_image):
    large = np.tile(photo, (32, 20, 1))  # 3072 x 2560: reduced to 2048 on its longer side
    picture = open_picture(encode_image(large), Origin.UPLOAD)
    assert picture.size == (2560, 3072)
    assert describe_size(picture) == "2560 x 3072 pixels, reduced to 1707 x 2048"


def test_the_camera_is_asked_for_its_own_size(open_dashboard):
    at = open_dashboard()
    at.segmented_control(key="source").set_value("Camera").run()
    assert at.camera_input[0].proto.resolution_height == 1080
