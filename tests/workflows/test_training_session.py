import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import factories
import numpy as np
import pytest
from factories import train_tiny_world, use_float32, use_tiny_world

from skinmodel import paths
from skinmodel.cli.main import main
from skinmodel.data import cache
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.rows import PixelRows
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, DatasetError, UnknownNameError
from skinmodel.training import loop
from skinmodel.training.network import reseed_dropout
from skinmodel.training.recipes import FOLDER, load_recipe
from skinmodel.training.run_folder import CHECKPOINTS, CONFIG, RESULT, read_finished, read_history
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest
from skinmodel.workflows import teach
from skinmodel.workflows import train as session
from skinmodel.workflows.train import keep, run_training


@pytest.fixture
def world(tmp_path_factory, monkeypatch):
    """The trained tiny world, with a home of its own for what a test writes."""
    made = train_tiny_world(tmp_path_factory.getbasetemp())
    use_tiny_world(monkeypatch, made.home)
    use_float32(monkeypatch)
    return made


@pytest.fixture
def own_home(world, monkeypatch, tmp_path):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_network_trains_on_the_training_folds_and_is_picked_on_the_validation_fold(
    world, monkeypatch, tmp_path
):
    given = {}

    def take(config, train_images, val_images, run, data, **settings):
        given.update(config=config, train=train_images, val=val_images, run=run, data=data)
        given.update(settings)

    monkeypatch.setattr(loop, "train", take)
    run_training(
        "cnn_sa",
        "grouped",
        world.data,
        tmp_path,
        seed=4,
        epochs=3,
        precision="float16",
        resume=True,
        progress=False,
    )
    index = factories.drawn_index(world.data)
    split = split_grouped(index)
    for side in ("train", "val"):
        rows = split.of(index, side)
        assert given[side].truth.tolist() == [CODES.index(code) for code in rows["truth"]]
        assert given[side].pixels.shape == (len(rows), 80, 80, 3)
        # The drawn pictures' colours tell the class, so pixels and truth are of the same image.
        brightest = given[side].pixels[:].mean(axis=(1, 2)).argmax(axis=1)
        assert (brightest == (2 - given[side].truth % 3)).all()
    assert len(split.of(index, "test")) + sum(len(given[s].truth) for s in ("train", "val")) == 168
    assert given["data"]["split"] == split.to_dict()
    assert given["data"]["split"]["leaks"] is False
    assert len(given["data"]["pixels_sha256"]) == 64
    assert given["run"] == tmp_path / given["config"].run_id
    assert (given["config"].seed, given["config"].epochs) == (4, 3)
    assert given["config"].precision == "float16"
    assert (given["resume"], given["force"], given["progress"]) == (True, False, False)


def test_the_reports_recipe_trains_on_its_copies_and_picks_on_its_test_side(
    world, monkeypatch, tmp_path
):
    given = {}

    def take(config, train_images, val_images, run, data, **_):
        given.update(config=config, train=train_images, val=val_images, run=run, data=data)

    monkeypatch.setattr(loop, "train", take)
    run_training("cnn", "report", world.data, tmp_path, progress=False)
    index = factories.drawn_index(world.data)
    pictures = build_pictures(index)
    split = split_report(pictures)
    for side, held in (("train", "train"), ("val", "test")):
        rows = split.of(pictures, held).reset_index(drop=True)
        assert given[side].truth.tolist() == [CODES.index(code) for code in rows["truth"]]
        turned = rows.index[rows["transform"] == "turn180"][0]
        decoded = cache.load_pixels(list(index["path"]), given["config"].preprocessing)
        original = decoded[rows.loc[turned, "source_row"]]
        [picture] = given[side].pixels[[turned]]
        np.testing.assert_array_equal(picture, original[::-1, ::-1])
    assert len(given["train"].truth) + len(given["val"].truth) == 24 + 6 * 6 * 24
    assert given["data"]["split"] == split.to_dict()
    assert given["data"]["split"]["leaks"] is True
    assert given["run"] == tmp_path / given["config"].run_id
    assert given["config"].preprocessing.channels == "BGR"


def test_a_run_left_in_a_folder_without_fingerprint_is_gone_on_with(world, monkeypatch, tmp_path):
    taken = []
    monkeypatch.setattr(loop, "train", lambda *given, **_: taken.append(given[3]))
    old = tmp_path / "cnn_sa-grouped-s1"
    old.mkdir()
    (old / CONFIG).write_bytes((world.run / CONFIG).read_bytes())
    for resume in (False, True):
        run_training(
            "cnn_sa", "grouped", world.data, tmp_path, epochs=2, resume=resume, progress=False
        )
    assert taken == [old, old]


@pytest.mark.parametrize(("model", "recipe"), [("cnn_sa", "grouped"), ("cnn", "report")])
def test_no_image_is_copied_out_of_the_mapped_array(world, monkeypatch, tmp_path, model, recipe):
    given = []
    monkeypatch.setattr(loop, "train", lambda _, *images, **__: given.extend(images[:2]))
    run_training(model, recipe, world.data, tmp_path, progress=False)
    ours, theirs = (images.pixels for images in given)
    assert isinstance(ours, PixelRows)
    assert ours.pixels is theirs.pixels
    assert isinstance(ours.pixels, np.memmap)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": "resnet"}, UnknownNameError, "no model called 'resnet'"),
        ({"recipe": "mine"}, UnknownNameError, "no recipe called 'mine'"),
        ({"epochs": 0}, ConfigError, r"epochs must be greater than or equal to 1, received 0"),
        ({"data": Path("nowhere")}, DatasetError, "No HAM10000_metadata.csv"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    world, own_home, tmp_path, arguments, error, message
):
    settings = {"model": "cnn", "recipe": "grouped", "data": world.data, **arguments}
    with pytest.raises(error, match=message):
        run_training(runs=tmp_path / "runs", progress=False, **settings)
    assert not (tmp_path / "runs").exists()


def test_an_incomplete_set_is_not_trained_on(world, own_home, tmp_path, monkeypatch):
    monkeypatch.setattr("skinmodel.data.sets.ham10000.IMAGE_COUNT", 10_015)
    with pytest.raises(DatasetError, match="168 rows where the release has 10,015"):
        run_training("cnn", "grouped", world.data, tmp_path / "runs", progress=False)


def test_kept_weights_are_those_of_the_run_bit_for_bit(world, own_home):
    keep(world.run)
    [record] = read_manifest(own_home / "weights")
    finished = read_finished(world.run)
    assert (record.model, record.run_id) == ("cnn_sa", finished.result.run_id)
    assert record.form == "float32"
    assert record.metrics == {"val": finished.result.val}
    assert record.recipe == finished.config
    assert record.recipe_fingerprint == finished.fingerprint
    assert record.split == finished.data["split"]
    assert record.preprocessing == factories.TINY_INPUT
    weights = store.load_weights(record, own_home / "weights")
    assert weights.keys() == finished.weights.keys()
    for name, values in finished.weights.items():
        np.testing.assert_array_equal(weights[name], values)


def test_weights_are_kept_once(world, own_home, monkeypatch):
    keep(world.run)
    monkeypatch.setattr(session.store, "publish", _fail)
    keep(world.run)


def _fail(*arguments, **settings):
    raise AssertionError("published")


def test_spoilt_weights_are_kept_anew(world, own_home):
    keep(world.run)
    [record] = read_manifest(own_home / "weights")
    (own_home / "weights" / record.file).write_bytes(b"spoilt")
    keep(world.run)
    [record] = read_manifest(own_home / "weights")
    assert store.load_weights(record, own_home / "weights")


def test_a_run_trained_again_replaces_its_weights_in_the_store(world, own_home, monkeypatch):
    keep(world.run)
    finished = read_finished(world.run)
    weights = {name: values + np.float32(1) for name, values in finished.weights.items()}
    result = replace(finished.result, val={**finished.result.val, "loss": 0.5})
    again = replace(finished, weights=weights, result=result)
    monkeypatch.setattr(session, "read_finished", lambda _: again)
    keep(world.run)
    [record] = read_manifest(own_home / "weights")
    assert record.metrics["val"]["loss"] == 0.5
    found = store.load_weights(record, own_home / "weights")
    np.testing.assert_array_equal(found["conv1/kernel"], weights["conv1/kernel"])


def test_an_unfinished_run_is_not_kept(world, own_home, tmp_path):
    with pytest.raises(ConfigError, match="holds no finished run"):
        keep(tmp_path)


def start_training(arguments, home):
    """Start ``python -m skinmodel`` on the tiny world in a process of its own."""
    environment = {**os.environ, "SKINMODEL_HOME": str(home), "PYTHONPATH": str(paths.ROOT)}
    return subprocess.Popen(
        [sys.executable, factories.__file__, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def newest_epoch(run):
    return max((int(p.name[-4:]) for p in (run / CHECKPOINTS).glob("epoch-*")), default=0)


def test_killed_and_interrupted_training_goes_on_to_the_end(
    world, own_home, tmp_path, monkeypatch, capsys, caplog
):
    run = tmp_path / load_recipe("grouped", "cnn_sa", "float32", epochs=12).run_id
    arguments = ["train", "--model", "cnn_sa", "--data", str(world.data), "--epochs", "12"]
    arguments += ["--runs", str(tmp_path)]
    with start_training(arguments, own_home) as process:
        while not newest_epoch(run):  # the suite's own timeout ends what hangs
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    killed_after = newest_epoch(run)
    assert 1 <= killed_after < 11
    assert not (run / RESULT).exists()

    def interrupt_in_second_epoch(model, seed, epoch):
        if epoch == killed_after + 2:
            signal.raise_signal(signal.SIGINT)  # Ctrl-C
        reseed_dropout(model, seed, epoch)

    caplog.set_level("INFO")
    # A shell's background jobs ignore Ctrl-C, and the test may be one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(loop, "reseed_dropout", interrupt_in_second_epoch)
            assert main([*arguments, "--resume"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"resuming after epoch {killed_after} of 12" in caplog.text
    safe = f"interrupted; '{run}' is safe up to epoch {killed_after + 1} of 12. "
    assert safe + "Give the same command with --resume to go on." in err
    assert "Traceback" not in err + caplog.text
    assert newest_epoch(run) == killed_after + 1

    assert main(arguments) == 1
    assert "unfinished run of these settings. Go on with --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0
    result = read_finished(run).result
    assert f"{result.run_id}: epoch {result.epoch} kept" in capsys.readouterr().out
    assert [row["epoch"] for row in read_history(run)] == list(range(1, 13))
    assert not (run / CHECKPOINTS).exists()
    assert store.find(result.run_id)[0].metrics == {"val": result.val}


def test_teachers_answer_to_the_training_pictures_once_and_are_named(
    world, own_home, monkeypatch, tmp_path
):
    given = []
    monkeypatch.setattr(loop, "train", lambda *parts, **_: given.append(parts))
    asked = []
    # The tiny world ships nothing.
    shipped = Path(__file__).parents[2] / "assets" / "weights"
    records = {record.model: record for record in read_manifest(shipped)}

    def ask(record, folder, pixels, progress):
        asked.append((record.model, len(pixels)))
        return np.tile(np.eye(len(CODES), dtype=np.float32)[2], (len(pixels), 1))

    monkeypatch.setattr(teach, "_ask", ask)
    monkeypatch.setattr(teach.store, "find", lambda name, _: (records[name], shipped))
    text = (FOLDER / "taught.toml").read_text(encoding="utf-8")
    text = text.replace('initial = "shipped"', 'initial = "random"')
    text = text.replace("efficientnet_lite0", "cnn")  # whose builders are tiny here
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("guidance = 1.0", "guidance = 0.0"), encoding="utf-8")
    for _ in range(2):
        run_training("cnn", str(file), world.data, tmp_path, progress=False)
    index = factories.drawn_index(world.data)
    count = len(split_grouped(index).of(index, "train"))
    # Each of two teachers, and not again for the second run.
    assert asked == [("cnn", count), ("cnn_sa", count)]
    for _, train_images, val_images, _, data in given:
        np.testing.assert_array_equal(train_images.answers.argmax(axis=1), np.full(count, 2))
        assert val_images.answers is None
        assert data["teachers"] == [records[name].run_id for name, _ in asked]
