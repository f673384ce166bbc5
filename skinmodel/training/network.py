"""The network of a run, its weights at the start, and how they are named: on either backend."""

import logging
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.models.auxiliary import Supervised, add_helpers
from skinmodel.models.backbones.pretrained import load_pretrained
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.training.recipes import Precision, TrainConfig
from skinmodel.weights import store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """What a run trains.

    Attributes:
        model: the part of it that is kept.
        helped: with the classifiers that help to train it.
    """

    model: keras.Model
    helped: Supervised

    @property
    def whole(self) -> keras.Model:
        """All that is trained."""
        return self.helped.model

    @property
    def kept(self) -> list[Any]:
        """The variables that are kept, moving statistics included."""
        return [v for v in self.model.variables if is_weight(v)]

    @property
    def weights(self) -> dict[str, Any]:
        """Every variable of a checkpoint, by its path."""
        return {v.path: v for v in self.whole.variables if is_weight(v)}


def build_network(config: TrainConfig, *, fresh: bool) -> Network:
    """Return the network of a run, seeded.

    Args:
        config: of the run.
        fresh: put the weights that the recipe starts from into it; a checkpoint brings its own.

    Raises:
        ConfigError: the recipe does not fit the network.
        WeightsError: the weights that the recipe starts from are not there, or corrupt.
    """
    seed_everything(config.seed)
    spec = get_spec(config.model)
    with compute_in(config.precision):
        model = spec.build(batch_norm_momentum=config.batch_norm_momentum, dropout=config.dropout)
        helped = add_helpers(
            model,
            deep=config.auxiliary > 0,
            attended=config.attended > 0,
            maps=config.guidance > 0,
        )
    if fresh and config.initial == "pretrained":
        load_pretrained(model, spec)
    elif fresh and config.initial == "shipped":
        load_shipped(model, spec)
    if config.trains == "attention":
        if fresh:
            revive_attention(model, spec)
        freeze_features(model, spec)
    return Network(model, helped)


def seed_everything(seed: int) -> None:
    """Seed the initial weights, and on TensorFlow all that Keras seeds."""
    if keras.config.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:  # that function loads TensorFlow where it is installed, whatever the backend
        random.seed(seed)  # where every initializer takes its seed from


@contextmanager
def compute_in(precision: Precision) -> Iterator[None]:
    """Let layers built inside compute in ``precision``; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def load_shipped(model: Any, spec: ModelSpec) -> None:
    """Put the weights that ship for a network into it, checked by SHA-256.

    Raises:
        WeightsError: none ship, or they are corrupt.
    """
    record, folder = store.find(spec.name, "shipped")
    weights = store.load_weights(record, folder)
    for variable in model.variables:
        if is_weight(variable):
            variable.assign(weights[variable.path])
    log.info("%s starts from the shipped run %s", spec.name, record.run_id)


def freeze_features(model: Any, spec: ModelSpec) -> None:
    """Let only the soft attention train; every other layer answers as it is.

    Raises:
        ConfigError: the network has no soft attention.
    """
    if spec.attention_layer is None:
        raise ConfigError(
            f"Network '{spec.name}' has no soft attention, so a recipe with trains = "
            '"attention" leaves nothing to train. Use another recipe, or a network with "_sa".'
        )
    for layer in model.layers:
        layer.trainable = layer.name == spec.attention_layer


def revive_attention(model: Any, spec: ModelSpec) -> None:
    """Set a gamma that fell to 0 or below back to where the layer starts.

    Features that a ReLU has seen are never negative, so what a negative gamma makes of them is cut
    off by the ReLU after the join: attention adds nothing, and no gradient ever brings it back.
    """
    for layer in model.layers:
        if layer.name != spec.attention_layer or not hasattr(layer, "gamma"):
            continue
        if float(layer.gamma) <= 0:
            log.info("gamma was %.4f: attention added nothing", float(layer.gamma))
            layer.gamma.assign(layer.initial_gamma)


def reseed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Make dropout a function of seed and epoch, so that a resumed run draws the same masks."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            state = np.random.SeedSequence([seed, epoch, number]).generate_state(2)
            generator.state.assign(state.astype(generator.state.dtype))


def get_weights(model: Any) -> dict[str, NDArray[np.float32]]:
    """Return every float32 weight of a network by its path, moving statistics included."""
    return {v.path: np.asarray(v.numpy()) for v in model.variables if is_weight(v)}


def is_weight(variable: Any) -> bool:
    """Return whether a variable belongs to the network, not to a random generator in it."""
    return str(variable.dtype) == "float32"


def decays(variable: Any) -> bool:
    """Return whether weight decay applies: to kernels, not to biases, scales and gamma."""
    return len(variable.shape) > 1


def in_head(variable: Any, head: Collection[str]) -> bool:
    """Return whether a variable belongs to a layer of the head, see ``ModelSpec.head``."""
    return variable.path.split("/")[0] in head
