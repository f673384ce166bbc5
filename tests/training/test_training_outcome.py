import json
from dataclasses import replace

import pytest
from test_training_train import DATA, run_training
from test_training_train import config as config
from test_training_train import tiny as tiny

from skinmodel.errors import ConfigError
from skinmodel.training import checkpoint, loop, run_folder
from skinmodel.training import checkpoint as outcome
from skinmodel.training.checkpoint import load, read_so_far, read_under_way
from skinmodel.training.run_folder import read_finished


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, config):
    """A run interrupted in the third of its four epochs."""
    run = tmp_path_factory.mktemp("stopped")

    def interrupt_in_epoch_3(model, seed, epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "reseed_dropout", interrupt_in_epoch_3)
        with pytest.raises(KeyboardInterrupt):
            run_training(run, config)
    return run


def test_a_stopped_run_gives_the_epoch_picked_so_far(stopped, config):
    before = sorted(str(p.relative_to(stopped)) for p in stopped.rglob("*"))
    found = read_so_far(stopped)
    assert [row["epoch"] for row in found.history] == [1, 2]
    assert found.config == config.to_dict()
    assert found.fingerprint == config.fingerprint
    assert found.result.run_id == config.run_id
    assert found.data == DATA
    assert found.result.epoch in (1, 2)
    picked = found.history[found.result.epoch - 1]
    assert found.result.val["accuracy"] == picked["val_accuracy"]
    state, weights, _ = load(stopped)
    if state.best_epoch == state.epoch:
        assert all((found.weights[name] == weights[name]).all() for name in found.weights)
    assert sorted(str(p.relative_to(stopped)) for p in stopped.rglob("*")) == before
    with pytest.raises(ConfigError, match="no finished run"):
        read_finished(stopped)


def test_a_finished_run_is_read_as_such(tmp_path, config):
    run_training(tmp_path, replace(config, epochs=1))
    assert read_so_far(tmp_path).result == read_finished(tmp_path).result
    assert not (tmp_path / "checkpoints").exists()


def test_a_run_that_is_being_trained_is_not_read(stopped):
    with (
        run_folder.locked(stopped),
        pytest.raises(ConfigError, match=r"Another process trains in '.*'\. Wait"),
    ):
        read_so_far(stopped)


def test_a_folder_without_a_whole_epoch_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no whole epoch"):
        read_so_far(tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        read_so_far(tmp_path / "nothing")


def test_a_stopped_run_without_its_settings_or_weights_is_named(tmp_path, stopped, config):
    for file in stopped.rglob("*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(stopped)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"train": config.to_dict()}))
    with pytest.raises(ConfigError, match=r"config\.json' cannot be read .*lacks"):
        read_so_far(tmp_path)
    (tmp_path / "config.json").write_bytes((stopped / "config.json").read_bytes())
    for best in tmp_path.glob("best-*"):
        best.unlink()
    with pytest.raises(ConfigError, match=r"No checkpoint .*best-.* are gone"):
        read_so_far(tmp_path)
    for kept in (tmp_path / "checkpoints").iterdir():
        (kept / "state.json").write_text("{")
    with pytest.raises(ConfigError, match=r"checkpoints.*' cannot be read"):
        read_so_far(tmp_path)


def test_a_run_under_way_is_read_without_a_lock(stopped, tmp_path, config):
    with run_folder.locked(stopped):
        found = read_under_way(stopped)
    assert found.result == read_so_far(stopped).result
    with pytest.raises(ConfigError, match="no whole epoch"):
        read_under_way(tmp_path)
    with pytest.raises(ConfigError, match="There is no folder"):
        read_under_way(tmp_path / "nothing")
    run_training(tmp_path, replace(config, epochs=1))
    assert read_under_way(tmp_path).result == read_finished(tmp_path).result


def test_a_checkpoint_replaced_between_two_reads_is_read_again(stopped, monkeypatch):
    reads, epochs = [], iter((2, 3, 3))
    whole = outcome._read_checkpoint

    def fail_once(run):
        reads.append(run)
        if len(reads) == 1:
            raise ConfigError("The weights cannot be read.")
        return whole(run)

    monkeypatch.setattr(outcome, "_read_checkpoint", fail_once)
    monkeypatch.setattr(checkpoint, "last_epoch", lambda _: next(epochs))
    assert [row["epoch"] for row in read_under_way(stopped).history] == [1, 2]
    assert len(reads) == 2


def test_a_checkpoint_that_stays_damaged_is_said(stopped, monkeypatch):
    def fail(_run):
        raise ConfigError("The weights cannot be read.")

    monkeypatch.setattr(outcome, "_read_checkpoint", fail)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_under_way(stopped)
