"""The Quiz page with networks that need no TensorFlow and drawings for pictures."""

import pytest
from fakes import make_classifiers

from skinmodel.diagnoses import get_diagnosis
from skinmodel.quiz.answers import to_csv
from skinmodel.results import DISCLAIMER


@pytest.fixture
def quiz(open_dashboard):
    def open_(second=False, classifiers=None):
        at = open_dashboard(classifiers).switch_page("quiz/page.py").run()
        assert not at.exception
        assert "drawings made by this program" in at.info[0].value
        if second:
            [box] = [c for c in at.checkbox if c.label.startswith("Second opinion")]
            box.check()
        return press(at, "Start")

    return open_


def press(at, label):
    [button] = [b for b in at.button if b.label == label]
    at = button.click().run()
    assert not at.exception
    return at


def reply(at, code, label="Your diagnosis", send="Answer"):
    [radio] = [r for r in at.radio if r.label == label]
    radio.set_value(code)
    return press(at, send)


def state(at):
    return at.session_state["quiz"]


def written(at):
    kinds = (at.markdown, at.caption, at.success, at.error, at.subheader)
    return "\n".join(e.value for kind in kinds for e in kind)


def test_nothing_of_truth_or_networks_is_shown_before_the_answer(quiz):
    networks = make_classifiers()
    at = quiz(classifiers=networks)
    assert sum(network.predicted for network in networks.values()) == 0
    assert state(at).case.image_id not in written(at)
    assert not at.get("plotly_chart")
    assert "CNN-SA" not in written(at)


def test_an_answer_shows_truth_and_networks_and_counts(quiz):
    at = quiz()
    truth = state(at).case.code
    at = reply(at, truth)
    assert at.success[0].value.startswith(f"Right: **{get_diagnosis(truth).name}**")
    assert {"CNN", "CNN-SA"} <= {s.value for s in at.subheader}
    assert next(iter(at.dataframe[0].value["right"])) == "1 of 1"
    at = press(at, "Next")
    assert at.header[0].value == "Question 2 of 10"
    wrong = next(code for code in ("nv", "mel") if code != state(at).case.code)
    at = reply(at, wrong)
    assert at.error[0].value.startswith("Wrong. It is")
    assert next(iter(at.dataframe[0].value["right"])) == "1 of 2"
    assert DISCLAIMER in written(at)


def test_an_empty_answer_asks_for_one(quiz):
    at = press(quiz(), "Answer")
    assert "Choose a diagnosis first" in at.warning[0].value
    assert not state(at).answers


def test_ten_answers_end_the_quiz_with_a_table_to_keep(quiz):
    at = quiz()
    lesions = set()
    for _ in range(10):
        lesions.add(state(at).case.lesion)
        at = press(reply(at, "nv"), "Next")
    assert len(lesions) == 10
    assert "The quiz is over" in at.success[0].value
    rows = to_csv(state(at).answers).decode().splitlines()
    assert len(rows) == 11
    assert all(DISCLAIMER in row for row in rows[1:])
    at = press(at, "Start another quiz")
    assert state(at) is None


def test_a_second_opinion_comes_between_answer_and_truth(quiz):
    at = quiz(second=True)
    truth = state(at).case.code
    wrong = "mel" if truth != "mel" else "nv"
    at = reply(at, wrong)
    assert "The networks say" in written(at)
    assert not at.success
    assert not at.error
    assert not state(at).answers
    at = reply(at, truth, "Your diagnosis now", "Answer again")
    assert at.success[0].value.startswith("Right")
    assert "you changed **1** wrong answers to right, **0** right" in written(at)


def test_a_network_that_fails_loses_no_answer(quiz):
    broken = make_classifiers()
    for network in broken.values():
        network.failure = RuntimeError("no")
    at = quiz(classifiers=broken)
    at = reply(at, "nv")
    assert at.error
    assert state(at).choice == ("nv", 0.5)


def test_the_quiz_can_be_ended_early(quiz):
    at = reply(quiz(), "nv")
    at = press(at, "End the quiz")
    assert "The quiz is over" in at.success[0].value
    assert len(state(at).answers) == 1
