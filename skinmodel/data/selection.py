"""Which rows of a truth table are evaluated, and why the others are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

NOT_SCORED: Final = "not scored by the challenge"
MISSING: Final = "image file missing"
IS_SCC: Final = "squamous cell carcinoma: no class of the networks"
IS_UNKNOWN: Final = "unknown diagnosis: no class of the networks"


@dataclass(frozen=True, eq=False)
class Selection:
    """What is left of a truth table to be evaluated.

    Attributes:
        index: the rows left, without ``scored``.
        dropped: number of rows dropped, by reason in a fixed order.
        unscored: truth_id of the rows dropped that the challenge gives no weight; a submission
            needs a row for each.
    """

    index: pd.DataFrame = field(repr=False)
    dropped: dict[str, int]
    unscored: tuple[str, ...] = ()


def select_rows(rows: pd.DataFrame, reasons: Mapping[str, "pd.Series[bool]"]) -> Selection:
    """Return the rows no reason to drop them applies to.

    Args:
        rows: as in ``TruthTable``.
        reasons: reason -> one bool a row. A row to which several apply counts under the first.
    """
    left = pd.Series(True, index=rows.index)
    dropped = {}
    for reason, applies in reasons.items():
        dropped[reason] = int((left & applies).sum())
        left &= ~applies
    index = rows[left].drop(columns="scored").reset_index(drop=True)
    return Selection(index, dropped, tuple(rows.loc[~left & ~rows["scored"], "truth_id"]))
