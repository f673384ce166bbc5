"""One row a network and method of what was measured of maps."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.services.pair import LEAKY
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.explain.registry import METHODS
from skinmodel.faithfulness.report import FaithfulnessReport, MethodReport
from skinmodel.models.registry import MODELS


@dataclass(frozen=True)
class MapRow:
    """What one method's maps of one network are worth.

    Attributes:
        label: what tables and charts call it.
        report: of the network.
        measured: of the method.
        folder: where the rows a picture are.
    """

    label: str
    report: FaithfulnessReport
    measured: MethodReport
    folder: Path

    def part(self, off_centre: bool) -> tuple[dict[str, Interval], dict[str, Interval]]:
        """Return figures and differences, of all pictures or of those off centre."""
        measured = self.measured
        if off_centre:
            return measured.figures_off_centre, measured.differences_off_centre
        return measured.figures, measured.differences


def collect_rows(found: Iterable[tuple[FaithfulnessReport, Path]]) -> list[MapRow]:
    """Return the rows of some reports, in their order; two runs of a network are told apart."""
    reports = list(found)
    models = [report.model for report, _ in reports]
    rows = []
    for report, folder in reports:
        title = MODELS[report.model].title if report.model in MODELS else report.model
        if models.count(report.model) > 1:
            title = f"{title} ({report.run_id})"
        if report.leaks:
            title = f"{title}, {LEAKY}"
        rows += [
            MapRow(f"{title}, {_title(name)}", report, measured, folder)
            for name, measured in report.methods.items()
        ]
    return rows


def _title(method: str) -> str:
    return METHODS[method].title if method in METHODS else method
