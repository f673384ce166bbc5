"""The Quiz page with networks that need no TensorFlow and drawings for pictures."""

import pytest
from fakes import make_classifiers

from app.quiz.wording import label
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.quiz.answers import to_csv
from skinmodel.quiz.tasks import NO, YES
from skinmodel.results import DISCLAIMER


@pytest.fixture
def quiz(open_dashboard):
    def open_(second=False, classifiers=None, task="diagnosis"):
        at = open_dashboard(classifiers).switch_page("quiz/page.py").run()
        assert not at.exception
        assert "drawings made by this program" in at.info[0].value
        if second:
            [box] = [c for c in at.checkbox if c.label.startswith("Second opinion")]
            box.check()
        at.radio[0].set_value(task)
        return press(at, "Start")

    return open_


def press(at, label):
    [button] = [b for b in at.button if b.label == label]
    at = button.click().run()
    assert not at.exception
    return at


def reply(at, code):
    """Answer as asked, in a second opinion too."""
    return press(at, label(state(at).task, code))


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
    # No picture of the quiz is one of Classify's.
    assert "analyses" not in at.session_state or not at.session_state["analyses"]
    at = press(at, "Next")
    assert at.header[0].value == "Question 2 of 10"
    wrong = next(code for code in ("nv", "mel") if code != state(at).case.code)
    at = reply(at, wrong)
    assert at.error[0].value.startswith("Wrong. It is")
    assert next(iter(at.dataframe[0].value["right"])) == "1 of 2"
    assert DISCLAIMER in written(at)


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
    at = reply(at, truth)
    assert at.success[0].value.startswith("Right")
    assert "changed **1 wrong answer** to right and **0 right answers** to wrong" in written(at)


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


def scripts(at):
    return [h.proto.body for h in at.get("html") if "skinmodelStep" in h.proto.body]


def table(at):
    return at.dataframe[0].value


def test_each_answer_has_a_key_and_the_keyboard_goes_on_with_the_page(quiz):
    at = quiz()
    keys = {b.label: b.proto.shortcut for b in at.button if b.proto.shortcut}
    assert keys == {get_diagnosis(c).name: str(n) for n, c in enumerate(CODES, start=1)}
    [script] = scripts(at)
    assert '"quiz-answer-1"' in script
    at = reply(at, "nv")
    [script] = scripts(at)
    assert '"quiz-next-0"' in script
    [script] = scripts(press(at, "Next"))
    assert '"quiz-answer-2"' in script


def test_a_confidence_is_written_as_it_was_given(quiz):
    at = quiz()
    at.segmented_control[0].set_value(80)
    at = reply(at, "nv")
    assert "80 % sure at first" in written(at)
    assert state(at).answers[0].confidence == 0.8


def test_one_answer_gets_no_interval_and_no_plural(quiz):
    at = reply(quiz(), "nv")
    assert not [cell for cell in table(at).iloc[0] if " to " in str(cell)]
    assert "1 picture;" in written(at)


def test_misses_are_reviewed_and_asked_again(quiz):
    at, missed = quiz(), []
    for number in range(3):
        case = state(at).case
        wrong = "nv" if case.code != "nv" else "mel"
        missed += [case.image_id] if number else []
        at = press(reply(at, wrong if number else case.code), "Next")
    at = press(at, "End the quiz")
    assert "What you missed" in {h.value for h in at.header}
    alts = [image.alt for element in at.image for image in element.proto.imgs]
    assert len([alt for alt in alts if alt.startswith("A picture you missed")]) == 2
    at = press(at, "Again with these 2")
    assert (state(at).length, state(at).answers) == (2, [])
    assert sorted(case.image_id for case in state(at).cases) == sorted(missed)
    assert at.header[0].value == "Question 1 of 2"
    at = reply(at, state(at).case.code)
    assert "You had seen these pictures" in written(at)
    assert "seen_before" in to_csv(state(at).answers, True).decode().splitlines()[0]
    at = press(reply(press(at, "Next"), state(at).case.code), "Next")
    assert "You missed none" in written(at)


@pytest.mark.parametrize("task", ["malignant", "excise"])
def test_a_decision_is_scored_by_sensitivity_and_specificity(quiz, task):
    at = quiz(task=task)
    for _ in range(2):
        assert {label(task, YES), label(task, NO)} <= {b.label for b in at.button}
        assert (state(at).case.code, task) != ("akiec", "excise")
        at = press(reply(at, YES), "Next")
    found = table(at)
    assert list(found.columns[1:4]) == ["right", "sensitivity", "specificity"]
    right = sum(a.truth == YES for a in state(at).answers)
    assert found["right"].iloc[0] == f"{right} of 2"
    assert f'{right} with the right answer "{label(task, YES)}"' in written(at)
