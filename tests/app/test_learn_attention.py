"""Chapter 4 of the Learn page, with features and kernels that are known."""

import numpy as np
import pytest
from fakes import AGREEING, FakeClassifier, make_record

from app import services
from app.services import lessons
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
        at = open_dashboard(networks).switch_page("views/learn.py").run()
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
