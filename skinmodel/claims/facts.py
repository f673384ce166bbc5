"""Counts of the data sets, by the path that a claim names them with; see ``facts``."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.counts.tables import ALL, DATASETS, Counts, read_counts
from skinmodel.errors import ClaimError, SkinModelError
from skinmodel.evaluation.comparison import SavedComparison, read_comparison
from skinmodel.evaluation.leak import FILE as LEAK
from skinmodel.evaluation.leak import from_frame
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.calibration import Calibration
from skinmodel.evaluation.published import ClassificationTable, read_publication
from skinmodel.evaluation.report import EvaluationReport, read_report
from skinmodel.models.registry import MODELS, get_spec
from skinmodel.weights.manifest import read_manifest
from skinmodel.weights.record import WeightsRecord


def find_count(counts: Counts, table: str, *parts: str) -> float:
    """Return the count behind ``counts/TABLE/...``.

    Raises:
        ClaimError: lesions are asked for where one may stand on both sides.
        KeyError: there is no such row or column.
        ValueError: the path has too many or too few parts.
    """
    if table in DATASETS and parts[0] == "missing":
        _, field = parts
        return _sum(counts.missing, "images", dataset=table, field=field)
    if table in DATASETS:
        what, code = parts
        by_class = counts.by_class(table, what)
        return sum(by_class.values()) if code == ALL else by_class[code]
    if table == "augmentation":
        column, code = parts
        rows = counts.augmentation
        return _sum(rows, column) if code == ALL else _sum(rows, column, diagnosis=code)
    if table == "leakage":
        split, code, column = parts
        names = ("pictures", "either") if column == "unseen" else (column,)
        first, *rest = (_sum(counts.leakage, n, split=split, diagnosis=code) for n in names)
        return first - sum(rest)
    side, what = parts
    if what == "lesions" and table != "grouped":
        raise ClaimError("A lesion may stand on both sides of the report's split.")
    return _sum(counts.splits, what, split=table, side=side)


def _sum(rows: pd.DataFrame, column: str, **chosen: str) -> float:
    """Return the sum of a column over the rows with these words; KeyError where none has them."""
    for name, word in chosen.items():
        rows = rows[rows[name] == word]
    if rows.empty:
        raise KeyError(" ".join(chosen.values()))
    return float(rows[column].sum())


EACH: Final = "*"
"""Stands for every shipped network."""
_CHOICE: Final = re.compile(r"\{([^{}]+)\}")
_EXTREMES: Final[Mapping[str, Callable[[list[float]], float]]] = {"min": min, "max": max}


class Facts:
    """Figures of one folder of assets, each file read once."""

    def __init__(self, assets: Path) -> None:
        """Take the folder that holds weights, results, counts and published."""
        self._assets = assets
        self._counts = cache(lambda: read_counts(assets / "counts"))
        self._report = cache(self._read_report)
        self._comparison = cache(self._read_comparison)
        shipped = sorted(read_manifest(assets / "weights"), key=lambda r: r.created_at)
        newest = {record.model: record for record in shipped if not record.leaks}
        self.records: Mapping[str, WeightsRecord] = {m: newest[m] for m in MODELS if m in newest}
        """The run that a network's name means, by network: its newest without a leak."""

    def value(self, path: str) -> float:
        """Return a figure; a difference and a share as a share, not in hundredths.

        Raises:
            ClaimError: no file has it.
        """
        kind, _, rest = path.partition("/")
        if kind in _EXTREMES:
            return _EXTREMES[kind]([self.value(p) for p in self.spread(rest)])
        if kind == "difference":
            return self.difference(path).value
        try:
            return float(_FINDERS[kind](self, *rest.split("/")))
        except (SkinModelError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise ClaimError(
                f"No file below '{self._assets}' has '{path}' ({type(error).__name__}: {error}). "
                "The forms are listed in skinmodel/claims/facts.py; what is not measured yet is "
                "measured with: python -m skinmodel evaluate, or compare."
            ) from error

    def difference(self, path: str) -> Interval:
        """Return ``difference/A/B/DATASET/FIGURE``: A minus B with its interval.

        Raises:
            ClaimError: the path is of another kind, or the pair is not saved.
        """
        kind, *parts = path.split("/")
        if kind != "difference" or len(parts) != 4:
            raise ClaimError(f"'{path}' is no difference; expected difference/A/B/DATASET/FIGURE.")
        first, second, dataset, figure = parts
        saved, turned = self._comparison(first, second, dataset)
        found = saved.comparison.differences.get(figure)
        if found is None:
            raise ClaimError(f"The comparison for '{path}' has no figure '{figure}'.")
        # Saved is second minus first.
        return found if turned else Interval(-found.value, -found.high, -found.low)

    def report(self, model: str, dataset: str) -> EvaluationReport:
        """Return the report of a network's shipped run on a data set.

        Raises:
            ConfigError: there is none.
        """
        return self._report(model, dataset)

    def spread(self, text: str) -> tuple[str, ...]:
        """Return ``text`` once for each choice: each of ``{a,b}``, and for ``*`` each network.

        What is written alike is chosen alike, so that a network is set beside itself.
        """
        text = text.replace(f"/{EACH}/", f"/{{{','.join(self.records)}}}/")
        choice = _CHOICE.search(text)
        if choice is None:
            return (text,)
        chosen = (text.replace(choice[0], one) for one in choice[1].split(","))
        return tuple(whole for one in chosen for whole in self.spread(one))

    def _read_report(self, model: str, dataset: str) -> EvaluationReport:
        record = self.records.get(model)
        if record is None:
            raise ClaimError(f"No weights of '{model}' are shipped; {', '.join(self.records)} are.")
        return read_report(self._assets / "results" / record.run_id / dataset)

    def _read_comparison(
        self, first: str, second: str, dataset: str
    ) -> tuple[SavedComparison, bool]:
        """Return the saved comparison, and whether it is of second to first."""
        pair = [self.report(model, dataset).provenance for model in (first, second)]
        for turned, (one, other) in enumerate((pair, pair[::-1])):
            saved = read_comparison(self._assets / "results", one, other)
            if saved is not None:
                return saved, bool(turned)
        raise ClaimError(
            f"No comparison of {first} and {second} on {dataset} is saved that fits their reports. "
            f"Make it with: python -m skinmodel compare {first} {second}"
        )

    def _of_report(self, model: str, dataset: str, figure: str) -> float:
        report = self.report(model, dataset)
        if figure in ("images", "lesions"):
            return float(getattr(report, figure))
        name, _, rest = figure.partition(".")
        if name == "dropped":
            return report.provenance.dropped[rest.replace("_", " ")]
        if rest in report.calibration:
            calibration = report.calibration[rest]
            if name == "overconfidence":
                return compute_overconfidence(calibration)
            return float(getattr(calibration, name))
        return report.metrics[figure].value

    def _of_leak(self, model: str, whose: str, dataset: str, figure: str) -> float:
        title = f"{get_spec(model).title}, {'ours' if whose == 'ours' else 'the report'}"
        [row] = [
            row
            for row in from_frame(pd.read_csv(self._assets / "results" / LEAK))
            if row.dataset == dataset and row.weights.startswith(title)
        ]
        return float(getattr(row, figure)) if hasattr(row, figure) else row.figures[figure].value

    def _of_model(self, model: str, what: str) -> float:
        return {"parameters": get_spec(model).parameters}[what]

    def _of_weights(self, model: str, what: str) -> float:
        record = self.records[model]
        return {"side": record.preprocessing.height, "temperature": record.temperature}[what]

    def _of_counts(self, *parts: str) -> float:
        return find_count(self._counts(), *parts)

    def _of_published(self, number: str, figure: str) -> float:
        table = read_publication(self._assets / "published" / "koefler2023").get(number)
        if not isinstance(table, ClassificationTable) or figure != "accuracy":
            raise ClaimError(f"Table {number} of the report has no {figure}.")
        return table.accuracy


def compute_overconfidence(calibration: Calibration) -> float:
    """Return the mean leading probability minus the share that is right, in [-1, 1]."""
    bins = [b for b in calibration.bins if b.images]
    gaps = sum(b.images * (b.confidence - b.accuracy) for b in bins)
    return gaps / sum(b.images for b in bins)


_FINDERS: Final[Mapping[str, Callable[..., float]]] = {
    "report": Facts._of_report,
    "leak": Facts._of_leak,
    "model": Facts._of_model,
    "weights": Facts._of_weights,
    "counts": Facts._of_counts,
    "published": Facts._of_published,
}
