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
from numpy.typing import NDArray

from skinmodel import paths
from skinmodel.cli import predict, train
from skinmodel.data.sets import ham10000
from skinmodel.diagnoses import CODES
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models import registry
from skinmodel.models.registry import ModelSpec
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


def make_index(counts: Sequence[int]) -> pd.DataFrame:
    """Return images of which every third shares its lesion with the one before.

    Args:
        counts: images of each class, in class order.
    """
    rows = []
    for code, count in zip(CODES, counts, strict=True):
        for i in range(count):
            lesion = f"HAM_{code}{i - 1 if i % 3 == 2 else i:05d}"
            rows.append((f"ISIC_{len(rows):07d}", lesion, lesion, code))
    return pd.DataFrame(rows, columns=["image_id", "lesion_id", "group_id", "truth"])


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
    from skinmodel.cli.main import main
    from skinmodel.training.run_folder import read_finished

    folder = base / "tiny-world"
    data, home = write_drawn_ham10000(folder / "data"), folder / "home"
    runs, run_ids = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, home)
        use_float32(patch)
        for model in TINY_MODELS:
            status = main(["train", "--model", model, "--data", str(data), "--epochs", "2"])
            assert status == 0
            [runs[model]] = (home / "runs").glob(f"{model}-grouped-*")
            run_ids[model] = read_finished(runs[model]).result.run_id
    return TinyWorld(data, home, runs["cnn_sa"], run_ids)


def run_tiny_cli(arguments: Sequence[str]) -> int:
    """Run the command line on the tiny world, for a process of its own."""
    from skinmodel.cli.main import main

    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, Path(os.environ["SKINMODEL_HOME"]))
        use_float32(patch)
        return main(arguments)


ISIC_DROPPED = {
    "image file missing": 1,
    "same picture under two diagnoses": 4,
    "squamous cell carcinoma: no class of the networks": 4,
    "unknown diagnosis: no class of the networks": 1,
}
"""What a drawn ISIC 2019 holds beside HAM10000 and the 35 images left, by reason."""


def write_drawn_isic2019(folder: Path, size: int = 84) -> Path:
    """Write ISIC 2019's layout beside a drawn HAM10000, whose images it holds in small copies.

    Every tenth copy is called ``_downsampled``, as are the images of MSK. Beside them: 2 lesions
    with 2 images each for 8 diagnoses from BCN, 4 images from MSK, 3 without a lesion id, and
    what must be dropped (``ISIC_DROPPED``).
    """
    import cv2

    root = folder / "ISIC2019"
    images = root / "ISIC_2019_Training_Input"
    images.mkdir(parents=True)
    rng = np.random.default_rng(11)
    rows: list[tuple[str, str, str]] = []  # image, truth, lesion id
    ham = drawn_index(folder) if (folder / "HAM10000").exists() else pd.DataFrame()
    for number, row in enumerate(ham.itertuples()):
        name = f"{row.image_id}{'' if number % 10 else '_downsampled'}"
        copy = cv2.resize(cv2.imread(str(row.path)), (size, size), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(images / f"{name}.jpg"), copy)
        rows.append((name, str(row.truth), str(row.lesion_id)))
    for k, code in enumerate((*CODES, "scc")):
        for image in range(4):
            number = 4 * k + image
            rows.append((f"ISIC_{53454 + number:07d}", code, f"BCN_{number // 2:07d}"))
    rows += [(f"ISIC_{12653 + k:07d}_downsampled", CODES[k % 2], f"MSK4_{k:07d}") for k in range(4)]
    rows += [(f"ISIC_{11000 + k:07d}", CODES[k], "") for k in range(3)]
    rows += [("ISIC_0067502", "mel", "BCN_0003560"), ("ISIC_0067980", "nv", "BCN_0000237")]
    rows += [("ISIC_0069013", "nv", "BCN_0000237"), ("ISIC_0071017", "mel", "BCN_0003560")]
    rows += [("ISIC_0073000", "unk", ""), ("ISIC_0073001", "akiec", "BCN_0009999")]
    classes = (*CODES, "scc", "unk")
    for name, code, _ in rows[len(ham) : -1]:  # the last one's file is missing
        cv2.imwrite(str(images / f"{name}.jpg"), draw_picture(rng, classes.index(code), size))
    write_one_hot(root / "ISIC_2019_Training_GroundTruth.csv", "isic2019", rows)
    metadata = [
        {
            "image": name,
            "age_approx": "" if number % 5 == 0 else 5.0 * (number % 18),
            "anatom_site_general": ("anterior torso", "head/neck", "")[number % 3],
            "lesion_id": lesion,
            "sex": ("female", "male", "")[number % 3],
        }
        for number, (name, _, lesion) in enumerate(rows)
    ]
    pd.DataFrame(metadata).to_csv(root / "ISIC_2019_Training_Metadata.csv", index=False)
    return folder


def write_drawn_isic2018_test(folder: Path, size: int = 84) -> Path:
    """Write the ISIC 2018 test set's layout: 14 images and the row that the challenge ignores."""
    import cv2

    root = folder / "ISIC2018"
    images = root / "ISIC2018_Task3_Test_Input"
    images.mkdir(parents=True)
    (images / "ATTRIBUTION.txt").write_text("as in the archive")
    rng = np.random.default_rng(13)
    rows = [(f"ISIC_{34524 + n:07d}", CODES[n % len(CODES)]) for n in range(14)]
    for name, code in rows:
        picture = draw_picture(rng, CODES.index(code), size)
        cv2.imwrite(str(images / f"{name}.jpg"), picture)
    table = root / "ISIC2018_Task3_Test_GroundTruth.csv"
    write_one_hot(table, "isic2018", [*rows, ("ISIC_0035068", "nv")])
    return folder


def draw_picture(rng: np.random.Generator, k: int, size: int) -> NDArray[np.uint8]:
    """Return noise with a colour for each class, uint8, (size, size, 3)."""
    picture = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
    picture[..., k % 3] += np.uint8(60 + 15 * k)
    return picture


def write_one_hot(path: Path, layout: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Write a truth table of rows (image, code, ...) with the columns of ``layout``."""
    order = ("mel", "nv", "bcc", "akiec", "bkl", "df", "vasc")
    names = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
    if layout == "isic2019":
        order = (*order, "scc", "unk")
        names = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
    lines = [",".join(("image", *names))]
    for name, truth, *_ in rows:
        lines.append(",".join((name, *("1.0" if code == truth else "0.0" for code in order))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_tiny_cli(sys.argv[1:]))
