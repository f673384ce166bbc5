"""Recipes: files that hold everything that changes a result."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from skinmodel.data.augmentation import Augmentation
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.models.registry import get_spec
from skinmodel.preprocess import Preprocessing

Precision = Literal["float32", "bfloat16", "float16"]

FOLDER: Final = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class TrainConfig:
    """One training run, but for the data.

    Attributes:
        model: registry name of the network.
        recipe: name of the recipe this came from.
        split: ``grouped``, or ``report`` for the leaky protocol of the report.
        seed: seeds initial weights, shuffling, augmentation and dropout.
        epochs: passes over the training images.
        batch_size: images a step.
        optimizer: ``adam``; with ``weight_decay`` above 0 it is AdamW.
        learning_rate: the peak of the schedule.
        head_rate: the hidden dense layers' share of the learning rate. Adam moves every weight by
            about the rate, so a unit with 8,192 inputs moves far more than one with 576.
        schedule: ``one_cycle`` (linear warm-up, cosine to 0) or ``constant``.
        warmup: share of all steps spent warming up; ``one_cycle`` only.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment.
        weight_decay: decoupled, on kernels only, a step's share being rate times this.
        label_smoothing: share of each target spread over all classes.
        class_weight_power: weights are (inverse class frequency)**power, with mean 1 over the
            training images; 0 is none, 1 is what scikit-learn calls balanced.
        batch_norm_momentum: of the moving mean and variance.
        dropout: in the dense head.
        selection: validation figure that picks the epoch.
        smoothing: epochs over which that figure is averaged before picking.
        precision: ``float32``, or ``bfloat16`` or ``float16`` for mixed precision.
        augmentation: what is done to training images.
        preprocessing: how an image becomes the network's input.
    """

    model: str
    recipe: str
    split: Literal["grouped", "report"]
    seed: int
    epochs: int
    batch_size: int
    optimizer: Literal["adam"]
    learning_rate: float
    head_rate: float
    schedule: Literal["one_cycle", "constant"]
    warmup: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float
    label_smoothing: float
    class_weight_power: float
    batch_norm_momentum: float
    dropout: float
    selection: Literal["balanced_accuracy", "macro_auc", "accuracy"]
    smoothing: int
    precision: Precision
    augmentation: Augmentation
    preprocessing: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every value: runs of equal fingerprint are the same run."""
        return fingerprint_of(self.to_dict())

    @property
    def run_id(self) -> str:
        """Name of the run: model, recipe, seed and the head of the fingerprint."""
        return f"{self.model}-{self.recipe}-s{self.seed}-{self.fingerprint[:8]}"


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the program."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_recipe(name: str, model: str, precision: Precision, **changes: Any) -> TrainConfig:
    """Return the training configuration of a recipe for a model.

    Args:
        name: of a recipe that comes with the program, or the path of a TOML file.
        model: registry name of the network.
        precision: what this machine trains in, see ``device.choose_precision``.
        **changes: fields that the caller sets instead, such as ``seed`` and ``epochs``; None
            leaves the recipe's value.

    Raises:
        UnknownNameError: no recipe or model of that name.
        ConfigError: the file lacks a field, has one too many, or a value of the wrong kind.
    """
    file = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not file.is_file():
        raise UnknownNameError("recipe", name, recipe_names())
    spec = get_spec(model)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        preprocessing = {**spec.preprocessing.to_dict(), **values.pop("preprocessing", {})}
        config = TrainConfig(
            model=model,
            recipe=file.stem,
            precision=precision,
            augmentation=Augmentation(**values.pop("augmentation")),
            preprocessing=Preprocessing(**preprocessing),
            **values,
        )
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        known = ", ".join(f.name for f in fields(TrainConfig))
        raise ConfigError(
            f"Recipe '{file}' cannot be used: {error}. It must set these fields and no others: "
            f"{known}."
        ) from error
    config = replace(config, **{k: v for k, v in changes.items() if v is not None})
    _check(config, file)
    return config


def _check(config: TrainConfig, file: Path) -> None:
    rules = {
        "split must be grouped or report": config.split in ("grouped", "report"),
        "optimizer must be adam": config.optimizer == "adam",
        "schedule must be one_cycle or constant": config.schedule in ("one_cycle", "constant"),
        "epochs must be at least 1": config.epochs >= 1,
        "batch_size must be at least 1": config.batch_size >= 1,
        "learning_rate must be above 0": config.learning_rate > 0,
        "head_rate must be above 0": config.head_rate > 0,
        "warmup must be in [0, 1)": 0 <= config.warmup < 1,
        "label_smoothing must be in [0, 1)": 0 <= config.label_smoothing < 1,
        "dropout must be in [0, 1)": 0 <= config.dropout < 1,
        "smoothing must be at least 1": config.smoothing >= 1,
        "selection must be balanced_accuracy, macro_auc or accuracy": config.selection
        in ("balanced_accuracy", "macro_auc", "accuracy"),
    }
    broken = [rule for rule, kept in rules.items() if not kept]
    if broken:
        raise ConfigError(f"Recipe '{file}' cannot be used: {'; '.join(broken)}.")


def fingerprint_of(values: dict[str, Any]) -> str:
    """Return the SHA-256 over plain settings, whatever their order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat
