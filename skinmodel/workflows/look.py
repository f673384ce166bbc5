"""What a network and its gate see of pictures: descriptions, features and raw probabilities."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.diagnoses import class_index
from skinmodel.errors import DatasetError, ImageError
from skinmodel.imaging import preprocess
from skinmodel.inference.base import BaseClassifier
from skinmodel.trust.picture import describe
from skinmodel.workflows.evaluate import read_chunks

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen of N pictures.

    Attributes:
        described: float32, (N, D), see ``trust.picture``.
        features: float32, (N, F), of the network.
        logits: float32, (N, K), of the network.
        sizes: int64, (N, 2), rows and columns of each picture as it was given.
        groups: str, (N,), what is resampled as one: the lesion, or the picture.
        truth: int64, (N,), class indices; -1 for a picture that is no lesion.
    """

    described: NDArray[np.float32] = field(repr=False)
    features: NDArray[np.float32] = field(repr=False)
    logits: NDArray[np.float32] = field(repr=False)
    sizes: NDArray[np.int64]
    groups: NDArray[np.str_]
    truth: NDArray[np.int64]

    @property
    def raw(self) -> NDArray[np.float32]:
        """Probabilities before calibration, float32, (N, K)."""
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)

    def where(self, chosen: NDArray[np.bool_]) -> "Looked":
        """Return some of the pictures: bool, (N,)."""
        return Looked(
            self.described[chosen],
            self.features[chosen],
            self.logits[chosen],
            self.sizes[chosen],
            self.groups[chosen],
            self.truth[chosen],
        )


def look_at_set(classifier: BaseClassifier, index: pd.DataFrame, name: str) -> Looked:
    """Return what is seen of the pictures of a data set, in the order of its index.

    Args:
        classifier: the network.
        index: image_id, group_id, truth and path, one row a picture.
        name: for the progress bar.

    Raises:
        DatasetError: a picture cannot be read.
    """

    def read() -> Iterator[list[Image]]:
        for chunk in read_chunks(index, classifier.preprocessing):
            faults = {i: e for i, e in chunk.items() if isinstance(e, ImageError)}
            for image_id, error in faults.items():
                raise DatasetError(f"Picture '{image_id}' cannot be read: {error} Get it anew.")
            yield [picture for picture in chunk.values() if not isinstance(picture, ImageError)]

    groups = index["group_id"].to_numpy(str)
    truth = np.array([class_index(code) for code in index["truth"]], dtype=np.int64)
    return look(classifier, read(), groups, truth, f"{classifier.spec.title}: {name}")


def look(
    classifier: BaseClassifier,
    chunks: Iterable[Sequence[Image]],
    groups: NDArray[np.str_],
    truth: NDArray[np.int64],
    name: str,
) -> Looked:
    """Return what is seen of pictures, uint8, (H, W, 3), RGB, that come in chunks."""
    described, features, logits, sizes = [], [], [], []
    with tqdm(total=len(groups), desc=name, unit="img") as bar:
        for pictures in chunks:
            pixels = [preprocess.resize(picture, classifier.preprocessing) for picture in pictures]
            found = classifier.compute(preprocess.apply(pixels, classifier.preprocessing))
            described.append(np.stack([describe(picture) for picture in pixels]))
            features.append(found.features)
            logits.append(found.logits)
            sizes += [picture.shape[:2] for picture in pictures]
            bar.update(len(pictures))
    return Looked(
        np.concatenate(described),
        np.concatenate(features),
        np.concatenate(logits),
        np.array(sizes, dtype=np.int64),
        groups,
        truth,
    )
