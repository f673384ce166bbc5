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
from skinmodel.quiz.scoring import (
    group_by_confidence,
    score,
    score_decisions,
    tally_second_opinions,
)
from skinmodel.quiz.selection import WEAKNESS, choose_next, weigh
from skinmodel.quiz.tasks import NO, YES, find_truth, judge, select_cases
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
    assert np.isnan(low.share.low)  # one answer says nothing of a share
    assert 0 < high.share.low < 0.5 < high.share.high < 1


def decide(truth, choice, number=0, task="malignant", **shares):
    case = Case(f"i{number}", f"l{number}", truth, "histo", DRAWING)
    left = (1 - sum(shares.values())) / (len(CODES) - len(shares))
    said = Prediction("cnn", "run-1", tuple(shares.get(c, left) for c in CODES))
    return Answer(case, choice, 0.9, {"cnn": said}, task=task)


@pytest.mark.parametrize("seed", range(25))
def test_a_balanced_ten_holds_every_class(seed):
    answers = []
    for _ in range(10):
        case = choose_next(draw_cases(), answers, "balanced", seed, 10)
        answers.append(Answer(case, case.code, 0.5))
    assert {a.case.code for a in answers} == set(CODES)


def test_a_ten_without_that_rule_would_miss_classes():
    def ask(seed, questions):
        answers = []
        for _ in range(10):
            case = choose_next(draw_cases(), answers, "balanced", seed, questions)
            answers.append(Answer(case, case.code, 0.5))
        return {a.case.code for a in answers}

    assert any(len(ask(seed, None)) < len(CODES) for seed in range(5))


def test_what_is_right_follows_from_the_diagnosis():
    truths = {code: find_truth("malignant", code) for code in CODES}
    assert {code for code, truth in truths.items() if truth == YES} == {"mel", "bcc", "akiec"}
    asked = {case.code for case in select_cases("excise", draw_cases())}
    assert asked == set(CODES) - {"akiec"}
    assert {code for code in asked if find_truth("excise", code) == YES} == {"mel", "bcc"}
    assert select_cases("malignant", draw_cases()) == draw_cases()
    assert find_truth("diagnosis", "df") == "df"


def test_a_network_decides_by_the_sum_of_what_is_not_benign():
    # A nevus leads with 0.4, and yet the malignant ones hold more than half.
    said = decide("mel", YES, nv=0.4, mel=0.3, bcc=0.15, akiec=0.1).predictions["cnn"]
    assert judge("malignant", said) == (YES, pytest.approx(0.55))
    assert judge("diagnosis", said) == ("nv", pytest.approx(0.4))
    said = decide("nv", NO, nv=0.8, mel=0.1, bcc=0.0, akiec=0.0).predictions["cnn"]
    assert judge("excise", said) == (NO, pytest.approx(0.9))


def test_decisions_are_scored_by_sensitivity_and_specificity():
    answers = [
        decide("mel", YES, 1),
        decide("bcc", NO, 2),
        decide("akiec", YES, 3),
        decide("nv", NO, 4),
        decide("df", YES, 5, mel=0.9),
    ]
    found = score_decisions(answers)
    assert (found.right, found.asked, found.positives) == (3, 5, 3)
    assert found.sensitivity.value == pytest.approx(2 / 3)
    assert found.specificity.value == pytest.approx(1 / 2)
    assert found.sensitivity.low < 2 / 3 < found.sensitivity.high
    assert found.confusion.tolist() == [[2, 1], [1, 1]]
    network = score_decisions(answers, "cnn")
    assert network.confusion.tolist() == [[0, 3], [1, 1]]
    assert found.confidence == pytest.approx(0.9)


def test_a_single_picture_gives_no_interval_and_none_gives_no_figure():
    found = score_decisions([decide("mel", YES, 1)])
    assert (found.sensitivity.value, np.isnan(found.sensitivity.high)) == (1, True)
    assert np.isnan(found.specificity.value)
    with pytest.raises(ValueError, match="none"):
        score_decisions([answer("nv", "nv")])


def test_the_table_says_what_was_asked_and_whether_it_was_new():
    row = pd.read_csv(BytesIO(to_csv([decide("mel", NO, 1, mel=0.6)], repeated=True))).iloc[0]
    assert (row["task"], row["truth"], row["answer"]) == ("malignant", "mel", "no")
    assert (row["cnn_answer"], row["seen_before"]) == ("yes", True)
    assert row["cnn_confidence"] == pytest.approx(0.6 + 2 * 0.4 / 6)
