"""What the tests of JAX's engine compare: made in a process where Keras runs on JAX.

    python tests/training/jax_side.py FOLDER

The folder holds ``given.npz``, and ``data`` with a drawn HAM10000.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import use_tiny_world
from safetensors.numpy import save_file

from skinmodel.cli.main import main
from skinmodel.data.augmentation import Augmentation
from skinmodel.training.engine import open_engine
from skinmodel.training.parity import train_ten_steps

EVERYTHING = Augmentation(
    horizontal_flip=True,
    vertical_flip=True,
    rotation=180.0,
    zoom=0.2,
    stretch=0.1,
    shear=5.0,
    shift=0.3,
    brightness=0.15,
    contrast=0.15,
    saturation=0.15,
    resolution=0.2,
)
SETTINGS = {
    "reflect": EVERYTHING,
    "nearest": replace(EVERYTHING, fill="nearest"),
    "same": Augmentation(),
}
EPOCHS = 3


def augment_given(folder):
    """Augment the given pictures by the given numbers instead of drawn ones."""
    import jax

    from skinmodel.training.jax_engine.augmentation import augment

    given = np.load(folder / "given.npz")
    by_shape = {given[name].shape: given[name] for name in ("affine", "colour", "share")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.random, "uniform", lambda _, shape, **__: by_shape[tuple(shape)])
        return {
            name: np.asarray(augment(given["pixels"], settings, jax.random.key(0)))
            for name, settings in SETTINGS.items()
        }


def train_straight_and_in_parts(folder):
    """Train through the command line, once to the end and once stopped after an epoch."""
    from skinmodel.training.loop import Trainer

    arguments = ["train", "--model", "cnn", "--engine", "jax", "--epochs", str(EPOCHS)]
    arguments += ["--data", str(folder / "data"), "--runs"]
    run_epoch = Trainer._run_epoch

    def stop_in_the_second(self, state):
        if state.epoch == 1:
            raise KeyboardInterrupt
        return run_epoch(self, state)

    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, folder / "home")
        statuses = [main([*arguments, str(folder / "straight")])]
        with patch.context() as stopped:
            stopped.setattr(Trainer, "_run_epoch", stop_in_the_second)
            statuses.append(main([*arguments, str(folder / "parts")]))
        statuses.append(main([*arguments, str(folder / "parts"), "--resume"]))
    return statuses


def make(folder):
    open_engine("jax")
    import jax

    # Four trainers run the same program.
    jax.config.update("jax_compilation_cache_dir", str(folder / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    np.savez(folder / "augmented.npz", **augment_given(folder))
    losses, weights = train_ten_steps("jax")
    save_file({**weights, "losses": losses}, folder / "parity.safetensors")
    found = {
        "statuses": train_straight_and_in_parts(folder),
        "tensorflow": "tensorflow" in sys.modules,
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
