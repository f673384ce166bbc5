"""The quiz's pictures, their order, and the figures of a session, by hand and by scikit-learn."""

from collections import Counter
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from skinmodel.diagnoses import CODES
from skinmodel.quiz.answers import Answer, to_csv
from skinmodel.quiz.cases import DRAWING, Case, draw_cases, read_cases
from skinmodel.quiz.scoring import group_by_confidence, score, tally_second_opinions
from skinmodel.quiz.selection import WEAKNESS, choose_next, weigh
from skinmodel.results import DISCLAIMER, Prediction


def say(code, share=0.7):
    left = (1 - share) / (len(CODES) - 1)
    return Prediction("cnn", "run-1", tuple(share if c == code else left for c in CODES))


def answer(truth, choice, number=0, second=None, confidence=0.6, network="nv"):
    case = Case(f"i{number}", f"l{number}", truth, "histo", DRAWING)
    return Answer(case, choice, confidence, {"cnn": say(network)}, second)


def session():
    rng = np.random.default_rng(3)
    pairs = rng.choice(CODES, (60, 2))
    return [answer(t, t if rng.random() < 0.5 else c, n) for n, (t, c) in enumerate(pairs)]


def test_no_lesion_is_asked_twice_and_the_quiz_ends():
    cases, answers = draw_cases(["nv", "mel"]), []
    while (case := choose_next(cases, answers, "balanced", seed=1)) is not None:
        answers.append(Answer(case, "nv", 0.5))
    assert len({a.case.lesion for a in answers}) == len(answers) == len(cases)
    again = choose_next(cases, answers[:7], "balanced", seed=1)
    assert again == answers[7].case


def test_a_weak_diagnosis_comes_more_often():
    right = [answer("mel", "mel", n) for n in range(20)]
    wrong = [answer("mel", "nv", n) for n in range(20)]
    assert 1 < weigh("mel", right) < weigh("mel", []) < weigh("mel", wrong) < WEAKNESS
    assert weigh("mel", wrong) == pytest.approx(1 + 21 / 22)


def test_the_balanced_mix_asks_all_diagnoses_alike():
    first = Counter(choose_next(draw_cases(), [], "balanced", s).code for s in range(700))
    assert set(first) == set(CODES)
    assert min(first.values()) > 60


def test_the_natural_mix_follows_the_lesions():
    cases = [Case(f"n{n}", f"n{n}", "nv", "", DRAWING) for n in range(90)]
    cases += [Case(f"m{n}", "m", "mel", "", DRAWING) for n in range(50)]  # one lesion
    first = Counter(choose_next(cases, [], "natural", s).code for s in range(300))
    assert first["mel"] < 20


def test_photographs_keep_what_is_known_and_drop_unknown():
    row = {
        "image_id": "ISIC_1", "group_id": "L1", "truth": "mel", "dx_type": "histo",
        "path": "x.jpg", "age": float("nan"), "sex": "unknown", "localization": "back",
    }  # fmt: skip
    [case] = read_cases(pd.DataFrame([row]), unseen=True)
    assert (case.age, case.sex, case.site, case.code) == (None, "", "back", "mel")


def test_figures_are_those_of_scikit_learn():
    answers = session()
    truth, choice = [a.case.code for a in answers], [a.choice for a in answers]
    found = score(answers)
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, choice))
    assert found.balanced_accuracy.low < found.balanced_accuracy.value
    sensitivity = recall_score(truth, choice, labels=["mel"], average=None)[0]
    assert found.melanoma_sensitivity.value == pytest.approx(sensitivity)
    hits, melanomas = found.confusion[1, 1], found.confusion[1].sum()
    p, z, n = hits / melanomas, 1.959964, melanomas  # Wilson 1927
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found.melanoma_sensitivity.low == pytest.approx((middle - half) / (1 + z * z / n))
    assert found.melanoma_sensitivity.high == pytest.approx((middle + half) / (1 + z * z / n))
    assert np.array_equal(found.confusion, confusion_matrix(truth, choice, labels=list(CODES)))
    assert found.right == np.trace(found.confusion)
    assert found.confidence == pytest.approx(0.6)


def test_a_network_is_scored_on_the_very_same_pictures():
    answers = [answer("nv", "mel", 1), answer("mel", "mel", 2), answer("mel", "nv", 3)]
    found = score(answers, "cnn")
    assert (found.right, found.asked) == (1, 3)
    assert found.melanoma_sensitivity.value == 0
    assert found.melanoma_specificity.value == 1
    assert found.confidence == pytest.approx(0.7)
    with pytest.raises(KeyError):
        score(answers, "cnn_sa")
    with pytest.raises(ValueError, match="no answer"):
        score([])


def test_without_a_melanoma_sensitivity_is_not_defined():
    assert np.isnan(score([answer("nv", "nv")]).melanoma_sensitivity.value)


def test_second_opinions_count_what_the_networks_changed():
    answers = [
        answer("mel", "nv", 1, second="mel"),
        answer("mel", "mel", 2, second="nv"),
        answer("mel", "nv", 3, second="bkl"),
        answer("mel", "nv", 4, second="nv"),
        answer("mel", "mel", 5),
    ]
    found = tally_second_opinions(answers)
    assert (found.asked, found.to_right, found.to_wrong, found.among_wrong) == (4, 1, 1, 1)


def test_the_table_carries_run_and_disclaimer():
    table = pd.read_csv(BytesIO(to_csv([answer("mel", "nv", 1, second="mel")])))
    row = table.iloc[0]
    assert (row["truth"], row["answer"], row["second_answer"]) == ("mel", "nv", "mel")
    assert (row["cnn_run"], row["cnn_answer"]) == ("run-1", "nv")
    assert row["disclaimer"] == DISCLAIMER


def test_confidence_is_held_against_how_often_the_reader_is_right():
    answers = [
        answer("nv", "nv", 1, confidence=0.9),
        answer("nv", "mel", 2, confidence=0.9),
        answer("nv", "mel", 3, confidence=0.2),
    ]
    low, high = group_by_confidence(answers)
    assert (low.confidence, low.right, low.asked, low.share.value) == (0.2, 0, 1, 0.0)
    assert (high.confidence, high.right, high.asked, high.share.value) == (0.9, 1, 2, 0.5)
    assert low.share.low == 0 < low.share.high < 1
