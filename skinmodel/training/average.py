"""A moving average of a network's weights, which validates better than where the last step fell."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.training.optimizer import check_shapes

PREFIX: Final = "average/"
# Averaged over a tenth of the steps so far until ``decay`` is reached: the start is forgotten.
_RAMP: Final = 10.0


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
        keep = tf.minimum(self.decay, (1.0 + step) / (_RAMP + step))
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
        state = {f"{PREFIX}steps": self.steps.numpy().reshape(1)}
        for variable, average in zip(self.variables, self.averages, strict=True):
            state[f"{PREFIX}{variable.path}"] = average.numpy()
        return state

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Restore what ``get_state`` returned; all of it or nothing.

        Raises:
            ConfigError: the state is of other variables.
        """
        shapes = {f"{PREFIX}{v.path}": tuple(v.shape) for v in self.variables}
        check_shapes("The average of the weights", state, {f"{PREFIX}steps": (1,), **shapes})
        self.steps.assign(np.int64(state[f"{PREFIX}steps"][0]))
        for variable, average in zip(self.variables, self.averages, strict=True):
            average.assign(state[f"{PREFIX}{variable.path}"])
