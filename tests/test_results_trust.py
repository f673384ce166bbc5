"""How far an answer can be trusted, as every page, file and table is told it."""

import json
from dataclasses import replace

from skinmodel.diagnoses import CODES
from skinmodel.results import (
    Figure,
    Gate,
    LabelSet,
    Outcome,
    Prediction,
    Threshold,
    Trust,
    join_gates,
)

EVEN = (1 / 7,) * 7
FIGURE = Figure(0.9, 0.85, 0.95)
TRUST = Trust(
    Gate(Outcome.DECLINED, ("It is a page of text.",)),
    EVEN,
    sets=(LabelSet(0.9, ("mel", "nv"), FIGURE),),
    thresholds=(Threshold("melanoma", 0.95, 0.1, 0.1, FIGURE, FIGURE),),
)


def test_a_declined_answer_is_withheld_unless_asked_for_by_force() -> None:
    prediction = Prediction("cnn", "run", EVEN, trust=TRUST)
    withheld = prediction.to_dict(force=False)
    assert withheld["gate"] == {"outcome": "declined", "reasons": ["It is a page of text."]}
    assert not {"prediction", "probabilities", "raw_probabilities", "sets"} & withheld.keys()
    forced = json.loads(json.dumps(prediction.to_dict()))
    assert forced["gate"] == withheld["gate"]
    assert forced["raw_probabilities"] == dict(zip(CODES, EVEN, strict=True))
    assert forced["sets"][0]["codes"] == ["mel", "nv"]
    assert forced["thresholds"][0]["above"] is True


def test_an_answer_with_a_caution_is_given_and_one_without_a_gate_says_nothing_of_it() -> None:
    cautioned = replace(TRUST, gate=Gate(Outcome.CAUTION, ("It is small.",)))
    assert "probabilities" in Prediction("cnn", "run", EVEN, trust=cautioned).to_dict(force=False)
    assert "gate" not in Prediction("cnn", "run", EVEN).to_dict(force=False)


def test_the_strictest_gate_counts_and_every_reason_is_kept_once() -> None:
    answered, caution = Gate(Outcome.ANSWERED), Gate(Outcome.CAUTION, ("small", "dark"))
    declined = Gate(Outcome.DECLINED, ("text", "small"))
    assert join_gates([answered, caution, declined, caution]) == Gate(
        Outcome.DECLINED, ("text", "small", "dark")
    )
    assert join_gates([answered]) == answered
    assert join_gates([]) is None


def test_a_score_at_the_threshold_is_above_it() -> None:
    point = TRUST.thresholds[0]
    assert point.above
    assert not replace(point, score=0.0999).above
