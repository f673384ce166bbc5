"""The optimizer and the running average of the weights, as functions of arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from skinmodel.models.registry import get_spec
from skinmodel.training.network import decays, in_head
from skinmodel.training.recipes import AVERAGE_RAMP, TrainConfig

Weights = list[jax.Array]


class Moments(NamedTuple):
    """What Adam knows: both moments, float32, one a weight, and the number of steps, int32."""

    first: Weights
    second: Weights
    steps: jax.Array


class Adam:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).

    Args:
        variables: Keras variables to train, which say what decays and what is the head.
        config: gives the betas, epsilon, weight decay, and the head's share of the rate.
    """

    def __init__(self, variables: Sequence[Any], config: TrainConfig):
        head = get_spec(config.model).head
        self.config = config
        self.shares = [config.head_rate if in_head(v, head) else 1.0 for v in variables]
        self.decays = [config.weight_decay if decays(v) else 0.0 for v in variables]

    def start(self, weights: Weights) -> Moments:
        """Return the moments before the first step."""
        zeros = [jnp.zeros_like(weight) for weight in weights]
        return Moments(zeros, [jnp.zeros_like(w) for w in weights], jnp.zeros((), jnp.int32))

    def apply(
        self, weights: Weights, gradients: Weights, moments: Moments, rate: jax.Array
    ) -> tuple[Weights, Moments]:
        """Return weights and moments after one step.

        Args:
            weights: float32.
            gradients: float32, one a weight, of its shape.
            moments: before the step.
            rate: float32, (), the learning rate of this step.
        """
        config, steps = self.config, moments.steps + 1
        power_1 = config.beta_1 ** steps.astype(jnp.float32)
        power_2 = config.beta_2 ** steps.astype(jnp.float32)
        corrected = rate * jnp.sqrt(1.0 - power_2) / (1.0 - power_1)
        moved, firsts, seconds = [], [], []
        states = zip(
            weights, gradients, moments.first, moments.second, self.shares, self.decays, strict=True
        )
        for weight, gradient, first, second, share, decay in states:
            first += (gradient - first) * (1.0 - config.beta_1)
            second += (jnp.square(gradient) - second) * (1.0 - config.beta_2)
            kept = weight * (1.0 - rate * share * decay) if decay else weight
            moved.append(kept - corrected * share * first / (jnp.sqrt(second) + config.epsilon))
            firsts.append(first)
            seconds.append(second)
        return moved, Moments(firsts, seconds, steps)


class Average(NamedTuple):
    """Exponential moving average of weights and moving statistics (Polyak and Juditsky 1992).

    Attributes:
        weights: float32, the averages.
        steps: int32, (), how many were taken in.
    """

    weights: Weights
    steps: jax.Array

    def update(self, weights: Weights, decay: float) -> "Average":
        """Return the average with the present weights taken in; once a step."""
        steps = self.steps + 1
        number = steps.astype(jnp.float32)
        taken = 1.0 - jnp.minimum(decay, (1.0 + number) / (AVERAGE_RAMP + number))
        averages = [
            average - taken * (average - weight)
            for average, weight in zip(self.weights, weights, strict=True)
        ]
        return Average(averages, steps)
