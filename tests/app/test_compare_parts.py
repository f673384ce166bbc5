"""The Compare page's parts by themselves: words, charts, photographs and differences."""

import math

import numpy as np
import pytest
from factories import write_drawn_ham10000
from measured import pairs

from app.compare import wording
from app.compare.curves import build_curves, thin
from app.compare.forest import build_differences
from app.compare.matrix_chart import COUNTS, SHARES, Cell, build_matrix, describe_matrix
from app.compare.operating import SENSITIVITY, SPECIFICITY, THRESHOLD, choose_threshold, project
from app.compare.two_classes import build_table
from app.services.differences import turn_around
from app.services.pair import read_pair
from app.services.photographs import (
    LONGEST_SIDE,
    Photograph,
    find_photographs,
    open_photograph,
    shrink,
)
from app.shared.content import read_content, read_sections
from app.shared.figures import LOOKS, NEUTRAL
from skinmodel.data.report.protocol import TRANSFORMS
from skinmodel.data.sets import ham10000
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.comparison import Comparison, McNemar, SavedComparison
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.thresholds import OperatingPoint
from skinmodel.evaluation.report import Provenance
from skinmodel.evaluation.subgroups import MIN_LESIONS
from skinmodel.evaluation.two_classes import FIGURES, TwoClassReport
from skinmodel.imaging import images

NAN = math.nan


@pytest.fixture(scope="session")
def pair(results):
    return read_pair(*pairs(results)[0])


@pytest.mark.parametrize(
    ("value", "text"), [(0.7126, "0.713"), (0.0, "0.000"), (1.0, "1.000"), (NAN, "not defined")]
)
def test_undefined_figures_are_words_never_numbers(value, text):
    assert wording.figure(value) == text


def test_intervals_and_differences_in_words():
    assert wording.interval(Interval(0.5, 0.4, 0.6), 2) == "0.50 (0.40\u00a0to\u00a00.60)"
    assert wording.interval(Interval(0.5, NAN, NAN)) == "0.500"
    assert wording.interval(Interval(NAN, NAN, NAN)) == "not defined"
    assert wording.points(Interval(-0.012, -0.03, 0.004)) == "−1.2 (−3.0 to +0.4)"
    assert wording.gap(Interval(NAN, NAN, NAN)) == "not defined"
    assert wording.name_figure("recall.mel") == "Recall, melanoma"


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0001, "p\u00a0<\u00a00.001"), (0.03, "would be rare"), (0.4, "says nothing against")],
)
def test_mcnemar_is_worded_by_its_probability(p, words):
    tests = Comparison({}, McNemar(1200, 30, p), McNemar(9, 8, p))
    text = wording.describe_tests(tests, "CNN", "CNN-SA")
    assert text.startswith("Only CNN is right on 1,200 images, only CNN-SA on 30")
    assert "CNN has more images right in 9 of them, CNN-SA in 8" in text
    assert words in text


def test_a_turned_difference_changes_sides_and_keeps_its_width():
    whole = Comparison({"f": Interval(2, 1, 4)}, McNemar(5, 7, 0.5), McNemar(3, 2, 0.9))
    turned = turn_around(SavedComparison("d", "first", "second", whole))
    assert turned.comparison.differences["f"] == Interval(-2, -4, -1)
    assert turned.comparison.images == McNemar(7, 5, 0.5)
    assert (turned.first, turned.second) == ("second", "first")
    assert turn_around(turned).comparison == whole


@pytest.mark.parametrize("shade", [255, 16])
def test_networks_stand_out_from_both_backgrounds_and_from_each_other(shade):
    """WCAG 2.2 asks for a contrast of 3 for graphics."""

    def luminance(rgb):
        c = np.asarray(rgb) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    background = luminance([shade] * 3)
    for color in (NEUTRAL, *(look.color for look in LOOKS)):
        value = luminance([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        low, high = sorted((value, background))
        assert (high + 0.05) / (low + 0.05) >= 3, color
    for aspect in ("color", "dash", "symbol"):
        assert len({getattr(look, aspect) for look in LOOKS}) == len(LOOKS)


def test_matrix_texts_shares_and_frame():
    confusion = np.diag([8, 0, 3, 0, 0, 0, 0])
    confusion[0, 1] = 2
    figure = build_matrix(confusion, SHARES, 8, Cell("nv", "mel"))
    heat, marks = figure.data
    assert list(heat.text[0][:2]) == ["80%", "20%"]
    assert set(heat.text[1]) == {"–"}  # a row without images has no shares
    assert tuple(marks.customdata[1]) == ("nv", "mel")
    [frame] = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.52, 1.48, -0.48, 0.48)
    counts = build_matrix(confusion, COUNTS, 8, None)
    assert list(counts.data[0].text[0][:2]) == ["8", "2"]
    assert counts.data[0].z.max() == 1
    assert not counts.layout.shapes
    text = describe_matrix(confusion, "CNN")
    assert "Melanocytic nevus: 8 of 10 found, most often mistaken for mel (2)" in text
    assert "Melanoma: no image" in text
    assert "Benign keratosis-like lesion: 3 of 3 found;" in text


def test_curves_are_thinned_without_losing_their_ends():
    across = np.linspace(0, 1, 50_001)
    thinned = thin(across, across**0.5)
    assert len(thinned[0]) < 2100
    assert thinned[0][0] == 0
    assert thinned[0][-1] == 1
    assert np.interp(0.25, *thinned) == pytest.approx(0.5, abs=2e-3)


def test_curves_name_both_networks_with_their_area(pair):
    figure = build_curves(pair, "mel", "roc")
    chance, first, second = figure.data
    assert list(chance.x) == list(chance.y) == [0, 1]
    area = pair.first.report.metrics["auc.mel"].value
    assert first.name.startswith(f"CNN, AUC {area:.3f}")
    assert second.name.startswith("CNN-SA, AUC")
    assert (first.line.dash, second.line.dash) == ("solid", "dash")
    trapezes = np.trapezoid(np.asarray(first.y), np.asarray(first.x))
    assert trapezes == pytest.approx(area, abs=1e-6)


def test_only_differences_that_may_be_claimed_are_coloured(pair):
    gaps = {
        "Better": Interval(0.02, 0.01, 0.03),
        "Worse": Interval(-0.02, -0.03, -0.01),
        "Open": Interval(0.02, -0.01, 0.05),
    }
    points = build_differences(gaps, pair).data[-1]
    assert list(points.marker.color) == [LOOKS[1].color, LOOKS[0].color, NEUTRAL]
    assert list(points.x) == pytest.approx([2, -2, 2])


def test_thresholds_are_taken_or_searched(pair):
    truth, probabilities, _ = pair.first.arrays
    score = probabilities[:, CODES.index("mel")].astype(float)
    positive = truth == CODES.index("mel")
    assert choose_threshold(pair.first, "melanoma", THRESHOLD, 0.3) == 0.3
    found = choose_threshold(pair.first, "melanoma", SENSITIVITY, 0.9)
    assert (score[positive] >= found).mean() >= 0.9
    found = choose_threshold(pair.first, "melanoma", SPECIFICITY, 0.9)
    assert (score[~positive] < found).mean() >= 0.9


def test_projection_to_another_prevalence_by_hand():
    point = OperatingPoint(0.5, 8, 10, 90, 2, 0.8, 0.9, 8 / 18, 90 / 92)
    ends = {"sensitivity": Interval(0.8, 0.6, 0.9), "specificity": Interval(0.9, 0.8, 0.95)}
    outcome = project(point, ends, 0.01)
    assert outcome.ppv == pytest.approx(8 / (8 + 99))
    assert outcome.npv == pytest.approx(891 / 893)
    assert outcome.per_thousand(0.01) == pytest.approx((8, 2, 99))
    nothing = OperatingPoint(0.5, 0, 10, 90, 0, NAN, 0.9, 0.0, 1.0)
    assert math.isnan(project(nothing, ends, 0.01).ppv)


def test_photographs_are_found_by_id_and_turned_as_the_report_turns_them(tmp_path, monkeypatch):
    folder = write_drawn_ham10000(tmp_path)
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 24))
    monkeypatch.setattr(ham10000, "IMAGE_COUNT", 24 * len(CODES))
    found = find_photographs("ham10000:test", folder)
    image_id, photograph = next(iter(found.by_id.items()))
    original = images.read(next(tmp_path.rglob(f"{image_id}.jpg")))
    np.testing.assert_array_equal(open_photograph(photograph), original)
    turned = open_photograph(Photograph(photograph.path, "turn180"))
    np.testing.assert_array_equal(turned, original[::-1, ::-1])
    report = find_photographs("report:test", folder)
    assert {p.transform for p in report.by_id.values()} <= set(TRANSFORMS)
    assert find_photographs("folder:my-images-0123abcd", folder) is None


def test_photographs_are_shrunk_for_the_screen_in_their_own_shape():
    large = np.zeros((600, 1200, 3), np.uint8)
    assert shrink(large).shape == (LONGEST_SIDE // 2, LONGEST_SIDE, 3)
    small = np.zeros((84, 84, 3), np.uint8)
    assert shrink(small) is small


def test_prose_states_the_limits_in_force():
    sections = read_sections("compare")
    assert f"fewer than {MIN_LESIONS} lesions" in sections["subgroups"]
    assert "over 15 bins" in sections["errors"]
    assert len(sections) == read_content("compare").count("\n## ")


def test_reports_of_two_classes_say_target_figures_and_what_leaks():
    figures = {name: Interval(0.9, 0.8, 1.0) for name in FIGURES}
    origin = Provenance(
        run_id="cnn-x-1",
        model="cnn",
        dataset="folder:x-0",
        dataset_title="Images in x",
        leaks=True,
        remark="",
        views=1,
        temperature=1.0,
        dropped={},
        images_per_second=1.0,
        versions={},
    )
    intervals = {"level": 0.95, "draws": 10, "seed": 1, "unit": "patient"}
    report = TwoClassReport(1, "", origin, "melanoma", 14, 2, 7, intervals, figures, ())
    [row] = build_table((report,)).to_dict("records")
    assert (row["Target"], row["Resampled"]) == ("Melanoma against the rest", "7 patients")
    assert row["Images"] == "14, 2 of the target"
    assert row["AUC"] == "0.900 (0.800\u00a0to\u00a01.000)"
    assert row["Leaks"] == "yes: too good"
