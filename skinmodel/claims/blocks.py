"""The parts of a document that a program writes from the saved reports."""

from collections.abc import Callable, Mapping
from typing import Final

from skinmodel.claims.claim import judge
from skinmodel.claims.facts import Facts
from skinmodel.errors import ClaimError
from skinmodel.evaluation.comparison import remark_on_many
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.report import TABLE_COLUMNS, render_markdown
from skinmodel.models.registry import get_spec


def write_block(call: str, facts: Facts) -> str:
    """Return what a part of a document has to say.

    Args:
        call: its writer and the writer's arguments, such as ``results isic2019``.
        facts: where the figures come from.

    Raises:
        ClaimError: there is no such writer, or a report it needs is missing.
    """
    name, *arguments = call.split() or [""]
    if name not in _WRITERS or not arguments:
        raise ClaimError(
            f"Nothing writes '{call}'. Expected one of {', '.join(_WRITERS)} and its arguments."
        )
    return f"\n{_WRITERS[name](facts, *arguments)}\n\n"


def write_results(facts: Facts, *datasets: str) -> str:
    """Return the table of the shipped networks on data sets, and which runs they are."""
    return render_markdown([facts.report(m, d) for m in facts.records for d in datasets])


def write_differences(facts: Facts, *arguments: str) -> str:
    """Return the table of paired differences, and what their number means.

    Args:
        facts: where they come from.
        *arguments: pairs ``A-B`` of networks (A minus B), and data sets.
    """
    pairs = [
        (a, b) for a, _, b in (word.partition("-") for word in arguments) if b in facts.records
    ]
    datasets = [word for word in arguments if word.partition("-")[2] not in facts.records]
    lines = [
        f"| difference in points | images | views | {' | '.join(TABLE_COLUMNS.values())} |",
        f"|---|---|---|{'---|' * len(TABLE_COLUMNS)}",
    ]
    for first, second in pairs:
        for dataset in datasets:
            origin = facts.report(first, dataset).provenance
            cells = [
                render_difference(
                    facts.difference(f"difference/{first}/{second}/{dataset}/{figure}")
                )
                for figure in TABLE_COLUMNS
            ]
            titles = f"{get_spec(first).title} − {get_spec(second).title}"
            lines.append(
                f"| {titles} | {origin.dataset_title} | {origin.views} | {' | '.join(cells)} |"
            )
    count = len(pairs) * len(datasets) * len(TABLE_COLUMNS)
    return "\n".join([*lines, "", remark_on_many(count)])


def render_difference(difference: Interval) -> str:
    """Return a difference in points, in bold where its interval does not hold 0."""
    value, low, high = (
        f"{100 * share:+.1f}".replace("-", "−")
        for share in (difference.value, difference.low, difference.high)
    )
    text = f"{value} ({low} to {high})"
    return f"**{text}**" if judge(difference) in ("larger", "smaller") else text


_WRITERS: Final[Mapping[str, Callable[..., str]]] = {
    "results": write_results,
    "differences": write_differences,
}
