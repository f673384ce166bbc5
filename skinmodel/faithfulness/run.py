"""Measure a network's maps on a set of pictures, chunk by chunk, and go on after a stop."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.data.evaluation_set import EvaluationSet
from skinmodel.diagnoses import CODES
from skinmodel.evaluate import knows
from skinmodel.evaluation.bootstrap import DRAWS
from skinmodel.explain.placement import WHOLE, Floats, Placement
from skinmodel.explain.registry import get_method
from skinmodel.faithfulness.chunks import Chunks
from skinmodel.faithfulness.localisation import centre_offset
from skinmodel.faithfulness.measure import Network, Subject, measure, measure_chance
from skinmodel.faithfulness.report import FaithfulnessReport, MethodReport
from skinmodel.faithfulness.similarity import correlate_ranks
from skinmodel.faithfulness.subjects import draw_sample, read_subjects
from skinmodel.faithfulness.summary import add_controls, summarize
from skinmodel.models.registry import ModelSpec
from skinmodel.preprocess import Preprocessing
from skinmodel.versions import read_versions

FORMAT: Final = 1
"""Raise it when a measure changes, so that no chunk of before is taken for one of now."""

CHUNK: Final = 32
CASCADE_IMAGES: Final = 32
_CASCADE: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAKS: Final = "The run was trained on pictures of this set's lesions."
_FACTS: Final = ("image_id", "lesion_id", "group_id", "truth")


class Probe(Network, Protocol):
    """A network that can also say where its cells lie and mix up its weights."""

    def place(self, method: str) -> Placement:
        """Return where the cells of a method's maps lie."""

    def count_weighted_layers(self) -> int:
        """Return how many layers have weights."""

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
    """

    probe: Probe
    spec: ModelSpec
    preprocessing: Preprocessing
    run_id: str
    split: Mapping[str, Any]
    digest: str


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
    session = _Session(source, chosen, dict(masks), plan, placements, cache, progress)
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
    )
    return report, pd.concat([part[1] for part in parts.values()], ignore_index=True)


class _Session:
    """One run over the chosen pictures."""

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
        self.chunks = Chunks(cache / _key(source, chosen, plan))
        self.bar = tqdm(
            total=len(chosen) * len(plan.methods),
            desc=f"maps of {source.spec.title}",
            unit="map",
            disable=not progress,
        )
        self._read: tuple[int, list[Subject]] = (-1, [])

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
            facts = self.chunks.get(f"base-{start}", lambda s=start: self._base(s))  # type: ignore[misc]
            for method in self.plan.methods:
                self.chunks.get(
                    f"{method}-{start}",
                    lambda m=method, s=start, p=facts["probabilities"]: self._method(m, s, p),  # type: ignore[misc]
                )
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
        chunks = [self.chunks.read(f"{method}-{start}") for start in self.starts]
        maps, lesions = (np.concatenate([c[name] for c in chunks]) for name in ("maps", "lesions"))
        names = [str(name) for name in chunks[0]["names"]]
        figures = np.concatenate([c["figures"] for c in chunks])
        table = base.assign(**{name: figures[:, k] for k, name in enumerate(names)})
        cascade = self.chunks.get(f"{method}-cascade", lambda: self._cascade(method, maps))
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
        )
        return report, table.assign(method=method)

    def _base(self, start: int) -> dict[str, NDArray[Any]]:
        subjects = self.subjects(start)
        lesions = [s.lesion for s in subjects]
        nan = float("nan")
        return {
            "probabilities": self.source.probe.predict(np.stack([s.pixels for s in subjects])),
            "area": np.array([nan if m is None else float(m.mean()) for m in lesions]),
            "offset": np.array([nan if m is None else centre_offset(m) for m in lesions]),
        }

    def _method(
        self, method: str, start: int, probabilities: NDArray[np.float32]
    ) -> dict[str, NDArray[Any]]:
        subjects, placement = self.subjects(start), self.placements[method]
        leading = probabilities.argmax(axis=1).astype(np.int64)

        def chance(h: int, w: int) -> Floats:
            # Methods whose cells are alike share it.
            edges = "-".join(f"{edge:.4f}" for edge in placement.to_list())
            kept = self.chunks.get(
                f"chance-{h}x{w}-{edges}-{start}",
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

    def _cascade(self, method: str, maps: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return how alike maps are to those of the network with more and more weights mixed up."""
        probe = self.source.probe
        subjects = self.subjects(0)[:CASCADE_IMAGES]
        number = len(subjects)
        pixels = np.stack([s.pixels for s in subjects])
        leading = self.chunks.read("base-0")["probabilities"][:number].argmax(axis=1)
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


def _key(source: Source, chosen: pd.DataFrame, plan: Plan) -> str:
    """Return what decides the content of a chunk, as 16 hexadecimal digits."""
    settings = json.dumps(
        [
            FORMAT,
            source.run_id,
            source.digest,
            source.preprocessing.to_dict(),
            plan.seed,
            plan.stretched,
            list(chosen["image_id"]),
        ]
    )
    return hashlib.sha256(settings.encode()).hexdigest()[:16]


def digest_weights(weights: Mapping[str, NDArray[np.float32]]) -> str:
    """Return the SHA-256 of all weights with their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).data)
    return digest.hexdigest()


def describe(report: FaithfulnessReport, names: Sequence[str] = ()) -> str:
    """Return the main figures of a report as a table in text.

    Args:
        report: what was measured.
        names: of figures to print beside the main ones.
    """
    lines = [
        f"{report.run_id} on {report.dataset_title}: {report.images:,} pictures of "
        f"{report.lesions:,} lesions, maps placed: {report.placed}",
        *([f"LEAKS. {report.remark}"] if report.leaks else [report.remark] * bool(report.remark)),
    ]
    for method in report.methods.values():
        lines += [
            "",
            f"{method.method} ({method.layer}, {method.cells[0]} x {method.cells[1]} cells): "
            f"{method.masked:,} maps with a mask, {method.off_centre:,} of them off centre, "
            f"{method.null_maps:,} null, {method.seconds * 1000:.0f} ms a map",
            f"{'':<28} {'all':<24} lesion off centre",
        ]
        for name in (*MAIN, *names):
            both = [
                {**f, **d}.get(name)
                for f, d in (
                    (method.figures, method.differences),
                    (method.figures_off_centre, method.differences_off_centre),
                )
            ]
            if any(interval is not None for interval in both):
                cells = [
                    "" if i is None else f"{i.value:7.3f} [{i.low:6.3f}, {i.high:6.3f}]"
                    for i in both
                ]
                lines.append(f"{name:<28} {cells[0]:<24} {cells[1]}".rstrip())
    return "\n".join([*lines, report.disclaimer])


MAIN: Final = (
    "area",
    "mass",
    "mass_ratio",
    "mass_ratio_uniform",
    "mass_mean",
    "mass_gaussian",
    "mass_uniform",
    "mass_over_mean",
    "mass_over_gaussian",
    "mass_over_matched",
    "hit",
    "hit_mean",
    "hit_gaussian",
    "deletion_gain",
    "insertion_gain",
    "upside_down_gain",
    "drop",
    "drop_over_random",
    "drop_over_rolled",
    "drop_over_centre",
    "mean_similarity",
    "class_similarity",
    "outer",
    "outer_uniform",
    "corners",
    "corners_uniform",
    "follow_shift",
    "stay_shift",
    "follow_turn",
    "stay_turn",
    "follow_crop",
    "stay_crop",
    "follow",
    "stay",
    "weights_1",
    "weights_2",
    "weights_3",
    "weights_4",
    "weights_5",
)
