"""Four rules of descent on surfaces that can be seen, with the arithmetic of Keras 3.

Robbins and Monro 1951 (gradient descent), Polyak 1964 (momentum), Tieleman and Hinton 2012
(RMSProp), Kingma and Ba 2015 (Adam; with epsilon added after the bias correction, as in the text
below the paper's algorithm 1 and in Keras and TensorFlow).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FAR: Final = 1e6
"""A path that comes this far has diverged and ends."""


@dataclass(frozen=True)
class Surface:
    """A loss over two weights.

    Attributes:
        loss: of weights (..., 2); returns (...).
        gradient: of weights (2,); returns (2,).
        minimum: where the loss is least; None where it has no least value nearby.
        start: where a path begins.
        window: the part that is worth drawing: left, right, bottom, top.
    """

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    minimum: tuple[float, float] | None
    start: tuple[float, float]
    window: tuple[float, float, float, float]


def _bowl(w: Array) -> Array:
    return np.asarray(0.5 * (w[..., 0] ** 2 + 25 * w[..., 1] ** 2))


def _bowl_gradient(w: Array) -> Array:
    return np.array([w[0], 25 * w[1]])


def _valley(w: Array) -> Array:
    return np.asarray((1 - w[..., 0]) ** 2 + 10 * (w[..., 1] - w[..., 0] ** 2) ** 2)


def _valley_gradient(w: Array) -> Array:
    across = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 40 * w[0] * across, 20 * across])


def _saddle(w: Array) -> Array:
    return np.asarray(w[..., 0] ** 2 - w[..., 1] ** 2 + 0.25 * w[..., 1] ** 4)


def _saddle_gradient(w: Array) -> Array:
    return np.array([2 * w[0], -2 * w[1] + w[1] ** 3])


SURFACES: Final[Mapping[str, Surface]] = MappingProxyType(
    {
        "Long bowl": Surface(_bowl, _bowl_gradient, (0.0, 0.0), (-4.0, 1.5), (-5, 5, -2.5, 2.5)),
        "Bent valley": Surface(
            _valley, _valley_gradient, (1.0, 1.0), (-1.5, 1.5), (-2, 2, -0.75, 2.75)
        ),
        "Saddle": Surface(
            # The nearer of two equal minima, at (0, +-sqrt(2)).
            _saddle,
            _saddle_gradient,
            (0.0, 2**0.5),
            (-1.5, 0.01),
            (-2, 2, -1.25, 2.25),
        ),
    }
)


@dataclass(frozen=True)
class Settings:
    """What the rules are set to.

    Attributes:
        rate: learning rate.
        beta_1: decay of the first moment; also the momentum.
        beta_2: decay of the second moment; also RMSProp's.
        epsilon: keeps RMSProp and Adam from dividing by 0.
    """

    rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


REPORT: Final = Settings(rate=1e-4, beta_1=0.9, beta_2=0.999, epsilon=1e-3)
"""Köfler 2023, section 4.4.1; what Adam was set to there."""


@dataclass
class Moments:
    """What a rule remembers from step to step; both start at 0."""

    first: Array = field(default_factory=lambda: np.zeros(2))
    second: Array = field(default_factory=lambda: np.zeros(2))


Rule = Callable[[Array, Moments, int, Settings], Array]


def step_plain(gradient: Array, moments: Moments, step: int, settings: Settings) -> Array:  # noqa: ARG001
    """Return gradient descent's change: the rate times the slope, downhill."""
    return -settings.rate * gradient


def step_momentum(gradient: Array, moments: Moments, step: int, settings: Settings) -> Array:  # noqa: ARG001
    """Return momentum's change: the last change carried on, and the slope added."""
    moments.first = settings.beta_1 * moments.first - settings.rate * gradient
    return moments.first


def step_rmsprop(gradient: Array, moments: Moments, step: int, settings: Settings) -> Array:  # noqa: ARG001
    """Return RMSProp's change: the slope over the root of its running mean square."""
    moments.second = settings.beta_2 * moments.second + (1 - settings.beta_2) * gradient**2
    return -settings.rate * gradient / np.sqrt(moments.second + settings.epsilon)


def step_adam(gradient: Array, moments: Moments, step: int, settings: Settings) -> Array:
    """Return Adam's change: both running means, each freed of its start at 0.

    Args:
        gradient: float64, (2,).
        moments: what is remembered; changed.
        step: from 1.
        settings: rate, betas and epsilon.
    """
    b1, b2 = settings.beta_1, settings.beta_2
    moments.first = b1 * moments.first + (1 - b1) * gradient
    moments.second = b2 * moments.second + (1 - b2) * gradient**2
    rate = settings.rate * np.sqrt(1 - b2**step) / (1 - b1**step)
    return np.asarray(-rate * moments.first / (np.sqrt(moments.second) + settings.epsilon))


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "SGD": step_plain,
        "Momentum": step_momentum,
        "RMSProp": step_rmsprop,
        "Adam": step_adam,
    }
)


@dataclass(frozen=True)
class Path:
    """Where a rule went.

    Attributes:
        weights: float64, (S + 1, 2), from the start; shorter than asked for after divergence.
        losses: float64, (S + 1,), without noise.
        diverged: whether it left the surface for good.
    """

    weights: Array
    losses: Array
    diverged: bool


def descend(
    surface: Surface, rule: Rule, settings: Settings, steps: int, noise: float = 0.0, seed: int = 0
) -> Path:
    """Return the path of a rule down a surface.

    Args:
        surface: what to go down.
        rule: one of ``RULES``.
        settings: of the rule.
        steps: how many to take.
        noise: standard deviation of what is added to each gradient, as mini-batches add theirs.
        seed: of the noise; every rule meets the same draws.
    """
    rng = np.random.default_rng(seed)
    draws = noise * rng.standard_normal((steps, 2))
    weights, moments = [np.array(surface.start)], Moments()
    diverged = False
    for step in range(1, steps + 1):
        gradient = surface.gradient(weights[-1]) + draws[step - 1]
        moved = weights[-1] + rule(gradient, moments, step, settings)
        if not np.all(np.abs(moved) < FAR):
            diverged = True
            break
        weights.append(moved)
    positions = np.array(weights)
    return Path(positions, surface.loss(positions), diverged)
