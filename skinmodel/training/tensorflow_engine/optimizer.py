"""The optimizer, and the running average of the weights it makes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.models.registry import get_spec
from skinmodel.training.checkpoint import AVERAGE, check_shapes
from skinmodel.training.network import decays, in_head
from skinmodel.training.recipes import AVERAGE_RAMP, TrainConfig


class FusedAdam:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).

    Args:
        variables: Keras variables to train, float32.
        config: gives the betas, epsilon, weight decay, and the head's share of the rate.
    """

    def __init__(self, variables: Sequence[Any], config: TrainConfig):
        self.config = config
        self.variables = list(variables)
        self.head = get_spec(config.model).head
        self.first = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in variables]
        self.second = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in variables]
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Change every variable by one step.

        Args:
            gradients: float32, one a variable, of its shape.
            rate: float32, (), the learning rate of this step.
        """
        step = tf.cast(self.steps.assign_add(1), tf.float32)
        power_1, power_2 = self.config.beta_1**step, self.config.beta_2**step
        states = zip(self.variables, self.first, self.second, gradients, strict=True)
        for variable, first, second, gradient in states:
            own_rate = rate * self.config.head_rate if in_head(variable, self.head) else rate
            if self.config.weight_decay and decays(variable):
                keep = 1.0 - own_rate * self.config.weight_decay
                variable.value.assign(variable.value * keep)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=power_1,
                beta2_power=power_2,
                lr=own_rate,
                beta1=self.config.beta_1,
                beta2=self.config.beta_2,
                epsilon=self.config.epsilon,
                grad=gradient,
            )

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return the moments and the number of steps, by name."""
        state = {"steps": self.steps.numpy().reshape(1)}
        for variable, first, second in zip(self.variables, self.first, self.second, strict=True):
            state[f"first/{variable.path}"] = first.numpy()
            state[f"second/{variable.path}"] = second.numpy()
        return state

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Restore what ``get_state`` returned; all of it or nothing.

        Raises:
            ConfigError: the state is of other variables.
        """
        shapes = {"steps": (1,)}
        for variable in self.variables:
            shapes[f"first/{variable.path}"] = tuple(variable.shape)
            shapes[f"second/{variable.path}"] = tuple(variable.shape)
        check_shapes("The optimizer's state", state, shapes)
        self.steps.assign(state["steps"][0])
        for variable, first, second in zip(self.variables, self.first, self.second, strict=True):
            first.assign(state[f"first/{variable.path}"])
            second.assign(state[f"second/{variable.path}"])


class WeightAverage:
    """Exponential moving average of weights and moving statistics (Polyak and Juditsky 1992).

    Args:
        variables: of the network, float32; the average starts from their present values.
        decay: 0 to 1, the share of the old average that a step keeps, once enough steps are done.
    """

    def __init__(self, variables: Sequence[Any], decay: float):
        self.variables = list(variables)
        self.decay = decay
        self.averages = [tf.Variable(v.value, trainable=False) for v in variables]
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    def update(self) -> None:
        """Take the present weights into the average; once a step."""
        step = tf.cast(self.steps.assign_add(1), tf.float32)
        keep = tf.minimum(self.decay, (1.0 + step) / (AVERAGE_RAMP + step))
        for variable, average in zip(self.variables, self.averages, strict=True):
            average.assign_sub((1.0 - keep) * (average - variable.value))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network answer with the averaged weights inside; it goes on with its own."""
        own = [variable.numpy() for variable in self.variables]
        for variable, average in zip(self.variables, self.averages, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, value in zip(self.variables, own, strict=True):
                variable.assign(value)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return the averages and the number of steps, by name."""
        state = {f"{AVERAGE}steps": self.steps.numpy().reshape(1)}
        for variable, average in zip(self.variables, self.averages, strict=True):
            state[f"{AVERAGE}{variable.path}"] = average.numpy()
        return state

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Restore what ``get_state`` returned; all of it or nothing.

        Raises:
            ConfigError: the state is of other variables.
        """
        shapes = {f"{AVERAGE}{v.path}": tuple(v.shape) for v in self.variables}
        check_shapes("The average of the weights", state, {f"{AVERAGE}steps": (1,), **shapes})
        self.steps.assign(np.int64(state[f"{AVERAGE}steps"][0]))
        for variable, average in zip(self.variables, self.averages, strict=True):
            average.assign(state[f"{AVERAGE}{variable.path}"])
