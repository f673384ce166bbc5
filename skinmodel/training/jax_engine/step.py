"""One step, and the loop over an epoch's steps, as one compiled program."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from skinmodel.data.changes import to_input
from skinmodel.training.jax_engine.augmentation import augment
from skinmodel.training.jax_engine.optimizer import Adam, Average, Moments, Weights
from skinmodel.training.network import Network, is_weight
from skinmodel.training.objective import Objective
from skinmodel.training.recipes import FLOAT16_LOSS_SCALE, TrainConfig


class State(NamedTuple):
    """All that a step changes.

    Attributes:
        trained: weights that gradients move.
        fixed: all other variables: moving statistics, frozen weights, the state of dropout.
        moments: of the optimizer.
        average: of the weights that are kept; None for none.
    """

    trained: Weights
    fixed: list[jax.Array]
    moments: Moments
    average: Average | None


class Data(NamedTuple):
    """The training images on the device.

    Attributes:
        pixels: uint8, (N, h, w, 3), RGB, 0-255; (N, h, w, 4) with a mask as the last channel.
        truth: int32, (N,), class indices.
        answers: float32, (N, K), the teachers'; None where none teach.
    """

    pixels: jax.Array
    truth: jax.Array
    answers: jax.Array | None


class Plan(NamedTuple):
    """An epoch's steps on the device, see ``engine.Epoch``; float32 and int32."""

    first_step: jax.Array
    rows: jax.Array
    rates: jax.Array
    guidance: jax.Array


class TrainStep:
    """Augmentation, forward, backward and update of every step of an epoch.

    Args:
        network: what is trained.
        config: of the run.
        weights: float32, (K,), loss weight of each class.
    """

    def __init__(self, network: Network, config: TrainConfig, weights: NDArray[np.float32]):
        self.whole = network.whole
        self.config = config
        self.objective = Objective(network.helped, config, weights)
        self.optimizer = Adam(self.whole.trainable_variables, config)
        self.loss_scale = FLOAT16_LOSS_SCALE if config.precision == "float16" else 1.0
        # Where each weight that is kept stands among the trained and the fixed ones.
        trained = {id(v): n for n, v in enumerate(self.whole.trainable_variables)}
        fixed = {id(v): n for n, v in enumerate(self.whole.non_trainable_variables)}
        self.kept = [
            (True, trained[id(v)]) if id(v) in trained else (False, fixed[id(v)])
            for v in network.model.variables
            if is_weight(v)
        ]
        # A range of steps whose ends are arguments is compiled once, whatever its length.
        self.run = jax.jit(self._run, donate_argnames=("state", "figures"))

    def _run(
        self,
        state: State,
        figures: tuple[jax.Array, jax.Array],
        data: Data,
        plan: Plan,
        start: jax.Array,
        stop: jax.Array,
    ) -> tuple[State, tuple[jax.Array, jax.Array]]:
        """Return the state after steps ``start`` to ``stop - 1`` and their losses and hits."""

        def do(number: jax.Array, before: tuple[State, Any]) -> tuple[State, Any]:
            state, (losses, hits) = before
            rows = plan.rows[number]
            key = jax.random.fold_in(jax.random.key(self.config.seed), plan.first_step + number)
            batch = Data(*(None if part is None else part[rows] for part in data))
            state, loss, hit = self._step(
                state, batch, key, plan.rates[number], plan.guidance[number]
            )
            return state, (losses.at[number].set(loss), hits.at[number].set(hit))

        return jax.lax.fori_loop(start, stop, do, (state, figures))

    def _step(
        self, state: State, batch: Data, key: jax.Array, rate: jax.Array, guidance: jax.Array
    ) -> tuple[State, jax.Array, jax.Array]:
        """Return the state after one step, and the loss and hits before its update."""
        changed = augment(batch.pixels, self.config.augmentation, key)
        inputs = to_input(changed[..., :3], self.config.preprocessing)
        measure = partial(self._measure, inputs=inputs, masks=changed[..., -1], batch=batch)
        gradients, (loss, hits, fixed) = jax.grad(measure, has_aux=True)(
            state.trained, state.fixed, guidance=guidance
        )
        trained, moments = self._update(state, gradients, rate)
        average = state.average
        if average is not None:
            kept = [(trained if moved else fixed)[place] for moved, place in self.kept]
            average = average.update(kept, self.config.average)
        return State(trained, fixed, moments, average), loss, hits

    def _measure(
        self,
        trained: Weights,
        fixed: list[jax.Array],
        *,
        inputs: jax.Array,
        masks: jax.Array,
        batch: Data,
        guidance: jax.Array,
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array, list[jax.Array]]]:
        outputs, fixed = self.whole.stateless_call(trained, fixed, inputs, training=True)
        total, loss, hits = self.objective.compute(
            outputs, batch.truth, batch.answers, masks, guidance
        )
        return total * self.loss_scale, (loss, hits, fixed)

    def _update(self, state: State, gradients: Weights, rate: jax.Array) -> tuple[Weights, Moments]:
        if self.loss_scale == 1.0:
            return self.optimizer.apply(state.trained, gradients, state.moments, rate)
        gradients = [gradient / self.loss_scale for gradient in gradients]
        finite = jnp.array([jnp.isfinite(gradient).all() for gradient in gradients]).all()
        after = self.optimizer.apply(state.trained, gradients, state.moments, rate)
        # An overflowing step is skipped.
        before = (state.trained, state.moments)
        return jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, before)
