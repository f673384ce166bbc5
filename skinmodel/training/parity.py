"""Ten steps from the same weights and images on any engine: what they give must agree.

    python -m skinmodel.training.parity ENGINE [FILE.safetensors]

Nothing is drawn by an engine: no augmentation, no dropout, and weights from NumPy. Every part of
the objective takes part. Prints how far the losses are from those in ``parity.json``, which JAX
gave on a CPU; writes losses and weights into a file where one is named.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, cast, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.rows import PixelRows
from skinmodel.diagnoses import CODES
from skinmodel.training.engine import Arrays, Epoch, Images, open_engine
from skinmodel.training.recipes import EngineName, load_recipe

SAVED: Final = Path(__file__).with_name("parity.json")
STEPS: Final = 10
LOSS_TOLERANCE: Final = 1e-4
WEIGHT_TOLERANCE: Final = 1e-3

_SIDE, _BATCH, _WIDTH, _RATE = 80, 8, 1 / 32, 1e-4


def train_ten_steps(engine: EngineName) -> tuple[NDArray[np.float64], Arrays]:
    """Return the loss of each step and all weights and averages after the last."""
    module = open_engine(engine)
    from skinmodel.models.auxiliary import add_helpers
    from skinmodel.models.cnn import build_cnn_sa
    from skinmodel.training.network import Network

    recipe = load_recipe("grouped", "cnn_sa", "float32", engine=engine)
    config = replace(
        recipe,
        augmentation=Augmentation(),
        preprocessing=replace(recipe.preprocessing, height=_SIDE, width=_SIDE),
        teachers=("cnn",),
        taught=0.3,
        average=0.9,
    )
    momentum = config.batch_norm_momentum
    model = build_cnn_sa(
        (_SIDE, _SIDE, 3), name="cnn_sa", batch_norm_momentum=momentum, dropout=0.0, width=_WIDTH
    )
    network = Network(model, add_helpers(model, deep=True, attended=True, maps=True))
    rng = np.random.default_rng(20)
    for path, variable in sorted(network.weights.items()):
        if len(variable.shape) > 1:
            spread = np.sqrt(1 / np.prod(variable.shape[:-1]))
            variable.assign(rng.normal(0, spread, variable.shape).astype(np.float32))
        elif path.endswith("gamma") and len(variable.shape) == 0:
            variable.assign(np.float32(1))  # the attention's: so that it matters
    trained = module.build(
        network, config, _draw_images(rng), np.linspace(0.5, 2, len(CODES), dtype=np.float32)
    )
    epoch = Epoch(
        first_step=0,
        rows=rng.permutation(STEPS * _BATCH).reshape(STEPS, _BATCH),
        rates=np.full(STEPS, _RATE),
        guidance=np.linspace(1, 0, STEPS),
    )
    losses, _ = trained.train_epoch(epoch, lambda *_: None)
    weights, optimizer = trained.get_state()
    averages = {name: a for name, a in optimizer.items() if name.startswith("average/")}
    return losses, {**weights, **averages}


def _draw_images(rng: np.random.Generator) -> Images:
    count = STEPS * _BATCH
    truth = np.arange(count) % len(CODES)
    noise = rng.integers(0, 100, (count, _SIDE, _SIDE, 3))
    pixels = (noise + 20 * truth[:, None, None, None]).astype(np.uint8)
    masks = np.zeros((count, _SIDE, _SIDE), np.uint8)
    masks[:, 20:50, 30:60] = 255
    answers = rng.dirichlet(np.ones(len(CODES)), count).astype(np.float32)
    return Images(PixelRows(pixels, np.arange(count), masks=masks), truth, answers)


def read_saved() -> NDArray[np.float64]:
    """Return the losses that JAX gave on a CPU."""
    return np.array(json.loads(SAVED.read_text(encoding="utf-8"))["losses"])


def main(arguments: list[str]) -> int:
    """Train, compare, write; 1 where the losses do not agree."""
    name, *files = arguments
    if name not in get_args(EngineName):
        print(f"There is no engine '{name}'; known: {', '.join(get_args(EngineName))}.")
        return 2
    losses, weights = train_ten_steps(cast(EngineName, name))
    for file in files:
        save_file({**weights, "losses": losses}, file)
    worst = float(np.abs(losses - read_saved()).max())
    print(f"parity of {name}: {STEPS} losses within {worst:.1e} of a CPU's")
    return int(worst > LOSS_TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
