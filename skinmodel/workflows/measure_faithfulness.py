"""Measure a network's maps on a set of pictures, and go on after a stop."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.explain.registry import get_method
from skinmodel.faithfulness.report import FaithfulnessReport
from skinmodel.faithfulness.session import Plan, Session, Source
from skinmodel.faithfulness.subjects import draw_sample
from skinmodel.imaging.placement import WHOLE
from skinmodel.libraries import read_versions
from skinmodel.workflows.evaluate import knows

_LEAKS: Final = "The run was trained on pictures of this set's lesions."


def run(
    source: Source,
    dataset: EvaluationSet,
    masks: Mapping[str, str],
    plan: Plan,
    cache: Path,
    *,
    progress: bool = True,
) -> tuple[FaithfulnessReport, pd.DataFrame]:
    """Return the report and the rows of all pictures, one a picture and method.

    What is done is kept in ``cache`` chunk by chunk: the same call goes on where it was stopped.

    Args:
        source: the network.
        dataset: the pictures.
        masks: path of each lesion mask by image id.
        plan: what to measure.
        cache: folder for what is done.
        progress: show a progress bar.

    Raises:
        UnknownNameError: the network has no such method.
        ConfigError: the sample is empty, or the cache cannot be written.
        DatasetError: a picture or a mask cannot be read.
    """
    placements = {
        name: WHOLE if plan.stretched else source.probe.place(get_method(name, source.spec).name)
        for name in plan.methods
    }
    chosen = dataset.index.loc[
        draw_sample(dataset.index, plan.sample, balanced=plan.balanced, seed=plan.seed)
    ].reset_index(drop=True)
    session = Session(source, chosen, dict(masks), plan, placements, cache, progress)
    with session.bar:
        base = session.read_base()
        parts = {name: session.measure_method(name, base) for name in plan.methods}
    leaks = dataset.leaks or knows(dict(source.split), dataset)
    report = FaithfulnessReport(
        run_id=source.run_id,
        model=source.spec.name,
        dataset=dataset.name,
        dataset_title=dataset.title,
        leaks=leaks,
        remark=" ".join(part for part in (dataset.remark, _LEAKS if leaks else "") if part),
        images=len(chosen),
        lesions=int(chosen["group_id"].nunique()),
        sample=plan.sample,
        balanced=plan.balanced,
        seed=plan.seed,
        placed="stretched" if plan.stretched else "field",
        methods={name: part[0] for name, part in parts.items()},
        versions=read_versions(),
        guided=source.guided,
    )
    return report, pd.concat([part[1] for part in parts.values()], ignore_index=True)


def digest_weights(weights: Mapping[str, NDArray[np.float32]]) -> str:
    """Return the SHA-256 of all weights with their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).data)
    return digest.hexdigest()
