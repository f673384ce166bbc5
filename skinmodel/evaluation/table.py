"""The table of measured results, rendered from the saved evaluations of the shipped networks."""

from collections.abc import Sequence
from typing import Final

from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.report import EvaluationReport
from skinmodel.models.registry import get_spec

FIGURES: Final = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "accuracy": "accuracy",
}


def render_markdown(reports: Sequence[EvaluationReport]) -> str:
    """Return a Markdown table of headline figures with their 95 % intervals.

    Args:
        reports: one row each, in this order.
    """
    lines = [
        f"| network | images | views | {' | '.join(FIGURES.values())} |",
        f"|---|---|---|{'---|' * len(FIGURES)}",
    ]
    for report in reports:
        origin = report.provenance
        title = get_spec(origin.model).title
        leaky = " (LEAKY)" if origin.leaks else ""
        cells = " | ".join(_cell(report.metrics[name]) for name in FIGURES)
        images = f"{origin.dataset_title}{leaky}, {report.images:,}"
        lines.append(f"| {title} | {images} | {origin.views} | {cells} |")
    runs = sorted(
        {f"{get_spec(r.provenance.model).title} `{r.provenance.run_id}`" for r in reports}
    )
    return "\n".join([*lines, "", f"Runs: {', '.join(runs)}."])


def _cell(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
