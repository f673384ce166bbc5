import json

import numpy as np
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.results import DISCLAIMER, Explanation, Prediction

PROBABILITIES = (0.10, 0.40, 0.05, 0.05, 0.30, 0.05, 0.05)


def explain(values, **changes):
    fields = {
        "model": "cnn_sa",
        "run_id": "r1",
        "method": "grad_cam",
        "layer": "conv6",
        "code": "mel",
        "values": np.asarray(values, np.float32),
    }
    return Explanation(**{**fields, **changes})


def test_a_prediction_names_its_most_probable_diagnosis():
    prediction = Prediction("cnn", "r1", PROBABILITIES)
    assert prediction.code == "mel"
    assert prediction.diagnosis.name == "Melanoma"
    assert prediction.confidence == 0.40


def test_the_first_in_class_order_wins_a_tie():
    assert Prediction("cnn", "r1", (0.2, 0.3, 0.3, 0.2, 0.0, 0.0, 0.0)).code == "mel"


def test_a_prediction_as_json_has_every_code_and_the_disclaimer():
    data = json.loads(json.dumps(Prediction("cnn", "r1", PROBABILITIES).to_dict()))
    assert data == {
        "model": "cnn",
        "run_id": "r1",
        "prediction": "mel",
        "temperature": 1.0,
        "probabilities": dict(zip(CODES, PROBABILITIES, strict=True)),
        "disclaimer": DISCLAIMER,
    }
    assert list(data["probabilities"]) == list(CODES)


def test_a_prediction_of_too_few_classes_is_not_written():
    with pytest.raises(ValueError, match="zip"):
        Prediction("cnn", "r1", (0.5, 0.5)).to_dict()


def test_a_map_with_evidence_reports_its_raw_maximum():
    explanation = explain([[0.0, 0.25], [3.5, 1.0]])
    assert explanation.raw_maximum == 3.5
    assert not explanation.is_null


def test_a_map_without_evidence_is_null():
    assert explain(np.zeros((2, 2))).is_null


def test_a_map_that_is_no_number_is_null_rather_than_evidence():
    assert explain(np.full((2, 2), np.nan)).is_null


def test_an_explanation_as_json_holds_its_provenance_and_values_but_no_heads():
    heads = np.full((2, 1, 2), 0.5, np.float32)
    explanation = explain([[0.5], [2.0]], code=None, method="soft_attention", heads=heads)
    assert json.loads(json.dumps(explanation.to_dict())) == {
        "model": "cnn_sa",
        "run_id": "r1",
        "method": "soft_attention",
        "layer": "conv6",
        "diagnosis": None,
        "raw_maximum": 2.0,
        "is_null": False,
        "placement": [0.0, 0.0, 1.0, 1.0],
        "values": [[0.5], [2.0]],
        "disclaimer": DISCLAIMER,
    }


def test_one_head_is_a_map_of_its_own_and_says_which():
    heads = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    found = explain(heads.sum(axis=2), method="soft_attention", code=None, heads=heads)
    second = found.of_head(2)
    np.testing.assert_array_equal(second.values, heads[..., 1])
    assert (second.head, second.raw_maximum) == (2, 10.0)
    assert second.to_dict()["head"] == 2
    assert found.head is None
    assert "head" not in found.to_dict()


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_head_that_is_not_there_is_refused(number):
    found = explain(np.ones((2, 2)), heads=np.ones((2, 2, 3), np.float32))
    with pytest.raises(ConfigError, match=f"has 3 heads; head {number} was asked for"):
        found.of_head(number)


def test_a_map_without_heads_has_none_to_show():
    with pytest.raises(ConfigError, match="has 0 heads"):
        explain(np.ones((2, 2))).of_head(1)
