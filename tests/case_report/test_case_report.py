"""The printed case, read back and rendered."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pypdfium2
import pytest
from pypdf import PdfReader

from skinmodel.case_report.case import Answer, Case, Figure, Measured, Notes
from skinmodel.case_report.fonts import check_text
from skinmodel.case_report.pdf import TITLE, render_case
from skinmodel.drawings.draw import draw_lesion
from skinmodel.errors import UsageError
from skinmodel.findings.verdict import compute_verdict
from skinmodel.results import DISCLAIMER, Explanation, Prediction

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SHARES = (0.2, 0.62, 0.08, 0.04, 0.03, 0.02, 0.01)
CYRILLIC, GREEK, ARABIC = "Меланома предплечья", "Μελάνωμα στο χέρι", "سرطان الجلد"


def make_answer(model="cnn", title="CNN", **given):
    row, column = np.mgrid[-1:1:8j, -1:1:8j]
    values = np.exp(-3 * (row**2 + column**2)).astype(np.float32)
    figures = (Figure("Balanced accuracy", "0.566 (0.521–0.612)"), Figure("Macro AUC", "0.923"))
    answer = Answer(
        title,
        Prediction(model, f"grouped-{model}-01", SHARES, 1.5),
        worth="Of 115 test lesions that got this answer, 37 were melanoma (24 to 41 %).",
        lines=("The gate answered: the picture is like those of training.",),
        explanation=Explanation(model, f"grouped-{model}-01", "grad_cam", "conv6", "mel", values),
        remark="No better than its controls.",
        measured=(Measured("HAM10000, test lesions, 2,003 images of 1,490 lesions", figures),),
        versions="weights 0123, made with keras 3.15",
    )
    return replace(answer, **given)


@pytest.fixture(scope="module")
def case():
    answers = [make_answer(), make_answer("cnn_sa", "CNN-SA")]
    predictions = [answer.prediction for answer in answers]
    return Case(
        image=draw_lesion("mel", seed=5),
        sha256="ab" * 32,
        picture="Your file, 600 x 450 pixels",
        verdict=compute_verdict(predictions, {"cnn": "CNN", "cnn_sa": "CNN-SA"}),
        cautions=("The networks know dermoscopic pictures only.",),
        answers=answers,
        created=NOW,
        notes=Notes("K-17/2026", "63", "f", "left forearm", f"{CYRILLIC}. {GREEK}.\n{ARABIC}"),
    )


@pytest.fixture(scope="module")
def printed(case):
    return render_case(case)


def read(data):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def test_the_text_can_be_read_back(printed):
    text = " ".join(read(printed).split())
    for words in (
        "Malignant: melanoma",
        "Both networks say: melanoma, at 62.0 % (CNN) and 62.0 % (CNN-SA).",
        "The networks know dermoscopic pictures only.",
        "CNN: Of 115 test lesions that got this answer, 37 were melanoma (24 to 41 %). The gate",
        "CNN-SA: Grad-CAM for Melanoma (mel), layer conv6.",
        "HAM10000, test lesions, 2,003 images of 1,490 lesions",
        "0.566 (0.521–0.612)",
        "ab" * 32,
        "run grouped-cnn_sa-01, temperature 1.50, weights 0123, made with keras 3.15.",
        "Reference: K-17/2026 Age: 63 Sex: f Site: left forearm Date: 2026-01-02 03:04 UTC",
    ):
        assert words in text, words


def test_raw_values_are_those_before_the_temperature(printed):
    raw = np.array(SHARES) ** 1.5
    assert f"62.0 % ({100 * raw[1] / raw.sum():.1f} %)" in read(printed)


def test_remarks_in_other_scripts_survive(printed):
    text = read(printed)
    for words in (CYRILLIC, GREEK, ARABIC):
        assert words in text


def test_every_page_says_what_it_is_and_the_document_has_title_and_language(printed):
    reader = PdfReader(io.BytesIO(printed))
    assert 1 <= len(reader.pages) <= 2
    for page in reader.pages:
        assert DISCLAIMER in page.extract_text()
    assert reader.metadata.title == TITLE
    assert reader.trailer["/Root"]["/Lang"] == "en-GB"
    assert len(printed) < 1_000_000


def test_all_fonts_are_embedded(printed):
    fonts = [
        font.get_object()
        for page in PdfReader(io.BytesIO(printed)).pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    for font in fonts:
        [below] = font["/DescendantFonts"]
        assert "/FontFile2" in below.get_object()["/FontDescriptor"]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_three_networks_and_long_remarks_fit_two_pages_of_either_format(case, paper):
    answers = [*case.answers, make_answer("efficientnet_lite0", "EfficientNet-Lite0")]
    notes = Notes(remarks="A remark. " * 150)
    data = render_case(replace(case, answers=answers, notes=notes), paper)
    pages = PdfReader(io.BytesIO(data)).pages
    assert len(pages) <= 2
    width, height = (float(side) for side in pages[0].mediabox[2:])
    assert (round(width), round(height)) == {"A4": (595, 842), "Letter": (612, 792)}[paper]


def test_rendered_it_shows_the_picture_the_verdict_and_a_bar(printed):
    document = pypdfium2.PdfDocument(printed)
    try:
        page = document[0].render(scale=2).to_numpy()[..., ::-1].astype(int)
    finally:
        document.close()
    point = 2 * 72 / 25.4  # pixels a millimetre
    rows = slice(int(32 * point), int(60 * point))
    picture = page[rows, int(20 * point) : int(70 * point)]
    assert picture.std() > 25  # a drawn lesion, no empty frame
    assert (np.abs(page - (253, 235, 227)).max(axis=2) <= 2).sum() > 10_000  # the red box
    assert (np.abs(page - (213, 94, 0)).max(axis=2) <= 2).sum() > 500  # melanoma's bar
    margin = int(14 * point)
    assert (page[:, :margin] == 255).all()  # nothing is cut off at the sides
    assert (page[:, -margin:] == 255).all()


@pytest.mark.parametrize(("text", "name"), [("黑色素瘤", "cjk"), ("mole 🙂", "slightly smiling")])
def test_what_the_font_lacks_is_refused_by_name(case, text, name):
    with pytest.raises(UsageError, match=f"remarks.*cannot be printed.*{name}.*Cyrillic"):
        render_case(replace(case, notes=Notes(remarks=text)))


def test_a_field_that_would_not_fit_is_refused():
    with pytest.raises(UsageError, match="at most 20"):
        Notes(age="x" * 21)


def test_line_ends_of_any_system_are_printed_alike():
    assert check_text("a\r\nb\rc\td", "x") == "a\nb\nc   d"


def test_no_network_or_too_many_are_refused(case):
    for count in (0, 4):
        with pytest.raises(UsageError, match=f"not {count}"):
            render_case(replace(case, answers=[make_answer()] * count))


def test_a_null_map_is_said_to_be_null(case):
    null = replace(case.answers[0].explanation, values=np.zeros((8, 8), np.float32))
    data = render_case(replace(case, answers=[make_answer(explanation=null)]))
    assert "No positive evidence: nothing is drawn." in " ".join(read(data).split())
