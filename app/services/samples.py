"""Pictures to try the page with: drawings of this program and real ones of the test folds."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skinmodel.data.sets.ham10000 import read_index
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import get_diagnosis
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.paths import SAMPLES


@dataclass(frozen=True)
class Sample:
    """One drawn sample.

    Attributes:
        title: name of the diagnosis whose textbook signs are drawn.
        path: its file.
    """

    title: str
    path: str


@dataclass(frozen=True)
class HeldOutImages:
    """The test folds of HAM10000.

    Attributes:
        table: one row a picture, with image_id, truth, dx_type and path among others.
        split_fingerprint: of the split that set them aside.
    """

    table: pd.DataFrame
    split_fingerprint: str


def read_drawings() -> tuple[Sample, ...]:
    """Return the drawn samples that come with the program, in class order.

    Raises:
        ConfigError: their list is missing or damaged.
    """
    file = SAMPLES / "index.json"
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        return tuple(
            Sample(get_diagnosis(entry["code"]).name, str(SAMPLES / entry["file"]))
            for entry in index["drawings"]
        )
    except (OSError, ValueError, LookupError, TypeError, UnknownNameError) as error:
        raise ConfigError(
            f"The list of drawings '{file}' cannot be read ({error}). Restore the folder from the "
            "repository: git checkout -- assets/samples."
        ) from error


def read_held_out(folder: Path) -> HeldOutImages:
    """Return the test folds of a complete HAM10000.

    Args:
        folder: holds ``HAM10000``, or is that folder itself.

    Raises:
        DatasetError: the data set is missing or not as released.
    """
    index = read_index(folder)
    split = split_grouped(index)
    return HeldOutImages(split.of(index, "test"), split.fingerprint)
