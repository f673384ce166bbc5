"""JAX's engine: images on the device, an epoch's steps in one compiled loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from skinmodel.data.changes import to_input
from skinmodel.data.rows import PixelRows
from skinmodel.training.checkpoint import AVERAGE, check_shapes
from skinmodel.training.device import Device, cpu_name, gpu_precision
from skinmodel.training.engine import Advance, Arrays, Epoch, Images
from skinmodel.training.jax_engine.optimizer import Average, Moments
from skinmodel.training.jax_engine.step import Data, Plan, State, TrainStep
from skinmodel.training.network import Network, get_weights
from skinmodel.training.recipes import TrainConfig

# A processor takes minutes for an epoch: what is asked of it at once is less, so that the progress
# shows and Ctrl-C is heard. A GPU does an epoch at once.
_CPU_STEPS: Final = 8


def choose_device() -> Device:
    """Return the first GPU where there is one, else the CPU, with its fastest sound precision.

    XLA computes bfloat16 on processors by way of float32, which gains nothing.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        return Device("CPU", cpu_name(), "float32")
    capability = str(getattr(device, "compute_capability", "0.0"))
    parts = tuple(int(part) for part in capability.split(".") if part.isdecimal())
    return Device("GPU", device.device_kind, gpu_precision(parts))


def build(
    network: Network, config: TrainConfig, images: Images, weights: NDArray[np.float32]
) -> "JaxEngine":
    """Return an engine, see ``engine.EngineModule``."""
    return JaxEngine(network, config, images, weights)


class JaxEngine:
    """See ``engine.Engine``; arguments as of ``engine.EngineModule.build``.

    Between epochs the network's own variables hold its weights; within one, ``State`` does.
    """

    def __init__(
        self, network: Network, config: TrainConfig, images: Images, weights: NDArray[np.float32]
    ):
        self.network = network
        self.config = config
        self.step = TrainStep(network, config, weights)
        answers = None if images.answers is None else jnp.asarray(images.answers)
        truth = jnp.asarray(images.truth, jnp.int32)
        self.data = Data(jnp.asarray(images.pixels[:]), truth, answers)
        self.moments = self.step.optimizer.start([v.value for v in self._trained])
        self.average: Average | None = None
        if config.average:
            kept = [jnp.copy(v.value) for v in network.kept]
            self.average = Average(kept, jnp.zeros((), jnp.int32))
        self._answer = jax.jit(self._predict)

    @property
    def _trained(self) -> list:
        return list(self.network.whole.trainable_variables)

    @property
    def _fixed(self) -> list:
        return list(self.network.whole.non_trainable_variables)

    def train_epoch(
        self, epoch: Epoch, advance: Advance
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Train on an epoch; on a GPU all of it in one call."""
        steps, size = epoch.rows.shape
        plan = Plan(
            jnp.asarray(epoch.first_step, jnp.int32),
            jnp.asarray(epoch.rows, jnp.int32),
            jnp.asarray(epoch.rates, jnp.float32),
            jnp.asarray(epoch.guidance, jnp.float32),
        )
        # Copies, because the compiled loop writes its results over what it is given.
        state = State(
            [jnp.copy(v.value) for v in self._trained],
            [jnp.copy(v.value) for v in self._fixed],
            self.moments,
            self.average,
        )
        figures = (jnp.zeros(steps), jnp.zeros(steps))
        at_once = _CPU_STEPS if jax.default_backend() == "cpu" else steps
        for start in range(0, steps, at_once):
            stop = min(start + at_once, steps)
            state, figures = self.step.run(state, figures, self.data, plan, start, stop)
            advance((stop - start) * size, float(np.asarray(figures[0])[:stop].mean()))
        self._take(state)
        losses, hits = (np.asarray(values, np.float64) for values in figures)
        return losses, hits

    def _take(self, state: State) -> None:
        for variable, value in zip(self._trained, state.trained, strict=True):
            variable.assign(value)
        for variable, value in zip(self._fixed, state.fixed, strict=True):
            variable.assign(value)
        self.moments, self.average = state.moments, state.average

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let the network answer with the weights that are kept inside."""
        if self.average is None:
            yield
            return
        own = [variable.value for variable in self.network.kept]
        for variable, value in zip(self.network.kept, self.average.weights, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for variable, value in zip(self.network.kept, own, strict=True):
                variable.assign(value)

    def predict(self, pixels: NDArray[np.uint8] | PixelRows) -> NDArray[np.float32]:
        """Return the network's probabilities."""
        model, size = self.network.model, min(self.config.batch_size, len(pixels))
        weights = (
            [v.value for v in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
        trained, fixed = weights
        found = []
        for start in range(0, len(pixels), size):
            # The last batch is filled up with the last image, so that all have one shape.
            rows = np.minimum(np.arange(start, start + size), len(pixels) - 1)
            found.append(np.asarray(self._answer(trained, fixed, pixels[rows])))
        return np.concatenate(found)[: len(pixels)]

    def _predict(
        self, trained: list[jax.Array], fixed: list[jax.Array], pixels: jax.Array
    ) -> jax.Array:
        inputs = to_input(pixels, self.config.preprocessing)
        answers, _ = self.network.model.stateless_call(trained, fixed, inputs, training=False)
        return answers

    def get_weights(self) -> Arrays:
        """Return the network's weights."""
        return get_weights(self.network.model)

    def get_state(self) -> tuple[Arrays, Arrays]:
        """Return all weights, and the optimizer's arrays with the average's."""
        moments = self.moments
        arrays: Arrays = {"steps": np.asarray(moments.steps, np.int64).reshape(1)}
        for variable, first, second in zip(
            self._trained, moments.first, moments.second, strict=True
        ):
            arrays[f"first/{variable.path}"] = np.asarray(first)
            arrays[f"second/{variable.path}"] = np.asarray(second)
        if self.average is not None:
            arrays[f"{AVERAGE}steps"] = np.asarray(self.average.steps, np.int64).reshape(1)
            for variable, value in zip(self.network.kept, self.average.weights, strict=True):
                arrays[f"{AVERAGE}{variable.path}"] = np.asarray(value)
        return get_weights(self.network.whole), arrays

    def set_state(self, weights: Arrays, optimizer: Arrays) -> None:
        """Restore a checkpoint."""
        own, arrays = self.get_state()
        check_shapes("The weights", weights, {name: a.shape for name, a in own.items()})
        check_shapes(
            "The optimizer's state", optimizer, {name: a.shape for name, a in arrays.items()}
        )
        for name, variable in self.network.weights.items():
            variable.assign(weights[name])
        self.moments = Moments(
            [jnp.array(optimizer[f"first/{v.path}"]) for v in self._trained],
            [jnp.array(optimizer[f"second/{v.path}"]) for v in self._trained],
            jnp.array(optimizer["steps"][0], jnp.int32),
        )
        if self.average is not None:
            self.average = Average(
                [jnp.array(optimizer[f"{AVERAGE}{v.path}"]) for v in self.network.kept],
                jnp.array(optimizer[f"{AVERAGE}steps"][0], jnp.int32),
            )
