"""Saved evaluations for page tests: written by the real code from seeded predictions."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.comparison import compare_evaluations, write_comparison
from skinmodel.evaluation.predictions import build_predictions, read_predictions, write_predictions
from skinmodel.evaluation.report import (
    FILE,
    PREDICTIONS,
    Evaluation,
    Provenance,
    build_report,
    find_evaluations,
)
from skinmodel.training.run_folder import write_history

CNN, CNN_SA, LEAKY = "cnn-grouped-s1-0000aaaa", "cnn_sa-grouped-s1-0000bbbb", "cnn-report-s1-0leaky"


def make_index(images: int = 160, codes: Sequence[str] = CODES, seed: int = 1) -> pd.DataFrame:
    """Return images of about two a lesion, half of them nevi, with what is known of the patient."""
    rng = np.random.default_rng(seed)
    lesion = np.sort(rng.integers(0, images // 2, images))
    shares = np.array([0.5, *[0.5 / (len(codes) - 1)] * (len(codes) - 1)])
    truth_of = rng.choice(list(codes), images // 2, p=shares)
    truth_of[: len(codes)] = codes  # every diagnosis occurs
    lesion[: len(codes)] = range(len(codes))
    return pd.DataFrame(
        {
            "image_id": [f"ISIC_{n:07d}" for n in range(images)],
            "group_id": [f"HAM_{k:07d}" for k in lesion],
            "truth": truth_of[lesion],
            "sex": np.where(lesion % 2, "female", "male"),
            "age": 20.0 + lesion % 60,
            "site": np.where(lesion < 6, "ear", "back"),
        }
    )


def make_probabilities(index: pd.DataFrame, skill: float, seed: int) -> np.ndarray:
    """Return probabilities that favour the truth by ``skill``, float32, (N, K)."""
    rng = np.random.default_rng(seed)
    truth = np.array([CODES.index(code) for code in index["truth"]])
    logits = rng.normal(size=(len(index), len(CODES))) + skill * np.eye(len(CODES))[truth]
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def write_evaluation(
    root: Path,
    run_id: str,
    model: str,
    index: pd.DataFrame,
    *,
    dataset: str = "ham10000:test",
    title: str = "HAM10000, test lesions",
    leaks: bool = False,
    skill: float = 1.5,
    seed: int = 1,
) -> Path:
    """Write one run's predictions and report below ``root`` and return their folder."""
    known = Provenance(
        run_id=run_id,
        model=model,
        dataset=dataset,
        dataset_title=title,
        leaks=leaks,
        remark="Trained on lesions of this set." if leaks else "",
        views=1,
        temperature=0.8,
        dropped={"no class of the networks": 3},
        images_per_second=100.0,
        versions={"numpy": "2"},
    )
    folder = root / run_id / known.folder
    folder.mkdir(parents=True)
    probabilities = make_probabilities(index, skill, seed)
    write_predictions(folder / PREDICTIONS, build_predictions(index, probabilities))
    report = build_report(read_predictions(folder / PREDICTIONS), index, known)
    (folder / FILE).write_text(json.dumps(report.to_dict()), encoding="utf-8")
    return folder


def write_results(root: Path) -> Path:
    """Write two runs on two sets, one of which lacks a diagnosis, and a leaky run; return root."""
    index = make_index()
    for run_id, model, skill in ((CNN, "cnn", 1.5), (CNN_SA, "cnn_sa", 2.0)):
        write_evaluation(root, run_id, model, index, skill=skill, seed=len(model))
        write_evaluation(
            root,
            run_id,
            model,
            make_index(120, CODES[:-1]),
            dataset="isic2019",
            title="ISIC 2019 outside HAM10000",
            skill=skill / 2,
            seed=len(model),
        )
        rows = [
            {"epoch": e, "train_loss": 2 / e, "val_loss": 3 / e, "val_macro_auc": 1 - 0.5 / e}
            for e in (1, 2, 3)
        ]
        write_history(root / run_id, rows)
    write_evaluation(root, LEAKY, "cnn", index, leaks=True, skill=3.0, seed=7)
    for evaluations in pairs(root):
        write_comparison(root, compare_evaluations(*evaluations))
    return root


def pairs(root: Path) -> list[tuple[Evaluation, Evaluation]]:
    """Return CNN and CNN-SA on each set."""
    found = find_evaluations(root)
    return [
        (first, second)
        for first in found
        for second in found
        if (first.provenance.run_id, second.provenance.run_id) == (CNN, CNN_SA)
        and first.provenance.folder == second.provenance.folder
    ]
