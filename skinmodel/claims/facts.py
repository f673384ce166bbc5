"""What is measured, counted and printed, by the path that a claim names it with.

=================================================  ================================================
``report/MODEL/DATASET/FIGURE``                    of the network's shipped run on a data set, such
                                                   as ``report/cnn/isic2019/accuracy``
``difference/A/B/DATASET/FIGURE``                  A minus B on the same images, with its interval
``leak/MODEL/report|ours/DATASET/FIGURE``          a row of ``leak.csv``
``model/MODEL/parameters``                         size of a network
``weights/MODEL/side|temperature``                 side of its square input in pixels, and what its
                                                   probabilities are calibrated with
``counts/DATASET/images|lesions/CODE|all``         counted in the released label tables
``counts/DATASET/missing/FIELD``                   images without a value
``counts/grouped|report/SIDE/pictures|lesions``    of one side of a split, lesions of grouped only
``counts/leakage/grouped|report/CODE|all/COLUMN``  what training gives away of the test side; COLUMN
                                                   ``unseen`` is what it does not, in pictures
``counts/augmentation/COLUMN/CODE``                pictures and weights of the report
``published/TABLE/FIGURE``                         as printed in the report
=================================================  ================================================

DATASET of a report is the name of its folder. FIGURE is one of its metrics, or ``images``,
``lesions``, ``dropped.REASON``, or ``ece``, ``brier``, ``log_loss`` or ``overconfidence`` (mean
leading probability minus share right) followed by ``.before`` or ``.after`` the temperature. MODEL
is a registry name: which run that means, the manifest of the shipped weights says, so that new
weights change no claim. ``*`` stands for every shipped network, ``{a,b}`` for either word; ``min/``
and ``max/`` before such a path stand for the smallest and the largest.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.claims.counted import find_count
from skinmodel.data.counts import read_counts
from skinmodel.errors import ClaimError, SkinModelError
from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.calibration import Calibration
from skinmodel.evaluation.comparisons import SavedComparison, read_comparison
from skinmodel.evaluation.leak import FILE as LEAK
from skinmodel.evaluation.leak import from_frame
from skinmodel.evaluation.published import ClassificationTable, read_publication
from skinmodel.evaluation.report import EvaluationReport, read_report
from skinmodel.models.registry import MODELS, get_spec
from skinmodel.weights.manifest import read_manifest
from skinmodel.weights.record import WeightsRecord

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
