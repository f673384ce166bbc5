"""Drawn data sets and shrunk networks that several tests use."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skinmodel import paths
from skinmodel.commands import predict, train
from skinmodel.data import ham10000
from skinmodel.diagnoses import CODES
from skinmodel.models import registry
from skinmodel.models.registry import ModelSpec
from skinmodel.preprocess import Preprocessing
from skinmodel.weights import store

LESIONS = 12


def write_drawn_ham10000(folder: Path, images_per_lesion: int = 2, size: int = 80) -> Path:
    """Write HAM10000's layout with 12 drawn lesions a class in three classes' colours."""
    import cv2

    root = folder / "HAM10000"
    parts = [root / "HAM10000_images_part_1", root / "HAM10000_images_part_2"]
    for part in parts:
        part.mkdir(parents=True)
    rng = np.random.default_rng(7)
    rows = []
    number = 0
    for k, code in enumerate(CODES):
        for lesion in range(LESIONS):
            for _ in range(images_per_lesion):
                image_id = f"ISIC_{number:07d}"
                picture = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
                picture[..., k % 3] += np.uint8(60 + 20 * k)
                cv2.imwrite(str(parts[number % 2] / f"{image_id}.jpg"), picture)
                rows.append(
                    {
                        "lesion_id": f"HAM_{k}{lesion:06d}",
                        "image_id": image_id,
                        "dx": code,
                        "dx_type": "histo",
                        "age": 40.0 + lesion,
                        "sex": "female",
                        "localization": "back",
                    }
                )
                number += 1
    pd.DataFrame(rows).to_csv(root / ham10000.METADATA, index=False)
    return folder


def drawn_index(folder: Path) -> pd.DataFrame:
    """Return the index of a drawn set."""
    return ham10000.read_index(folder, complete=False)


TINY_INPUT = Preprocessing(80, 80, "RGB", 1 / 127.5, -1.0, "area")
TINY_WIDTH = 1 / 64


def build_tiny_cnn(input_shape: tuple[int, int, int], **settings: Any) -> Any:
    """Return the CNN with a 64th of its channels: the same layers, quick to train."""
    from skinmodel.models.cnn import build_cnn

    return build_cnn(input_shape, width=TINY_WIDTH, **settings)


def build_tiny_sa(input_shape: tuple[int, int, int], **settings: Any) -> Any:
    """Return the CNN-SA with a 64th of its channels."""
    from skinmodel.models.cnn import build_cnn_sa

    return build_cnn_sa(input_shape, width=TINY_WIDTH, **settings)


TINY_MODELS: Mapping[str, ModelSpec] = {
    "cnn": replace(
        registry.MODELS["cnn"],
        builder=f"{__name__}:build_tiny_cnn",
        preprocessing=TINY_INPUT,
    ),
    "cnn_sa": replace(
        registry.MODELS["cnn_sa"],
        builder=f"{__name__}:build_tiny_sa",
        preprocessing=TINY_INPUT,
    ),
}


def use_tiny_world(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Shrink the program: tiny networks, the drawn set as the whole release, its own store."""
    for module in (registry, store, predict, train):
        patch.setattr(module, "MODELS", TINY_MODELS)
    patch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 2 * LESIONS))
    patch.setattr(ham10000, "IMAGE_COUNT", 2 * LESIONS * len(CODES))
    patch.setattr(paths, "SHIPPED_WEIGHTS", home / "shipped")
    patch.setenv("SKINMODEL_HOME", str(home))
    patch.delenv("SKINMODEL_DATA", raising=False)


def use_float32(patch: pytest.MonkeyPatch) -> None:
    """Make training choose float32, whatever this machine's processor can do."""
    from skinmodel.training import device

    patch.setattr(device, "_CPU_INFO", Path("no-such-cpuinfo"))


@dataclass(frozen=True)
class TinyWorld:
    """A drawn data set and both tiny networks trained on it through the command line.

    Attributes:
        data: folder that holds HAM10000.
        home: what SKINMODEL_HOME was.
        run: folder of the finished run of cnn_sa.
        run_ids: by model.
    """

    data: Path
    home: Path
    run: Path
    run_ids: Mapping[str, str]


@cache
def train_tiny_world(base: Path) -> TinyWorld:
    """Return a drawn set and both tiny networks trained on it, made once a test session.

    Args:
        base: ``tmp_path_factory.getbasetemp()``, the session's own folder.
    """
    from skinmodel.cli import main
    from skinmodel.training.runs import read_finished

    folder = base / "tiny-world"
    data, home = write_drawn_ham10000(folder / "data"), folder / "home"
    run_ids = {}
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, home)
        use_float32(patch)
        for model in TINY_MODELS:
            status = main(["train", "--model", model, "--data", str(data), "--epochs", "2"])
            assert status == 0
            run_ids[model] = read_finished(home / "runs" / f"{model}-grouped-s1").result.run_id
    return TinyWorld(data, home, home / "runs" / "cnn_sa-grouped-s1", run_ids)


def run_tiny_cli(arguments: Sequence[str]) -> int:
    """Run the command line on the tiny world, for a process of its own."""
    from skinmodel.cli import main

    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, Path(os.environ["SKINMODEL_HOME"]))
        use_float32(patch)
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run_tiny_cli(sys.argv[1:]))
