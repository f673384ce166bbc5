import errno
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from skinmodel.errors import ConfigError
from skinmodel.training import checkpoint
from skinmodel.training.checkpoint import (
    RunState,
    best_file,
    discard,
    load,
    load_state,
    save,
    save_best,
)
from skinmodel.training.run_folder import CHECKPOINTS, read_history, write_history


def arrays(seed):
    rng = np.random.default_rng(seed)
    return {
        "conv1/kernel": rng.normal(size=(3, 3, 2, 4)).astype(np.float32),
        # Not contiguous, as a view may be.
        "dense1/kernel": rng.normal(size=(4, 6)).astype(np.float32).T,
        "soft_attention/gamma": np.float32(seed) * np.ones((), np.float32),
    }


def state_of(epoch, best_epoch=1):
    history = [{"epoch": float(e), "val_loss": 1 / e} for e in range(1, epoch + 1)]
    return RunState(epoch, best_epoch, 0.5, history)


def save_epoch(run, epoch, best_epoch=1):
    optimizer = {"steps": np.array([10 * epoch]), "first/conv1/kernel": np.ones((2, 2))}
    if not best_file(run, best_epoch).exists():
        save_best(run, best_epoch, arrays(best_epoch))
    save(run, state_of(epoch, best_epoch), arrays(epoch), optimizer)


def assert_holds(run, epoch, best_epoch=1):
    state, weights, optimizer = load(run)
    assert state == state_of(epoch, best_epoch)
    assert weights.keys() == arrays(epoch).keys()
    for name, values in arrays(epoch).items():
        np.testing.assert_array_equal(weights[name], values)
    assert optimizer["steps"].tolist() == [10 * epoch]
    assert optimizer["first/conv1/kernel"].dtype == np.float64


def checkpoints(run):
    return sorted(p.name for p in (run / CHECKPOINTS).iterdir())


def test_there_is_none_before_the_first(tmp_path):
    assert load(tmp_path) is None
    (tmp_path / CHECKPOINTS / ".epoch-0001.tmp").mkdir(parents=True)
    assert load(tmp_path) is None


def test_a_checkpoint_comes_back_and_the_one_before_stays(tmp_path):
    for epoch in (1, 2, 3, 4):
        save_epoch(tmp_path, epoch)
        assert_holds(tmp_path, epoch)
    assert checkpoints(tmp_path) == ["epoch-0003", "epoch-0004"]


def test_of_two_whole_checkpoints_the_newer_counts(tmp_path, monkeypatch):
    save_epoch(tmp_path, 9)
    save_epoch(tmp_path, 10)
    with monkeypatch.context() as patch:  # killed after the rename, before the old one goes
        patch.setattr(checkpoint, "_finished", lambda _: [])
        save_epoch(tmp_path, 11)
    assert checkpoints(tmp_path) == ["epoch-0009", "epoch-0010", "epoch-0011"]
    assert_holds(tmp_path, 11)
    save_epoch(tmp_path, 12)
    assert checkpoints(tmp_path) == ["epoch-0011", "epoch-0012"]


def fail(kind):
    def raise_error(*arguments, **settings):
        raise kind

    return raise_error


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (Path, "mkdir"),
        (checkpoint, "save_file"),
        (Path, "write_text"),
        (checkpoint, "flush_to_disk"),
        (Path, "rename"),
    ],
)
def test_a_full_disk_leaves_the_epoch_before_and_says_how_to_go_on(
    tmp_path, monkeypatch, target, name
):
    save_epoch(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(target, name, fail(FULL))
        with pytest.raises(ConfigError) as refused:
            save_epoch(tmp_path, 2)
    message = str(refused.value)
    assert "epoch 2" in message
    assert "No space left on device" in message
    assert "Epoch 1 is safe" in message
    assert "--resume" in message
    assert checkpoints(tmp_path) == ["epoch-0001"]
    assert_holds(tmp_path, 1)
    save_epoch(tmp_path, 2)
    assert_holds(tmp_path, 2)


@pytest.mark.parametrize("name", ["save_file", "flush_to_disk"])
def test_a_process_killed_while_writing_leaves_the_epoch_before(tmp_path, monkeypatch, name):
    save_epoch(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, name, fail(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            save_epoch(tmp_path, 2)
    assert checkpoints(tmp_path) == [".epoch-0002.tmp", "epoch-0001"]
    assert_holds(tmp_path, 1)
    save_epoch(tmp_path, 2)  # what was left over is no obstacle and does not stay
    assert checkpoints(tmp_path) == ["epoch-0001", "epoch-0002"]
    assert_holds(tmp_path, 2)


def test_only_the_picked_weights_stay_and_nothing_half_written(tmp_path):
    save_best(tmp_path, 1, arrays(1))
    save_epoch(tmp_path, 1)
    save_best(tmp_path, 2, arrays(2))
    (tmp_path / ".best-0002.safetensors.999.1.tmp").write_bytes(b"half")
    # Killed here, both are there; the state on disk still names the first.
    assert best_file(tmp_path, 1).exists()
    save_epoch(tmp_path, 2, best_epoch=2)
    # The checkpoint before still names its own.
    picked = ["best-0001.safetensors", "best-0002.safetensors"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [*picked, CHECKPOINTS]
    save_epoch(tmp_path, 3, best_epoch=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [picked[1], CHECKPOINTS]
    np.testing.assert_array_equal(
        checkpoint.load_file(best_file(tmp_path, 2))["conv1/kernel"], arrays(2)["conv1/kernel"]
    )


def test_picked_weights_that_cannot_be_written_say_how_to_go_on(tmp_path, monkeypatch):
    save_best(tmp_path, 1, arrays(1))
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", fail(FULL))
        with pytest.raises(ConfigError, match=r"epoch 2.*--resume"):
            save_best(tmp_path, 2, arrays(2))
    assert [p.name for p in tmp_path.iterdir()] == ["best-0001.safetensors"]


FILES = ["state.json", "weights.safetensors", "optimizer.safetensors", "sha256.json"]


def damage_file(path, damage):
    """Cut a file, fill it with nonsense, remove it, or flip one bit in its middle."""
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
        return
    data[len(data) // 2] ^= 1
    path.write_bytes({"cut": data[:-9], "garbage": b"\xff" * 40, "bit": data}[damage])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "bit"])
def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path, file, damage):
    save_epoch(tmp_path, 1)
    damage_file(tmp_path / CHECKPOINTS / "epoch-0001" / file, damage)
    for read in (load, load_state):
        with pytest.raises(ConfigError, match=r"epoch-0001' cannot be read.*--force"):
            read(tmp_path)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "bit"])
def test_of_two_the_whole_one_is_gone_on_with_and_what_was_lost_is_named(
    tmp_path, file, damage, caplog
):
    save_epoch(tmp_path, 8)
    save_epoch(tmp_path, 9)
    damage_file(tmp_path / CHECKPOINTS / "epoch-0009" / file, damage)
    assert_holds(tmp_path, 8)
    assert "epoch-0009' cannot be read" in caplog.text
    assert "Lost: what was trained after epoch 8; going on from there." in caplog.text
    save_epoch(tmp_path, 9)  # trained again, in the place of the damaged one
    caplog.clear()
    assert_holds(tmp_path, 9)
    assert caplog.text == ""
    assert checkpoints(tmp_path) == ["epoch-0008", "epoch-0009"]


@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "bit"])
def test_damaged_picked_weights_are_noticed(tmp_path, damage):
    save_epoch(tmp_path, 3, best_epoch=2)
    damage_file(best_file(tmp_path, 2), damage)
    # A hash taken anew would pass the damage of meanwhile for sound.
    save_epoch(tmp_path, 4, best_epoch=2) if damage != "gone" else None
    with pytest.raises(ConfigError, match=r"No checkpoint .* is whole.*best-0002.safetensors"):
        load(tmp_path)


def test_picked_weights_of_the_damaged_epoch_go_with_it(tmp_path):
    save_epoch(tmp_path, 3, best_epoch=2)
    save_epoch(tmp_path, 4, best_epoch=4)
    best_file(tmp_path, 4).unlink()
    assert_holds(tmp_path, 3, best_epoch=2)


def rewrite_state(run, **changes):
    """Write another state into the first checkpoint, in the layout without checksums."""
    folder = run / CHECKPOINTS / "epoch-0001"
    (folder / "sha256.json").unlink(missing_ok=True)
    values = json.loads((folder / "state.json").read_text()) | changes
    values = {name: value for name, value in values.items() if value is not None}
    (folder / "state.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": 2},
        {"epoch": 99},
        {"epoch": "1"},
        {"best_epoch": 2},
        {"best_score": "high"},
        {"history": []},
        {"history": [{"epoch": 2}]},
        {"history": [1]},
        {"history": None},
    ],
)
def test_a_state_that_cannot_be_is_refused_with_checksums_or_without(tmp_path, changes):
    save_epoch(tmp_path, 1)
    rewrite_state(tmp_path, schema_version=None, **changes)
    with pytest.raises(ConfigError, match=r"epoch-0001' cannot be read"):
        load(tmp_path)


def test_a_layout_of_a_later_version_is_refused(tmp_path):
    save_epoch(tmp_path, 1)
    rewrite_state(tmp_path, schema_version=3)
    with pytest.raises(ConfigError, match="schema_version 3, expected 2"):
        load(tmp_path)


def test_a_checkpoint_without_checksums_is_gone_on_with_once_and_says_so(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    save_epoch(tmp_path, 1)
    rewrite_state(tmp_path, schema_version=None, fingerprint=None)
    assert_holds(tmp_path, 1)
    assert "epoch 1 comes from an earlier version, without checksums" in caplog.text
    save_epoch(tmp_path, 2)
    caplog.clear()
    assert_holds(tmp_path, 2)
    assert caplog.text == ""
    # One with checksums does not become one of before by losing them.
    (tmp_path / CHECKPOINTS / "epoch-0002" / "sha256.json").unlink()
    assert_holds(tmp_path, 1)


def test_a_finished_run_drops_its_checkpoints_and_keeps_its_weights(tmp_path):
    save_epoch(tmp_path, 1)
    save_epoch(tmp_path, 2, best_epoch=2)
    discard(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["best-0002.safetensors"]
    discard(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["best-0002.safetensors"]


def test_history_comes_back_exactly(tmp_path):
    rows = [
        {"epoch": 1.0, "val_loss": 1 / 3, "learning_rate": 1e-17},
        {"epoch": 2.0, "val_loss": 0.1 + 0.2, "learning_rate": 1.0},
    ]
    write_history(tmp_path, rows)
    assert read_history(tmp_path) == rows
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "epoch,val_loss,learning_rate"
    assert (tmp_path / "history.csv").read_text().splitlines()[1].startswith("1,")
