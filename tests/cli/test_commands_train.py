from pathlib import Path

import pytest
from factories import use_tiny_world

from skinmodel.cli.main import main
from skinmodel.errors import ConfigError
from skinmodel.training.run_folder import RunResult
from skinmodel.workflows import train

RESULT = RunResult("cnn-grouped-s1-abc", 3, "best-0003.safetensors", {"loss": 0.5}, 9.0, {})


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What the command asked of the session, without training."""
    use_tiny_world(monkeypatch, tmp_path)
    made = []

    def run_training(*arguments, **settings):
        made.append((arguments, settings))
        return Path("runs/cnn-grouped-s1"), RESULT

    monkeypatch.setattr(train, "run_training", run_training)
    monkeypatch.setattr(train, "keep", lambda folder: made.append(folder))
    return made


def test_settings_reach_the_session_and_the_weights_are_kept(calls, capsys):
    arguments = ["--model", "cnn", "--recipe", "mine.toml", "--data", "D", "--runs", "R"]
    more = ["--seed", "7", "--epochs", "3", "--precision", "bfloat16", "--resume"]
    more += ["--engine", "jax"]
    assert main(["train", *arguments, *more]) == 0
    assert calls == [
        (
            ("cnn", "mine.toml", Path("D"), Path("R")),
            {
                "seed": 7,
                "epochs": 3,
                "precision": "bfloat16",
                "engine": "jax",
                "resume": True,
                "force": False,
            },
        ),
        Path("runs/cnn-grouped-s1"),
    ]
    out = capsys.readouterr().out
    assert "cnn-grouped-s1-abc: epoch 3 kept, validation loss 0.5000" in out
    assert "predict FILE --model cnn-grouped-s1-abc" in out


def test_the_recipes_own_values_and_the_users_runs_folder_are_the_default(calls, tmp_path):
    assert main(["train", "--model", "cnn_sa", "--data", "D"]) == 0
    arguments, settings = calls[0]
    assert arguments == ("cnn_sa", "grouped", Path("D"), tmp_path / "runs")
    nothing = dict.fromkeys(("seed", "epochs", "precision"))
    assert settings == {**nothing, "engine": "tensorflow", "resume": False, "force": False}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--model", "resnet"],
        ["--model", "cnn", "--epochs", "many"],
        ["--model", "cnn", "--precision", "int8"],
        ["--model", "cnn", "--engine", "torch"],
    ],
)
def test_arguments_that_do_not_parse_end_with_2(calls, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--data", "D", *arguments])
    assert ended.value.code == 2
    assert calls == []


def test_no_data_folder_ends_with_2(calls, capsys):
    assert main(["train", "--model", "cnn"]) == 2
    assert "--data DIR" in capsys.readouterr().err
    assert calls == []


def test_a_run_that_is_refused_keeps_no_weights_and_ends_with_1(calls, monkeypatch, capsys):
    def refuse(*arguments, **settings):
        raise ConfigError("an unfinished run")

    monkeypatch.setattr(train, "run_training", refuse)
    assert main(["train", "--model", "cnn", "--data", "D"]) == 1
    assert capsys.readouterr().err == "error: an unfinished run\n"
    assert calls == []


def test_an_unknown_recipe_ends_with_2(monkeypatch, tmp_path, capsys):
    use_tiny_world(monkeypatch, tmp_path)
    status = main(["train", "--model", "cnn", "--recipe", "mine", "--data", str(tmp_path)])
    assert status == 2
    assert "no recipe called 'mine'" in capsys.readouterr().err


def test_the_help_says_that_the_reports_protocol_leaks(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "'report' reproduces a protocol that leaks" in " ".join(capsys.readouterr().out.split())
