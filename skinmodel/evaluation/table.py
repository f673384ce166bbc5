"""The table of measured results, rendered from the reports that ``release`` wrote."""

import json
from pathlib import Path
from typing import Any, Final

from skinmodel.errors import ConfigError
from skinmodel.models.registry import get_spec

_VIEWS: Final = {"test": "1", "test_8_views": "8"}
_FIGURES: Final = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "accuracy": "accuracy",
}


def read_reports(folder: Path) -> list[dict[str, Any]]:
    """Return every ``report.json`` below ``folder``, by model name.

    Raises:
        ConfigError: a report is damaged.
    """
    reports = []
    for file in sorted(folder.glob("*/report.json")):
        try:
            reports.append(json.loads(file.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ConfigError(
                f"The report '{file}' cannot be read ({error}). Restore it from the repository, or "
                "make it again with: python -m skinmodel release."
            ) from error
    return sorted(reports, key=lambda report: str(report["model"]))


def render_markdown(reports: list[dict[str, Any]]) -> str:
    """Return a Markdown table of the shipped weights' test figures with their 95 % intervals."""
    lines = [
        f"| network | views | {' | '.join(_FIGURES.values())} | run |",
        f"|---|---|{'---|' * len(_FIGURES)}---|",
    ]
    for report in reports:
        title = get_spec(report["model"]).title
        for name, views in _VIEWS.items():
            figures = report["shipped"][name]
            cells = " | ".join(_cell(figures[figure]) for figure in _FIGURES)
            lines.append(f"| {title} | {views} | {cells} | `{report['run_id']}` |")
    return "\n".join(lines)


def _cell(interval: dict[str, float]) -> str:
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"
