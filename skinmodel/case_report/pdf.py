"""A case as a PDF of one or two pages: text that can be searched, embedded fonts, no browser."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from skinmodel import __version__
from skinmodel.case_report.case import MOST_NETWORKS, Answer, Case, Paper
from skinmodel.case_report.fonts import check_text, needs_shaping
from skinmodel.case_report.sheet import LINE, MARGIN, Sheet
from skinmodel.diagnoses import CODES, DIAGNOSES, Malignancy
from skinmodel.errors import UsageError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.explain import overlay
from skinmodel.findings.verdict import Kind
from skinmodel.results import DISCLAIMER, Prediction
from skinmodel.wording import percent

TITLE: Final = "Skin lesion: what networks say of one picture"
_OPACITY: Final = 0.6
_ORDER: Final = tuple(sorted(DIAGNOSES, key=lambda d: tuple(Malignancy).index(d.malignancy)))
_COLORS: Final = {
    Malignancy.MALIGNANT: (213, 94, 0),
    Malignancy.PREMALIGNANT: (181, 131, 0),
    Malignancy.BENIGN: (62, 143, 196),
}
_FILLS: Final = {
    Kind.DECLINED: (238, 240, 242),
    Kind.MALIGNANT: (253, 235, 227),
    Kind.PREMALIGNANT: (253, 241, 220),
    Kind.UNCLEAR: (253, 241, 220),
    Kind.BENIGN: (228, 239, 248),
}
_NAMES: Final = 58.0  # mm of the diagnoses' names


def render_case(case: Case, paper: Paper = "A4") -> bytes:
    """Return the PDF of a case.

    Raises:
        UsageError: a note has characters that cannot be printed, or there are no or too many
            networks.
    """
    if not 1 <= len(case.answers) <= MOST_NETWORKS:
        raise UsageError(
            f"A report holds one to {MOST_NETWORKS} networks, not {len(case.answers)}. Choose "
            "among them."
        )
    given = case.notes.given()
    notes = {n: check_text(text, f"The field '{n}'") for n, text in given.items()}
    with TemporaryDirectory() as folder:
        moment = case.created.astimezone(UTC)
        when = f"{moment:%Y-%m-%d %H:%M} UTC"
        footer = f"{DISCLAIMER} Not a finding: read it beside the lesion. skinmodel {__version__}, "
        shaped = any(map(needs_shaping, notes.values()))
        sheet = Sheet(paper, Path(folder), f"{footer}{when}", shaped)
        sheet.set_title(TITLE)
        sheet.set_lang("en-GB")
        sheet.set_creator(f"skinmodel {__version__}")
        sheet.set_creation_date(moment)
        sheet.set_subject(DISCLAIMER)
        sheet.add_page()
        _print_head(sheet, case, notes, when)
        _print_table(sheet, case.answers)
        _print_worth(sheet, case.answers)
        _print_maps(sheet, case)
        _print_measured(sheet, case.answers)
        _print_provenance(sheet, case, when)
        return bytes(sheet.output())


def _print_head(sheet: Sheet, case: Case, notes: dict[str, str], when: str) -> None:
    sheet.write_font(15, bold=True)
    sheet.paragraph(TITLE, 7)
    sheet.write_font(9, pale=True)
    names = {"reference": "Reference", "age": "Age", "sex": "Sex", "site": "Site"}
    known = [f"{names[name]}: {text}" for name, text in notes.items() if name in names]
    sheet.note("   ".join((*known, f"Date: {when}")))
    sheet.ln(2)
    top = sheet.get_y()
    width, height = sheet.picture(case.image, 62, 62, "The picture, without any map.")
    left = MARGIN + width + 5
    sheet.set_xy(left, top)
    _print_verdict(sheet, case, sheet.w - MARGIN - left)
    sheet.set_xy(MARGIN, max(top + height, sheet.get_y()) + 1)
    sheet.write_font(8, pale=True)
    sheet.paragraph(f"{case.picture}.")
    if remarks := notes.get("remarks"):
        sheet.heading("Remarks of the reader")
        sheet.note(remarks)


def _print_verdict(sheet: Sheet, case: Case, room: float) -> None:
    left, top = sheet.get_x(), sheet.get_y()
    headline = case.verdict.headline.lstrip("▲◆● ")
    parts = ((12.5, True, 5.6, headline), (9.0, False, 4.3, case.verdict.sentence))
    height = 4.0
    for size, bold, line, text in parts:
        sheet.write_font(size, bold)
        lines = sheet.multi_cell(room - 6, line, text, align="L", dry_run=True, output="LINES")
        height += line * len(lines)  # type: ignore[arg-type]
    sheet.set_fill_color(*_FILLS[case.verdict.kind])
    sheet.rect(left, top, room, height, style="F")
    sheet.set_xy(left + 3, top + 2)
    for size, bold, line, text in parts:
        sheet.write_font(size, bold)
        sheet.paragraph(text, line, room - 6)
    sheet.set_xy(left, top + height + 2)
    sheet.write_font(9)
    for caution in case.cautions:
        sheet.paragraph(f"– {caution}", width=room)
    if not case.cautions:
        sheet.paragraph("No warning sign applies here. That is no proof of anything.", width=room)


def _print_table(sheet: Sheet, answers: Sequence[Answer]) -> None:
    """Print each network's probabilities beside each other: bar, calibrated and raw."""
    sheet.heading("Probabilities, calibrated and (raw)")
    room = (sheet.epw - _NAMES) / len(answers)
    top = sheet.get_y()
    for number, answer in enumerate(answers):
        sheet.set_xy(MARGIN + _NAMES + number * room, top)
        sheet.write_font(9, bold=True)
        sheet.cell(room, 5, answer.title)
    sheet.set_xy(MARGIN, top + 5)
    raws = [_undo_calibration(answer.prediction) for answer in answers]
    for diagnosis in _ORDER:
        index, top = CODES.index(diagnosis.code), sheet.get_y()
        leads = any(answer.prediction.code == diagnosis.code for answer in answers)
        sheet.write_font(8, bold=leads)
        sheet.set_xy(MARGIN, top)
        sheet.paragraph(f"{diagnosis.name}, {diagnosis.malignancy}", 3.6, _NAMES - 2)
        bottom = sheet.get_y()
        for number, (answer, raw) in enumerate(zip(answers, raws, strict=True)):
            share = answer.prediction.probabilities[index]
            left = MARGIN + _NAMES + number * room
            length = max(0.3, share * (room - 34))
            sheet.set_fill_color(*_COLORS[diagnosis.malignancy])
            sheet.rect(left, top + 0.6, length, 2.8, style="F")
            sheet.set_xy(left + length + 0.5, top)
            sheet.write_font(8, bold=answer.prediction.code == diagnosis.code)
            sheet.cell(30, 4, f"{percent(share)} ({percent(raw[index])})")
        sheet.set_xy(MARGIN, max(top + 4.4, bottom + 0.6))


def _undo_calibration(prediction: Prediction) -> list[float]:
    """Return the probabilities as the network gave them, before its temperature."""
    if prediction.trust is not None:
        return list(prediction.trust.raw)
    calibrated = np.array([prediction.probabilities])
    return [float(p) for p in apply_temperature(calibrated, 1 / prediction.temperature)[0]]


def _print_worth(sheet: Sheet, answers: Sequence[Answer]) -> None:
    for answer in answers:
        lines = [line for line in (answer.worth, *answer.lines) if line]
        if lines:
            sheet.ln(1)
            sheet.write_font(9)
            sheet.paragraph(f"{answer.title}: {' '.join(lines)}")


def _print_maps(sheet: Sheet, case: Case) -> None:
    mapped = [answer for answer in case.answers if answer.explanation is not None]
    if not mapped:
        return
    room = min(60.0, (sheet.epw - 4 * (len(mapped) - 1)) / len(mapped))
    if sheet.get_y() > sheet.h - MARGIN - 85:
        sheet.add_page()
    sheet.heading("Where they looked")
    top, bottom = sheet.get_y(), sheet.get_y()
    for number, answer in enumerate(mapped):
        explanation = answer.explanation
        assert explanation is not None  # chosen so above
        left = MARGIN + number * (room + 4)
        sheet.set_xy(left, top)
        drawn = overlay.describe_map(explanation)
        blended = overlay.blend(case.image, explanation, _OPACITY)
        _, height = sheet.picture(blended, room, 60, f"{answer.title}, {drawn}, over the picture.")
        sheet.set_xy(left, top + height + 1)
        bar = np.ascontiguousarray(overlay.colorbar(600, 24))
        _, key = sheet.picture(bar, room, 4, "Colour key, from 0 to the map's maximum.")
        sheet.set_xy(left, top + height + key + 1.5)
        sheet.write_font(7.5, pale=True)
        null = " No positive evidence: nothing is drawn." if explanation.is_null else ""
        sheet.paragraph(
            f"{answer.title}: {drawn}, layer {explanation.layer}. Dark 0, yellow the maximum, "
            f"{explanation.raw_maximum:.3g}.{null} {answer.remark}".rstrip(),
            3.5,
            room,
        )
        bottom = max(bottom, sheet.get_y())
    sheet.set_xy(MARGIN, bottom)
    sheet.write_font(8)
    sheet.paragraph("A map shows what moved a network, not where the disease is.")


def _print_measured(sheet: Sheet, answers: Sequence[Answer]) -> None:
    known = [answer for answer in answers if answer.measured]
    if not known:
        return
    sheet.heading("What the networks were measured at (95 % intervals)")
    names = [figure.name for figure in known[0].measured[0].figures]
    widths = [34.0, 46.0, *[(sheet.epw - 80) / len(names)] * len(names)]
    sheet.row(["Network", "Data", *names], widths, bold=True)
    for answer in known:
        for measured in answer.measured:
            values = [figure.value for figure in measured.figures]
            sheet.row([answer.title, measured.dataset, *values], widths)


def _print_provenance(sheet: Sheet, case: Case, when: str) -> None:
    sheet.heading("Where this comes from")
    sheet.set_draw_color(*LINE)
    sheet.write_font(8)
    sheet.paragraph(f"Picture, SHA-256 of its file: {case.sha256}", 4)
    sheet.paragraph(f"skinmodel {__version__}, printed {when}.", 4)
    for answer in case.answers:
        p = answer.prediction
        versions = f", {answer.versions}" if answer.versions else ""
        sheet.paragraph(
            f"{answer.title}: run {p.run_id}, temperature {p.temperature:.2f}{versions}.", 4
        )
