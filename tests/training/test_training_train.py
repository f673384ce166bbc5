import errno
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from factories import TINY_MODELS
from safetensors.numpy import load_file

from skinmodel.data.augmentation import Augmentation
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.calibration import fit_temperature
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.models import registry
from skinmodel.training import checkpoint, loop, run_folder
from skinmodel.training.engine import Images
from skinmodel.training.loop import Trainer
from skinmodel.training.network import get_weights, reseed_dropout
from skinmodel.training.recipes import load_recipe
from skinmodel.training.run_folder import read_finished, read_history, read_result
from skinmodel.training.tensorflow_engine import engine
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam

DATA = {"name": "drawn", "split": {"name": "grouped", "seed": 3}}
TIMES = ("seconds", "images_per_second")
FOUR_EPOCHS = [{"epoch": float(epoch)} for epoch in (1, 2, 3, 4)]


@pytest.fixture(autouse=True, scope="module")
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "MODELS", TINY_MODELS)
        yield


@pytest.fixture(scope="module")
def config(tiny):
    recipe = load_recipe("grouped", "cnn_sa", "float32", epochs=4)
    return replace(recipe, batch_size=14, smoothing=2)


def draw_images(count, seed):
    """Return images whose brightness tells their class, well hidden in noise."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % len(CODES)
    pixels = rng.integers(0, 80, (count, 80, 80, 3)) + 20 * truth[:, None, None, None]
    return Images(pixels.astype(np.uint8), truth.astype(np.int64))


TRAIN, VAL = draw_images(29, 1), draw_images(14, 2)


def run_training(run, config, **settings):
    return loop.train(config, TRAIN, VAL, run, DATA, progress=False, **settings)


@pytest.fixture(scope="module")
def straight(tmp_path_factory, config):
    """A run trained from the first epoch to the last."""
    run = tmp_path_factory.mktemp("straight") / "runs" / "cnn_sa-grouped-s1"
    run_training(run, config)
    return run


def without_times(history):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in history]


def assert_same_history(run, other):
    ours, theirs = without_times(read_history(run)), without_times(read_history(other))
    assert [row["epoch"] for row in ours] == [row["epoch"] for row in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6)


def assert_same_weights(run, other):
    ours, theirs = read_finished(run), read_finished(other)
    assert ours.result.epoch == theirs.result.epoch
    assert ours.weights.keys() == theirs.weights.keys()
    for name, values in theirs.weights.items():
        np.testing.assert_allclose(ours.weights[name], values, rtol=1e-5, atol=1e-6)


def test_a_finished_run_holds_settings_history_result_and_picked_weights(straight, config):
    finished = read_finished(straight)
    assert sorted(p.name for p in straight.iterdir()) == [
        finished.result.weights,
        "config.json",
        "history.csv",
        "lock",
        "result.json",
    ]
    assert finished.config == config.to_dict()
    assert finished.fingerprint == config.fingerprint
    assert finished.data == DATA
    assert finished.result.run_id == config.run_id
    assert set(finished.result.versions) == {"skinmodel", "tensorflow", "keras", "numpy", "python"}
    assert [row["epoch"] for row in finished.history] == [1, 2, 3, 4]
    assert finished.result.seconds == pytest.approx(sum(r["seconds"] for r in finished.history))


def script(monkeypatch, scores):
    """Make training leave each epoch's number in a weight, and validation find these scores."""

    def train_epoch(self, epoch):
        self.network.model.get_layer("conv1").bias.assign(np.full(1, epoch, np.float32))
        return {"learning_rate": 0.1, "train_loss": 1.0, "train_accuracy": 0.5} | dict.fromkeys(
            TIMES, 1.0
        )

    def validate(self):
        [number] = self.network.model.get_layer("conv1").bias.numpy().tolist()
        figures = ("temperature", "loss", "accuracy", "macro_auc")
        row = {f"val_{name}": number for name in figures}
        return row | {"val_balanced_accuracy": scores[int(number) - 1]}

    monkeypatch.setattr(Trainer, "_train_epoch", train_epoch)
    monkeypatch.setattr(Trainer, "_validate", validate)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        # Means over two epochs: .55, .60, .35. One lucky epoch (2) does not win, nor the last.
        ([0.2, 0.9, 0.3, 0.4], 3),
        ([0.1, 0.2, 0.3, 0.4], 4),
        # The first whole window wins over a lucky start, and later ones must be better than it.
        ([0.9, 0.1, 0.2, 0.1], 2),
        ([0.3, 0.5, 0.3, 0.5], 2),
    ],
)
def test_the_picked_epoch_is_that_of_the_smoothed_validation_figure(
    tmp_path, monkeypatch, config, scores, kept
):
    script(monkeypatch, scores)
    result = run_training(tmp_path, config)
    assert (result.epoch, result.weights) == (kept, f"best-{kept:04d}.safetensors")
    assert result.val["balanced_accuracy"] == scores[kept - 1]
    assert result.val["loss"] == kept
    assert read_finished(tmp_path).weights["conv1/bias"].tolist() == [kept]
    assert [path.name for path in tmp_path.glob("best-*")] == [result.weights]


def test_the_picked_weights_give_the_recorded_validation_figures(straight, config, tmp_path):
    finished = read_finished(straight)
    fitted = Trainer(config, TRAIN, VAL, tmp_path, progress=False)
    for variable in fitted.network.model.variables:
        if variable.path in finished.weights:
            variable.assign(finished.weights[variable.path])
    probabilities = fitted.engine.predict(VAL.pixels)
    metrics = compute_metrics(VAL.truth, probabilities)
    chosen = probabilities[np.arange(len(VAL.truth)), VAL.truth]
    assert finished.result.val == pytest.approx(
        {
            "temperature": fit_temperature(VAL.truth, probabilities),
            "loss": -np.log(chosen).mean(),
            "accuracy": metrics.accuracy,
            "balanced_accuracy": metrics.balanced_accuracy,
            "macro_auc": metrics.macro_auc,
        },
        rel=1e-5,
    )


def test_every_weight_and_moving_statistic_is_kept(straight):
    model = TINY_MODELS["cnn_sa"].build()
    floats = {v.path for v in model.variables if str(v.dtype) == "float32"}
    assert set(read_finished(straight).weights) == floats
    assert sum(v.size for v in read_finished(straight).weights.values()) == model.count_params()


@pytest.mark.parametrize("killed_in", ["training", "saving", "history"])
def test_a_run_killed_and_resumed_is_the_run_trained_straight(
    tmp_path, monkeypatch, straight, config, killed_in
):
    points = {
        "training": (engine, "build_batches"),
        "saving": (checkpoint, "_save_arrays"),
        "history": (loop, "write_history"),
    }
    with monkeypatch.context() as patch:

        def kill_in_epoch_3(model, seed, epoch):
            if epoch == 3:
                patch.setattr(*points[killed_in], _interrupt)
            return reseed_dropout(model, seed, epoch)

        patch.setattr(loop, "reseed_dropout", kill_in_epoch_3)
        with pytest.raises(KeyboardInterrupt):
            run_training(tmp_path, config)
    assert read_result(tmp_path) is None
    state, _, optimizer = checkpoint.load(tmp_path)
    assert state.epoch == (3 if killed_in == "history" else 2)
    assert state.fingerprint == config.fingerprint
    assert optimizer["steps"].tolist() == [2 * state.epoch]
    with pytest.raises(ConfigError, match=r"unfinished run.*--resume.*--force"):
        run_training(tmp_path, config)
    run_training(tmp_path, config, resume=True)
    assert_same_history(tmp_path, straight)
    assert_same_weights(tmp_path, straight)
    assert not list(tmp_path.glob(".*"))
    assert len(list(tmp_path.glob("best-*"))) == 1


def test_a_run_killed_after_its_last_checkpoint_only_needs_its_result(
    tmp_path, monkeypatch, straight, config
):
    config = replace(config, epochs=1)
    script(monkeypatch, [0.5])
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_history", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_training(tmp_path, config)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_run_epoch", _fail_to_train)
        result = run_training(tmp_path, config, resume=True)
    assert result.epoch == 1
    assert [row["epoch"] for row in read_finished(tmp_path).history] == [1]


def _interrupt(*arguments, **settings):
    raise KeyboardInterrupt


def _fail_to_train(*arguments, **settings):
    raise AssertionError("it trained")


def test_a_finished_run_is_not_trained_again(straight, config, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in straight.iterdir() if p.name.startswith("best")}
    result = read_result(straight)
    monkeypatch.setattr(Trainer, "fit", _fail_to_train)
    assert run_training(straight, config) == result
    assert run_training(straight, config, resume=True) == result
    assert {p: p.stat().st_mtime_ns for p in before} == before


@pytest.fixture
def eager():
    """Run steps as they are written: a few take less than building their graph does."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


# tf.data stays as it is, and says so.
untraced = pytest.mark.filterwarnings("ignore:Even though the .tf.config:UserWarning")


@untraced
def test_force_trains_anew_and_gives_the_same(tmp_path, config, caplog, eager):
    short = replace(config, epochs=1)
    caplog.set_level("INFO")
    first = run_training(tmp_path, short)
    [line] = [r.getMessage() for r in caplog.records if r.getMessage().startswith("epoch 1/1")]
    for part in ("val balanced accuracy", "val macro AUC", "images/s", "0 min left", "epoch 1"):
        assert part in line
    (tmp_path / first.weights).write_bytes(b"spoilt")
    (tmp_path / "checkpoints").mkdir()
    again = run_training(tmp_path, short, force=True)
    assert replace(again, seconds=0) == replace(first, seconds=0)
    assert load_file(tmp_path / again.weights)
    assert not (tmp_path / "checkpoints").exists()


def _copy(run, folder):
    folder.mkdir()
    for file in run.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "checkpoints" / "epoch-0001").mkdir(parents=True)
    return folder


def test_a_kill_at_any_point_of_force_leaves_nothing_another_run_could_go_on_with(
    tmp_path, monkeypatch, straight, config
):
    other = replace(config, dropout=0.25)
    unlink, rmtree = Path.unlink, shutil.rmtree
    for kept in range(8):
        run = _copy(straight, tmp_path / f"run-{kept}")
        left = [kept]

        def count_down(left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1

        def unlink_or_die(path, missing_ok=False, count_down=count_down):
            count_down()
            unlink(path, missing_ok=missing_ok)

        def rmtree_or_die(path, ignore_errors=False, count_down=count_down):
            count_down()
            rmtree(path, ignore_errors=ignore_errors)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", unlink_or_die)
            patch.setattr(run_folder.shutil, "rmtree", rmtree_or_die)
            try:
                run_folder.clear(run)
            except KeyboardInterrupt:
                with pytest.raises(ConfigError, match=r"other settings.*train\.dropout"):
                    run_folder.check_config(run, other, DATA, resume=True, force=False)
                assert not (run / "result.json").exists() or kept == 0
            else:
                assert [path.name for path in run.iterdir()] == ["lock"]
                break
    else:
        pytest.fail("clearing never came to its end")
    assert kept == 5  # result, history, weights, checkpoints, settings


@pytest.mark.parametrize("left", ["result.json", "checkpoints"])
def test_a_run_whose_settings_are_gone_is_refused(tmp_path, straight, config, left):
    run = _copy(straight, tmp_path / "run")
    (run / "config.json").unlink()
    if left == "result.json":
        (run / "checkpoints" / "epoch-0001").rmdir()
        (run / "checkpoints").rmdir()
    else:
        (run / "result.json").unlink()
    for resume in (False, True):
        with pytest.raises(ConfigError, match=r"settings \(config.json\) are missing.*--force"):
            run_training(run, config, resume=resume)
    assert not (run / "config.json").exists()


def test_a_checkpoint_of_other_settings_is_refused_and_an_older_one_is_not(tmp_path, config):
    fitted = Trainer(config, TRAIN, VAL, tmp_path, progress=False)
    weights, optimizer = get_weights(fitted.network.whole), fitted.engine.optimizer.get_state()
    for fingerprint, accepted in (("", True), (config.fingerprint, True), ("0a1b", False)):
        state = checkpoint.RunState(4, 0, -1.0, FOUR_EPOCHS, fingerprint)
        checkpoint.discard(tmp_path)
        checkpoint.save(tmp_path, state, weights, optimizer)
        if accepted:
            assert fitted.fit() == replace(state, fingerprint=config.fingerprint)
        else:
            with pytest.raises(ConfigError, match=rf"0a1b, but .*{config.fingerprint}.*--force"):
                fitted.fit()


def test_other_settings_are_refused_naming_the_fields_that_differ(straight, config):
    other = replace(config, dropout=0.25, augmentation=Augmentation(zoom=0.5), seed=9)
    before = (straight / "config.json").read_bytes()
    for resume in (False, True):
        with pytest.raises(ConfigError) as refused:
            run_training(straight, other, resume=resume)
        message = str(refused.value)
        assert "train.dropout: 0.5 before, 0.25 now" in message
        assert "train.augmentation.zoom: 0.2 before, 0.5 now" in message
        assert "train.seed" in message
        assert "train.epochs" not in message
        assert "train.augmentation.vertical_flip: True before, False now" in message
        assert "--force" in message
    assert (straight / "config.json").read_bytes() == before


def test_another_precision_is_refused_naming_the_option_that_sets_it(straight, config):
    with pytest.raises(ConfigError, match=r"'float32' before, 'bfloat16' now.*--precision float32"):
        run_training(straight, replace(config, precision="bfloat16"), resume=True)
    with pytest.raises(ConfigError) as refused:
        run_training(straight, replace(config, dropout=0.25))
    assert "--precision" not in str(refused.value)


def test_other_data_are_refused(straight, config):
    data = {**DATA, "split": {"name": "grouped", "seed": 4}}
    with pytest.raises(ConfigError, match=r"data\.split\.seed: 3 before, 4 now"):
        loop.train(config, TRAIN, VAL, straight, data, progress=False)


@pytest.mark.parametrize(
    ("file", "content"),
    [("config.json", "{"), ("config.json", "[]"), ("result.json", '{"run": 1}')],
)
def test_a_damaged_run_is_named_with_the_way_out(tmp_path, config, file, content):
    if file == "result.json":
        run_folder.check_config(tmp_path, config, DATA, resume=False, force=False)
    (tmp_path / file).write_text(content)
    with pytest.raises(ConfigError, match=rf"{file}' cannot be read.*--force"):
        run_training(tmp_path, config)


def test_a_run_without_its_weights_cannot_be_read_as_finished(tmp_path, straight):
    for file in straight.iterdir():
        if not file.name.startswith("best"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ConfigError, match=r"cannot be read.*--force"):
        read_finished(tmp_path)
    (tmp_path / "result.json").unlink()
    with pytest.raises(ConfigError, match=r"no finished run.*--resume"):
        read_finished(tmp_path)


def test_a_second_process_is_refused(straight, config):
    code = (
        "import sys; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, straight / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        for force in (False, True):
            with pytest.raises(ConfigError, match=r"Another process trains in .*--runs"):
                run_training(straight, config, force=force)
        holder.stdin.close()
    assert read_result(straight) == run_training(straight, config)


class RuinousAdam(FusedAdam):
    """Leaves no weight a number: a rate far too high, without waiting for it to show."""

    def apply(self, _gradients, _rate):
        for variable in self.variables:
            variable.value.assign(variable.value * np.float32("nan"))


@untraced
def test_weights_ruined_by_the_last_step_never_reach_the_disk(tmp_path, monkeypatch, config, eager):
    # The only step of this epoch has a loss: only validation shows what it did.
    monkeypatch.setattr(engine, "FusedAdam", RuinousAdam)
    with pytest.raises(ConfigError, match=r"loss of epoch 1 is not a number.*learning_rate.*force"):
        run_training(tmp_path, replace(config, batch_size=29))
    assert checkpoint.load(tmp_path) is None
    assert not list(tmp_path.glob("best-*"))


def test_a_full_disk_at_the_end_says_how_to_go_on(tmp_path, monkeypatch, config):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    short = replace(config, epochs=1)
    script(monkeypatch, [0.5])
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_result", full)
        with pytest.raises(ConfigError, match=r"No space.*--resume"):
            run_training(tmp_path, short)
    assert run_training(tmp_path, short, resume=True).epoch == 1


def test_an_error_outside_the_runs_folder_is_not_blamed_on_it(tmp_path, monkeypatch, config):
    def fail(*arguments):
        raise FileNotFoundError(errno.ENOENT, "No such file", "elsewhere")

    monkeypatch.setattr(engine, "build_batches", fail)
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        run_training(tmp_path, config)


def test_ctrl_c_before_the_first_epoch_says_that_none_is_kept(tmp_path, monkeypatch, config):
    monkeypatch.setattr(engine, "build_batches", _interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"safe up to epoch 0 of 4\. .*--resume"):
        run_training(tmp_path, config)


@pytest.mark.parametrize("part", ["weights", "optimizer"])
@pytest.mark.parametrize("change", ["lacking", "unknown"])
def test_a_checkpoint_of_another_network_is_refused(tmp_path, config, part, change):
    fitted = Trainer(config, TRAIN, VAL, tmp_path, progress=False)
    arrays = {
        "weights": get_weights(fitted.network.whole),
        "optimizer": fitted.engine.optimizer.get_state(),
    }
    before = arrays["weights"]["conv1/kernel"].copy()
    arrays["weights"]["conv1/kernel"] += 1
    name = {"weights": "conv2/kernel", "optimizer": "first/conv2/kernel"}[part]
    values = arrays[part].pop(name)
    if change == "unknown":
        arrays[part] |= {name: values, "z/kernel": values}
        name = "z/kernel"
    checkpoint.save(tmp_path, checkpoint.RunState(4, 0, -1.0, FOUR_EPOCHS), **arrays)
    with pytest.raises(ConfigError, match=rf"does not fit this network.*: {name}\. .*--force"):
        fitted.fit()
    np.testing.assert_array_equal(get_weights(fitted.network.model)["conv1/kernel"], before)


def test_a_runs_folder_that_is_a_file_is_refused(tmp_path, config):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be used.*--runs"):
        run_training(tmp_path / "runs" / "cnn", config)


def test_rate_and_accuracy_of_an_epoch_are_recorded(straight, config):
    history = read_history(straight)
    rates = [row["learning_rate"] for row in history]
    assert max(rates) <= config.learning_rate
    assert rates[-1] < 0.1 * config.learning_rate
    for row in history:
        # 28 of 29 images in two batches of 14.
        assert row["train_accuracy"] * 28 == pytest.approx(round(row["train_accuracy"] * 28))
        assert row["images_per_second"] == pytest.approx(28 / row["seconds"])
    assert json.loads((straight / "config.json").read_text())["train"]["epochs"] == 4
