"""Which networks the Classify page asks, and which of them did best on test lesions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from app import services
from app.services.attempts import Problem, attempt
from app.services.differences import Differences, read_differences
from app.shared import components
from app.shared.content import read_sections
from app.shared.wording import join_words
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.models.registry import get_spec
from skinmodel.weights.record import WeightsRecord

MOST: Final = 3
"""Networks shown side by side: a fourth column would be too narrow for its bars."""

_STRENGTH: Final = "balanced_accuracy"
_LIMITS: Final = (
    "95 % intervals, not corrected for several comparisons; one training run of each network, one "
    "view of each picture. See Compare."
)


def choose_networks() -> tuple[str, ...]:
    """Show the choice of networks; returns their names in registry order, none if none is left."""
    models = attempt(services.list_models)
    if isinstance(models, Problem):
        components.show_problem(models)
        return ()
    default = attempt(services.list_default_models)
    if len(models) == 1 or isinstance(default, Problem):
        return models[:1]
    chosen = st.multiselect(
        "Networks to ask",
        models,
        default=default,
        max_selections=MOST,
        format_func=lambda name: get_spec(name).title,
        key="networks",
        persist_state="session",
        placeholder="Choose at least one network",
        help=f"One to {MOST}. The report's two are loaded with the page; any other is loaded when "
        "it is first chosen, in a few seconds.",
    )
    st.caption(read_sections("findings")["networks"])
    _show_figures()
    return tuple(name for name in models if name in chosen)


def _show_figures() -> None:
    records = services.read_records()
    if isinstance(records, Problem):
        return
    if sentence := describe_strongest(records, read_differences(records, _STRENGTH)):
        with st.expander("How the networks did on test lesions", icon=":material/query_stats:"):
            st.markdown(sentence)


def describe_strongest(records: Sequence[WeightsRecord], differences: Differences) -> str:
    """Return which network did best on lesions none of them has seen, and what that shows.

    Nothing is said of two networks whose paired difference is not saved: whether they differ
    cannot be read from the interval of each.

    Args:
        records: of the shipped networks; their test figures are of one view of each picture.
        differences: of the same figures, paired; see ``services.differences``.

    Returns:
        Markdown; empty where fewer than two networks have been measured on one and the same split.
    """
    found = {
        record.model: figure
        for record in records
        if (figure := record.metrics.get("test", {}).get(_STRENGTH)) is not None
    }
    if len(found) < 2 or len({record.split["fingerprint"] for record in records}) > 1:
        return ""
    first, *others = sorted(found, key=lambda name: -found[name]["value"])
    known = {name: differences[name, first] for name in others if (name, first) in differences}
    better = [name for name, gap in known.items() if gap.low > 0]
    same = [name for name, gap in known.items() if not gap.low > 0]
    figures = join_words(_name(name, found) for name in (first, *others))
    text = f"Balanced accuracy on the test lesions of HAM10000: {figures}."
    if better:
        text += (
            f" **{get_spec(first).title}** did better than {_list_gaps(better, known)}, "
            "compared on the same lesions."
        )
    if same:
        text += f" Between {get_spec(first).title} and {_list_gaps(same, known)} no difference is "
        text += "shown."
    return f"{text} {_LIMITS}"


def _list_gaps(models: Sequence[str], gaps: Mapping[str, Interval]) -> str:
    return join_words(f"{get_spec(name).title} ({_points(gaps[name])})" for name in models)


def _points(gap: Interval) -> str:
    """Return a difference of shares in points, hundredths, with its interval."""
    value, low, high = (
        f"{100 * share:+.1f}".replace("-", "−") for share in (gap.value, gap.low, gap.high)
    )
    return f"{value} points, {low} to {high}"


def _name(model: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    return f"{get_spec(model).title} {_interval(found[model])}"


def _interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
