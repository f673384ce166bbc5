import errno
import json
from pathlib import Path

import numpy as np
import pytest

from skinmodel.errors import ConfigError
from skinmodel.training import checkpoint
from skinmodel.training.checkpoint import RunState, best_file, discard, load, save, save_best
from skinmodel.training.history import read_history, write_history
from skinmodel.training.runs import CHECKPOINTS


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


def test_a_checkpoint_comes_back_and_replaces_the_one_before(tmp_path):
    save_epoch(tmp_path, 1)
    assert_holds(tmp_path, 1)
    save_epoch(tmp_path, 2)
    assert_holds(tmp_path, 2)
    assert checkpoints(tmp_path) == ["epoch-0002"]


def test_of_two_whole_checkpoints_the_newer_counts(tmp_path, monkeypatch):
    save_epoch(tmp_path, 9)
    with monkeypatch.context() as patch:  # killed after the rename, before the old one goes
        patch.setattr(checkpoint, "_finished", lambda _: [])
        save_epoch(tmp_path, 10)
    assert checkpoints(tmp_path) == ["epoch-0009", "epoch-0010"]
    assert_holds(tmp_path, 10)
    save_epoch(tmp_path, 11)
    assert checkpoints(tmp_path) == ["epoch-0011"]


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
    assert checkpoints(tmp_path) == ["epoch-0002"]
    assert_holds(tmp_path, 2)


def test_only_the_picked_weights_stay_and_nothing_half_written(tmp_path):
    save_best(tmp_path, 1, arrays(1))
    save_epoch(tmp_path, 1)
    save_best(tmp_path, 2, arrays(2))
    (tmp_path / ".best-0002.safetensors.999.1.tmp").write_bytes(b"half")
    # Killed here, both are there; the state on disk still names the first.
    assert best_file(tmp_path, 1).exists()
    save_epoch(tmp_path, 2, best_epoch=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best-0002.safetensors", CHECKPOINTS]
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


@pytest.mark.parametrize("file", ["state.json", "weights.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone"])
def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path, file, damage):
    save_epoch(tmp_path, 1)
    path = tmp_path / CHECKPOINTS / "epoch-0001" / file
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut" else b"\xff" * 40)
    with pytest.raises(ConfigError, match=r"epoch-0001' cannot be read.*--force"):
        load(tmp_path)


def test_a_state_of_another_version_is_refused(tmp_path):
    save_epoch(tmp_path, 1)
    path = tmp_path / CHECKPOINTS / "epoch-0001" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "phase": 2}))
    with pytest.raises(ConfigError, match="phase"):
        load(tmp_path)


def test_a_state_written_before_fingerprints_is_read(tmp_path):
    save_epoch(tmp_path, 1)
    path = tmp_path / CHECKPOINTS / "epoch-0001" / "state.json"
    values = json.loads(path.read_text())
    del values["fingerprint"]
    path.write_text(json.dumps(values))
    assert load(tmp_path)[0] == state_of(1)


def test_a_finished_run_drops_its_checkpoints_and_keeps_its_weights(tmp_path):
    save_best(tmp_path, 1, arrays(1))
    save_epoch(tmp_path, 1)
    discard(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["best-0001.safetensors"]
    discard(tmp_path)


def test_history_comes_back_exactly(tmp_path):
    rows = [
        {"epoch": 1.0, "val_loss": 1 / 3, "learning_rate": 1e-17},
        {"epoch": 2.0, "val_loss": 0.1 + 0.2, "learning_rate": 1.0},
    ]
    write_history(tmp_path, rows)
    assert read_history(tmp_path) == rows
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "epoch,val_loss,learning_rate"
    assert (tmp_path / "history.csv").read_text().splitlines()[1].startswith("1,")
