"""Chapter 4 of the Learn page, with features and kernels that are known."""

import cv2
import numpy as np
import pytest
from factories import drawn_index, write_drawn_ham10000
from fakes import AGREEING, FakeClassifier, make_record

from app import services
from app.services import lessons
from skinmodel.data.masks import FOLDER
from skinmodel.data.sets import ham10000
from skinmodel.diagnoses import CODES
from skinmodel.errors import WeightsError
from skinmodel.lessons.soft_attention import AttentionWeights, attend

ENTERING = "soft_attention/input"


@pytest.fixture
def features(rng):
    return rng.normal(size=(5, 5, 8)).astype(np.float32)


@pytest.fixture
def weights(rng):
    return AttentionWeights(rng.normal(size=(3, 3, 8, 12)), np.zeros(12), 0.05)


@pytest.fixture
def open_chapter(open_dashboard, ship, monkeypatch, features, weights):
    ship(*map(make_record, ("cnn", "cnn_sa", "efficientnet_lite0_sa")))
    monkeypatch.setattr(lessons, "read_attention", lambda *_: weights)
    lessons._read_attention.clear()

    class Attentive(FakeClassifier):
        def __init__(self, model):
            super().__init__(model, AGREEING.get(model, AGREEING["cnn"]))
            self.run_id = self.record.run_id

        def activations(self, _image, layers):
            if self.failure is not None:
                raise self.failure
            assert list(layers) == [ENTERING]
            return {ENTERING: features}

    monkeypatch.setattr(services, "load_classifier", Attentive)
    services.forget_further_classifiers()

    def open_(failure=None):
        networks = {name: Attentive(name) for name in ("cnn", "cnn_sa")}
        for network in networks.values():
            network.failure = failure
        at = open_dashboard(networks).switch_page("learn/page.py").run()
        at.session_state["learn-chapter"] = "Soft attention"
        at.run()
        assert not at.exception
        return at

    yield open_
    services.forget_further_classifiers()
    lessons._read_attention.clear()


def written(at):
    return "\n".join(e.value for kind in (at.markdown, at.caption) for e in kind)


def test_a_position_is_followed_through_the_softmax(open_chapter, features, weights):
    at = open_chapter()
    steps = attend(features, weights)
    assert f"= **{steps.maps[0, 0, 0]:.3g}**" in written(at)
    at.number_input(key="attention-head").set_value(3).run()
    at.number_input(key="attention-row-5").set_value(2).run()
    assert not at.exception
    assert f"= **{steps.maps[1, 0, 2]:.3g}**" in written(at)
    assert "γ is **0.0500**" in written(at)


def test_a_network_that_is_no_default_can_be_chosen(open_chapter):
    at = open_chapter()
    assert "Run cnn_sa" in written(at) or "grouped-cnn_sa-0123abcd" in written(at)
    [choice] = [g for g in at.button_group if g.key == "attention-model"]
    choice.set_value("efficientnet_lite0_sa").run()
    assert not at.exception
    assert "grouped-efficientnet_lite0_sa-0123abcd" in written(at)


def test_a_network_that_fails_is_said_in_words(open_chapter):
    at = open_chapter(WeightsError("The network has no such layer."))
    assert "no such layer" in at.error[0].value


def test_the_measure_of_the_picture_at_hand_is_shown_where_it_has_a_mask(
    open_chapter, features, weights, monkeypatch, tmp_path
):
    data = write_drawn_ham10000(tmp_path / "data")
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 24))
    monkeypatch.setattr(ham10000, "IMAGE_COUNT", 24 * len(CODES))
    masks = data / "HAM10000" / FOLDER
    masks.mkdir()
    mask = np.zeros((80, 80), np.uint8)
    mask[16:48, 32:64] = 255  # cells of 16 pixels: rows 2 and 3, columns 3 and 4
    for image_id in drawn_index(data)["image_id"]:
        cv2.imwrite(str(masks / f"{image_id}_segmentation.png"), mask)
    at = open_chapter()
    assert "of the map's mass" not in written(at).lower()
    assert "It was not measured whether this method's maps lie on the lesion." in written(at)
    monkeypatch.setenv("SKINMODEL_DATA", str(data))
    [source] = [g for g in at.button_group if g.key == "learn-source"]
    source.set_value("Test image").run()
    assert not at.exception
    total = attend(features, weights).total
    share = total[1:3, 2:4].sum() / total.sum()
    assert f"**{100 * share:.0f} %** lies on it" in written(at)
    assert "The lesion takes 16 % of this picture" in written(at)
    [toggle] = [t for t in at.toggle if t.key == "outline-attention"]
    toggle.set_value(True).run()
    assert not at.exception
    alts = [image.alt for element in at.image for image in element.proto.imgs]
    assert any(alt.endswith("The lesion is outlined.") for alt in alts)
