"""Which of a data set's images the gallery shows."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Final

import pandas as pd
import streamlit as st

from app.services.gallery_index import UNKNOWN
from app.shared.wording import describe_confirmation, name_diagnosis
from skinmodel.data.splits import SIDES
from skinmodel.diagnoses import CODES

ALL: Final = ""
"""The choice that leaves a column alone."""

SIDE_NAMES: Final = {"train": "Training", "val": "Validation", "test": "Test", UNKNOWN: "Unknown"}
_DX_TYPES: Final = ("histo", "follow_up", "consensus", "confocal")


@dataclass(frozen=True)
class Filters:
    """What the reader asked for; ``ALL`` where no choice was made.

    Attributes:
        truth: diagnosis code.
        side: train, val or test.
        dx_type: how the diagnosis was confirmed.
        source: the collection within ISIC 2019.
        several: only lesions with more than one image.
    """

    truth: str = ALL
    side: str = ALL
    dx_type: str = ALL
    source: str = ALL
    several: bool = False

    @property
    def key(self) -> str:
        """A text that differs between any two choices."""
        return "-".join(str(value) for value in astuple(self))


def select(table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Return the rows of a gallery's table that every filter lets through, in their order."""
    chosen = pd.Series(True, index=table.index)
    for column in ("truth", "side", "dx_type", "source"):
        value = getattr(filters, column)
        if value != ALL:
            chosen &= table[column] == value
    if filters.several:
        chosen &= table.duplicated("group_id", keep=False)
    return table[chosen]


def choose_filters(name: str, table: pd.DataFrame) -> Filters:
    """Show the filters of a data set and return what is chosen.

    Args:
        name: of the data set; each remembers its own choice.
        table: of its gallery.
    """
    first, second, third = st.columns(3)
    with first:
        truth = _choose(name, table, "truth", "Diagnosis", (*CODES, "scc"), name_diagnosis)
    side = dx_type = source = ALL
    if name == "isic2019":
        with second:
            source = _choose(name, table, "source", "Collection", (), _name_source)
    else:
        with second:
            side = _choose(name, table, "side", "Side of the split", SIDES, _name_side)
        with third:
            dx_type = _choose(
                name, table, "dx_type", "Confirmation", _DX_TYPES, describe_confirmation
            )
    several = st.toggle(
        "Only lesions with several images",
        key=f"gallery-several-{name}",
        persist_state="session",
    )
    return Filters(truth, side, dx_type, source, several)


def _choose(
    name: str,
    table: pd.DataFrame,
    column: str,
    label: str,
    order: Sequence[str],
    describe: Callable[[str], str],
) -> str:
    """Offer the values of a column, those in ``order`` first, with how many images have each."""
    counts = table[column].value_counts()
    rest = sorted(set(counts.index) - set(order))
    values = [value for value in (*order, *rest) if value in counts.index]

    def show(value: str) -> str:
        words = "All" if value == ALL else describe(value)
        count = len(table) if value == ALL else int(counts[value])
        return f"{words[:1].upper()}{words[1:]}: {count:,}"

    return st.selectbox(
        label,
        [ALL, *values],
        format_func=show,
        key=f"gallery-{column}-{name}",
        persist_state="session",
    )


def _name_side(side: str) -> str:
    return SIDE_NAMES[side]


def _name_source(source: str) -> str:
    return "Not known" if source == UNKNOWN else source
