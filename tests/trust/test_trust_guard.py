"""What ships beside the weights: written, read, refused, and applied to one answer."""

from dataclasses import replace

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.diagnoses import CODES
from skinmodel.drawings.foreign import draw_foreign
from skinmodel.errors import WeightsError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.trust.guard import from_bytes, read_guard, to_bytes
from skinmodel.trust.wording import describe_set, describe_threshold, describe_trust
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest, write_manifest

RAW = np.array([0.5, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05], np.float32)
USUAL = np.zeros(8, np.float32)


@pytest.fixture
def usual(guard, lesions):
    """A picture that the gate answers without a word."""
    for image in lesions:
        if not guard.appraise(image, (450, 600), RAW, USUAL, views=1)[2].gate.reasons:
            return image
    raise AssertionError("no drawn lesion is answered")


def test_a_guard_is_read_back_and_judges_alike(guard, usual):
    again = from_bytes(to_bytes(guard))
    assert again.views == guard.views
    for image in (usual, draw_foreign("hair", 1)):
        first, second = (g.appraise(image, (450, 600), RAW, USUAL, views=1) for g in (guard, again))
        assert first == second


def test_a_damaged_file_is_refused(guard):
    for data in (to_bytes(guard)[:-1], b"", b"x" * 100):
        with pytest.raises(WeightsError, match="damaged or of another version"):
            from_bytes(data)


def test_a_usual_picture_gets_calibrated_values_set_and_threshold(guard, usual):
    values, temperature, trust = guard.appraise(usual, (450, 600), RAW, USUAL, views=1)
    calibrated = apply_temperature(RAW[None], 0.5)[0]
    assert np.allclose(values, calibrated)
    assert (temperature, trust.calibrated) == (0.5, True)
    assert trust.raw == tuple(map(float, RAW))
    assert trust.sets[0].codes == ("nv",)
    assert trust.thresholds[0].score == pytest.approx(float(calibrated[CODES.index("mel")]))
    assert trust.thresholds[0].above


def test_a_foreign_picture_keeps_the_networks_own_probabilities(guard, usual):
    values, temperature, trust = guard.appraise(usual, (20, 20), RAW, USUAL, views=1)
    assert values == trust.raw == tuple(map(float, RAW))
    assert (temperature, trust.calibrated) == (1.0, False)
    assert any("the network's own" in line for line in describe_trust(trust))


def test_nothing_below_a_threshold_is_an_all_clear(guard, usual):
    trust = guard.appraise(usual, (450, 600), RAW, USUAL, views=1)[2]
    above = describe_threshold(trust.thresholds[0])
    assert above == (
        "Above the threshold that finds 90 % (80 to 95) of test melanomas, at specificity 90 % "
        "(80 to 95): have it looked at."
    )
    below = describe_threshold(replace(trust.thresholds[0], score=0.0))
    assert "this is no all-clear" in below
    assert "have it looked at" not in below
    assert "melanocytic nevus" in describe_set(trust.sets[0])
    assert "60 % (50 to 70) of ISIC 2019's small copies" in describe_set(trust.sets[0])


def test_a_stored_guard_is_held_to_its_hash_and_its_weights(tmp_path, guard):
    record = replace(read_manifest(paths.SHIPPED_WEIGHTS)[0], sha256="0" * 64, guard=None)
    write_manifest(tmp_path, [record])
    changed = store.replace_guard(tmp_path, record, to_bytes(guard))
    assert read_manifest(tmp_path) == (changed,)
    assert changed.guard is not None
    assert read_guard(changed, tmp_path).run_id == "run"
    assert read_guard(record, tmp_path) is None
    other = replace(guard, weights_sha256="1" * 64)
    wrong = store.replace_guard(tmp_path, changed, to_bytes(other))
    assert not (tmp_path / changed.guard.file).exists()
    with pytest.raises(WeightsError, match="fitted for weights with the SHA-256 1111"):
        read_guard(wrong, tmp_path)
    (tmp_path / wrong.guard.file).write_bytes(to_bytes(other)[:-1] + b"!")
    assert store.verify_guard(tmp_path, wrong) is store.WeightsState.CORRUPT
    with pytest.raises(WeightsError, match="not the recorded one, and was not parsed"):
        read_guard(wrong, tmp_path)
    with pytest.raises(WeightsError, match="no longer those the gate was fitted for"):
        store.replace_guard(tmp_path, replace(record, sha256="2" * 64), to_bytes(guard))
