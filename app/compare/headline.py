"""The section of headline figures: both runs here, on every data set, and beside all other runs."""

from typing import Final

import pandas as pd
import streamlit as st

from app.compare import wording
from app.compare.forest import show_differences
from app.compare.presentation import explain, show_heading, show_sources, show_table, spread
from app.services import evaluations
from app.services.attempts import Problem
from app.services.pair import Pair, name_dataset, name_network, sort_datasets
from app.shared import components
from skinmodel.evaluation.comparison import Comparison, describe_difference
from skinmodel.evaluation.measures.metrics import HEADLINES, PRINTED
from skinmodel.evaluation.report import Evaluation, EvaluationReport


def show_overview(pair: Pair) -> None:
    """Show the table; sets that only one of the two was measured on are left out."""
    st.markdown("### The same two on every data set", anchors=False)
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


_FIGURES_OF_RUNS: Final = (*HEADLINES, "recall.mel")


def show_runs(pair: Pair) -> None:
    """Show the headline figures of all runs on the chosen data set, one line each."""
    measured = sort_datasets(evaluations.list_all()).get(pair.dataset.folder, ())
    if len(measured) <= len(pair.both):
        return
    st.markdown("### Every run on these images", anchors=False)
    rows, lines = {}, []
    for evaluation in measured:
        report = evaluations.read_report(evaluation)
        if isinstance(report, Problem):
            components.show_problem(report)
            continue
        known = report.provenance
        badge = " :red-badge[leaky: too good]" if known.leaks else ""
        title = components.escape_markdown(name_network(known))
        rows[f"{title}, `{known.run_id}`{badge}"] = {
            wording.name_figure(name): wording.interval(report.metrics[name])
            for name in _FIGURES_OF_RUNS
        }
        line: dict[str, object] = {"run": known.run_id, "run_leaks": known.leaks}
        for name in _FIGURES_OF_RUNS:
            line |= spread(name, report.metrics[name])
        lines.append(line)
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(lines),
        pair,
        "every run",
        "Headline figures of every run measured on this data set, with 95 % intervals.",
    )
    st.caption(
        "Each interval is of one run alone: whether two runs differ cannot be read from the two. "
        "Choose them above for their paired difference."
    )


FIGURES: Final = (*PRINTED, "macro_average_precision", "recall.mel")
_SECONDS_AN_IMAGE: Final = 1 / 200  # a rough figure for the paired comparison on two cores


def show_headline(pair: Pair) -> None:
    """Show the section."""
    show_heading("Headline figures", pair)
    difference = get_difference(pair)
    rows, saved = {}, []
    for name in FIGURES:
        first, second = (measured.report.metrics[name] for measured in pair.both)
        row = {
            pair.first.label: wording.interval(first),
            pair.second.label: wording.interval(second),
        }
        line = {"figure": name, **spread("first", first), **spread("second", second)}
        if difference is not None:
            gap = difference.differences[name]
            row |= {
                "Difference in points": wording.gap(gap),
                "What may be claimed": describe_difference(
                    gap, pair.first.label, pair.second.label, name
                ),
            }
            line |= spread("difference", gap)
        rows[wording.name_figure(name)] = row
        saved.append(line)
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(saved),
        pair,
        "headline figures",
        "Headline figures of both networks with 95 % intervals and their difference.",
    )
    explain("headline")
    if difference is None:
        offer_difference(pair)
    else:
        tests = wording.describe_tests(difference, pair.first.label, pair.second.label)
        st.markdown(f"**Right answers, by McNemar's exact test.** {tests}")
        show_differences(
            {wording.name_figure(name): difference.differences[name] for name in FIGURES},
            pair,
            "Difference of headline figures",
            key="headline",
        )
    show_overview(pair)
    show_runs(pair)
    show_sources(pair)


def get_difference(pair: Pair) -> Comparison | None:
    """Return the paired difference where it is kept or was asked for; shows what went wrong."""
    found = evaluations.read_difference(pair)
    if found is None and _key(pair) in st.session_state:
        with st.spinner("Resampling the lesions of both runs"):
            found = evaluations.compute_difference(pair)
    if isinstance(found, Problem):
        components.show_problem(found, title="The two runs cannot be compared")
        return None
    return found


def offer_difference(pair: Pair) -> None:
    """Show a button that computes the paired difference; it takes too long to do so unasked."""
    seconds = max(5, round(pair.first.report.images * _SECONDS_AN_IMAGE, -1))
    st.info("The paired difference of these two runs is not kept on disk.")
    if st.button(f"Compute the difference (about {seconds:.0f} s)", icon=":material/calculate:"):
        st.session_state[_key(pair)] = True
        st.rerun()


def _key(pair: Pair) -> str:
    return "difference-" + "-".join(str(measured.folder) for measured in pair.both)
