"""Chapter 5 of the Learn page, with networks whose logits are known."""

import numpy as np
import pytest
from fakes import FakeClassifier, make_probabilities, make_record

from app.services.datasets import read_counts
from app.shared.wording import percent
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
    at = open_dashboard(networks).switch_page("learn/page.py").run()
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


TEMPERATURE = make_record("cnn").temperature


def calibrate(temperature):
    """Return softmax of the logits divided by a temperature, worked here from its definition."""
    powers = np.exp(LOGITS.astype(float) / temperature)
    return powers / powers.sum()


def test_calibrated_probabilities_are_of_the_logits_divided_by_the_temperature(chapter):
    at, _ = chapter
    assert TEMPERATURE > 1  # softens: taken the other way round it would sharpen
    table = at.dataframe[0].value
    assert table["calibrated"].to_numpy() == pytest.approx(calibrate(TEMPERATURE), abs=1e-6)
    assert table["calibrated"].max() < table["softmax"].max()


def test_the_answer_in_words_is_that_of_the_calibrated_probabilities(chapter):
    at, _ = chapter
    first, second, *_ = sorted(calibrate(TEMPERATURE))[::-1]
    entropy = -(calibrate(TEMPERATURE) * np.log2(calibrate(TEMPERATURE))).sum()
    [words] = [m.value for m in at.markdown if m.value.startswith("The answer is")]
    assert f"{percent(first - second)} behind, and an entropy of {entropy:.2f} of" in words
    assert f"The temperature {TEMPERATURE:.3f} divides all logits" in words


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
    at = open_dashboard({"cnn": broken}).switch_page("learn/page.py").run()
    at.session_state["learn-chapter"] = "Decision"
    at.run()
    assert not at.exception
    assert "no such layer" in at.error[0].value
    assert control(at.slider, "Share dropped").value == 0.5
