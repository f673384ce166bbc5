"""Which folder a run gets, without training and without TensorFlow."""

import json
from dataclasses import replace

import pytest

from skinmodel.errors import ConfigError
from skinmodel.training import run_folder
from skinmodel.training.recipes import load_recipe
from skinmodel.training.run_folder import check_config, choose_folder

DATA = {"name": "drawn", "split": {"name": "grouped", "seed": 3}}


@pytest.fixture
def config():
    return load_recipe("grouped", "cnn_sa", "float32", epochs=4)


@pytest.fixture
def start(tmp_path):
    """Factory: leave what an unfinished run of these settings leaves in a folder of this name."""

    def start_(name, config):
        (tmp_path / name / run_folder.CHECKPOINTS / "epoch-0002").mkdir(parents=True)
        check_config(tmp_path / name, config, DATA, resume=True, force=True)
        (tmp_path / name / run_folder.CHECKPOINTS / "epoch-0002").mkdir(parents=True)
        return tmp_path / name

    return start_


@pytest.mark.parametrize("resume", [False, True])
def test_a_runs_folder_is_named_like_its_id(tmp_path, config, resume):
    assert choose_folder(tmp_path, config, resume=resume) == tmp_path / config.run_id
    assert config.run_id.endswith(config.fingerprint[:8])


def test_runs_of_other_settings_stand_beside_each_other(config, start, tmp_path):
    other = replace(config, dropout=0.25)
    ours, theirs = start(config.run_id, config), start(other.run_id, other)
    assert ours != theirs
    for resume in (False, True):
        assert choose_folder(tmp_path, config, resume=resume) == ours
        assert choose_folder(tmp_path, other, resume=resume) == theirs


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_without_fingerprint_is_found_by_its_settings(config, start, tmp_path, resume):
    old = start("cnn_sa-grouped-s1", config)
    assert choose_folder(tmp_path, config, resume=resume) == old
    check_config(old, config, DATA, resume=True, force=False)


def test_a_folder_without_fingerprint_of_other_settings_is_not_taken(config, start, tmp_path):
    start("cnn_sa-grouped-s1", replace(config, dropout=0.25))
    assert choose_folder(tmp_path, config, resume=False) == tmp_path / config.run_id


@pytest.mark.parametrize("fingerprinted", [False, True])
def test_to_go_on_with_other_settings_is_refused_naming_them(
    config, start, tmp_path, fingerprinted
):
    other = replace(config, dropout=0.25, precision="bfloat16")
    folder = start(other.run_id if fingerprinted else "cnn_sa-grouped-s1", other)
    with pytest.raises(ConfigError) as refused:
        choose_folder(tmp_path, config, resume=True)
    message = str(refused.value)
    assert f"'{tmp_path / config.run_id}' is not there" in message
    assert f"'{folder}' differs in train.dropout: 0.25 before, 0.5 now" in message
    assert "--precision bfloat16" in message
    assert "train.epochs" not in message
    assert "leave out --resume" in message


def test_runs_of_another_seed_network_or_recipe_say_nothing_of_this_one(config, start, tmp_path):
    for other in (
        replace(config, seed=11),
        replace(config, model="cnn"),
        replace(config, recipe="grouped-s1-b"),
    ):
        start(other.run_id, other)
    assert choose_folder(tmp_path, config, resume=True) == tmp_path / config.run_id


def test_a_damaged_folder_without_fingerprint_is_named_where_a_run_is_to_go_on(
    config, start, tmp_path
):
    old = start("cnn_sa-grouped-s1", config)
    (old / run_folder.CONFIG).write_text(json.dumps({"train": {}}))
    with pytest.raises(ConfigError, match=r"cnn_sa-grouped-s1.*cannot be read"):
        choose_folder(tmp_path, config, resume=True)
    assert choose_folder(tmp_path, config, resume=False) == tmp_path / config.run_id


@pytest.mark.parametrize("left", [run_folder.CONFIG, run_folder.RESULT, run_folder.CHECKPOINTS])
def test_whatever_is_left_of_a_run_in_its_own_folder_is_not_passed_by(
    config, start, tmp_path, left
):
    start("cnn_sa-grouped-s1", config)
    own = tmp_path / config.run_id
    own.mkdir()
    if left == run_folder.CHECKPOINTS:
        (own / left).mkdir()
    else:
        (own / left).write_text("{}")
    assert choose_folder(tmp_path, config, resume=True) == own
