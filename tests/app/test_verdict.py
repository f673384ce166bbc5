"""The line a result begins with: the worst case first."""

from dataclasses import replace

import pytest
from fakes import AGREEING, DISAGREEING, make_probabilities

from skinmodel.findings.verdict import Kind, compute_verdict
from skinmodel.results import Gate, Outcome, Prediction, Trust

TITLES = {"cnn": "CNN", "cnn_sa": "CNN-SA"}


def make(probabilities):
    return [Prediction(name, "run", shares) for name, shares in probabilities.items()]


def test_one_networks_melanoma_is_not_outvoted():
    probabilities = {
        "cnn": make_probabilities(nv=0.95),
        "cnn_sa": make_probabilities(mel=0.4, nv=0.39),
    }
    verdict = compute_verdict(make(probabilities), TITLES)
    assert verdict.kind is Kind.MALIGNANT
    assert verdict.headline == "▲ Malignant: melanoma"
    assert verdict.sentence.startswith("The networks disagree: CNN-SA says melanoma (40.0 %)")


@pytest.mark.parametrize(
    ("probabilities", "kind", "words"),
    [
        (AGREEING, Kind.BENIGN, "● Benign: melanocytic nevus"),
        (DISAGREEING, Kind.MALIGNANT, "▲ Malignant: melanoma"),
        ({"cnn": make_probabilities(nv=0.7, mel=0.2)}, Kind.UNCLEAR, "no all-clear"),
        ({"cnn": make_probabilities(akiec=0.9)}, Kind.PREMALIGNANT, "◆ Pre-malignant: actinic"),
        (
            {"cnn": make_probabilities(nv=0.95), "cnn_sa": make_probabilities(bkl=0.95)},
            Kind.UNCLEAR,
            "which is disputed",
        ),
    ],
)
def test_the_kind_follows_the_worst_first_choice(probabilities, kind, words):
    verdict = compute_verdict(make(probabilities), TITLES)
    assert verdict.kind is kind
    assert words in verdict.headline


def test_one_networks_gate_is_enough_to_decline():
    reason = "The picture is unlike those of training."
    predictions = make(DISAGREEING)
    trust = Trust(Gate(Outcome.DECLINED, (reason,)), raw=predictions[0].probabilities)
    verdict = compute_verdict([replace(predictions[0], trust=trust), predictions[1]], TITLES)
    assert verdict.kind is Kind.DECLINED
    assert verdict.sentence == reason


def test_a_declined_picture_gets_no_diagnosis_in_the_line():
    verdict = compute_verdict(make(AGREEING), TITLES, declined="It is no picture of a lesion.")
    assert verdict.kind is Kind.DECLINED
    assert "nevus" not in verdict.headline + verdict.sentence
