"""The report of a table of calibrated predictions, without a network."""

import numpy as np
import pytest
from measured import make_index, make_probabilities

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures.calibration import apply_temperature, compute_calibration
from skinmodel.evaluation.predictions import build_predictions
from skinmodel.evaluation.report import Provenance, build_report

INDEX = make_index(120)
TRUTH = np.array([CODES.index(code) for code in INDEX["truth"]])
# What the network said before any temperature.
RAW = make_probabilities(INDEX, 1.5, seed=3)


def report_at(temperature):
    origin = Provenance(
        run_id="cnn-grouped-s1-0000aaaa",
        model="cnn",
        dataset="drawn",
        dataset_title="Drawn",
        leaks=False,
        remark="",
        views=1,
        temperature=temperature,
        dropped={},
        images_per_second=1.0,
        versions={},
    )
    # As ``evaluate`` does: calibrated, and rounded as the table is.
    calibrated = apply_temperature(RAW, temperature).round(6)
    return build_report(build_predictions(INDEX, calibrated), INDEX, origin), calibrated


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.8])
def test_calibration_before_is_of_what_the_network_said_and_after_of_the_table(temperature):
    report, calibrated = report_at(temperature)
    for when, probabilities in (("before", RAW), ("after", calibrated)):
        expected = compute_calibration(TRUTH, probabilities)
        found = report.calibration[when]
        assert found.log_loss == pytest.approx(expected.log_loss, abs=1e-4)
        assert found.brier == pytest.approx(expected.brier, abs=1e-4)
        assert found.ece == pytest.approx(expected.ece, abs=1e-3)
    if temperature != 1:
        before, after = (report.calibration[when].log_loss for when in ("before", "after"))
        assert abs(before - after) > 0.01
