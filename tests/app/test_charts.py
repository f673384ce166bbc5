"""Bars can be told apart without colour and read by name."""

import numpy as np
import pytest
from fakes import make_probabilities

from app.shared.charts import BAR_ORDER, build_confidence_bars, describe_confidence_bars
from app.shared.content import read_diagnosis_texts
from skinmodel.diagnoses import CODES, Malignancy
from skinmodel.results import Prediction

PREDICTION = Prediction("cnn", "run", make_probabilities(mel=0.5, akiec=0.25, nv=0.2))


def test_each_bar_has_its_own_share_name_code_and_label():
    figure = build_confidence_bars(PREDICTION)
    [bars] = figure.data
    shares = dict(zip(CODES, PREDICTION.probabilities, strict=True))
    assert list(bars.x) == [shares[d.code] for d in BAR_ORDER]
    assert sorted(d.code for d in BAR_ORDER) == sorted(CODES)
    assert bars.text[0] == "50.0 %"
    for diagnosis, label in zip(BAR_ORDER, figure.layout.annotations, strict=True):
        assert diagnosis.name in label.text
        assert diagnosis.code in label.text
    assert [a.text.startswith("<b>") for a in figure.layout.annotations].count(True) == 1


def test_kinds_differ_in_pattern_symbol_and_colour():
    figure = build_confidence_bars(PREDICTION)
    [bars] = figure.data
    looks = {}
    for row, diagnosis in enumerate(BAR_ORDER):
        symbol = figure.layout.annotations[row].text.removeprefix("<b>")[0]
        look = (bars.marker.pattern.shape[row], bars.marker.color[row], symbol)
        looks.setdefault(diagnosis.malignancy, set()).add(look)
    assert set(looks) == set(Malignancy)
    assert all(len(look) == 1 for look in looks.values())
    for aspect in range(3):
        assert len({next(iter(look))[aspect] for look in looks.values()}) == 3


def test_malignant_bars_stand_first():
    kinds = [d.malignancy for d in BAR_ORDER]
    assert kinds == sorted(kinds, key=list(Malignancy).index)


@pytest.mark.parametrize("shade", [255, 16])
def test_bars_stand_out_from_both_backgrounds(shade):
    """WCAG 2.2 asks for a contrast of 3 for graphics."""

    def luminance(rgb):
        c = np.asarray(rgb) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    [bars] = build_confidence_bars(PREDICTION).data
    background = luminance([shade] * 3)
    for color in set(bars.marker.color):
        value = luminance([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        low, high = sorted((value, background))
        assert (high + 0.05) / (low + 0.05) >= 3, color


def test_alternative_text_holds_every_figure_most_probable_first():
    text = describe_confidence_bars(PREDICTION, "CNN")
    assert text.startswith("Probabilities by CNN: Melanoma (malignant) 50.0 %, Actinic keratosis")
    assert text.count("%") == 7


def test_every_diagnosis_has_a_text():
    texts = read_diagnosis_texts()
    assert set(texts) == set(CODES)
    assert all(20 < len(text) < 200 and "#" not in text for text in texts.values())
