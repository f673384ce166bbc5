"""The gate on the Classify page: a declined picture's answer is hidden until somebody insists."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes import AGREEING, FakeClassifier

from app.services.pictures import Analysis, Origin, open_picture
from app.shared.report import render_json
from skinmodel.results import Figure, Gate, LabelSet, Outcome, Threshold, Trust

FIGURE = Figure(0.91, 0.87, 0.95)
REASON = "This does not look like a dermoscopic picture of a lesion: it is a test."
INSIST = "Show what the networks would say"


class GatedClassifier(FakeClassifier):
    """A fake that carries what a gate says."""

    outcome = Outcome.DECLINED

    def classify(self, images, views=1):
        reasons = () if self.outcome is Outcome.ANSWERED else (REASON,)
        trust = Trust(
            Gate(self.outcome, reasons),
            self._probabilities,
            sets=(LabelSet(0.9, ("nv", "bkl"), FIGURE),),
            thresholds=(Threshold("melanoma", 0.95, 0.01, 0.02, FIGURE, FIGURE),),
        )
        return [replace(p, trust=trust) for p in super().classify(images, views)]


@pytest.fixture
def networks():
    return {name: GatedClassifier(name, p) for name, p in AGREEING.items()}


def give(at, data):
    return at.file_uploader[0].set_value(("a.png", data, "image/png")).run()


def test_a_declined_picture_gets_no_verdict_until_somebody_insists(
    open_dashboard, networks, picture_bytes
):
    at = give(open_dashboard(networks), picture_bytes)
    assert any(REASON in w.value for w in at.warning)
    assert not at.get("plotly_chart")
    assert "nevus" not in " ".join(m.value for m in at.markdown).split("seven diagnoses")[0]
    [insist] = [toggle for toggle in at.toggle if toggle.label == INSIST]
    insist.set_value(True).run()
    assert len(at.get("plotly_chart")) == len(networks)
    assert any(REASON in w.value for w in at.warning)


def test_an_answer_stands_beside_its_threshold_and_its_set(open_dashboard, networks, picture_bytes):
    for network in networks.values():
        network.outcome = Outcome.CAUTION
    at = give(open_dashboard(networks), picture_bytes)
    assert not [toggle for toggle in at.toggle if toggle.label == INSIST]
    said = [m.value for m in at.markdown if "have it looked at" in m.value]
    assert len(said) == len(networks)
    assert "91 % (87 to 95) of test melanomas" in said[0]
    assert any("melanocytic nevus or " in c.value for c in at.caption)
    assert any("it is a test" in w.value for w in at.warning)


def test_the_saved_file_of_a_declined_picture_holds_the_refusal_alone(networks, picture_bytes):
    picture = open_picture(picture_bytes, Origin.UPLOAD)
    analysis = Analysis(picture)
    for name, network in networks.items():
        [analysis.predictions[name]] = network.classify([picture.image])
    titles = {name: name for name in networks}
    saved = json.loads(render_json(analysis, titles, (), datetime.now(UTC)))
    assert [r["gate"]["outcome"] for r in saved["results"]] == ["declined"] * len(networks)
    assert REASON in saved["results"][0]["gate"]["reasons"]
    assert "probabilities" not in json.dumps(saved)
    assert saved["explanations"] == []
