"""A run's folder: its settings, its result, and whether it may be gone on with."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from skinmodel.errors import ConfigError
from skinmodel.files import write_text
from skinmodel.training.recipes import TrainConfig, flatten

CONFIG: Final = "config.json"
RESULT: Final = "result.json"
CHECKPOINTS: Final = "checkpoints"


@dataclass(frozen=True)
class RunResult:
    """What a finished run gave.

    Attributes:
        run_id: the run.
        epoch: the epoch that validation picked, from 1.
        weights: file name of its weights, in the run's folder.
        val: validation figures of that epoch.
        seconds: spent in training steps.
    """

    run_id: str
    epoch: int
    weights: str
    val: dict[str, float]
    seconds: float


def check_config(
    run: Path, config: TrainConfig, data: dict[str, Any], *, resume: bool, force: bool
) -> None:
    """Decide whether a run may start here, and write its settings down.

    Raises:
        ConfigError: see ``training.train.train``.
    """
    if force:
        clear(run)
    now = {"train": config.to_dict(), "data": data}
    file = run / CONFIG
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        differences = _differences(before, now)
        if differences:
            raise ConfigError(
                f"'{run}' holds a run with other settings: {'; '.join(differences)}. Use them, "
                "choose another --runs folder, or throw that run away with --force."
            )
        if not resume and not (run / RESULT).exists() and (run / CHECKPOINTS).is_dir():
            raise ConfigError(
                f"'{run}' holds an unfinished run of these settings. Go on with --resume, or "
                "throw it away with --force."
            )
    write_text(file, json.dumps(now, indent=1, sort_keys=True) + "\n")


def clear(run: Path) -> None:
    """Remove everything of an earlier run but the lock."""
    for path in run.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def read_result(run: Path) -> RunResult | None:
    """Return what the run gave, or None while it is unfinished."""
    file = run / RESULT
    return RunResult(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def write_result(run: Path, result: RunResult) -> None:
    """Mark the run as finished."""
    write_text(run / RESULT, json.dumps(asdict(result), indent=1) + "\n")


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    old, new = flatten(before), flatten(now)
    return [
        f"{name}: {old.get(name)!r} before, {new.get(name)!r} now"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
