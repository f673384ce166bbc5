"""What a verification found, and where it is kept."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from skinmodel.errors import ConfigError, summarize_ids
from skinmodel.files import read_json, write_text
from skinmodel.paths import home

FOLDER: Final = "verified"
SCHEMA: Final = 1

Verdict = Literal["ok", "remark", "defect"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of the check, the same in every report.
        verdict: ``ok``; ``defect`` where the set is not as released; ``remark`` where it is, or is
            a copy of it reduced as a whole, and there is still something to know.
        expected: what the release says, in words.
        found: what is here, in words.
        ids: every image at fault or spoken of.
        advice: what to do about it, or what follows from it; empty where nothing does.
    """

    name: str
    verdict: Verdict
    expected: str
    found: str
    ids: tuple[str, ...] = ()
    advice: str = ""

    def __str__(self) -> str:
        """Return the check in words, with the first ids."""
        if self.verdict == "ok":
            return f"{self.name}: {self.found}"
        named = f" ({summarize_ids(self.ids)})" if self.ids else ""
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.name}: {self.found}{named}; expected: {self.expected}.{advice}"


@dataclass(frozen=True)
class Report:
    """A data set, verified.

    Attributes:
        schema: of this file.
        dataset: ``ham10000`` or ``isic2019``.
        title: in words.
        folder: where it was found.
        skinmodel: version of the program.
        finished: when, ISO 8601 in UTC.
        seconds: how long it took.
        workers: processes that decoded.
        files: image and mask files read in full.
        bytes: their sizes together.
        fingerprint: of the folder before it began, see ``layout.compute_fingerprint``.
        checks: in a fixed order.
    """

    schema: int
    dataset: str
    title: str
    folder: str
    skinmodel: str
    finished: str
    seconds: float
    workers: int
    files: int
    bytes: int
    fingerprint: str
    checks: tuple[Check, ...]

    @property
    def defects(self) -> tuple[Check, ...]:
        """What is not as released."""
        return tuple(check for check in self.checks if check.verdict == "defect")

    @property
    def remarks(self) -> tuple[Check, ...]:
        """What is to be known of it all the same."""
        return tuple(check for check in self.checks if check.verdict == "remark")


def describe_result(defects: int, remarks: int) -> str:
    """Return a result in words, such as ``1 DEFECT, 3 remarks``."""
    first = f"{defects:,} DEFECT{'S' if defects > 1 else ''}" if defects else "no defect"
    return f"{first}, {remarks:,} remark{'' if remarks == 1 else 's'}"


def to_verdict(is_at_fault: bool) -> Verdict:
    """Return ``defect`` where something is not as released."""
    return "defect" if is_at_fault else "ok"


def to_remark(is_notable: bool) -> Verdict:
    """Return ``remark`` where something is to be known."""
    return "remark" if is_notable else "ok"


def find_report(dataset: str, folder: Path) -> Path:
    """Return where the last report on a folder is kept, below ``home()``."""
    place = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return home() / FOLDER / f"{dataset}-{place[:12]}.json"


def write_report(report: Report, folder: Path) -> Path:
    """Keep a report as the last one on a folder, and return its file.

    Raises:
        ConfigError: it cannot be written.
    """
    file = find_report(report.dataset, folder)
    _write(file, json.dumps(asdict(report), indent=1), "another cache folder with SKINMODEL_HOME")
    return file


def write_reports(file: Path, reports: list[Report]) -> None:
    """Write reports as one JSON list.

    Raises:
        ConfigError: they cannot be written.
    """
    _write(file, json.dumps([asdict(r) for r in reports], indent=1), "another file with --out")


def read_report(dataset: str, folder: Path) -> Report | None:
    """Return the last report on a folder, or None where there is none of this program's form.

    Raises:
        ConfigError: the file is damaged.
    """
    file = find_report(dataset, folder)
    if not file.is_file():
        return None
    try:
        values = read_json(file, _MAX_BYTES)
        if isinstance(values, dict) and values.get("schema") != SCHEMA:
            return None  # of an older or newer program: as good as not verified
        return _VALIDATOR.validate_python(values)
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"The report '{file}' cannot be read ({reason}). Make it again with: "
            "python -m skinmodel data verify."
        ) from error


def _write(file: Path, text: str, instead: str) -> None:
    try:
        write_text(file, text + "\n")
    except OSError as error:
        raise ConfigError(
            f"The report '{file}' could not be written ({error}). Name {instead}."
        ) from error


_MAX_BYTES: Final = 64 * 1024 * 1024
_VALIDATOR: Final = TypeAdapter(Report)
