"""Which networks the Classify page asks, and which of them is the strongest on held-out lesions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from app import components, services
from app.services import Problem
from app.wording import join_words
from skinmodel.models.registry import get_spec
from skinmodel.weights.record import WeightsRecord

MOST: Final = 3
"""Networks shown side by side: a fourth column would be too narrow for its bars."""

_STRENGTH: Final = "balanced_accuracy"


def choose_networks() -> tuple[str, ...]:
    """Show the choice of networks; returns their names in registry order, none if none is left."""
    models = services.attempt(services.list_models)
    if isinstance(models, Problem):
        components.show_problem(models)
        return ()
    default = services.attempt(services.list_default_models)
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
    records = services.read_records()
    if not isinstance(records, Problem) and (sentence := describe_strongest(records)):
        st.caption(sentence)
    return tuple(name for name in models if name in chosen)


def describe_strongest(records: Sequence[WeightsRecord]) -> str:
    """Return one sentence on which network was the best on lesions none of them has seen.

    Args:
        records: of the shipped networks; their test figures are of one view of each picture.

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
    near = [name for name in others if found[name]["high"] >= found[first]["low"]]
    if len(near) == len(others):
        return (
            "No network here is shown to be the strongest on held-out lesions of HAM10000 "
            f"(balanced accuracy {join_words(_name(m, found) for m in (first, *others))})."
        )
    text = (
        f"On held-out lesions of HAM10000, **{get_spec(first).title}** has the highest balanced "
        f"accuracy of these networks, {_interval(found[first])}; "
        f"{join_words(_name(name, found) for name in others)}."
    )
    if near:
        titles = join_words(get_spec(name).title for name in near)
        text += f" Its interval overlaps that of {titles}: no difference is shown there."
    return text + " 95 % intervals, one view of each picture; see Compare."


def _name(model: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    return f"{get_spec(model).title} {_interval(found[model])}"


def _interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
