"""Counts to be drawn: one a row, with what their shares are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from app.datasets.wording import count_and_share


class Scale(StrEnum):
    """What a bar's length says."""

    COUNT = "Count"
    LOG = "Count, log scale"
    SHARE = "Share"


@dataclass(frozen=True)
class Series:
    """The counts of one data set or choice.

    Attributes:
        name: in the legend.
        counts: one a row.
        total: what shares are of: one number, or one a row.
    """

    name: str
    counts: tuple[int, ...]
    total: int | tuple[int, ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """What each row's share is of."""
        one = self.total
        return one if isinstance(one, tuple) else (one,) * len(self.counts)

    def measure(self, scale: Scale) -> tuple[float, ...]:
        """Return how long the bars are, in the units of the axis."""
        if scale is not Scale.SHARE:
            return tuple(map(float, self.counts))
        return tuple(c / t if t else 0.0 for c, t in zip(self.counts, self.totals, strict=True))

    def write(self) -> tuple[str, ...]:
        """Return each row's count and share in words."""
        return tuple(map(count_and_share, self.counts, self.totals))


def choose_scale(key: str) -> Scale:
    """Show the choice of the scale and return it."""
    chosen = st.segmented_control(
        "Bars show",
        list(Scale),
        default=Scale.COUNT,
        required=True,
        key=key,
        persist_state="session",
        help="The log scale makes each step ten times the one before: small classes stay visible.",
    )
    return Scale(str(chosen))


def describe(title: str, rows: Sequence[str], series: Sequence[Series]) -> str:
    """Return a chart's alternative text: every count and share."""
    parts = [
        f"{one.name}: {', '.join(map(' '.join, zip(rows, one.write(), strict=True)))}"
        for one in series
    ]
    return f"{title}. {'. '.join(parts)}."
