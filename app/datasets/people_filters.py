"""Which images the section on people and sites counts: several filters together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd
import streamlit as st

from app.datasets.wording import ORIGINS, label_diagnosis, name_value
from skinmodel.data.counts.tables import DATASETS


@dataclass(frozen=True)
class Filters:
    """What is chosen; an empty choice lets everything through.

    Attributes:
        diagnosis: codes.
        sex: as in the metadata.
        site: as in the metadata.
        origin: how confirmed, or the source.
        youngest: in years, included.
        oldest: in years, included.
        without_age: whether images without an age count too.
    """

    diagnosis: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    youngest: float = float("-inf")
    oldest: float = float("inf")
    without_age: bool = True

    @property
    def are_set(self) -> bool:
        """False where everything is let through."""
        return any(getattr(self, f.name) != f.default for f in fields(self))


def select(rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Return the rows of ``Counts.of`` that answer to every filter."""
    age = rows["age"]
    mask = age.between(filters.youngest, filters.oldest) | (age.isna() & filters.without_age)
    for name in ("diagnosis", "sex", "site", "origin"):
        chosen = getattr(filters, name)
        if chosen:
            mask &= rows[name].isin(chosen)
    return rows[mask]


def describe_filters(filters: Filters) -> str:
    """Return what is chosen in words; ``every image`` where nothing is."""
    parts = [
        " or ".join(map(name_value, chosen))
        for chosen in (filters.diagnosis, filters.sex, filters.site, filters.origin)
        if chosen
    ]
    bounds = (filters.youngest, filters.oldest)
    if bounds != (float("-inf"), float("inf")):
        parts.append(f"{filters.youngest:g} to {filters.oldest:g} years")
    if not filters.without_age:
        parts.append("age known")
    return "; ".join(parts) or "every image"


def choose_filters(dataset: str, rows: pd.DataFrame) -> Filters:
    """Show the filters of one data set and return what is chosen.

    Args:
        dataset: ``ham10000`` or ``isic2019``; each keeps a choice of its own.
        rows: as ``Counts.of`` returns them.
    """
    present = set(rows["diagnosis"])
    codes = [code for code in DATASETS[dataset] if code in present]
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        with left:
            diagnosis = st.multiselect(
                "Diagnosis",
                codes,
                format_func=lambda code: label_diagnosis(code, dataset),
                placeholder="Every diagnosis",
                filter_mode="contains",
                select_all=False,
                key=f"people-diagnosis-{dataset}",
                persist_state="session",
            )
            sex = _choose("Sex", rows["sex"], f"people-sex-{dataset}", "Every sex")
            ages = sorted(rows["age"].dropna().unique())
            low, high = st.slider(
                "Age in years",
                int(ages[0]),
                int(ages[-1]),
                (int(ages[0]), int(ages[-1])),
                step=5,
                key=f"people-age-{dataset}",
                persist_state="session",
            )
        with right:
            site = _choose("Body site", rows["site"], f"people-site-{dataset}", "Every site")
            origin = _choose(
                ORIGINS[dataset], rows["origin"], f"people-origin-{dataset}", "All of them"
            )
            without_age = st.checkbox(
                "Count images without an age",
                value=True,
                key=f"people-without-age-{dataset}",
                persist_state="session",
            )
    whole = (low, high) == (int(ages[0]), int(ages[-1]))
    return Filters(
        tuple(diagnosis),
        sex,
        site,
        origin,
        **({} if whole else {"youngest": low, "oldest": high}),
        without_age=without_age,
    )


def _choose(label: str, values: "pd.Series[str]", key: str, placeholder: str) -> tuple[str, ...]:
    options: Sequence[str] = sorted(set(values), key=lambda value: (value == "unknown", value))
    chosen = st.multiselect(
        label,
        options,
        format_func=name_value,
        placeholder=placeholder,
        filter_mode="prefix",  # "male" would otherwise find "female" first
        select_all=False,
        key=key,
        persist_state="session",
    )
    return tuple(chosen)
