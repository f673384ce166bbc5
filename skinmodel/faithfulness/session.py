"""Measuring maps picture by picture, kept in chunks on disk so that a stop loses little."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import DRAWS
from skinmodel.explain.registry import SOFT_ATTENTION, get_method
from skinmodel.faithfulness.measure import Network, Subject, measure, measure_chance
from skinmodel.faithfulness.report import MethodReport
from skinmodel.faithfulness.scores import centre_offset, correlate_ranks
from skinmodel.faithfulness.subjects import read_subjects
from skinmodel.faithfulness.summary import add_controls, summarize
from skinmodel.files import write_atomically
from skinmodel.imaging.placement import Floats, Placement
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.registry import ModelSpec

Arrays = dict[str, NDArray[Any]]


class Chunks:
    """Pieces of work in one folder, each a file of arrays.

    Args:
        folder: of its own for each thing that is measured.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def get(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return a piece, computed and kept if it is not there yet or was left damaged.

        Raises:
            ConfigError: the folder cannot be written.
        """
        file = self._file(name)
        if file.is_file():
            try:
                return self.read(name)
            except ConfigError:  # a damaged piece is made anew: it is only kept to save time
                file.unlink()
        arrays = compute()
        try:
            write_atomically(file, lambda path: _save(path, arrays))
        except OSError as error:
            raise ConfigError(
                f"'{file}' could not be written ({error}). Free some space, or name another cache "
                "folder with SKINMODEL_HOME."
            ) from error
        return arrays

    def read(self, name: str) -> Arrays:
        """Return a piece that is there.

        Raises:
            ConfigError: it is missing or damaged.
        """
        file = self._file(name)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"'{file}' cannot be read ({error}). Remove it and measure again."
            ) from error

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


FORMAT: Final = 1
"""Raise it when a measure changes, so that no chunk of before is taken for one of now."""

CHUNK: Final = 32
"""Pictures of one piece of work, and those that the cascade is measured on."""

_CASCADE: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_FACTS: Final = ("image_id", "lesion_id", "group_id", "truth")


class Probe(Network, Protocol):
    """A network that can also say where its cells lie and mix up its weights."""

    def place(self, method: str) -> Placement:
        """Return where the cells of a method's maps lie."""

    def count_weighted_layers(self) -> int:
        """Return how many layers have weights."""

    def measure_effect(self, pixels: NDArray[np.uint8]) -> float | None:
        """Return what the soft attention changes of the answers, see ``MethodReport.effect``."""

    def mixed_up(self, layers: int, seed: int) -> AbstractContextManager[None]:
        """Shuffle the weights of the last layers for a while."""


@dataclass(frozen=True)
class Source:
    """The network that is measured.

    Attributes:
        probe: itself.
        spec: what it is.
        preprocessing: how pixels become its input.
        run_id: the training run.
        split: what the run was trained on, as ``Split.to_dict`` says it.
        digest: of its weights, so that chunks of other weights are never taken for its own.
        guided: whether lesions' outlines taught its soft attention, see ``TrainConfig.guidance``.
    """

    probe: Probe
    spec: ModelSpec
    preprocessing: Preprocessing
    run_id: str
    split: Mapping[str, Any]
    digest: str
    guided: bool = False


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Attributes:
        methods: names of the methods to measure.
        sample: number of pictures; None for all.
        balanced: draw as many of each diagnosis.
        seed: of all that is drawn.
        stretched: place the maps over the whole picture instead of where their cells look.
        draws: of the bootstrap.
    """

    methods: tuple[str, ...]
    sample: int | None = None
    balanced: bool = False
    seed: int = 1
    stretched: bool = False
    draws: int = DRAWS


class Session:
    """One measurement of a network on some pictures.

    Args:
        source: the network.
        chosen: one row a picture, as in an ``EvaluationSet``.
        masks: path of each lesion mask by image id.
        plan: what to measure.
        placements: where the cells of each method's maps lie.
        cache: folder for what is done.
        progress: show a progress bar.
    """

    def __init__(
        self,
        source: Source,
        chosen: pd.DataFrame,
        masks: dict[str, str],
        plan: Plan,
        placements: dict[str, Placement],
        cache: Path,
        progress: bool,
    ):
        self.source, self.chosen, self.masks, self.plan = source, chosen, masks, plan
        self.placements = placements
        self.starts = range(0, len(chosen), CHUNK)
        self.chunks = Chunks(cache / _key(source, plan))
        self.bar = tqdm(
            total=len(chosen) * len(plan.methods),
            desc=f"maps of {source.spec.title}",
            unit="map",
            disable=not progress,
        )
        self._read: tuple[int, list[Subject]] = (-1, [])

    def name(self, kind: str, start: int) -> str:
        """Return what a piece of work on a chunk is called: a larger sample finds it again."""
        ids = ",".join(self.chosen["image_id"].iloc[start : start + CHUNK])
        return f"{kind}-{hashlib.sha256(ids.encode()).hexdigest()[:12]}"

    def subjects(self, start: int) -> list[Subject]:
        """Return a chunk of pictures; the last one read is kept."""
        if self._read[0] != start:
            rows = self.chosen.iloc[start : start + CHUNK]
            spec, seed = self.source.preprocessing, self.plan.seed
            self._read = (start, read_subjects(rows, self.masks, spec, seed))
        return self._read[1]

    def read_base(self) -> pd.DataFrame:
        """Measure every chunk by every method that is not yet, and return what needs no map."""
        tables = []
        for start in self.starts:
            facts = self.chunks.get(self.name("base", start), partial(self._base, start))
            for method in self.plan.methods:
                compute = partial(self._method, method, start, facts["probabilities"])
                self.chunks.get(self.name(method, start), compute)
                self.bar.update(len(facts["area"]))
            probabilities = facts["probabilities"]
            rows = self.chosen.iloc[start : start + CHUNK]
            table = rows[[name for name in _FACTS if name in rows]].reset_index(drop=True)
            tables.append(
                table.assign(
                    prediction=[CODES[k] for k in probabilities.argmax(axis=1)],
                    probability=probabilities.max(axis=1).astype(float),
                    area=facts["area"],
                    offset=facts["offset"],
                )
            )
        return pd.concat(tables, ignore_index=True)

    def measure_method(self, method: str, base: pd.DataFrame) -> tuple[MethodReport, pd.DataFrame]:
        """Return the report and the rows of one method, from the chunks and the cascade."""
        chunks = [self.chunks.read(self.name(method, start)) for start in self.starts]
        maps, lesions = (np.concatenate([c[name] for c in chunks]) for name in ("maps", "lesions"))
        names = [str(name) for name in chunks[0]["names"]]
        figures = np.concatenate([c["figures"] for c in chunks])
        table = base.assign(**{name: figures[:, k] for k, name in enumerate(names)})
        cascade = self.chunks.get(
            self.name(f"{method}-cascade", 0), lambda: self._cascade(method, maps)
        )
        for step, column in enumerate(cascade["similarity"].T, 1):
            padded = np.full(len(table), np.nan)
            padded[: len(column)] = column
            table[f"weights_{step}"] = padded
        placement = self.placements[method]
        table = add_controls(table, maps, lesions, placement)
        known = table["off_centre"].notna() & (table["null"] == 0)
        off = table[known & (table["off_centre"] == 1)]
        columns = _figures(table)
        whole, part = (summarize(t, columns, self.plan.draws) for t in (table, off))
        layer = get_method(method, self.source.spec).layer(self.source.spec)
        report = MethodReport(
            method=method,
            layer=str(layer),
            cells=(maps.shape[1], maps.shape[2]),
            placement=(placement.top, placement.left, placement.bottom, placement.right),
            null_maps=int((table["null"] == 1).sum()),
            masked=int(known.sum()),
            off_centre=len(off),
            seconds=float(np.median([float(c["seconds"]) for c in chunks])),
            figures=whole["figures"],
            differences=whole["differences"],
            figures_off_centre=part["figures"],
            differences_off_centre=part["differences"],
            shuffled=tuple(int(n) for n in cascade["layers"]),
            cascade_images=len(cascade["similarity"]),
            effect=self._effect() if method == SOFT_ATTENTION else None,
        )
        return report, table.assign(method=method)

    def _effect(self) -> float | None:
        def measure_first() -> Arrays:
            pixels = np.stack([subject.pixels for subject in self.subjects(0)])
            found = self.source.probe.measure_effect(pixels)
            return {"effect": np.array([] if found is None else [found])}

        kept = self.chunks.get(self.name("effect", 0), measure_first)["effect"]
        return float(kept[0]) if len(kept) else None

    def _base(self, start: int) -> Arrays:
        subjects = self.subjects(start)
        lesions = [s.lesion for s in subjects]
        nan = float("nan")
        return {
            "probabilities": self.source.probe.predict(np.stack([s.pixels for s in subjects])),
            "area": np.array([nan if m is None else float(m.mean()) for m in lesions]),
            "offset": np.array([nan if m is None else centre_offset(m) for m in lesions]),
        }

    def _method(self, method: str, start: int, probabilities: NDArray[np.float32]) -> Arrays:
        subjects, placement = self.subjects(start), self.placements[method]
        leading = probabilities.argmax(axis=1).astype(np.int64)

        def chance(h: int, w: int) -> Floats:
            # Methods whose cells are alike share it.
            edges = "-".join(f"{edge:.4f}" for edge in placement.to_list())
            kept = self.chunks.get(
                self.name(f"chance-{h}x{w}-{edges}", start),
                lambda: {
                    "seen": measure_chance(
                        self.source.probe, subjects, leading, h, w, placement, self.plan.seed
                    )
                },
            )
            return kept["seen"]

        found = measure(
            self.source.probe,
            subjects,
            probabilities,
            method,
            placement,
            per_class=get_method(method, self.source.spec).per_class,
            seed=self.plan.seed,
            chance=chance,
        )
        names = list(found.rows[0])
        figures: Floats = np.array([[row[name] for name in names] for row in found.rows])
        return {
            "maps": found.maps,
            "lesions": found.lesions,
            "figures": figures,
            "names": np.array(names),
            "seconds": np.array(found.seconds),
        }

    def _cascade(self, method: str, maps: NDArray[np.float32]) -> Arrays:
        """Return how alike maps are to those of the network with more and more weights mixed up."""
        probe = self.source.probe
        subjects = self.subjects(0)
        number = len(subjects)
        pixels = np.stack([s.pixels for s in subjects])
        leading = self.chunks.read(self.name("base", 0))["probabilities"][:number].argmax(axis=1)
        count = probe.count_weighted_layers()
        layers = sorted({max(1, round(share * count)) for share in _CASCADE})
        columns = []
        for number_of_layers in layers:
            with probe.mixed_up(number_of_layers, self.plan.seed):
                after = probe.explain(method, pixels, leading.astype(np.int64))
            columns.append(
                [
                    correlate_ranks(a, b) if a.max() > 0 and b.max() > 0 else float("nan")
                    for a, b in zip(maps[:number], after, strict=True)
                ]
            )
        return {"similarity": np.array(columns).T, "layers": np.array(layers)}


def _figures(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the names of the columns that are measures."""
    return tuple(
        name
        for name in table.columns
        if name not in (*_FACTS, "prediction", "offset", "off_centre", "null", "method")
    )


def _key(source: Source, plan: Plan) -> str:
    """Return what decides a chunk's content beside its pictures, as 16 hexadecimal digits."""
    settings = json.dumps(
        [
            FORMAT,
            source.run_id,
            source.digest,
            source.preprocessing.to_dict(),
            plan.seed,
            plan.stretched,
        ]
    )
    return hashlib.sha256(settings.encode()).hexdigest()[:16]
