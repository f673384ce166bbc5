"""Training speed against a plain Keras ``fit`` of the same network, measured in one run.

    make benchmark

Every side has a process of its own, with TensorFlow's default settings for Keras and the program's
for ours: in one process they would share threads and compete for memory. The rounds alternate, so
that a slow spell of the machine hits all sides; medians are compared.
"""

import multiprocessing
import statistics
import time

import numpy as np
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.training.recipes import load_recipe

IMAGES = 512
ROUNDS = 5
WANTED = 2.0
WAIT = 600  # seconds a side may take to start, or for one round


def draw_pictures():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, 100, 100, 3), dtype=np.uint8)
    return pixels, rng.integers(0, len(CODES), IMAGES)


def build_keras_fit(pixels, truth, batch_size):
    """Return one epoch of Keras' own ``fit`` at default settings, augmented by its own layers."""
    import keras
    import tensorflow as tf

    from skinmodel.models.registry import get_spec

    model = get_spec("cnn").build()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    change = keras.Sequential(
        [
            keras.layers.RandomFlip(),
            keras.layers.RandomRotation(0.5),
            keras.layers.RandomZoom(0.2),
            keras.layers.RandomTranslation(0.1, 0.1),
            keras.layers.RandomBrightness(0.15),
            keras.layers.RandomContrast(0.15),
            keras.layers.Rescaling(1 / 127.5, offset=-1.0),
        ]
    )
    data = tf.data.Dataset.from_tensor_slices((pixels, truth)).shuffle(IMAGES).batch(batch_size)
    data = data.map(lambda x, y: (change(tf.cast(x, tf.float32), training=True), y))
    data = data.prefetch(tf.data.AUTOTUNE)
    return lambda: model.fit(data, epochs=1, verbose=0, shuffle=False)


def build_ours(pixels, truth, precision):
    """Return one epoch of our training, as ``Trainer`` runs it: auxiliary classifier included."""
    import tensorflow as tf

    from skinmodel.data.rows import shuffled_order
    from skinmodel.data.splits import class_weights
    from skinmodel.models.auxiliary import add_helpers
    from skinmodel.models.registry import get_spec
    from skinmodel.training.network import compute_in
    from skinmodel.training.tensorflow_engine.augmentation import build_batches
    from skinmodel.training.tensorflow_engine.optimizer import FusedAdam
    from skinmodel.training.tensorflow_engine.step import TrainStep

    config = load_recipe("grouped", "cnn", precision)
    with compute_in(precision):
        model = get_spec("cnn").build(batch_norm_momentum=config.batch_norm_momentum)
        helped = add_helpers(model, deep=True, attended=False)
    optimizer = FusedAdam(helped.model.trainable_variables, config)
    weights = class_weights(truth, len(CODES), config.class_weight_power)
    step = TrainStep(helped, optimizer, config, weights)
    rate = tf.constant(1e-4)

    def epoch():
        order = shuffled_order(IMAGES, config.batch_size, 1, 1)
        for number, batch in enumerate(build_batches(pixels, truth, config.batch_size, order)):
            step.run(*batch, rate, tf.constant([1, number]))

    return epoch


def serve(build, setting, pipe):
    """Build a side, then run one epoch a request and send back its seconds; None ends it."""
    epoch = build(*draw_pictures(), setting)
    epoch()  # traces the graph
    pipe.send("ready")
    while pipe.recv() is not None:
        started = time.perf_counter()
        epoch()
        pipe.send(time.perf_counter() - started)


def receive(pipe):
    assert pipe.poll(WAIT), "a side did not answer"
    return pipe.recv()


def measure(sides):
    """Return the median images/s of each side over alternating rounds."""
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name, (build, setting) in sides.items():
        pipes[name], theirs = spawn.Pipe()
        processes.append(spawn.Process(target=serve, args=(build, setting, theirs), daemon=True))
        processes[-1].start()
        assert receive(pipes[name]) == "ready"
    seconds = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, pipe in pipes.items():
            pipe.send("go")
            seconds[name].append(receive(pipe))
    for pipe in pipes.values():
        pipe.send(None)
    for process in processes:
        process.join(WAIT)
    return {name: IMAGES / statistics.median(values) for name, values in seconds.items()}


@pytest.mark.benchmark
def test_training_is_at_least_twice_as_fast_as_keras_fit():
    from skinmodel.training.tensorflow_engine.engine import choose_device

    precision = choose_device().precision
    batch_size = load_recipe("grouped", "cnn", precision).batch_size
    sides = {
        "Keras fit, batch 32 (its default)": (build_keras_fit, 32),
        f"Keras fit, batch {batch_size} (ours)": (build_keras_fit, batch_size),
        "ours, float32": (build_ours, "float32"),
        f"ours, {precision}": (build_ours, precision),
    }
    speed = measure(sides)
    plain = speed["Keras fit, batch 32 (its default)"]
    print()
    for name, value in speed.items():
        print(f"{name:<36} {value:6.1f} images/s, {value / plain:4.2f} times plain Keras fit")
    assert speed[f"ours, {precision}"] >= WANTED * plain
