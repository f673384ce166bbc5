"""How fast this machine trains: images a second, and the share of a card's peak."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from skinmodel.diagnoses import CODES
from skinmodel.models.registry import get_spec
from skinmodel.training.device import Device
from skinmodel.training.engine import Epoch, Images, open_engine
from skinmodel.training.recipes import EngineName, Precision, load_recipe

# Dense tensor-core TFLOP/s as the makers' data sheets state them: bfloat16, and float32 as TF32,
# which both engines use for float32 products by default.
_PEAKS: Final[dict[str, dict[Precision, float]]] = {
    "H200": {"bfloat16": 989.0, "float32": 495.0},
    "H100": {"bfloat16": 989.0, "float32": 495.0},
    "A100": {"bfloat16": 312.0, "float32": 156.0},
    "L4": {"bfloat16": 121.0, "float32": 60.0},
}
# Forward once, and backward by weights and by inputs.
_PASSES: Final = 3


@dataclass(frozen=True)
class Rate:
    """One measurement.

    Attributes:
        model: registry name of the network.
        precision: what it computed in.
        batch_size: images a step.
        images_per_second: of whole steps, augmentation included.
        tflops: TFLOP/s in convolutions and dense layers.
        share: of the card's peak; None where that is not known.
    """

    model: str
    precision: Precision
    batch_size: int
    images_per_second: float
    tflops: float
    share: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure(
    engine: EngineName,
    models: Iterable[str],
    batch_sizes: Iterable[int],
    precisions: Iterable[Precision],
    steps: int,
) -> Iterator[Rate]:
    """Yield the rate of each network, precision and batch size, on drawn pictures.

    Args:
        engine: what computes.
        models: registry names.
        batch_sizes: images a step.
        precisions: to compute in.
        steps: timed; as many go before, to compile and to warm up.
    """
    device = open_engine(engine).choose_device()
    sizes = list(batch_sizes)
    for model in models:
        for precision in precisions:
            for size in sizes:
                yield _measure(engine, device, model, precision, size, steps)


def _measure(
    engine: EngineName, device: Device, model: str, precision: Precision, size: int, steps: int
) -> Rate:
    from skinmodel.training.network import build_network

    recipe = load_recipe("grouped", model, precision, engine=engine)
    # A network with a backbone has no layer for an auxiliary classifier.
    config = replace(recipe, auxiliary=0.0) if get_spec(model).backbone else recipe
    network = build_network(replace(config, batch_size=size), fresh=False)
    spec, rng = config.preprocessing, np.random.default_rng(0)
    count = 4 * size
    pixels = rng.integers(0, 256, (count, spec.height, spec.width, 3), dtype=np.uint8)
    images = Images(pixels, rng.integers(0, len(CODES), count))
    built = open_engine(engine).build(network, config, images, np.ones(len(CODES), np.float32))
    rows = np.arange(steps * size).reshape(steps, size) % count
    rates = np.full(steps, 1e-5)
    seconds = 0.0
    for number in range(2):
        started = time.perf_counter()
        built.train_epoch(Epoch(number * steps, rows, rates, np.zeros(steps)), lambda *_: None)
        seconds = time.perf_counter() - started
    speed = steps * size / seconds
    tflops = speed * _PASSES * count_operations(network.model) / 1e12
    peak = next((p[precision] for name, p in _PEAKS.items() if name in device.name), None)
    return Rate(model, precision, size, speed, tflops, tflops / peak if peak else None)


def count_operations(model: Any) -> float:
    """Return the floating-point operations of convolutions and dense layers for one image.

    A multiplication and an addition are two.

    Args:
        model: a flat functional Keras network.
    """
    total = 0.0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        output = layer.output[1] if isinstance(layer.output, tuple | list) else layer.output
        positions = float(np.prod(output.shape[1:-1]))
        # A depthwise kernel's last axis multiplies channels: its products are its numbers, too.
        total += 2.0 * float(np.prod(kernel.shape)) * positions
    return total
