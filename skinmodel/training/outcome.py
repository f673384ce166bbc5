"""What a run has given: its picked weights and figures, finished or stopped on the way."""

from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from safetensors.numpy import load_file

from skinmodel.errors import ConfigError
from skinmodel.training import checkpoint
from skinmodel.training.recipes import run_id_of
from skinmodel.training.runs import (
    RESULT,
    FinishedRun,
    RunResult,
    locked,
    read_finished,
    read_settings,
)
from skinmodel.versions import read_versions

_ATTEMPTS: Final = 3


def summarize(run: Path, run_id: str, state: checkpoint.RunState) -> RunResult:
    """Return what a run in this state has given.

    Args:
        run: its folder.
        run_id: its id.
        state: after at least one epoch.
    """
    best = state.history[state.best_epoch - 1]
    return RunResult(
        run_id=run_id,
        epoch=state.best_epoch,
        weights=checkpoint.best_file(run, state.best_epoch).name,
        val={k.removeprefix("val_"): v for k, v in best.items() if k.startswith("val_")},
        seconds=sum(row["seconds"] for row in state.history),
        versions=read_versions(),
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
        epoch = checkpoint.last_epoch(run)
        try:
            return _read_checkpoint(run)
        except ConfigError:
            if epoch == checkpoint.last_epoch(run):
                break
    return read_finished(run) if (run / RESULT).exists() else _read_checkpoint(run)


def _read_checkpoint(run: Path) -> FinishedRun:
    state = checkpoint.load_state(run)
    if state is None:
        raise ConfigError(
            f"'{run}' holds no whole epoch of a run. Train it first: "
            "python -m skinmodel train ... --resume."
        )
    settings = read_settings(run)
    result = summarize(run, run_id_of(settings["train"]), state)
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
