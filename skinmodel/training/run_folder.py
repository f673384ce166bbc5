"""A run's folder: its settings, history and result, and whether it may be gone on with."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from skinmodel.data.tables import read_table
from skinmodel.errors import ConfigError, DatasetError, escape, summarize_ids
from skinmodel.files import read_json, write_atomically, write_text
from skinmodel.training.recipes import TrainConfig, fingerprint_of, flatten

FILE = "history.csv"


def write_history(run: Path, history: list[dict[str, float]]) -> None:
    """Write one row an epoch to ``history.csv``, atomically."""
    table = pd.DataFrame(history).astype({"epoch": int})
    write_atomically(run / FILE, lambda path: table.to_csv(path, index=False))


def read_history(run: Path) -> list[dict[str, float]]:
    """Return the rows that ``write_history`` wrote.

    Raises:
        ConfigError: no such file, no table, or it does not hold one row of numbers an epoch.
    """
    file = run / FILE
    try:
        table = read_table(file)
        values = table.apply(pd.to_numeric, errors="coerce")
        if "epoch" not in values or list(values["epoch"]) != list(range(1, len(values) + 1)):
            raise DatasetError("Its column epoch does not count from 1.")
        if unread := [str(n) for n in table if ((table[n] != "") & values[n].isna()).any()]:
            raise DatasetError(f"Columns hold what is no number: {escape(summarize_ids(unread))}.")
    except DatasetError as error:
        raise ConfigError(
            f"The epochs in '{file}' cannot be read. {error} Restore the file from the repository "
            "or a backup."
        ) from error
    return [{str(k): float(v) for k, v in row.items()} for row in values.to_dict("records")]


CONFIG: Final = "config.json"
RESULT: Final = "result.json"
CHECKPOINTS: Final = "checkpoints"
LOCK: Final = "lock"
_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class RunResult:
    """What a finished run gave.

    Attributes:
        run_id: the run.
        epoch: the epoch that validation picked, from 1.
        weights: file name of its weights, in the run's folder.
        val: validation figures of that epoch.
        seconds: spent in training steps.
        versions: of the libraries it was trained with.
    """

    run_id: str
    epoch: int
    weights: str
    val: dict[str, float]
    seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class FinishedRun:
    """Everything a run left, finished or read on its way (``checkpoint.read_so_far``).

    Attributes:
        config: the training configuration, as plain values.
        fingerprint: of that configuration.
        data: what it was trained on: split and fingerprints.
        result: which epoch was picked, and its validation figures.
        history: one row of figures an epoch.
        weights: float32 arrays by path, of the picked epoch.
    """

    config: dict[str, Any]
    fingerprint: str
    data: dict[str, Any]
    result: RunResult
    history: list[dict[str, float]]
    weights: dict[str, NDArray[np.float32]]


def check_config(
    run: Path, config: TrainConfig, data: dict[str, Any], *, resume: bool, force: bool
) -> None:
    """Decide whether a run may start here, and write its settings down.

    Raises:
        ConfigError: see ``training.loop.train``.
    """
    if force:
        clear(run)
    # As JSON gives it back, so that a tuple is not taken for another value than its list.
    now = json.loads(json.dumps({"train": config.to_dict(), "data": data}))
    file = run / CONFIG
    if file.exists():
        before = _read_json(file)
        differences = _differences(before, now)
        if differences:
            raise ConfigError(
                f"'{run}' holds a run with other settings: {'; '.join(differences)}. Use them"
                f"{_precision_hint(before, config)}, choose another --runs folder, or throw that "
                "run away with --force."
            )
        if not resume and not (run / RESULT).exists() and (run / CHECKPOINTS).is_dir():
            raise ConfigError(
                f"'{run}' holds an unfinished run of these settings. Go on with --resume, or "
                "throw it away with --force."
            )
    elif (run / RESULT).exists() or (run / CHECKPOINTS).is_dir():
        raise ConfigError(
            f"'{run}' holds a run whose settings ({CONFIG}) are missing, so nothing says what its "
            "checkpoints and result were made with. Throw it away with --force, or choose another "
            "--runs folder."
        )
    write_text(file, json.dumps(now, indent=1, sort_keys=True) + "\n")


def choose_folder(runs: Path, config: TrainConfig, *, resume: bool) -> Path:
    """Return the folder of a run: named like its id, so that no two runs share one.

    Folders used to lack the fingerprint (``MODEL-RECIPE-sSEED``). One that holds these very
    settings is this run's: it is found and gone on with, never moved or trained beside.

    Args:
        runs: folder of runs.
        config: of the run.
        resume: an unfinished run is to be gone on with.

    Raises:
        ConfigError: ``resume``, but only runs of other settings are there, or one that cannot be
            read: to start anew would pass for going on.
    """
    folder = runs / config.run_id
    old = runs / f"{config.model}-{config.recipe}-s{config.seed}"
    if _holds_a_run(folder):
        return folder
    others = {}
    for other in (old, *sorted(runs.glob(f"{old.name}-*"))):
        if not (other / CONFIG).exists():
            continue
        try:
            train = read_settings(other)["train"]
        except ConfigError:
            if resume:
                raise
            continue
        if other == old and fingerprint_of(train) == config.fingerprint:
            return old
        if all(train.get(name) == getattr(config, name) for name in ("model", "recipe", "seed")):
            others[other] = train
    if others and resume:
        raise ConfigError(_describe_others(folder, others, config))
    return folder


def _holds_a_run(folder: Path) -> bool:
    return any((folder / name).exists() for name in (CONFIG, RESULT, CHECKPOINTS))


def _describe_others(folder: Path, others: dict[Path, dict[str, Any]], config: TrainConfig) -> str:
    now = {"train": json.loads(json.dumps(config.to_dict()))}
    found = "; ".join(
        f"'{other}' differs in {', '.join(_differences({'train': train}, now))}"
        f"{_precision_hint({'train': train}, config)}"
        for other, train in others.items()
    )
    return (
        f"There is no run of these settings to go on with: '{folder}' is not there, and {found}. "
        "Use the settings of the run you mean, or leave out --resume to start another."
    )


@contextmanager
def writing_to(run: Path) -> Iterator[None]:
    """Turn an error of writing to the run's folder into one that says how to go on.

    Raises:
        ConfigError: the disk is full or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"The run's folder '{run}' cannot be used ({error}). Free some space and go on with "
            "--resume, or choose another --runs folder."
        ) from error


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Make a run's folder if need be, and keep every other process from training in it.

    Raises:
        ConfigError: another process does, or the folder cannot be written.
    """
    lock = FileLock(run / LOCK, timeout=0)
    with writing_to(run):
        run.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise ConfigError(
                f"Another process trains in '{run}'. Wait for it, or choose another --runs folder."
            ) from error
    try:
        yield
    finally:
        lock.release()


def clear(run: Path) -> None:
    """Remove everything of an earlier run but the lock.

    Whatever moment a kill falls on, what is left is never taken for another run's: the result goes
    first, so that no half of a run counts as finished, and the settings go last.
    """
    (run / RESULT).unlink(missing_ok=True)
    for path in run.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in (LOCK, CONFIG):
            path.unlink()
    (run / CONFIG).unlink(missing_ok=True)


def read_result(run: Path) -> RunResult | None:
    """Return what the run gave, or None while it is unfinished.

    Raises:
        ConfigError: the file is damaged.
    """
    file = run / RESULT
    if not file.exists():
        return None
    values = _read_json(file)
    try:
        return RunResult(**values)
    except TypeError as error:
        raise ConfigError(_damaged(file, error)) from error


def read_finished(run: Path) -> FinishedRun:
    """Return what a finished run left in its folder.

    Raises:
        ConfigError: there is no finished run, or a file of it is missing or damaged.
    """
    try:
        result = read_result(run)
        if result is None:
            raise ConfigError(
                f"'{run}' holds no finished run. Train it to the end first: "
                "python -m skinmodel train ... --resume."
            )
        settings = read_settings(run)
        return FinishedRun(
            config=settings["train"],
            fingerprint=fingerprint_of(settings["train"]),
            data=settings["data"],
            result=result,
            history=read_history(run),
            weights=load_file(run / result.weights),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigError(
            f"The run in '{run}' cannot be read ({error}). Train it again with --force."
        ) from error


def read_settings(run: Path) -> dict[str, Any]:
    """Return the configuration and the data of a run: ``train`` and ``data``.

    Raises:
        ConfigError: the file is missing or damaged.
    """
    settings = _read_json(run / CONFIG)
    if not {"train", "data"} <= settings.keys():
        raise ConfigError(_damaged(run / CONFIG, "it lacks the settings or the data"))
    return settings


def write_result(run: Path, result: RunResult) -> None:
    """Mark the run as finished."""
    write_text(run / RESULT, json.dumps(asdict(result), indent=1) + "\n")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = read_json(file, _MAX_BYTES)
    except (OSError, ValueError) as error:
        raise ConfigError(_damaged(file, error)) from error
    if not isinstance(values, dict):
        raise ConfigError(_damaged(file, "it holds no object"))
    return values


def _damaged(file: Path, reason: object) -> str:
    return f"'{file}' cannot be read ({reason}). Throw that run away with --force."


def _precision_hint(before: dict[str, Any], config: TrainConfig) -> str:
    """Return how to ask for the precision of before, which the machine chooses by default."""
    precision = flatten(before).get("train.precision")
    if precision in (None, config.precision):
        return ""
    return f" (the precision, which another machine chose, with --precision {precision})"


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    old, new = flatten(before), flatten(now)
    return [
        f"{name}: {old.get(name)!r} before, {new.get(name)!r} now"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
