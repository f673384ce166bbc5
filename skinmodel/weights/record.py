"""What is known of a weights file: how to use it, where it comes from, how far to trust it."""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, WeightsError
from skinmodel.preprocess import Preprocessing
from skinmodel.weights import rules

Form = Literal["compact", "float32"]

SCHEMA_VERSION: Final = 2
_WITHOUT_TEMPERATURE: Final = 1  # the layout before: its weights were never calibrated
LICENCE: Final = (
    "CC BY-NC 4.0, non-commercial: derived from HAM10000 (Tschandl, Rosendahl and Kittler 2018, "
    "doi:10.7910/DVN/DBW86T)"
)


@dataclass(frozen=True)
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
        versions: of skinmodel, tensorflow, keras, numpy and python at training.
        metrics: nested finite numbers, such as ``{"test": {"balanced_accuracy": 0.6}}``; a figure
            that is not defined is left out.
        created: when, as ISO 8601 in UTC.
        licence: of the weights, with the attribution it asks for.

    Raises:
        WeightsError: a value is not what its field holds; all such fields are named.
    """

    schema_version: int
    model: str
    run_id: str
    file: str
    bytes: int
    sha256: str
    form: Form
    preprocessing: Preprocessing
    temperature: float
    recipe: dict[str, Any]
    recipe_fingerprint: str
    split: dict[str, Any]
    classes: tuple[str, ...]
    versions: dict[str, str]
    metrics: dict[str, Any]
    created: str
    licence: str

    def __post_init__(self) -> None:
        """Refuse values that the fields do not hold."""
        checks = {
            "schema_version": (
                rules.is_int(self.schema_version, SCHEMA_VERSION),
                f"{SCHEMA_VERSION}",
            ),
            "model": (rules.is_name(self.model), "1 to 100 letters, digits, '.', '_', '-'"),
            "run_id": (rules.is_name(self.run_id), "1 to 100 letters, digits, '.', '_', '-'"),
            "file": (
                rules.is_file_name(self.file),
                "a file name in the manifest's folder, not a path",
            ),
            "bytes": (rules.is_int(self.bytes, 1), "a whole number above 0"),
            "sha256": (rules.is_sha256(self.sha256), "64 lower-case hexadecimal digits"),
            "form": (self.form in get_args(Form), f"one of {get_args(Form)}"),
            "preprocessing": (rules.is_preprocessing(self.preprocessing), "a usable Preprocessing"),
            "temperature": (rules.is_positive(self.temperature), "a finite number above 0"),
            "recipe": (rules.is_plain(self.recipe), "plain JSON values by name"),
            "recipe_fingerprint": (rules.is_text(self.recipe_fingerprint), "a text"),
            "split": (
                rules.is_split(self.split),
                f"exactly {', '.join(rules.SPLIT)} of the right types",
            ),
            "classes": (self.classes == CODES, f"this program's class order {CODES}"),
            "versions": (
                rules.is_versions(self.versions),
                f"texts for {', '.join(rules.VERSIONS)}",
            ),
            "metrics": (rules.is_metrics(self.metrics), "nested finite numbers by name"),
            "created": (rules.is_utc(self.created), "an ISO 8601 time in UTC"),
            "licence": (rules.is_text(self.licence), "a text"),
        }
        wrong = [
            f"{name} is {reprlib.repr(getattr(self, name))}, expected {expected}"
            for name, (kept, expected) in checks.items()
            if not kept
        ]
        if wrong:
            raise WeightsError(
                f"The weights record of run {reprlib.repr(self.run_id)} cannot be used: "
                f"{'; '.join(wrong)}. Restore the manifest it came from, or train the model again."
            )

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
        if rules.is_int(version, SCHEMA_VERSION + 1):
            raise WeightsError(
                f"The weights record has schema_version {version}; this program reads up to "
                f"{SCHEMA_VERSION}. It was written by a newer skinmodel: update this one."
            )
        if version == _WITHOUT_TEMPERATURE and type(version) is int:
            values = {**values, "schema_version": SCHEMA_VERSION, "temperature": 1.0}
        check_keys("The weights record", values, (f.name for f in fields(cls)))
        classes = values["classes"]
        changed = {
            "preprocessing": _to_preprocessing(values["preprocessing"]),
            "classes": tuple(classes) if isinstance(classes, list) else classes,
        }
        return cls(**{**values, **changed})


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


def _to_preprocessing(values: Any) -> Preprocessing:
    names = tuple(f.name for f in fields(Preprocessing))
    if not isinstance(values, Mapping):
        raise WeightsError(f"Its preprocessing is {reprlib.repr(values)}; expected {names}.")
    check_keys("Its preprocessing", values, names)
    try:
        return Preprocessing(**values)
    except (ConfigError, TypeError) as error:
        raise WeightsError(f"Its preprocessing cannot be used: {error}") from error
