import numpy as np
import pytest
from scipy.stats import binom

from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.evaluation.comparison import McNemar, compare, describe_difference
from skinmodel.evaluation.measures.bootstrap import (
    Interval,
    compute_intervals,
    draw_weights,
    to_interval,
)
from skinmodel.evaluation.measures.metrics import NAMES, compute_metrics


def make_pair(images=300, lesions=180, shared=2.0, gain=0.0, seed=5):
    """Two models that see the same hard and easy images; the second better by ``gain``."""
    rng = np.random.default_rng(seed)
    lesion_of = rng.integers(0, lesions, images)
    truth = rng.choice(7, lesions)[lesion_of]
    one = truth[:, None] == np.arange(7)
    image = rng.normal(size=(images, 7)) * shared
    models = []
    for more in (0.0, gain):
        odds = np.exp(image + rng.normal(size=(images, 7)) * 0.5 + (1.5 + more) * one)
        models.append((odds / odds.sum(axis=1, keepdims=True)).astype(np.float32))
    return truth, *models, np.array([f"L{number:03d}" for number in lesion_of])


TRUTH, FIRST, SECOND, LESIONS = make_pair()


def answer(classes):
    """Probabilities of models that are certain of these classes."""
    return np.eye(7, dtype=np.float32)[classes]


# --- differences ---


def test_differences_are_those_of_the_same_rows_written_out():
    found = compare(TRUTH, FIRST, SECOND, LESIONS, draws=15, seed=4).differences
    assert tuple(found) == NAMES
    drawn = []
    for weights in np.concatenate(list(draw_weights(LESIONS, 15, 4))):
        rows = np.repeat(np.arange(len(weights)), weights.astype(int))
        less, more = (compute_metrics(TRUTH[rows], p[rows]).flat() for p in (FIRST, SECOND))
        drawn.append({name: more[name] - less[name] for name in NAMES})
    less, more = (compute_metrics(TRUTH, p).flat() for p in (FIRST, SECOND))
    for name in NAMES:
        column = np.array([differences[name] for differences in drawn])
        expected = to_interval(more[name] - less[name], column).to_dict()
        assert found[name].to_dict() == pytest.approx(expected, abs=1e-12)


def test_a_pair_tells_more_than_two_intervals():
    """Most of the spread is that of the images, which both models share."""
    paired = compare(TRUTH, FIRST, SECOND, LESIONS, draws=200).differences
    alone = compute_intervals(TRUTH, FIRST, LESIONS, draws=200)
    for name in ("accuracy", "balanced_accuracy", "macro_auc"):
        width = alone[name].high - alone[name].low
        assert paired[name].high - paired[name].low < 0.8 * width


def test_the_other_way_round_is_the_negative():
    there = compare(TRUTH, FIRST, SECOND, LESIONS, draws=40)
    back = compare(TRUTH, SECOND, FIRST, LESIONS, draws=40)
    for name in NAMES:
        a, b = there.differences[name], back.differences[name]
        assert (a.value, a.low, a.high) == pytest.approx((-b.value, -b.high, -b.low), abs=1e-12)
    for a, b in ((there.images, back.images), (there.lesions, back.lesions)):
        assert (a.only_first, a.only_second, a.p) == (b.only_second, b.only_first, b.p)


def test_a_model_does_not_differ_from_itself():
    found = compare(TRUTH, FIRST, FIRST, LESIONS, draws=20)
    assert set(found.differences.values()) == {Interval(0.0, 0.0, 0.0)}
    assert found.images == found.lesions == McNemar(0, 0, 1.0)


def test_a_model_that_is_better_is_found_better():
    found = compare(*make_pair(600, 400, gain=1.0), draws=200)
    assert found.differences["accuracy"].low > 0
    assert found.images.p < 0.001
    assert found.lesions.p < 0.001
    assert found.images.only_second > found.images.only_first


def test_a_figure_undefined_for_either_model_has_no_difference():
    # The first never says bkl, so that it has no precision there, whatever is drawn.
    truth = np.array([0, 1, 2, 2])
    found = compare(truth, answer([0, 1, 0, 1]), answer(truth), np.array(list("abcd")), draws=20)
    nothing = found.differences["precision.bkl"]
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert found.differences["recall.bkl"].value == 1


def test_no_images_have_no_differences():
    found = compare(TRUTH[:0], FIRST[:0], SECOND[:0], LESIONS[:0], draws=10)
    assert np.isnan([interval.value for interval in found.differences.values()]).all()
    assert found.images == McNemar(0, 0, 1.0)


def test_tables_of_other_images_are_refused():
    with pytest.raises(ConfigError, match=r"expected \(300, 7\)"):
        compare(TRUTH, FIRST, SECOND[:-1], LESIONS, draws=10)


# --- McNemar's test ---


def test_mcnemar_by_hand_counts_images_and_lesions():
    # Lesion a: the first is right twice, the second once. Lesion b: each is right once, on
    # different images: no sign. Lesions c to g: only the second is right.
    lesions = np.array(list("aabbcdefg"))
    truth = np.zeros(9, int)
    first = answer([0, 0, 0, 1, 1, 1, 1, 1, 1])
    second = answer([0, 1, 1, 0, 0, 0, 0, 0, 0])
    found = compare(truth, first, second, lesions, draws=10)
    # Images: only the first 2, only the second 6: 2 (1 + 8 + 28) / 256.
    assert found.images == McNemar(2, 6, pytest.approx(74 / 256))
    # Lesions: 1 against 5: 2 (1 + 6) / 64.
    assert found.lesions == McNemar(1, 5, pytest.approx(14 / 64))


def test_mcnemar_is_twice_the_tail_of_the_binomial():
    found = compare(TRUTH, FIRST, SECOND, LESIONS, draws=10)
    for test in (found.images, found.lesions):
        fewer, cases = min(test.only_first, test.only_second), test.only_first + test.only_second
        assert cases > 20
        assert test.p == pytest.approx(min(1.0, 2 * binom.cdf(fewer, cases, 0.5)))


def test_mcnemar_counts_each_image_once():
    found = compare(TRUTH, FIRST, SECOND, LESIONS, draws=10)
    right = [(p.argmax(axis=1) == TRUTH) for p in (FIRST, SECOND)]
    assert found.images.only_first == (right[0] & ~right[1]).sum()
    assert found.images.only_second == (right[1] & ~right[0]).sum()
    share = (found.images.only_second - found.images.only_first) / len(TRUTH)
    assert found.differences["accuracy"].value == pytest.approx(share)


# --- words ---


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.012, 0.04, "CNN-SA better by 1.2 to 4.0 points"),
        (-0.04, -0.012, "CNN better by 1.2 to 4.0 points"),
        (-0.01, 0.023, "no difference shown (−1.0 to +2.3 points)"),
        (0.0, 0.023, "no difference shown (0.0 to +2.3 points)"),
        (-0.02, 0.0, "no difference shown (−2.0 to 0.0 points)"),
        (0.0, 0.0, "no difference shown (0.0 to 0.0 points)"),
        # What would round to nothing is not nothing.
        (0.00004, 0.01, "CNN-SA better by 0.004 to 1.0 points"),
        (-0.00036, 0.01, "no difference shown (−0.04 to +1.0 points)"),
        (float("nan"), float("nan"), "not defined"),
    ],
)
def test_what_may_be_claimed_in_words(low, high, words):
    interval = Interval((low + high) / 2, low, high)
    assert describe_difference(interval, "CNN", "CNN-SA", "balanced_accuracy") == words


def test_only_figures_that_are_better_when_higher_are_put_into_words():
    interval = Interval(0.1, 0.05, 0.15)
    for name in NAMES:
        assert "CNN-SA better" in describe_difference(interval, "CNN", "CNN-SA", name)
    with pytest.raises(UnknownNameError, match="no figure called 'ece'"):
        describe_difference(interval, "CNN", "CNN-SA", "ece")
