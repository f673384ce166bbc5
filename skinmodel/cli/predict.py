"""``predict``: classify image files."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from skinmodel.case_report.case import PAPERS
from skinmodel.cli.arguments import add_views
from skinmodel.cli.score import check_bulk, is_bulk, list_files, run_bulk
from skinmodel.diagnoses import CODES
from skinmodel.errors import UnknownNameError, UsageError, escape
from skinmodel.explain.registry import METHODS, methods_of
from skinmodel.inference.batch import Answer, predict_files
from skinmodel.models.registry import MODELS, REPORTED, get_spec
from skinmodel.results import DISCLAIMER, Gate
from skinmodel.trust.wording import describe_trust
from skinmodel.weights import store

FORMATS: Final = ("table", "json", "csv", "parquet", "isic")
_HELP: Final = (
    "table, json and csv are printed; of a folder with --out, csv (the default), parquet or isic "
    "(a submission to the challenge) is written"
)


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("predict", help="classify image files", description=__doc__)
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE|FOLDER",
        help="pictures; of a folder, all below it at any depth",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help=f"a model ({', '.join(MODELS)}) or a run id; repeat for several "
        f"(default: {' and '.join(REPORTED)})",
    )
    parser.add_argument("--explain", choices=sorted(METHODS), help="also say where it looked")
    parser.add_argument("--format", choices=FORMATS, default="table", help=_HELP)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="of files: write overlays there (without --explain: by each model's own method); of "
        "a folder: write its rows there in parts, and go on with them after any stop",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="score the I-th of N shares of a folder, for N machines over the same pictures",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.pdf",
        help="also write the case as a PDF: one picture, one to three networks",
    )
    parser.add_argument("--paper", choices=PAPERS, default="A4", help="format of the report")
    parser.add_argument(
        "--force",
        action="store_true",
        help="say what the networks answer also where their gate declines the picture",
    )
    add_views(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the answers; returns 1 if a file could not be read or an overlay not written."""
    names = list(dict.fromkeys(options.model or REPORTED))
    _check(options, names)
    check_bulk(options)
    # Now that the arguments are known to be sound. A network without a graph loads TensorFlow.
    from skinmodel.inference.quick import open_all

    classifiers = open_all(names)
    if is_bulk(options):
        return run_bulk(options, classifiers)
    files, told = list_files(options.files)
    for line in told:
        print(line, file=sys.stderr)
    if not files:
        raise UsageError("There is no picture in what was named.")
    answers = predict_files(
        files, classifiers, method=options.explain, out=options.out, views=options.views
    )
    total = len(files) * len(names)
    shown = tqdm(answers, total=total, unit="answer", disable=not sys.stderr.isatty())
    collected = list(shown)
    withheld = not options.force and any(a.prediction and a.prediction.declined for a in collected)
    if options.report is not None and withheld:
        print("No report: the picture is declined; --force writes one.", file=sys.stderr)
    elif options.report is not None and not any(answer.failed for answer in collected):
        from skinmodel.workflows.report_case import report_case  # loads pandas: seconds

        report_case(
            Path(options.files[0]),
            classifiers,
            options.report,
            datetime.now(UTC),
            method=options.explain,
            views=options.views,
            paper=options.paper,
        )
    show = {"table": _print_table, "json": _print_json, "csv": _print_csv}[options.format]
    show(collected, options.force)
    return 1 if any(answer.failed for answer in collected) else 0


def _check(options: argparse.Namespace, names: list[str]) -> None:
    stored = {s.record.run_id: s.record.model for s in store.list_all()}
    for name in names:
        if name not in MODELS and name not in stored:
            raise UnknownNameError("model or run", name, [*MODELS, *stored])
        store.find(name)
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out '{options.out}' is a file; name a folder.")
    if options.report is not None:
        if len(options.files) != 1 or Path(options.files[0]).is_dir():
            what = "a folder" if len(options.files) == 1 else f"{len(options.files)} files"
            raise UsageError(f"--report is of one picture; {what} was given. Name one picture.")
        from skinmodel.workflows.report_case import check_report

        check_report(options.report, len(names))
    specs = [get_spec(stored.get(name, name)) for name in names]
    if options.explain and not any(options.explain in methods_of(spec) for spec in specs):
        raise UsageError(
            f"None of {', '.join(names)} has {options.explain}; use --explain grad_cam, or add "
            "--model cnn_sa."
        )


def _print_json(answers: Iterable[Answer], force: bool) -> None:
    print(json.dumps([answer.to_dict(force=force) for answer in answers], indent=1))


def _print_csv(answers: Iterable[Answer], force: bool) -> None:
    from skinmodel.data.tables import to_cell  # loads pandas

    columns = ["file", "model", "run_id", "prediction", *(f"p_{c}" for c in CODES), "error"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns, "gate", "reasons", "note"])
    for answer in answers:
        p = answer.prediction
        if p is None:
            blank = [""] * (len(columns) - 2)
            writer.writerow([to_cell(answer.file), *blank, answer.error, "", "", DISCLAIMER])
        else:
            said = [p.code, *(f"{value:.6f}" for value in p.probabilities)]
            if p.declined and not force:
                said = [""] * len(said)
            gate = ("", "") if p.trust is None else _tell(p.trust.gate)
            problem = answer.overlay_error or ""
            row = [to_cell(answer.file), p.model, p.run_id, *said, problem]
            writer.writerow([*row, *gate, DISCLAIMER])


def _tell(gate: Gate) -> tuple[str, str]:
    """Return a gate's outcome and reasons as cells of a table."""
    return str(gate.outcome), " ".join(gate.reasons)


def _print_table(answers: Sequence[Answer], force: bool) -> None:
    # The run, which names its model: two runs of one model must be told apart, row by row.
    runs = [answer.prediction.run_id for answer in answers if answer.prediction]
    wide = max(map(len, ("run", *runs)))
    print(f"{'file':<28} {'run':<{wide}} {'prediction':<46} " + " ".join(f"{c:>6}" for c in CODES))
    for answer in answers:
        name = escape(answer.file, 10_000)
        name = name if len(name) <= 28 else f"...{name[-25:]}"
        p = answer.prediction
        if p is None:
            print(f"{name:<28} error: {answer.error}")
            continue
        if p.declined and not force:
            reasons = " ".join(p.trust.gate.reasons) if p.trust else ""
            print(f"{name:<28} {p.run_id:<{wide}} declined: {reasons} (--force shows the answer)")
            continue
        leading = f"{p.diagnosis.name} ({p.diagnosis.malignancy})"
        values = " ".join(f"{100 * value:5.1f}%" for value in p.probabilities)
        print(f"{name:<28} {p.run_id:<{wide}} {leading:<46.46} {values}")
        if p.trust is not None:
            for line in describe_trust(p.trust):
                print(f"{'':<28} {p.run_id:<{wide}} {line}")
        if answer.explanation is not None and answer.explanation.is_null:
            print(f"{'':<28} {p.run_id:<{wide}} the map is null: no positive evidence")
        if answer.overlay_error is not None:
            print(f"{'':<28} {p.run_id:<{wide}} error: {answer.overlay_error}")
    print(DISCLAIMER)
