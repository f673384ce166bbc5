"""The state of a run after an epoch, saved and read again, and the result it sums up to."""

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from skinmodel.errors import ConfigError, summarize_ids
from skinmodel.files import flush_to_disk, read_json, write_atomically
from skinmodel.libraries import read_versions
from skinmodel.training.recipes import DEFAULT_ENGINE, run_id_of
from skinmodel.training.run_folder import (
    CHECKPOINTS,
    RESULT,
    FinishedRun,
    RunResult,
    locked,
    read_finished,
    read_settings,
)

Arrays = dict[str, NDArray[Any]]
Read = TypeVar("Read")

SCHEMA_VERSION: Final = 2
KEPT: Final = 2
"""Checkpoints that stay: the newest, and one to go back to where that is damaged."""

AVERAGE: Final = "average/"
"""Before the names of averaged weights among the optimizer's arrays."""

_WITHOUT_SUMS: Final = 1  # the layout before
_MAX_BYTES: Final = 16 * 1024 * 1024
_PREFIX: Final = "epoch-"
_STATE, _SUMS = "state.json", "sha256.json"
_WEIGHTS, _OPTIMIZER = "weights.safetensors", "optimizer.safetensors"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunState:
    """Where a run stands after a whole epoch.

    Attributes:
        epoch: number of epochs done.
        best_epoch: the epoch (from 1) picked so far; 0 before the first.
        best_score: its smoothed validation figure.
        history: one row of figures an epoch.
        fingerprint: of the settings it was trained with; empty in checkpoints of before it was
            written down.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    fingerprint: str = ""


def save(run: Path, state: RunState, weights: Arrays, optimizer: Arrays) -> None:
    """Write the checkpoint of an epoch, then remove all but it and the one before.

    A checkpoint is a folder that appears by one rename when all of it has reached the disk. It
    holds the SHA-256 of its files and of the picked weights.

    Raises:
        ConfigError: the disk is full or cannot be written; the checkpoint before stays.
    """
    folder = run / CHECKPOINTS
    final = folder / f"{_PREFIX}{state.epoch:04d}"
    temporary = folder / f".{final.name}.tmp"
    earlier = [other for other in _finished(folder) if _epoch_of(other) < state.epoch]
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        _save_arrays(temporary / _WEIGHTS, weights)
        _save_arrays(temporary / _OPTIMIZER, optimizer)
        _save_json(temporary / _STATE, {"schema_version": SCHEMA_VERSION, **asdict(state)})
        sums = {name: _hash(temporary / name) for name in (_STATE, _WEIGHTS, _OPTIMIZER)}
        _save_json(temporary / _SUMS, sums | _hash_best(run, state, earlier))
        flush_to_disk(temporary)
        if final.exists():  # one that was damaged, so that its epoch was trained again
            shutil.rmtree(final)
        temporary.rename(final)
        flush_to_disk(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise ConfigError(
            f"The checkpoint of epoch {state.epoch} could not be written to '{folder}' ({error}). "
            f"Epoch {state.epoch - 1} is safe: free some space (about 2 GB) and go on with "
            "--resume."
        ) from error
    kept = [*earlier[1 - KEPT :], final]
    for other in _finished(folder):
        if other not in kept:
            shutil.rmtree(other)
    _remove_best(run, {best_file(run, state.best_epoch), *_find_best(run, kept)})
    for left in run.glob(".best-*.tmp"):  # by a process killed while it wrote
        left.unlink()


def load(run: Path) -> tuple[RunState, Arrays, Arrays] | None:
    """Return state, weights and optimizer of the last whole epoch, or None before the first.

    Where that checkpoint is damaged, the one before is gone back to, with a warning that names what
    was lost.

    Raises:
        ConfigError: every checkpoint is damaged, or the picked weights are.
    """
    return _first_sound(run, _read_whole)


def load_state(run: Path) -> RunState | None:
    """Return the state of the last whole epoch alone, or None before the first.

    Raises:
        ConfigError: as ``load``.
    """
    return _first_sound(run, _read_state)


def _first_sound(run: Path, read: Callable[[Path, Path], Read]) -> Read | None:
    """Return what the newest checkpoint that is whole gives; None where there is none at all."""
    faults: list[str] = []
    for folder in reversed(_finished(run / CHECKPOINTS)):
        try:
            found = read(run, folder)
        except (OSError, ValueError, TypeError, SafetensorError) as error:
            faults.append(f"'{folder}' cannot be read ({error})")
            continue
        if faults:
            log.warning(
                "%s. Lost: what was trained after epoch %d; going on from there.",
                "; ".join(faults),
                _epoch_of(folder),
            )
        return found
    if faults:
        raise ConfigError(
            f"No checkpoint of '{run}' is whole: {'; '.join(faults)}. Restore the run from a "
            "backup, or start it again with --force."
        )
    return None


def _read_whole(run: Path, folder: Path) -> tuple[RunState, Arrays, Arrays]:
    state = _read_state(run, folder)
    return state, load_file(folder / _WEIGHTS), load_file(folder / _OPTIMIZER)


def _read_state(run: Path, folder: Path) -> RunState:
    """Return a checkpoint's state, once its files and the picked weights were found whole.

    Raises:
        ValueError: a file is not as it was written.
        OSError: a file is missing.
    """
    values = _read_json(folder / _STATE)
    version = values.pop("schema_version", _WITHOUT_SUMS)
    if version not in (_WITHOUT_SUMS, SCHEMA_VERSION):
        raise ValueError(f"{_STATE} has schema_version {version!r}, expected {SCHEMA_VERSION}")
    state = RunState(**values)
    if not _is_plausible(state, _epoch_of(folder)):
        raise ValueError(f"{_STATE} is not that of epoch {_epoch_of(folder)}")
    best = best_file(run, state.best_epoch)
    if state.best_epoch and not best.is_file():
        raise ValueError(f"the picked weights of epoch {state.best_epoch}, {best.name}, are gone")
    if version == _WITHOUT_SUMS:
        log.info(
            "the checkpoint of epoch %d comes from an earlier version, without checksums: damage "
            "to it cannot be told; the next one has them",
            state.epoch,
        )
        return state
    sums = _read_json(folder / _SUMS)
    picked = [best] if state.best_epoch else []
    for file in (*(folder / name for name in (_STATE, _WEIGHTS, _OPTIMIZER)), *picked):
        if (found := _hash(file)) != sums.get(file.name):
            raise ValueError(
                f"{file.name} has SHA-256 {found}, expected {sums.get(file.name, 'none')}"
            )
    return state


def _is_plausible(state: RunState, epoch: int) -> bool:
    """Return whether values that anybody may have written are the state after ``epoch``."""
    return (
        type(state.epoch) is type(state.best_epoch) is int
        and state.epoch == epoch
        and 0 <= state.best_epoch <= epoch
        and isinstance(state.best_score, int | float)
        and isinstance(state.fingerprint, str)
        and isinstance(state.history, list)
        and all(isinstance(row, dict) for row in state.history)
        and [row.get("epoch") for row in state.history] == list(range(1, epoch + 1))
    )


def check_shapes(
    subject: str, arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse arrays of a checkpoint that are not exactly the expected ones.

    Args:
        subject: what the arrays are, to start the message with.
        arrays: by name, as read.
        expected: the shape of each by name.

    Raises:
        ConfigError: arrays are missing, unknown or of another shape.
    """
    found = {name: array.shape for name, array in arrays.items()}
    names = {*found, *expected}
    wrong = sorted(name for name in names if found.get(name) != expected.get(name))
    if wrong:
        raise ConfigError(
            f"{subject} in the checkpoint does not fit this network: missing, unknown or of "
            f"another shape: {summarize_ids(wrong)}. It was written by another version of the "
            "program: train again with --force."
        )


def last_epoch(run: Path) -> int:
    """Return the last whole epoch on disk, 0 before the first."""
    finished = _finished(run / CHECKPOINTS)
    return _epoch_of(finished[-1]) if finished else 0


def save_best(run: Path, epoch: int, weights: Arrays) -> None:
    """Write the weights of the epoch that validation picks so far.

    Raises:
        ConfigError: the disk is full or cannot be written.
    """
    try:
        write_atomically(best_file(run, epoch), lambda path: _save_arrays(path, weights))
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"The weights of epoch {epoch} could not be written to '{run}' ({error}). Free some "
            "space (about 1 GB) and go on with --resume."
        ) from error


def best_file(run: Path, epoch: int) -> Path:
    """Return where the weights of a picked epoch are."""
    return run / f"best-{epoch:04d}.safetensors"


def discard(run: Path) -> None:
    """Remove the checkpoints of a finished run; the picked weights stay."""
    if best := _find_best(run, _finished(run / CHECKPOINTS)[-1:]):
        _remove_best(run, best)
    shutil.rmtree(run / CHECKPOINTS, ignore_errors=True)


def _save_arrays(path: Path, arrays: Arrays) -> None:
    save_file({name: np.asarray(a, order="C") for name, a in arrays.items()}, path)
    flush_to_disk(path)


def _save_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")
    flush_to_disk(path)


def _read_json(path: Path) -> dict[str, Any]:
    values = read_json(path, _MAX_BYTES)
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} holds no object")
    return values


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_best(run: Path, state: RunState, earlier: list[Path]) -> dict[str, str]:
    """Return the SHA-256 of the picked weights, by file name.

    Once taken it is carried on: to take it anew would pass damage of meanwhile for sound.
    """
    best = best_file(run, state.best_epoch)
    for folder in reversed(earlier):
        with contextlib.suppress(OSError, ValueError):
            if known := _read_json(folder / _SUMS).get(best.name):
                return {best.name: str(known)}
    return {best.name: _hash(best)} if best.is_file() else {}


def _find_best(run: Path, folders: list[Path]) -> set[Path]:
    """Return the picked weights that checkpoints name; a damaged one names none."""
    found = set()
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            epoch = _read_json(folder / _STATE).get("best_epoch")
            found |= {best_file(run, epoch)} if isinstance(epoch, int) else set()
    return found


def _remove_best(run: Path, kept: set[Path]) -> None:
    for best in run.glob("best-*.safetensors"):
        if best not in kept:
            best.unlink()


def _epoch_of(folder: Path) -> int:
    return int(folder.name.removeprefix(_PREFIX))


def _finished(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, the oldest first."""
    found = [p for p in folder.glob(f"{_PREFIX}*") if p.name.removeprefix(_PREFIX).isdecimal()]
    return sorted(found, key=_epoch_of)


_ATTEMPTS: Final = 3


def summarize(run: Path, settings: dict[str, Any], state: RunState) -> RunResult:
    """Return what a run in this state has given.

    Args:
        run: its folder.
        settings: plain ones, as ``TrainConfig.to_dict`` gives them.
        state: after at least one epoch.
    """
    best = state.history[state.best_epoch - 1]
    return RunResult(
        run_id=run_id_of(settings),
        epoch=state.best_epoch,
        weights=best_file(run, state.best_epoch).name,
        val={k.removeprefix("val_"): v for k, v in best.items() if k.startswith("val_")},
        seconds=sum(row["seconds"] for row in state.history),
        versions=read_versions(settings.get("engine", DEFAULT_ENGINE)),
    )


def read_so_far(run: Path) -> FinishedRun:
    """Return a finished run, or what a stopped one has given up to its last whole epoch.

    A stopped run stays as it is and can be gone on with.

    Raises:
        ConfigError: the run is being trained, has no whole epoch, or a file of it is missing or
            damaged.
    """
    if (run / RESULT).exists():
        return read_finished(run)
    if not run.is_dir():
        raise ConfigError(f"There is no folder '{run}'; the folder of a run was expected there.")
    with locked(run):
        return _read_checkpoint(run)


def read_under_way(run: Path) -> FinishedRun:
    """Return what ``read_so_far`` does, also while the run is being trained.

    Nothing is locked or written. The training replaces its checkpoint once an epoch: where that
    falls between two reads, they are repeated.

    Raises:
        ConfigError: the run has no whole epoch, or a file of it is missing or damaged.
    """
    if (run / RESULT).exists():
        return read_finished(run)
    if not run.is_dir():
        raise ConfigError(f"There is no folder '{run}'; the folder of a run was expected there.")
    for _ in range(_ATTEMPTS - 1):
        epoch = last_epoch(run)
        try:
            return _read_checkpoint(run)
        except ConfigError:
            if epoch == last_epoch(run):
                break
    return read_finished(run) if (run / RESULT).exists() else _read_checkpoint(run)


def _read_checkpoint(run: Path) -> FinishedRun:
    state = load_state(run)
    if state is None:
        raise ConfigError(
            f"'{run}' holds no whole epoch of a run. Train it first: "
            "python -m skinmodel train ... --resume."
        )
    settings = read_settings(run)
    result = summarize(run, settings["train"], state)
    try:
        weights = load_file(run / result.weights)
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"The weights '{run / result.weights}' cannot be read ({error}). Train the run "
            "again with --force."
        ) from error
    return FinishedRun(
        config=settings["train"],
        fingerprint=state.fingerprint,
        data=settings["data"],
        result=result,
        history=state.history,
        weights=weights,
    )
