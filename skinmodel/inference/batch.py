"""Many files, several models: one answer or one error each, and nothing stops the rest."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel import paths
from skinmodel.errors import ConfigError, ImageError
from skinmodel.explain import overlay
from skinmodel.files import write_atomically
from skinmodel.imaging import images
from skinmodel.results import DISCLAIMER, Explanation, Prediction

if TYPE_CHECKING:  # at run time this loads TensorFlow
    from skinmodel.inference.classifier import Classifier
    from skinmodel.inference.quick import QuickClassifier

_STEM: Final = 80  # bytes of a file's name in an overlay's: file systems allow 255 in all


@dataclass(frozen=True)
class Answer:
    """What became of one file and one model.

    Attributes:
        file: the file as the caller named it.
        prediction: None where the file is no image.
        error: why not; None where there is a prediction.
        explanation: None where none was asked for or the model has no such method.
        overlay: where the overlay was written, or None.
        overlay_error: why an overlay asked for is not there; the prediction holds all the same.
    """

    file: str
    prediction: Prediction | None = None
    error: str | None = None
    explanation: Explanation | None = None
    overlay: str | None = None
    overlay_error: str | None = None

    @property
    def failed(self) -> bool:
        """True where something that was asked for is missing."""
        return self.error is not None or self.overlay_error is not None

    def to_dict(self, *, force: bool = True) -> dict[str, Any]:
        """Return plain values for JSON: ``file`` and ``error``, or ``file`` and the prediction.

        Args:
            force: see ``Prediction.to_dict``; what a declined answer looked at is withheld too.
        """
        if self.prediction is None:
            return {"file": self.file, "error": self.error}
        values: dict[str, Any] = {"file": self.file, **self.prediction.to_dict(force=force)}
        if self.explanation is not None and (force or not self.prediction.declined):
            values["explanation"] = self.explanation.to_dict()
        if self.overlay is not None:
            values["overlay"] = self.overlay
        if self.overlay_error is not None:
            values["overlay_error"] = self.overlay_error
        return values


def predict_files(
    files: Sequence[str],
    classifiers: Mapping[str, "Classifier | QuickClassifier"],
    *,
    method: str | None = None,
    out: Path | None = None,
    views: int = 1,
) -> Iterator[Answer]:
    """Answer file by file, each with every model.

    A file that cannot be read gives one error, an overlay that cannot be written stands as an
    error beside its prediction, and the rest goes on.

    Args:
        files: paths of images.
        classifiers: by the name the caller used.
        method: also explain each prediction by this method, where a model has it.
        out: folder for the overlays of the explanations, as PNG; without ``method`` by each
            model's first: its soft attention where it has one.
        views: 1, or 8 to average over all flips and quarter turns.
    """
    for number, (file, image) in enumerate(_read_ahead(files), start=1):
        if isinstance(image, ImageError):
            yield Answer(file, error=str(image))
            continue
        for called, classifier in classifiers.items():
            [prediction] = classifier.classify([image], views)
            explanation, picture, problem = None, None, None
            chosen = classifier.methods[0] if method is None and out is not None else method
            if chosen in classifier.methods:
                explanation = classifier.explain(image, chosen, prediction.code)
                if out is not None:
                    name = _name_overlay(file, number, called, chosen)
                    title = classifier.spec.title
                    try:
                        picture = str(_write_overlay(out / name, image, explanation, title))
                    except (ConfigError, ImageError) as error:
                        problem = str(error)
            yield Answer(file, prediction, None, explanation, picture, problem)


def _read_ahead(files: Sequence[str]) -> Iterator[tuple[str, NDArray[np.uint8] | ImageError]]:
    """Yield each file with its image, or why it is none; the next one is decoded meanwhile."""
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(_read, files[0]) if files else None
        for number, file in enumerate(files):
            assert waiting is not None
            image = waiting.result()
            if number + 1 < len(files):
                waiting = ahead.submit(_read, files[number + 1])
            yield file, image


def _read(file: str) -> NDArray[np.uint8] | ImageError:
    try:
        return images.read(Path(file))
    except ImageError as error:
        return error


def draw_overlay(
    out: Path,
    file: str,
    number: int,
    called: str,
    classifier: "Classifier | QuickClassifier",
    image: Any,
    method: str,
) -> Path:
    """Draw one network's map over a picture that was answered; returns the file.

    Args:
        out: folder.
        file: the picture's path.
        number: its place among all.
        called: the network's name or run.
        classifier: the network.
        image: uint8, (H, W, 3), RGB, 0-255.
        method: one that the network has.

    Raises:
        ConfigError: it cannot be written.
        ImageError: it cannot be drawn.
    """
    path = out / _name_overlay(file, number, called, method)
    return _write_overlay(path, image, classifier.explain(image, method), classifier.spec.title)


def _name_overlay(file: str, number: int, called: str, method: str) -> str:
    """Return a name: numbered, so that files of one name from two folders do not collide.

    It has the name that the caller used, so that two runs of one model do not.
    """
    return f"{number:04d}-{shorten_stem(file)}-{called}-{method}.png"


def shorten_stem(file: str) -> str:
    """Return the beginning of a file's name, without what a terminal would obey.

    >>> shorten_stem("a/photo.jpg"), len(shorten_stem("\U0001f600" * 50).encode())
    ('photo', 80)
    """
    start = os.fsencode(Path(file).stem)[:_STEM].decode("utf-8", errors="ignore")
    return "".join(c if c.isprintable() else "_" for c in start)


def _write_overlay(path: Path, image: Any, explanation: Explanation, title: str) -> Path:
    text = {
        "model": explanation.model,
        "run_id": explanation.run_id,
        "method": explanation.method,
        "diagnosis": explanation.code or "",
        "disclaimer": DISCLAIMER,
    }
    remark = _describe_measured(explanation)
    blended = overlay.blend(image, explanation)
    lines = overlay.label(explanation, title, remark)
    data = overlay.encode_png(overlay.caption(blended, lines), text)
    try:
        write_atomically(path, lambda file: _write_bytes(file, data))
    except OSError as error:
        raise ConfigError(
            f"The overlay '{path}' could not be written ({error}). Name a folder you may write to "
            "with --out."
        ) from error
    return path


def _describe_measured(explanation: Explanation) -> str:
    """Return what is to be said of a run's maps by this method, as they were measured."""
    from skinmodel.faithfulness.verdict import describe_fault, read_of_run  # loads pandas

    found = read_of_run(explanation.run_id, (paths.RESULTS, paths.evaluations()))
    return describe_fault(None if found is None else found[0], explanation.method)


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
