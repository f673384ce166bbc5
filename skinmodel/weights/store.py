"""Where weights are: found by name, checked by hash, read, and published.

Two folders hold weights, each with a manifest: the ones that come with the program
(``paths.SHIPPED_WEIGHTS``) and the user's own runs (``weights`` in ``paths.home()``).
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from skinmodel import paths
from skinmodel.diagnoses import CODES
from skinmodel.errors import WeightsError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.registry import MODELS, ModelSpec
from skinmodel.weights.coded import read_bytes, write_bytes
from skinmodel.weights.compact import Weights, decode
from skinmodel.weights.manifest import (
    lock_manifest,
    read_manifest,
    replace_record,
    write_manifest,
)
from skinmodel.weights.record import (
    LICENCE,
    SCHEMA_VERSION,
    Form,
    GraphFile,
    GuardFile,
    WeightsRecord,
    utc_now,
)
from skinmodel.weights.state import FileFacts, WeightsState, decide, facts_of, read_facts

Where = Literal["shipped", "home"]

_SHA_SHOWN: Final = 8
_GUARD: Final = "gate.safetensors"


class StoredRecord(NamedTuple):
    """A record, the folder its file is in, and which store that is."""

    record: WeightsRecord
    folder: Path
    where: Where


def verify(folder: Path, record: WeightsRecord) -> WeightsState:
    """Read a record's file and return what it is good for.

    Raises:
        WeightsError: the file is there but cannot be read.
    """
    return decide(record, read_facts(folder / record.file), MODELS.get(record.model))


def load_weights(
    record: WeightsRecord, folder: Path, names: Collection[str] | None = None
) -> Weights:
    """Return the weights of a record by name, in the order written.

    The file is read once; the bytes that were hashed are the bytes that are parsed, and none are
    parsed before they are found to be sound and of use.

    Args:
        record: from the manifest of ``folder``.
        folder: where its file is.
        names: of the weights wanted, where a few will do; None for all.

    Raises:
        WeightsError: the file is missing, too large, not the recorded one, of a network that the
            program no longer has, damaged, or without weights of these names.
    """
    path = folder / record.file
    data = read_bytes(path) if path.is_file() else None
    facts = FileFacts(exists=False) if data is None else facts_of(data)
    spec = MODELS.get(record.model)
    state = decide(record, facts, spec)
    if data is None or state is not WeightsState.OK:
        raise WeightsError(_explain_state(state, path, record, facts, spec))
    return decode(data, str(path), names)


def verify_graph(folder: Path, record: WeightsRecord) -> WeightsState | None:
    """Read the file of a record's graph and return what it is good for; None without a graph.

    Raises:
        WeightsError: the file is there but cannot be read.
    """
    return _verify_beside(folder, record.graph)


def verify_guard(folder: Path, record: WeightsRecord) -> WeightsState | None:
    """Return what the file of a record's guard is good for, as ``verify_graph``."""
    return _verify_beside(folder, record.guard)


def _verify_beside(folder: Path, stated: GraphFile | GuardFile | None) -> WeightsState | None:
    if stated is None:
        return None
    facts = read_facts(folder / stated.file)
    if not facts.exists:
        return WeightsState.MISSING
    same = (facts.size, facts.sha256) == (stated.bytes, stated.sha256)
    return WeightsState.OK if same else WeightsState.CORRUPT


def load_graph(record: WeightsRecord, folder: Path) -> bytes:
    """Return a record's graph as it was written, checked by SHA-256.

    Args:
        record: from the manifest of ``folder``, with a graph.
        folder: where its file is.

    Raises:
        WeightsError: the file is missing or not the recorded one.
    """
    assert record.graph is not None
    return _load_beside(folder, record.graph, "graph", "python -m skinmodel weights graphs")


def load_guard(record: WeightsRecord, folder: Path) -> bytes | None:
    """Return a record's guard as it was written, checked by SHA-256; None where it has none.

    Raises:
        WeightsError: the file is missing or not the recorded one.
    """
    if record.guard is None:
        return None
    return _load_beside(folder, record.guard, "gate", "python -m skinmodel gate")


def _load_beside(folder: Path, stated: GraphFile | GuardFile, what: str, anew: str) -> bytes:
    path = folder / stated.file
    data = read_bytes(path, stated.bytes) if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != stated.sha256:
        raise WeightsError(
            f"The {what} '{path}' is missing or not the recorded one, and was not parsed: expected "
            f"the SHA-256 {stated.sha256}. Restore it from the repository, or write it anew: "
            f"{anew}."
        )
    return data


def list_all() -> list[StoredRecord]:
    """Return every record, those that come with the program first, each store by model and age.

    Raises:
        WeightsError: a manifest cannot be read.
    """
    return [*_list("shipped"), *_list("home")]


def find(name: str, where: Where | None = None) -> tuple[WeightsRecord, Path]:
    """Return the record that a name means, and the folder of its file.

    A model's name means the weights of it that come with the program, else the newest of the
    user's runs; never a run on a leaky split, whose figures are too good: that one must be asked
    for by its run id. A run id means exactly that run.

    Args:
        name: of a model, or a run id.
        where: look in one store only.

    Raises:
        WeightsError: nothing of this name is stored, or a run id belongs to several models; it
            lists what is there.
    """
    stores: tuple[Where, ...] = ("shipped", "home") if where is None else (where,)
    seen: list[StoredRecord] = []
    for store in stores:
        stored = _list(store)
        seen += stored
        of_model = [s for s in stored if s.record.model == name and not s.record.leaks]
        if of_model:
            newest = max(of_model, key=lambda s: s.record.created_at)
            return newest.record, newest.folder
        of_run = [s for s in stored if s.record.run_id == name]
        if len(of_run) > 1:
            raise WeightsError(
                f"Run '{name}' stands for several models in '{of_run[0].folder}': "
                f"{_names(of_run)}. Give each run its own id."
            )
        if of_run:
            return of_run[0].record, of_run[0].folder
    raise WeightsError(
        f"There are no weights for '{name}'. Stored are: {_names(seen)}. Name one of these models "
        "or run ids (a run on a leaky split only by its id), or train one: "
        f"{_how_to_train(name if name in MODELS else 'MODEL')}."
    )


def publish(
    folder: Path,
    data: bytes,
    *,
    model: str,
    run_id: str,
    preprocessing: Preprocessing,
    temperature: float,
    recipe: dict[str, Any],
    recipe_fingerprint: str,
    split: dict[str, Any],
    versions: dict[str, str],
    metrics: dict[str, Any],
    form: Form,
    graph: bytes | None = None,
) -> WeightsRecord:
    """Write weights and their record into a folder; a crash leaves what was there before.

    The file's name holds the head of its hash, so the file of an earlier record of the run is
    never overwritten: first the new file is there whole, then the manifest names it, then the old
    file goes.

    Args:
        folder: a weights folder; made if need be.
        data: content of the weights file, from ``compact.encode``; written as it is, so that
            what was measured is what is used.
        model: see ``WeightsRecord``, like the other fields that are not named here.
        run_id: the training run; its earlier record is replaced.
        preprocessing: how an image becomes this network's input.
        temperature: fitted on validation images; 1 for none.
        recipe: every setting that changed the result, as plain JSON values.
        recipe_fingerprint: of those settings.
        split: ``to_dict`` of the split trained on.
        versions: of the libraries at training.
        metrics: nested finite numbers.
        form: ``compact``, or ``float32`` for every value bit for bit.
        graph: of the network, from ``inference.graph``; None where TensorFlow is to answer.

    Raises:
        WeightsError: a field does not hold its value, or the folder cannot be written.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    record = WeightsRecord(
        schema_version=SCHEMA_VERSION,
        model=model,
        run_id=run_id,
        file=f"{run_id}-{sha256[:_SHA_SHOWN]}.safetensors",
        bytes=len(data),
        sha256=sha256,
        form=form,
        preprocessing=preprocessing,
        temperature=temperature,
        recipe=recipe,
        recipe_fingerprint=recipe_fingerprint,
        split=split,
        classes=CODES,
        versions=versions,
        metrics=metrics,
        created=utc_now(),
        licence=LICENCE,
        graph=None if graph is None else _describe_graph(run_id, graph),
    )
    with lock_manifest(folder):
        _write(folder, record, {record.file: data}, graph)
    return record


def replace_graph(folder: Path, record: WeightsRecord, graph: bytes) -> WeightsRecord:
    """Write a graph beside weights that are stored, and name it in their record.

    Raises:
        WeightsError: the folder cannot be written.
    """
    changed = replace(record, graph=_describe_graph(record.run_id, graph))
    with lock_manifest(folder):
        _write(folder, changed, {}, graph)
    return changed


def replace_guard(folder: Path, record: WeightsRecord, guard: bytes) -> WeightsRecord:
    """Write a guard beside the weights it was fitted for, and name it in their record.

    Raises:
        WeightsError: other weights took their place meanwhile, or the folder cannot be written.
    """
    sha256 = hashlib.sha256(guard).hexdigest()
    stated = GuardFile(f"{record.run_id}-{sha256[:_SHA_SHOWN]}.{_GUARD}", len(guard), sha256)
    with lock_manifest(folder):
        now = [r for r in read_manifest(folder) if r.sha256 == record.sha256]
        if not now:
            raise WeightsError(
                f"The weights of run '{record.run_id}' are no longer those the gate was fitted "
                "for; nothing was written. Fit it anew: python -m skinmodel gate."
            )
        changed = replace(now[0], guard=stated)
        _write(folder, changed, {stated.file: guard}, None)
    return changed


def _describe_graph(run_id: str, graph: bytes) -> GraphFile:
    sha256 = hashlib.sha256(graph).hexdigest()
    return GraphFile(f"{run_id}-{sha256[:_SHA_SHOWN]}.onnx", len(graph), sha256)


def _write(
    folder: Path, record: WeightsRecord, files: dict[str, bytes], graph: bytes | None
) -> None:
    """Write files, then the manifest that names them, then remove what it names no more."""
    if record.graph is not None and graph is not None:
        files = {**files, record.graph.file: graph}
    records = replace_record(read_manifest(folder), record)
    try:
        for name, data in files.items():
            write_bytes(folder / name, data)
        write_manifest(folder, records)
    finally:
        _remove_unnamed(folder, record.run_id)


def _explain_state(
    state: WeightsState, path: Path, record: WeightsRecord, facts: FileFacts, spec: ModelSpec | None
) -> str:
    """Return why weights that are not OK cannot be used, and what to do."""
    if state is WeightsState.MISSING:
        return (
            f"The weights file '{path}' cannot be read (there is no such file). Restore it from "
            "the repository, or train the model again."
        )
    if state is WeightsState.CORRUPT:
        return (
            f"The weights file '{path}' is not the recorded one and was not parsed: its SHA-256 is "
            f"{facts.sha256} ({facts.size:,} bytes), expected {record.sha256} ({record.bytes:,} "
            "bytes). Restore the file from the repository or a backup, train the model again "
            f"({_how_to_train(record.model)}), or remove the record of run '{record.run_id}' from "
            "the manifest beside it."
        )
    ours = "has no network of that name"
    if spec is not None:
        ours = f"has one that takes {_size(spec.preprocessing)} pixels"
    return (
        f"The weights of run '{record.run_id}' are stale: they are of the network "
        f"'{record.model}' with an input of {_size(record.preprocessing)} pixels, but this program "
        f"{ours}. Train it again, or use the version of the program they were trained with "
        f"({record.versions['skinmodel']})."
    )


def _size(preprocessing: Preprocessing) -> str:
    return f"{preprocessing.width} x {preprocessing.height}"


def _list(where: Where) -> list[StoredRecord]:
    folder = paths.SHIPPED_WEIGHTS if where == "shipped" else paths.home() / "weights"
    return [StoredRecord(record, folder, where) for record in read_manifest(folder)]


def _remove_unnamed(folder: Path, run_id: str) -> None:
    """Remove files of a run that the manifest does not name: replaced, or left by a crash."""
    records = read_manifest(folder)
    beside = [part for r in records for part in (r.graph, r.guard) if part is not None]
    named = {r.file for r in records} | {part.file for part in beside}
    ends = rf"(safetensors|onnx|{re.escape(_GUARD)})"
    of_run = re.compile(rf"{re.escape(run_id)}-[0-9a-f]{{{_SHA_SHOWN}}}\.{ends}")
    for path in folder.iterdir():
        if of_run.fullmatch(path.name) and path.name not in named:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise WeightsError(
                    f"The replaced file '{path}' could not be removed ({error}); no record "
                    "names it. Remove it by hand."
                ) from error


def _names(stored: Iterable[StoredRecord]) -> str:
    return ", ".join(_name(s.record, s.where) for s in stored) or "none"


def _name(record: WeightsRecord, where: Where) -> str:
    leak = ", leaky split" if record.leaks else ""
    return f"{record.run_id} ({record.model}, {where}{leak})"


def _how_to_train(model: str) -> str:
    return f"python -m skinmodel train --model {model} --recipe grouped --data DIR"
