"""The same two runs on every data set both were measured on, one line each."""

import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.comparison.pair import Pair, name_dataset, sort_datasets
from app.comparison.tables import explain, show_table, spread
from app.services import Problem, evaluations
from skinmodel.evaluation.figures import HEADLINES
from skinmodel.evaluation.report import Evaluation, EvaluationReport


def show_overview(pair: Pair) -> None:
    """Show the table; sets that only one of the two was measured on are left out."""
    st.markdown("#### The same two on every data set", anchors=False)
    rows, lines = {}, []
    for measured in sort_datasets(evaluations.list_all()).values():
        reports = _read_both(pair, measured)
        if reports is None:
            continue
        rows[_title(reports)] = _write(pair, reports)
        lines.append(_list(reports))
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(lines),
        pair,
        "all data sets",
        "Accuracy, balanced accuracy and macro AUC of both networks on every data set.",
    )
    explain("overview")


def _read_both(
    pair: Pair, measured: tuple[Evaluation, ...]
) -> tuple[EvaluationReport, EvaluationReport] | None:
    of_run = {evaluation.provenance.run_id: evaluation for evaluation in measured}
    reports = []
    for one in pair.both:
        evaluation = of_run.get(one.provenance.run_id)
        if evaluation is None:
            return None
        report = evaluations.read_report(evaluation)
        if isinstance(report, Problem):
            components.show_problem(report)
            return None
        reports.append(report)
    return reports[0], reports[1]


def _title(reports: tuple[EvaluationReport, EvaluationReport]) -> str:
    badge = " :red-badge[leaky: too good]" if any(r.provenance.leaks for r in reports) else ""
    return f"{components.escape_markdown(name_dataset(reports[0].provenance))}{badge}"


def _write(pair: Pair, reports: tuple[EvaluationReport, EvaluationReport]) -> dict[str, str]:
    return {"Images": f"{reports[0].images:,}"} | {
        f"{wording.TITLES[name]} {one.label}": wording.interval(report.metrics[name])
        for name in HEADLINES
        for one, report in zip(pair.both, reports, strict=True)
    }


def _list(reports: tuple[EvaluationReport, EvaluationReport]) -> dict[str, object]:
    known = reports[0].provenance
    line: dict[str, object] = {
        "data_set": known.dataset,
        "views": known.views,
        "images": reports[0].images,
        "lesions": reports[0].lesions,
    }
    for slot, report in zip(("first", "second"), reports, strict=True):
        line[f"{slot}_leaks"] = report.provenance.leaks
        for name in HEADLINES:
            line |= spread(f"{slot}_{name}", report.metrics[name])
    return line
