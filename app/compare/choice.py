"""The top of the Compare page: which data set and which two runs."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import services
from app.services import evaluations
from app.services.attempts import Problem
from app.services.pair import LEAKY, Pair, name_dataset, name_run, sort_datasets
from app.services.photographs import can_be_found
from app.shared import components
from skinmodel.evaluation.report import Evaluation
from skinmodel.models.registry import REPORTED


def choose_pair() -> Pair | None:
    """Show the choice and return the two runs; None where there is nothing to compare."""
    _show_problems()
    datasets = sort_datasets(evaluations.list_all())
    if not datasets:
        st.info(
            "No evaluation is in assets/results. Get the complete repository, or measure two "
            "networks on one data set: python -m skinmodel evaluate --model cnn --dataset "
            "ham10000:test --data DIR."
        )
        return None
    with st.container(border=True):
        dataset = st.selectbox(
            "Data set and protocol",
            list(datasets),
            format_func=lambda name: _title(datasets[name]),
            key="compare-dataset",
            persist_state="session",
        )
        runs = {e.provenance.run_id: e for e in datasets[dataset]}
        if len(runs) < 2:
            name = datasets[dataset][0].provenance.dataset
            images = (
                f"--dataset {name} --data DIR"
                if can_be_found(name)
                else "--images DIR --truth FILE, with the same images and truth"
            )
            st.info(
                f"Only one run is measured on this set, {', '.join(runs)}. Measure another with: "
                f"python -m skinmodel evaluate --model NAME {images}."
            )
            return None
        pair = _choose_runs(runs)
        if isinstance(pair, Problem):
            components.show_problem(pair, title="These two runs cannot be compared")
            return None
        _describe(pair)
    return pair


def _show_problems() -> None:
    for problem in evaluations.list_damaged():
        components.show_problem(problem, title="An evaluation is left out")


def _title(measured: Sequence[Evaluation]) -> str:
    name = name_dataset(measured[0].provenance)
    told = LEAKY in name or not all(e.provenance.leaks for e in measured)
    return name if told else f"{name} ({LEAKY})"


def _choose_runs(runs: Mapping[str, Evaluation]) -> Pair | Problem:
    ids = list(runs)
    preferred = _prefer(runs)
    columns = st.columns(2)
    with columns[0]:
        first = _choose("First network", ids, preferred[0], runs, "compare-first")
    others = [run_id for run_id in ids if run_id != first]
    second_default = preferred[1] if preferred[1] != first else preferred[0]
    with columns[1]:
        second = _choose("Second network", others, second_default, runs, "compare-second")
    return evaluations.open_pair(runs[first], runs[second])


def _choose(
    label: str, ids: list[str], default: str, runs: Mapping[str, Evaluation], key: str
) -> str:
    """Return one run of ``ids``: the one a reader chose last, on whatever data set, if it is there.

    The wish is kept apart from the box, so that it comes back with a set that has the run.
    """
    wish = st.session_state.get(f"{key}-wish")
    st.session_state[key] = wish if wish in ids else default
    chosen = str(
        st.selectbox(
            label,
            ids,
            format_func=lambda run_id: name_run(runs[run_id].provenance),
            key=key,
            on_change=_remember,
            args=(key,),
        )
    )
    if wish is not None and wish not in runs:
        st.caption(f"{components.escape_markdown(wish)} is not measured on this data set.")
    return chosen


def _remember(key: str) -> None:
    st.session_state[f"{key}-wish"] = st.session_state[key]


def _prefer(runs: Mapping[str, Evaluation]) -> tuple[str, str]:
    """Return the runs to start from: those whose weights ship, else the first of each network."""
    records = services.read_records()
    shipped = set() if isinstance(records, Problem) else {record.run_id for record in records}
    ordered = sorted(runs, key=lambda run_id: (run_id not in shipped, list(runs).index(run_id)))
    chosen: list[str] = []
    for model in REPORTED:
        chosen += [i for i in ordered if runs[i].provenance.model == model][:1]
    first, second, *_ = [*chosen, *(run_id for run_id in ordered if run_id not in chosen)]
    return first, second


def _describe(pair: Pair) -> None:
    """Say what was measured, how, and what was left out."""
    if pair.leaks:
        components.show_leak()
    known, report = pair.dataset, pair.first.report
    unit = "patient" if report.intervals["unit"] == "patient" else "lesion"
    dropped = "; ".join(f"{reason}: {count:,}" for reason, count in known.dropped.items() if count)
    views = (
        "one look at each" if known.views == 1 else f"averaged over {known.views} flips and turns"
    )
    remarks = dict.fromkeys(m.provenance.remark for m in pair.both if m.provenance.remark)
    temperatures = ", ".join(f"{m.label} {m.provenance.temperature:.2f}" for m in pair.both)
    lines = [
        f"{report.images:,} images of {report.lesions:,} {unit}s, {views}. Intervals are 95 %, by "
        f"{report.intervals['draws']:,} resamples of whole {unit}s. Probabilities are calibrated "
        f"(temperature: {temperatures}).",
        *([f"Left out: {dropped}."] if dropped else []),
        *remarks,
    ]
    st.caption("  \n".join(map(components.escape_markdown, lines)))
