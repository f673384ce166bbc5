"""Cautions follow from the numbers, at the thresholds the page states."""

import pytest
from fakes import make_probabilities

from app.shared.content import read_content
from app.shared.wording import join_words, percent
from skinmodel.findings import cautions
from skinmodel.results import Prediction

TITLES = {"cnn": "CNN", "cnn_sa": "CNN-SA"}
USUAL = (450, 600, 3)


def predict(model="cnn", **shares):
    return Prediction(model, "run", make_probabilities(**shares))


def found(*predictions, shape=USUAL):
    return cautions.compute_cautions(predictions, TITLES, shape)


def test_sure_and_agreeing_results_cross_no_threshold():
    assert found(predict(nv=0.95, bkl=0.04), predict("cnn_sa", nv=0.97, bkl=0.02)) == ()


@pytest.mark.parametrize(("share", "count"), [(0.0999, 0), (0.1001, 1)])
def test_malignant_share_under_a_benign_leader(share, count):
    result = found(predict(nv=0.88, mel=share, bcc=0.0, akiec=0.0))
    assert sum("all-clear" in line for line in result) == count


def test_malignant_and_premalignant_shares_are_added():
    prediction = predict(nv=0.8, mel=0.04, bcc=0.04, akiec=0.04, bkl=0.08, vasc=0.0)
    assert cautions.compute_risk(prediction) == pytest.approx(0.12)
    assert "12.0 % from CNN" in found(prediction)[0]


def test_malignant_leader_is_not_called_a_hidden_risk():
    assert found(predict(mel=0.9, nv=0.1)) == ()


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (0.499, 0.10, "is unsure"),
        (0.501, 0.352, "hesitates"),
        (0.501, 0.350, None),
    ],
)
def test_doubt_begins_just_where_it_is_said_to(first, second, sentence):
    lines = [line for line in found(predict(mel=first, bcc=second)) if "all-clear" not in line]
    assert len(lines) == (sentence is not None)
    assert sentence is None or sentence in lines[0]


@pytest.mark.parametrize(("first", "sentence"), [(0.49, "is unsure"), (0.52, "hesitates")])
def test_doubt_is_either_low_confidence_or_small_margin(first, sentence):
    [line] = found(predict(mel=first, bcc=first - 0.05))
    assert sentence in line


def test_margin_at_the_threshold_is_no_doubt():
    assert found(predict(mel=0.60, bcc=0.40)) == ()


def test_disagreement_on_malignancy_is_worse_than_on_the_name():
    same_kind = found(predict(nv=0.9), predict("cnn_sa", bkl=0.9))
    other_kind = found(predict(nv=0.99), predict("cnn_sa", mel=0.99))
    assert any("At least one of them is wrong" in line for line in same_kind)
    assert any("whether the lesion is benign" in line for line in other_kind)


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((450, 600, 3), 0),
        ((600, 600, 3), 0),
        ((600, 450, 3), 1),
        ((200, 600, 3), 1),
        ((450, 899, 3), 0),  # stretched 1.5 times, but for a pixel
        ((450, 901, 3), 1),
        ((450, 401, 3), 0),
        ((450, 399, 3), 1),
    ],
)
def test_shapes_far_from_the_training_pictures_are_named(shape, count):
    assert len(found(predict(mel=0.99), shape=shape)) == count


@pytest.mark.parametrize(
    ("predictions", "sentence"),
    [
        ([predict(nv=0.9)], "CNN says: melanocytic nevus."),
        ([predict(nv=0.9), predict("cnn_sa", nv=0.8)], "Both networks say: melanocytic nevus."),
        ([predict(nv=0.9)] * 3, "All 3 networks say: melanocytic nevus."),
        (
            [predict(nv=0.9), predict("cnn_sa", mel=0.8)],
            "The networks disagree: CNN says melanocytic nevus (90.0 %) and CNN-SA says melanoma "
            "(80.0 %).",
        ),
    ],
)
def test_agreement_in_one_sentence(predictions, sentence):
    assert cautions.describe_agreement(predictions, TITLES) == sentence


def test_about_page_states_the_thresholds_in_force():
    text = read_content("about")
    assert cautions.LOW_CONFIDENCE == 0.5
    assert "less than half of the probability" in text
    # Unrounded: a threshold of 10.5 % is not the 10 % that the page states.
    assert f"within {cautions.SMALL_MARGIN * 100:g} points" in text
    assert f"hold {cautions.NOTABLE_RISK * 100:g} % or more" in text


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "> 99.9 %"), (0.9991, "> 99.9 %"), (0.5, "50.0 %"), (0.001, "0.1 %"), (0, "< 0.1 %")],
)
def test_percentages_never_claim_certainty(share, text):
    assert percent(share) == text


def test_words_are_joined_as_in_a_sentence():
    assert [join_words("a"), join_words("ab"), join_words("abc")] == ["a", "a and b", "a, b and c"]
