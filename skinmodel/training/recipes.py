"""Recipes: files that hold everything that changes a result."""

import hashlib
import json
import math
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from skinmodel.data.augmentation import Augmentation
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.registry import get_spec
from skinmodel.weights.rules import is_name

Precision = Literal["float32", "bfloat16", "float16"]
EngineName = Literal["tensorflow", "jax"]
DEFAULT_ENGINE: Final[EngineName] = "tensorflow"

Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]  # TensorFlow seeds are int32
Rate = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Amount = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, lt=1)]

FOLDER: Final = Path(__file__).with_name("recipes")
FLOAT16_LOSS_SCALE: Final = 1024.0
"""float16 loses gradients below 6e-8; bfloat16 has float32's range and needs no scaling."""
AVERAGE_RAMP: Final = 10.0
"""Weights are averaged over a tenth of the steps so far until ``average`` is reached."""


@dataclass(frozen=True)
class TrainConfig:
    """One training run, but for the data.

    Attributes:
        model: registry name of the network.
        recipe: name of the recipe this came from.
        split: ``grouped``, or ``report`` for the leaky protocol of the report.
        seed: seeds initial weights, shuffling, augmentation and dropout.
        initial: ``random`` weights, ``pretrained`` ones where the network has a backbone, or
            ``shipped``: those that the program's own manifest holds for the network.
        trains: ``all``, or ``attention``: only the soft attention, on features and before a head
            that stay as they are (batch normalisation too).
        epochs: passes over the training images.
        batch_size: images a step.
        optimizer: ``adam``; with ``weight_decay`` above 0 it is AdamW.
        learning_rate: the peak of the schedule.
        head_rate: the head's share of the learning rate, see ``ModelSpec.head``. Adam moves every
            weight by about the rate, so a unit with 8,192 inputs moves far more than one with 576;
            and a new head on a pretrained network has further to go than the network.
        schedule: ``one_cycle`` (linear warm-up, cosine to 0) or ``constant``.
        warmup: share of all steps spent warming up; ``one_cycle`` only.
        warmup_start: where the warm-up starts, as a share of the peak; ``one_cycle`` only.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment.
        weight_decay: decoupled, on kernels only, a step's share being rate times this.
        label_smoothing: share of each target spread over all classes.
        class_weight_power: weights are (inverse class frequency)**power, with mean 1 over the
            training images; 0 is none, 1 is what scikit-learn calls balanced.
        batch_norm_momentum: of the moving mean and variance.
        dropout: in the dense head.
        auxiliary: weight of the loss of an auxiliary classifier on the last feature map, see
            ``models.auxiliary``; 0 for none.
        distillation: share of the network's own targets that the auxiliary classifier's answer
            takes from the truth (Zhang et al. 2019, arXiv:1905.08094); without one it does nothing.
        teachers: shipped networks whose mean answer to the picture, not augmented, is a target as
            well (Hinton et al. 2015, arXiv:1503.02531); none for none. They have seen only training
            pictures, as the network itself does.
        taught: share of every target that the teachers' answer takes from the truth; above 0 just
            where there are teachers.
        attended: weight of the loss of a classifier on the features pooled by the soft attention's
            map, see ``models.auxiliary``; 0 for none. Without such a layer it does nothing.
        guidance: weight, falling in a straight line to 0, of the divergence between
            the lesion's mask and the soft attention's map, see ``training.objective``; 0 for
            none. It takes the masks of the training images. Without such a layer it does nothing.
        average: decay of a moving average of the weights, which is what is validated and kept; 0
            for none.
        selection: validation figure that picks the epoch.
        smoothing: epochs over which that figure is averaged before picking.
        precision: ``float32``, or ``bfloat16`` or ``float16`` for mixed precision.
        augmentation: what is done to training images.
        preprocessing: how an image becomes the network's input.
        engine: what computes. TensorFlow's runs are named as they were before there was another.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    model: str
    recipe: str
    split: Literal["grouped", "report"]
    seed: Seed
    initial: Literal["random", "pretrained", "shipped"]
    trains: Literal["all", "attention"]
    epochs: Count
    batch_size: Count
    optimizer: Literal["adam"]
    learning_rate: Rate
    head_rate: Rate
    schedule: Literal["one_cycle", "constant"]
    warmup: Share
    warmup_start: Share
    beta_1: Share
    beta_2: Share
    epsilon: Rate
    weight_decay: Amount
    label_smoothing: Share
    class_weight_power: Amount
    batch_norm_momentum: Share
    dropout: Share
    auxiliary: Amount
    distillation: Share
    teachers: tuple[str, ...]
    taught: Share
    attended: Amount
    guidance: Amount
    average: Share
    selection: Literal["balanced_accuracy", "macro_auc", "accuracy"]
    smoothing: Count
    precision: Precision
    augmentation: Augmentation
    preprocessing: Preprocessing
    engine: EngineName = DEFAULT_ENGINE

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; without the engine where it is TensorFlow."""
        values = {**asdict(self), "teachers": list(self.teachers)}  # a tuple is no JSON
        if self.engine == DEFAULT_ENGINE:
            del values["engine"]
        return values

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every value: runs of equal fingerprint are the same run."""
        return fingerprint_of(self.to_dict())

    @property
    def run_id(self) -> str:
        """Name of the run: model, recipe, seed and the head of the fingerprint."""
        return run_id_of(self.to_dict())


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the program."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_recipe(name: str, model: str, precision: Precision, **changes: Any) -> TrainConfig:
    """Return the training configuration of a recipe for a model.

    Args:
        name: of a recipe that comes with the program, or the path of a TOML file.
        model: registry name of the network.
        precision: what this machine trains in, see ``engine``.
        **changes: fields that the caller sets instead, such as ``seed`` and ``epochs``; None
            leaves the recipe's value.

    Raises:
        UnknownNameError: no recipe or model of that name.
        ConfigError: the file lacks a field, has one too many, or a value of the wrong kind; or the
            file's name cannot be part of a run's.
    """
    file = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not file.is_file():
        raise UnknownNameError("recipe", name, recipe_names())
    spec = get_spec(model)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Recipe '{file}' is not a TOML file in UTF-8: {error}.") from error
    for field in ("model", "recipe", "precision", "engine"):
        if field in values:
            raise ConfigError(f"Recipe '{file}' cannot be used: {field} is not a recipe's to set.")
    own = values.get("preprocessing", {})
    given = {name: value for name, value in changes.items() if value is not None}
    values |= {"model": model, "recipe": file.stem, "precision": precision, **given}
    if isinstance(own, dict):
        values["preprocessing"] = {**spec.preprocessing.to_dict(), **own}
    try:
        config = _VALIDATOR.validate_python(values)
    except ValidationError as error:
        broken = "; ".join(_explain(problem) for problem in error.errors())
        raise ConfigError(f"Recipe '{file}' cannot be used: {broken}.") from error
    _check_teachers(config, file)
    # The store would refuse such a run only once it is trained.
    if not is_name(config.run_id):
        raise ConfigError(
            f"Recipe '{file}' cannot be used: its run would be called '{config.run_id}', but a "
            "run's name is 1 to 100 letters, digits, '.', '_', '-'. Rename the file."
        )
    return config


_VALIDATOR: Final = TypeAdapter(TrainConfig)


def _check_teachers(config: TrainConfig, file: Path) -> None:
    for teacher in config.teachers:
        get_spec(teacher)
    if bool(config.teachers) != (config.taught > 0):
        raise ConfigError(
            f"Recipe '{file}' cannot be used: taught is {config.taught} with "
            f"{len(config.teachers)} teachers. Name teachers and give them a share, or neither."
        )
    if config.teachers and config.split != "grouped":
        raise ConfigError(
            f"Recipe '{file}' cannot be used: the teachers that ship were trained on lesions that "
            f"the split '{config.split}' tests on. Use split = \"grouped\", or no teachers."
        )


def _explain(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{field} is missing"
    if problem["type"] == "unexpected_keyword_argument":
        return f"{field} is not a field of a recipe"
    rule = problem["msg"].removeprefix("Input should be ")
    return f"{field} must be {rule}, received {problem['input']!r}"


def fingerprint_of(values: dict[str, Any]) -> str:
    """Return the SHA-256 over plain settings, whatever their order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def run_id_of(values: dict[str, Any]) -> str:
    """Return the name of the run of plain settings, see ``TrainConfig.run_id``."""
    fingerprint = fingerprint_of(values)
    return f"{values['model']}-{values['recipe']}-s{values['seed']}-{fingerprint[:8]}"


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Return the rate of one step.

    Args:
        config: peak, schedule and warm-up.
        step: 0 to ``steps - 1`` over the whole run.
        steps: of the whole run.
    """
    if config.schedule == "constant":
        return config.learning_rate
    warm = config.warmup * steps
    if step < warm:
        start = config.warmup_start
        return config.learning_rate * (start + (1 - start) * step / warm)
    along = (step - warm) / max(steps - warm, 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * along))


def guidance_weight(config: TrainConfig, step: int, steps: int) -> float:
    """Return the weight of the guidance by masks at one step: the recipe's, falling to 0.

    Args:
        config: see ``TrainConfig.guidance``.
        step: 0 to ``steps - 1`` over the whole run.
        steps: of the whole run.
    """
    return config.guidance * (1 - step / steps)
