"""A finished run's weights put into a folder of weights, with all that is known of the run."""

from pathlib import Path
from typing import Any

from skinmodel.preprocess import Preprocessing
from skinmodel.training.runs import FinishedRun
from skinmodel.weights import store
from skinmodel.weights.record import Form, WeightsRecord


def publish_run(
    finished: FinishedRun,
    folder: Path,
    data: bytes,
    metrics: dict[str, Any],
    form: Form,
    temperature: float,
) -> WeightsRecord:
    """Write a run's encoded weights and their record into ``folder``.

    Args:
        finished: the run.
        folder: a weights folder.
        data: the run's weights as ``weights.compact.encode`` gives them; written as they are.
        metrics: nested finite numbers measured on these very weights.
        form: what ``data`` is.
        temperature: fitted on validation images; 1 for none.

    Raises:
        WeightsError: see ``store.publish``.
    """
    return store.publish(
        folder,
        data,
        model=finished.config["model"],
        run_id=finished.result.run_id,
        preprocessing=Preprocessing(**finished.config["preprocessing"]),
        temperature=temperature,
        recipe=finished.config,
        recipe_fingerprint=finished.fingerprint,
        split=finished.data["split"],
        versions=finished.result.versions,
        metrics=metrics,
        form=form,
    )
