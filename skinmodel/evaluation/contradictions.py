"""What a published table says against itself, by arithmetic alone.

Every printed figure stands for an interval, half a unit of its last digit to each side; what no
numbers within these intervals can satisfy together is a contradiction. Nothing is guessed about
which of the numbers is wrong.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from skinmodel.evaluation.published import (
    FIGURES,
    ClassificationTable,
    ConfusionLayout,
    CountTable,
    Row,
    Table,
)

HALF: Final = 0.005  # figures are printed with two digits
_SLACK: Final = 1e-9  # for floating point
Kind = Literal["recall", "precision", "f1", "average", "accuracy", "predicted", "sum", "layout"]


@dataclass(frozen=True)
class Contradiction:
    """One statement that cannot be true together with others of its table.

    Attributes:
        table: its number.
        row: name of the row as printed.
        kind: which figure is contradicted.
        text: in words, with the numbers.
    """

    table: str
    row: str
    kind: Kind
    text: str


def find_contradictions(table: Table) -> tuple[Contradiction, ...]:
    """Return all that ``table`` says against itself, row by row; empty where it is consistent."""
    if isinstance(table, ClassificationTable):
        found = _check_classification(table)
    elif isinstance(table, CountTable):
        found = _check_counts(table)
    else:
        found = _check_layout(table)
    return tuple(Contradiction(table.about.number, row, kind, text) for row, kind, text in found)


Finding = tuple[str, Kind, str]


def _check_classification(table: ClassificationTable) -> Iterator[Finding]:
    for row in table.rows:
        yield from _check_class(row, table.support)
    yield from _check_sums(table)
    for average, weights in (
        (table.macro, [1.0] * len(table.rows)),
        (table.weighted, [float(row.support) for row in table.rows]),
    ):
        for figure in FIGURES:
            printed = getattr(average, figure)
            mean = _mean([getattr(row, figure) for row in table.rows], weights)
            # Each row, and so their mean, may be off by HALF, and the printed average by as much.
            if abs(printed - mean) > 2 * HALF + _SLACK:
                name = "F1" if figure == "f1" else figure
                text = f"The mean {name} is printed as {printed:.2f}, but the rows give {mean:.2f}."
                yield average.name, "average", text
    yield from _check_accuracy(table)


def _check_class(row: Row, images: int) -> Iterator[Finding]:
    """Yield what a class's figures cannot be, given that pictures are counted in whole numbers."""
    hits = _whole(row.recall, row.support)
    if not hits:
        known = math.floor(row.recall * row.support)
        words = " and ".join(f"{k} found give {k / row.support:.2f}" for k in (known, known + 1))
        text = f"A recall of {row.recall:.2f} with {row.support} cases cannot be: {words}."
        yield row.name, "recall", text
    pairs = [(k, m) for k in hits for m in _predicted(row, k, images)]
    if hits and not pairs:
        k = hits[len(hits) // 2]
        known = math.floor(k / row.precision) if row.precision else images
        words = " and ".join(f"{m} predicted give {k / m:.2f}" for m in (known, known + 1) if m)
        text = (
            f"A precision of {row.precision:.2f} cannot be: the recall of {row.recall:.2f} means "
            f"{k} of {row.support} found, and {words}."
        )
        yield row.name, "precision", text
    possible = [_f1_of_counts(k, m, row.support) for k, m in pairs] or _f1_ends(row)
    low, high = min(possible), max(possible)
    # Between two ends every value is possible; of counted pictures only those listed.
    near = [v for v in possible if abs(v - row.f1) <= HALF + _SLACK]
    between = not pairs and low <= row.f1 <= high
    if not near and not between:
        words = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
        text = (
            f"An F1 of {row.f1:.2f} does not follow from precision {row.precision:.2f} and recall "
            f"{row.recall:.2f} of {row.support} cases, which give {words}."
        )
        yield row.name, "f1", text


def _check_sums(table: ClassificationTable) -> Iterator[Finding]:
    cases = sum(row.support for row in table.rows)
    for name, printed in (
        ("Accuracy", table.support),
        (table.macro.name, table.macro.support),
        (table.weighted.name, table.weighted.support),
    ):
        if printed != cases:
            yield name, "sum", f"Support is printed as {printed:,}, but the rows add to {cases:,}."
    if all(row.precision > HALF for row in table.rows):
        low = sum(_low(r.recall) * r.support / _high(r.precision) for r in table.rows)
        high = sum(_high(r.recall) * r.support / _low(r.precision) for r in table.rows)
        if not math.floor(low + _SLACK) <= table.support <= math.ceil(high - _SLACK):
            text = (
                f"Precision and recall mean that {low:,.0f} to {high:,.0f} pictures were given a "
                f"class, but each of the {table.support:,} gets one."
            )
            yield "Accuracy", "predicted", text


def _check_accuracy(table: ClassificationTable) -> Iterator[Finding]:
    supports = [float(row.support) for row in table.rows]
    share = _mean([row.recall for row in table.rows], supports)
    if abs(table.accuracy - share) > 2 * HALF + _SLACK:
        text = (
            f"Accuracy is printed as {table.accuracy:.2f}, but the recalls of the classes and "
            f"their supports give {share:.2f}."
        )
        yield "Accuracy", "accuracy", text
    if abs(table.accuracy - table.weighted.recall) > _SLACK:
        text = (
            f"The average recall weighted by support is the accuracy by definition, but they are "
            f"printed as {table.weighted.recall:.2f} and {table.accuracy:.2f}."
        )
        yield table.weighted.name, "accuracy", text


def _check_counts(table: CountTable) -> Iterator[Finding]:
    for i, (column, printed) in enumerate(zip(table.columns, table.total, strict=True)):
        counted = sum(counts[i] or 0 for _, counts in table.rows)
        if printed is not None and printed != counted:
            text = f"The total of {column} is printed as {printed:,}, but its rows add to "
            yield "Total", "sum", f"{text}{counted:,}."
    if table.columns == ("observations", "factor", "total"):
        for name, (observations, factor, total) in table.rows:
            made = (observations or 0) * (factor or 1)
            if total != made:
                text = f"{observations} observations times {factor or 1} are {made}, not {total}."
                yield name, "sum", text


def _check_layout(table: ConfusionLayout) -> Iterator[Finding]:
    for actual, predicted, name in table.cells:
        due = f"{actual == predicted} {'Positive' if predicted else 'Negative'}"
        if name != due:
            text = (
                f"What is actually {str(actual).lower()} and predicted {str(predicted).lower()} is "
                f"called a {name.lower()}; it is a {due.lower()}."
            )
            yield f"Actual {actual}", "layout", text


def _whole(share: float, of: int) -> list[int]:
    """Return the whole numbers that, as a share of ``of``, round to ``share``."""
    first = max(math.ceil((share - HALF) * of - _SLACK), 0)
    return list(range(first, min(math.floor((share + HALF) * of + _SLACK), of) + 1))


def _predicted(row: Row, hits: int, images: int) -> list[int]:
    """Return how many pictures may have been given a class of which ``hits`` were right."""
    most = images - row.support + hits
    if hits == 0:
        return list(range(most + 1)) if row.precision <= HALF + _SLACK else []
    first = max(math.ceil(hits / (row.precision + HALF) - _SLACK), hits)
    last = math.floor(hits / (row.precision - HALF) + _SLACK) if row.precision > HALF else most
    return list(range(first, min(last, most) + 1))


def _f1_of_counts(hits: int, predicted: int, support: int) -> float:
    return 2 * hits / (predicted + support) if predicted + support else 0.0


def _f1_ends(row: Row) -> list[float]:
    ends = [(_low(row.precision), _low(row.recall)), (_high(row.precision), _high(row.recall))]
    return [2 * p * r / (p + r) if p + r else 0.0 for p, r in ends]


def _mean(values: list[float], weights: list[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _low(figure: float) -> float:
    return max(figure - HALF, 0.0)


def _high(figure: float) -> float:
    return min(figure + HALF, 1.0)
