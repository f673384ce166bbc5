"""The two scores of dermoscopy, by hand, and the questions at a chapter's end."""

import itertools

import pytest

from skinmodel.errors import ConfigError
from skinmodel.lessons.checks import parse_checks
from skinmodel.lessons.dermoscopy import (
    COLOURS,
    MALIGNANT_TDS,
    SEVEN_POINTS,
    STRUCTURES,
    SUSPICIOUS_POINTS,
    SUSPICIOUS_TDS,
    add_points,
    compute_tds,
    read_tds,
)

QUESTION = """
**What is asked?**

- [ ] A wrong answer.
- [x] The right one.

Because it
is so.

**And then?**

- [x] Yes.
- [ ] No.

It is.
"""


def test_three_major_signs_count_double():
    assert sorted(SEVEN_POINTS.values()) == [1, 1, 1, 1, 2, 2, 2]
    assert add_points([]) == 0
    assert add_points(["blue-white veil", "irregular streaks"]) == 3 == SUSPICIOUS_POINTS
    assert add_points(SEVEN_POINTS) == 10
    assert add_points(["irregular blotch", "irregular blotch"]) == 1
    with pytest.raises(ConfigError, match="lacunae"):
        add_points(["lacunae"])


def test_the_total_dermoscopy_score_is_the_weighted_sum():
    assert compute_tds(0, 0, 1, 1) == 1.0
    assert compute_tds(2, 8, 6, 5) == 8.9
    assert compute_tds(1, 3, 3, 2) == pytest.approx(1.3 + 0.3 + 1.5 + 1.0)
    for counts in ((3, 0, 1, 1), (0, 9, 1, 1), (0, 0, 0, 1), (0, 0, 7, 1), (0, 0, 1, 6)):
        with pytest.raises(ConfigError, match="it runs from"):
            compute_tds(*counts)


def test_the_limits_part_the_scores_in_three():
    scores = sorted(
        compute_tds(a, b, c, d)
        for a, b, c, d in itertools.product(
            range(3), range(9), range(1, len(COLOURS) + 1), range(1, len(STRUCTURES) + 1)
        )
    )
    by_word = {word: [s for s in scores if read_tds(s) == word] for word in map(read_tds, scores)}
    assert max(by_word["benign"]) == 4.7 < SUSPICIOUS_TDS
    assert (min(by_word["suspicious"]), max(by_word["suspicious"])) == (4.8, 5.4)
    assert min(by_word["malignant"]) == 5.5 > MALIGNANT_TDS


def test_questions_are_read_with_their_right_answer_and_reason():
    first, second = parse_checks(QUESTION)
    assert (first.question, first.options) == (
        "What is asked?",
        ("A wrong answer.", "The right one."),
    )
    assert (first.right, first.why) == (1, "Because it is so.")
    assert (second.right, second.why) == (0, "It is.")


@pytest.mark.parametrize(
    ("old", "new"),
    [("[x] The", "[ ] The"), ("[ ] A wrong", "[x] A wrong"), ("Because it\nis so.", "")],
)
def test_a_question_without_one_right_answer_or_reason_is_refused(old, new):
    with pytest.raises(ConfigError, match="What is asked"):
        parse_checks(QUESTION.replace(old, new))
