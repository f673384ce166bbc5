"""The report's own protocol, which LEAKS: for reproduction, and to measure what the leak is worth.

Köfler (2023, chapter 4) copies every picture that is not a nevus five times, turned and flipped,
and only then splits the pictures at random. Copies of one picture, and pictures of one lesion,
fall on both sides; and the test side also picks the epoch. Steps and order follow his notebook
``cnn_vgg.ipynb``. It read the files in the order of the folder listing, which is not recorded:
sizes, supports and class weights come out exactly, the very pictures of each side cannot. How much
leaks is counted by ``report_leakage``.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.data.splits import Split, compute_leakage
from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import ConfigError, SplitError, UnknownNameError

Pixels = NDArray[np.uint8]

SEED: Final = 50
TEST_SHARE: Final = 0.33
KEPT_ONCE: Final = "nv"
ORIGINAL: Final = "original"
# Rows are axis 1 and columns axis 2 of a batch; rot90 turns to the left.
_TRANSFORMS: Final[dict[str, Callable[[Pixels], Pixels]]] = {
    ORIGINAL: lambda pixels: pixels,
    "turn90": lambda pixels: np.rot90(pixels, 3, axes=(1, 2)),
    "turn270": lambda pixels: np.rot90(pixels, 1, axes=(1, 2)),
    "turn180": lambda pixels: np.rot90(pixels, 2, axes=(1, 2)),
    "flip_vertical": lambda pixels: pixels[:, ::-1],
    "flip_horizontal": lambda pixels: pixels[:, :, ::-1],
}
TRANSFORMS: Final = tuple(_TRANSFORMS)
# What the report prints of its class weights (scikit-learn's "balanced", over all 26,565 pictures,
# two digits). Over the 17,798 of the training side they are the same to two digits.
CLASS_WEIGHTS: Final = dict(zip(CODES, (0.57, 0.57, 0.58, 1.23, 1.93, 4.45, 5.5), strict=True))


def build_pictures(index: pd.DataFrame) -> pd.DataFrame:
    """Return the pictures that the report trains and tests on: 26,565 from HAM10000's 10,015.

    Args:
        index: rows with image_id, lesion_id, group_id and truth; see ``ham10000.inspect``.

    Returns:
        One row a picture, by image id whatever the index's order, an image's copies in the order
        of ``TRANSFORMS``: image_id (the copy's own, ``ISIC_0024306:turn90``; the original's is
        plain), source_image_id, source_row (int, position in ``index``), group_id, lesion_id,
        truth, transform.
    """
    by_id = np.argsort(index["image_id"].to_numpy(str), kind="stable")
    once = (index["truth"] == KEPT_ONCE).to_numpy()[by_id]
    copies = np.where(once, 1, len(TRANSFORMS))
    rows = np.repeat(by_id, copies)
    transforms = [name for count in copies for name in TRANSFORMS[:count]]
    images = index["image_id"].to_numpy(str)[rows]
    return pd.DataFrame(
        {
            "image_id": [
                image if name == ORIGINAL else f"{image}:{name}"
                for image, name in zip(images, transforms, strict=True)
            ],
            "source_image_id": images,
            "source_row": rows,
            "group_id": index["group_id"].to_numpy(str)[rows],
            "lesion_id": index["lesion_id"].to_numpy(str)[rows],
            "truth": index["truth"].to_numpy(str)[rows],
            "transform": transforms,
        }
    )


def apply_transform(pixels: Pixels, transforms: Sequence[str]) -> Pixels:
    """Return each image turned or flipped as its transform says.

    ``turn90`` is a quarter turn to the right (clockwise), ``turn270`` one to the left.

    Args:
        pixels: uint8, (N, h, w, 3), 0-255, h equal to w; is left as it is.
        transforms: N names of ``TRANSFORMS``.

    Returns:
        uint8, (N, h, w, 3).

    Raises:
        SkinModelError: see ``check_transforms``.
    """
    check_transforms(pixels.shape, transforms)
    names = np.asarray(transforms, dtype=str)
    turned = np.empty_like(pixels)
    for name in np.unique(names):
        chosen = names == name
        turned[chosen] = _TRANSFORMS[name](pixels[chosen])
    return turned


def check_transforms(shape: Sequence[int], transforms: Sequence[str]) -> None:
    """Refuse what ``apply_transform`` cannot do to images of this shape, (N, h, w, 3).

    Raises:
        ConfigError: the images are not square, so that a turn would change their shape.
        UnknownNameError: a name is none of ``TRANSFORMS``.
    """
    _, height, width, _ = shape
    if height != width:
        raise ConfigError(
            f"Pictures of {height} x {width} pixels cannot be turned in place: the report's "
            "protocol needs a square input. Give the recipe an equal height and width."
        )
    for name in sorted(set(transforms) - set(TRANSFORMS)):
        raise UnknownNameError("transform", str(name), TRANSFORMS)


def split_report(pictures: pd.DataFrame, seed: int = SEED) -> Split:
    """Split pictures at random, 67 to 33 %, stratified by diagnosis: the report's leaky split.

    It has no validation side: ``Split.validation`` is ``test``, so that asking the split for
    ``val`` gives the test side, on which the report picks its epoch.

    Args:
        pictures: as ``build_pictures`` returns them.
        seed: of the shuffle; the report's is 50.

    Returns:
        A split by the pictures' own ids, with the leakage measured on their source images.

    Raises:
        SplitError: there are too few pictures of a diagnosis to stand on both sides.
    """
    from sklearn.model_selection import train_test_split  # costs a second to import

    # The class order decides how the shuffle is dealt out: the indices, as in the notebook.
    truth = np.array([class_index(code) for code in pictures["truth"]], dtype=np.int64)
    try:
        _, test = train_test_split(
            np.arange(len(truth)), test_size=TEST_SHARE, random_state=seed, stratify=truth
        )
    except ValueError as error:
        raise SplitError(
            f"{len(truth):,} pictures cannot be split by the report's protocol ({error}). It needs "
            "at least two pictures of each diagnosis, and more pictures than diagnoses a side."
        ) from error
    held = np.zeros(len(truth), dtype=bool)
    held[test] = True
    side = pd.Series(np.where(held, "test", "train"), index=pictures["image_id"], dtype=str)
    sources = pictures.assign(image_id=pictures["source_image_id"], side=side.to_numpy())
    return Split("report", seed, side, compute_leakage(sources), validation="test")
