"""Chapter 5 of the Learn page, with networks whose logits are known."""

import numpy as np
import pytest
from fakes import FakeClassifier, make_probabilities, make_record

from app.services.datasets import read_counts
from skinmodel.diagnoses import CODES
from skinmodel.errors import WeightsError
from skinmodel.lessons.decision import cross_entropy, softmax

LOGITS = np.array([2.0, 1.0, -0.5, 0.0, -3.0, 0.3, 1.4], np.float32)


class Deciding(FakeClassifier):
    def __init__(self, model):
        super().__init__(model, make_probabilities(nv=0.7))
        self.run_id = self.record.run_id

    def activations(self, _image, layers):
        if self.failure is not None:
            raise self.failure
        assert list(layers) == ["probabilities/linear"]
        return {"probabilities/linear": LOGITS}


@pytest.fixture
def chapter(open_dashboard, ship):
    ship(make_record("cnn"), make_record("cnn_sa"))
    networks = {name: Deciding(name) for name in ("cnn", "cnn_sa")}
    at = open_dashboard(networks).switch_page("views/learn.py").run()
    at.session_state["learn-chapter"] = "Decision"
    at.run()
    assert not at.exception
    return at, networks


def control(kind, label):
    [found] = [c for c in kind if c.label == label]
    return found


def test_probabilities_come_from_the_networks_logits(chapter):
    at, _ = chapter
    table = at.dataframe[0].value
    assert table["softmax"].to_numpy() == pytest.approx(softmax(LOGITS))
    assert table["softmax"].sum() == pytest.approx(1)


def test_moving_a_logit_moves_every_softmax_and_one_sigmoid(chapter):
    at, _ = chapter
    before = at.dataframe[0].value
    control(at.selectbox, "Move one logit: of").set_value("mel").run()
    control(at.slider, "by").set_value(4.0).run()
    assert not at.exception
    after = at.dataframe[0].value
    changed = (before["sigmoid"] != after["sigmoid"]).to_numpy()
    assert list(np.flatnonzero(changed)) == [CODES.index("mel")]
    assert (before["softmax"] != after["softmax"]).all()


def test_the_loss_carries_the_reports_class_weight(chapter):
    at, _ = chapter
    control(at.selectbox, "Suppose the truth is").set_value("df").run()
    assert not at.exception
    weights = read_counts().augmentation.set_index("diagnosis")["train_weight"]
    loss = cross_entropy(softmax(LOGITS), CODES.index("df"), weights["df"])
    values = {metric.label: metric.value for metric in at.metric}
    assert values["Class weight"] == "5.503"
    assert values["Weighted loss"] == f"{loss:.3f}"


def test_a_network_that_fails_is_said_in_words_and_dropout_stays(open_dashboard, ship):
    ship(make_record("cnn"))
    broken = Deciding("cnn")
    broken.failure = WeightsError("The network has no such layer.")
    at = open_dashboard({"cnn": broken}).switch_page("views/learn.py").run()
    at.session_state["learn-chapter"] = "Decision"
    at.run()
    assert not at.exception
    assert "no such layer" in at.error[0].value
    assert control(at.slider, "Share dropped").value == 0.5
