"""What is to be scored and how, kept beside the results: a second start must mean the same."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from skinmodel.errors import ConfigError, UsageError, escape, summarize_ids
from skinmodel.files import read_json, write_text

FILE: Final = "plan.json"
LIST: Final = "files.jsonl"
SCHEMA: Final = 1
PART: Final = 256
"""Pictures in a part: what a stop loses at most."""
_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """Everything that changes a row.

    Attributes:
        runs: the training run of each network asked, in order.
        views: 1 or 8.
        format: ``csv``, ``parquet`` or ``isic``.
        explain: method of the overlays, or None.
        force: give the answers that the gate withholds.
        part: pictures in a part.
    """

    runs: tuple[str, ...]
    views: int = 1
    format: str = "csv"
    explain: str | None = None
    force: bool = False
    part: int = PART


@dataclass(frozen=True)
class Plan:
    """The pictures in their order, and the settings.

    Attributes:
        files: paths as they are told in the results.
        settings: see there.
        added: pictures found now that are not in the list of the first start.
    """

    files: tuple[str, ...] = field(repr=False)
    settings: Settings
    added: int = 0

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-len(self.files) // self.settings.part)

    def of_part(self, number: int) -> tuple[str, ...]:
        """Return the pictures of a part, numbered from 0."""
        size = self.settings.part
        return self.files[number * size : (number + 1) * size]

    @property
    def digest(self) -> str:
        """Digest of the list: the same on every machine that scores a share of it."""
        return _digest(self.files)


def make_plan(out: Path, files: Sequence[str], settings: Settings) -> Plan:
    """Return the plan kept in a folder, or make and keep it.

    Args:
        out: folder for the results.
        files: found now; those of the first start count, so that no row moves between parts.
        settings: asked for now.

    Raises:
        ConfigError: the folder holds a plan of other settings, or a damaged one, or cannot be
            written.
        UsageError: there is no picture, or two of one name where names are the ids.
    """
    known = _read(out)
    if known is None:
        _check(files, settings)
        plan = Plan(tuple(files), settings)
        _keep(out, plan)
        return plan
    differ = [
        f"{name} was {getattr(known.settings, name)!r}, now {value!r}"
        for name, value in asdict(settings).items()
        if getattr(known.settings, name) != value
    ]
    if differ:
        raise ConfigError(
            f"'{out}' holds results of other settings: {'; '.join(differ)}. Start with the same, "
            "or name another folder with --out."
        )
    added = len(set(files) - set(known.files))
    return Plan(known.files, settings, added)


def _check(files: Sequence[str], settings: Settings) -> None:
    if not files:
        raise UsageError("There is no picture to score in what was named.")
    if settings.format == "isic":
        if len(settings.runs) != 1:
            raise UsageError(
                f"A submission is of one network, and {len(settings.runs)} were named. Give one "
                "with --model."
            )
        counts = Counter(Path(file).stem for file in files)
        twice = [stem for stem, count in counts.items() if count > 1]
        if twice:
            raise UsageError(
                "In a submission a picture is known by its name, and these stand twice: "
                f"{summarize_ids(escape(stem, 60) for stem in twice)}. Rename them, or use "
                "--format csv."
            )


def _keep(out: Path, plan: Plan) -> None:
    try:
        # JSON escapes what is no text in a file's name, and line breaks.
        write_text(out / LIST, "".join(f"{json.dumps(file)}\n" for file in plan.files))
        values = {
            "schema": SCHEMA,
            "images": len(plan.files),
            "files_sha256": plan.digest,
            "settings": asdict(plan.settings),
        }
        write_text(out / FILE, json.dumps(values, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"'{out}' cannot be written ({error}). Name a folder you may write to with --out."
        ) from error


def _read(out: Path) -> Plan | None:
    if not (out / FILE).exists():  # the list is written first: without this file nothing is begun
        return None
    try:
        values = read_json(out / FILE, _MAX_BYTES)
        settings = _to_settings(values)
        with (out / LIST).open(encoding="utf-8") as lines:
            files = tuple(json.loads(line) for line in lines)
        if len(files) != values["images"] or _digest(files) != values["files_sha256"]:
            raise ValueError(f"{LIST} is not the list that it names")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"The plan in '{out}' cannot be read ({escape(str(error))}). Name another folder with "
            "--out and start anew."
        ) from error
    return Plan(files, settings)


def _to_settings(values: Any) -> Settings:
    if values["schema"] != SCHEMA:
        raise ValueError(f"schema {values['schema']!r}, this program writes {SCHEMA}")
    given = values["settings"]
    return Settings(**{**given, "runs": tuple(given["runs"])})


def _digest(files: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
