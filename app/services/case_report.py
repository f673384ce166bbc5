"""The printed case of the Classify page; what a reader adds to it is kept nowhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app import services
from app.services.attempts import Problem, attempt
from app.services.pictures import Analysis, Origin
from skinmodel import paths
from skinmodel.case_report.case import Case, Notes, Paper
from skinmodel.errors import WeightsError
from skinmodel.findings.verdict import Verdict


def check_notes(fields: Mapping[str, str]) -> Notes | Problem:
    """Return what a reader has filled in, or why it cannot be printed."""

    def check() -> Notes:
        from skinmodel.case_report.fonts import check_text

        return Notes(**{name: check_text(t, f"'{name}'") for name, t in fields.items()})

    return attempt(check)


def render_report(
    analysis: Analysis,
    titles: Mapping[str, str],
    picture: str,
    verdict: Verdict,
    cautions: Sequence[str],
    notes: Notes,
    paper: Paper,
    now: datetime,
) -> bytes:
    """Return the PDF of a picture's result.

    Args:
        analysis: the picture and what the networks said of it.
        titles: what the page calls each network it shows, by registry name.
        picture: where the picture came from and its size, in words.
        verdict: the line the result begins with.
        cautions: the sentences shown beside the result.
        notes: what the reader adds.
        paper: the format.
        now: printed as the date.

    Raises:
        SkinModelError: the report cannot be printed.
    """
    # The library of the report takes a second to load, and few visitors print.
    from skinmodel.case_report.collect import build_answer
    from skinmodel.case_report.pdf import render_case

    records = services.read_records()
    if isinstance(records, Problem):
        raise WeightsError(records.sentence)
    known = {record.model: record for record in records}
    answers = [
        build_answer(
            title,
            analysis.predictions[name],
            known[name],
            (paths.RESULTS,),
            analysis.shown.get(name),
            is_lesion=analysis.picture.origin is not Origin.DRAWING,
        )
        for name, title in titles.items()
    ]
    image, digest = analysis.picture.image, analysis.picture.sha256
    case = Case(image, digest, picture, verdict, cautions, answers, now, notes)
    return render_case(case, paper)
