"""What is known of a weights file: how to use it, where it comes from, how far to trust it."""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from skinmodel.errors import WeightsError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.weights import rules

Form = Literal["compact", "float32"]

SCHEMA_VERSION: Final = 4
# What a field that an earlier layout lacks is taken for: its weights were never calibrated, and
# have no graph and no guard.
_BESIDE: Final[Mapping[str, Any]] = MappingProxyType({"graph": None, "guard": None})
_ADDED: Final[Mapping[int, Mapping[str, Any]]] = MappingProxyType(
    {1: {"temperature": 1.0, **_BESIDE}, 2: _BESIDE, 3: {"guard": None}}
)
LICENCE: Final = (
    "CC BY-NC 4.0, non-commercial: derived from HAM10000 (Tschandl, Rosendahl and Kittler 2018, "
    "doi:10.7910/DVN/DBW86T)"
)

_STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False, revalidate_instances="always")


@dataclass(frozen=True, config=_STRICT)
class GraphFile:
    """A network's graph without weights, see ``inference.graph``: its file in the same folder.

    Attributes:
        file: its name, never a path.
        bytes: its size.
        sha256: its digest, 64 lower-case hexadecimal digits.
    """

    file: rules.FileName
    bytes: rules.GraphSize
    sha256: rules.Sha256


@dataclass(frozen=True, config=_STRICT)
class GuardFile:
    """What stands between a network's output and its answer, see ``trust.guard``: its file.

    Attributes:
        file: its name in the same folder, never a path.
        bytes: its size.
        sha256: its digest, 64 lower-case hexadecimal digits.
    """

    file: rules.FileName
    bytes: rules.GuardSize
    sha256: rules.Sha256


@dataclass(frozen=True, config=_STRICT)
class WeightsRecord:
    """One weights file and everything needed to use it and to say how far to trust it.

    A record that breaks a rule cannot be made, whether it comes from code or from a file.

    Attributes:
        schema_version: of this record's layout; ``SCHEMA_VERSION``.
        model: registry name of the network.
        run_id: the training run; unique together with ``model`` in one manifest.
        file: name of the weights file in the manifest's folder, never a path.
        bytes: size of that file.
        sha256: of that file, 64 lower-case hexadecimal digits.
        form: ``compact`` (quantised) or ``float32`` (exact).
        preprocessing: how an image becomes this network's input.
        temperature: what the logits are divided by (Guo et al. 2017), fitted on validation images;
            1 for weights that are not calibrated.
        recipe: every setting that changed the result, as plain JSON values.
        recipe_fingerprint: of those settings.
        split: ``name``, ``seed``, ``fingerprint`` and ``leaks`` of the split trained on.
        classes: diagnosis of each output; always ``CODES``.
        versions: of skinmodel, tensorflow or jax, keras, numpy and python at training.
        metrics: nested finite numbers, such as ``{"test": {"balanced_accuracy": 0.6}}``; a figure
            that is not defined is left out.
        created: when, as ISO 8601 in UTC.
        licence: of the weights, with the attribution it asks for.
        graph: what ONNX Runtime needs beside the weights; None where TensorFlow answers.
        guard: the gate and the rules of trust; None where none were fitted for these weights.

    Raises:
        WeightsError: a value is not what its field holds; all such fields are named.
    """

    schema_version: Annotated[int, Field(strict=True, ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    model: rules.Name
    run_id: rules.Name
    file: rules.FileName
    bytes: rules.Count
    sha256: rules.Sha256
    form: Form
    preprocessing: Preprocessing
    temperature: rules.Positive
    recipe: rules.Plain
    recipe_fingerprint: rules.Text
    split: rules.Split
    classes: rules.Classes
    versions: rules.Versions
    metrics: rules.Metrics
    created: rules.Time
    licence: rules.Text
    graph: GraphFile | None = None
    guard: GuardFile | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _name_faults(cls, values: Any, check: Any) -> Any:
        try:
            return check(values)
        except ValidationError as error:
            given = values.kwargs or {}
            raise WeightsError(
                f"The weights record of run {reprlib.repr(given.get('run_id'))} cannot be used: "
                f"{_explain(given, error)}. Restore the manifest it came from, or train the model "
                "again."
            ) from error

    @property
    def leaks(self) -> bool:
        """True when every figure of this run is too good, and must be labelled so."""
        return bool(self.split["leaks"])

    @property
    def created_at(self) -> datetime:
        """When, as a time in UTC."""
        return datetime.fromisoformat(self.created)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "WeightsRecord":
        """Return the record of plain values, such as ``to_dict`` gives.

        Raises:
            WeightsError: a newer layout, a field missing or unknown, or a value that its field
                does not hold.
        """
        if not isinstance(values, Mapping):
            raise WeightsError(
                f"A weights record is {reprlib.repr(values)}; expected values by name. Restore "
                "the manifest it came from."
            )
        version = values.get("schema_version")
        if type(version) is int and version > SCHEMA_VERSION:
            raise WeightsError(
                f"The weights record has schema_version {version}; this program reads up to "
                f"{SCHEMA_VERSION}. It was written by a newer skinmodel: update this one."
            )
        if type(version) is int and version in _ADDED:
            values = {**values, "schema_version": SCHEMA_VERSION, **_ADDED[version]}
        check_keys("The weights record", values, (f.name for f in fields(cls)))
        return cls(**values)


def utc_now() -> str:
    """Return the present time as a record writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check_keys(subject: str, values: Mapping[str, Any], expected: Iterable[str]) -> None:
    """Refuse values that lack an expected name or have one more.

    Args:
        subject: what the values describe, to start the message with.
        values: by name.
        expected: the names.

    Raises:
        WeightsError: names are missing or unknown; all are listed.
    """
    names = set(expected)
    missing, unknown = sorted(names - set(values)), sorted(set(values) - names)
    if missing or unknown:
        raise WeightsError(
            f"{subject} does not have the expected fields: missing {missing}, unknown {unknown}. "
            "Restore the manifest it came from, or update skinmodel."
        )


def _explain(values: Mapping[str, Any], error: ValidationError) -> str:
    """Return "FIELD is X, expected Y" for every field that holds what it may not."""
    expected: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False):
        field, *inner = map(str, problem["loc"])
        rule = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        expected.setdefault(field, []).append(f"{'.'.join(inner)}: {rule}" if inner else rule)
    return "; ".join(
        f"{field} is {reprlib.repr(values.get(field))}, expected {', '.join(told)}"
        for field, told in expected.items()
    )
