import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skinmodel import paths
from skinmodel.cli import main as cli
from skinmodel.cli import weights
from skinmodel.cli.main import main
from skinmodel.errors import ConfigError, ImageError, UnknownNameError, UsageError
from skinmodel.results import DISCLAIMER
from skinmodel.weights import store


@pytest.fixture(autouse=True)
def _own_store(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", tmp_path / "shipped")
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path))
    monkeypatch.delenv("SKINMODEL_DEBUG", raising=False)


@pytest.fixture
def fail(monkeypatch):
    """Make ``weights list`` end in the error given."""

    def install(error):
        def raise_error():
            raise error

        monkeypatch.setattr(store, "list_all", raise_error)
        return ["weights", "list"]

    return install


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("they do not go together"), 2),
        (UnknownNameError("model", "resnet", ["cnn"]), 2),
        (ConfigError("an unfinished run"), 1),
        (ImageError("no picture"), 1),
    ],
)
def test_our_own_errors_become_one_line_and_a_status(fail, capsys, error, status):
    assert main(fail(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {error}\n"


def test_an_unexpected_error_is_named_without_a_traceback(fail, capsys, caplog):
    assert main(fail(ZeroDivisionError("one by nothing"))) == 1
    _, err = capsys.readouterr()
    told = err + caplog.text
    assert "unexpected ZeroDivisionError: one by nothing" in told
    assert "SKINMODEL_DEBUG" in told
    assert "Traceback" not in told


def test_an_unexpected_error_shows_where_it_arose_when_asked_to(fail, monkeypatch):
    monkeypatch.setenv("SKINMODEL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(fail(ZeroDivisionError()))


def test_ctrl_c_ends_with_130(fail, capsys):
    assert main(fail(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "interrupted; nothing that was finished is lost\n"


def test_a_command_that_ends_well_gives_its_own_status(monkeypatch, capsys):
    assert main(["weights", "list"]) == 0
    monkeypatch.setattr(store, "verify", lambda *_: weights.WeightsState.CORRUPT)
    assert "No weights" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["--unknown"], ["weights", "mend"]])
def test_what_does_not_parse_ends_with_2_and_shows_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: python -m skinmodel" in err


@pytest.mark.parametrize(
    "command", ["", "predict", "train", "release", "weights", "data", "results"]
)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: python -m skinmodel {command}".rstrip())
    if not command:
        assert DISCLAIMER in out
        assert all(c in out for c in ("predict", "train", "release", "weights", "data", "results"))


def start(*arguments, **settings):
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "skinmodel", *arguments], env=environment, **settings
    )


def test_the_module_runs_and_hands_its_status_to_the_shell():
    with start("weights", "nonsense", stderr=subprocess.PIPE, text=True) as process:
        assert "usage: python -m skinmodel weights" in process.stderr.read()
    assert process.returncode == 2


def test_a_reader_that_has_had_enough_is_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    process = start("weights", "list", stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "")


def test_ctrl_c_while_it_loads_is_no_traceback(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{paths.ROOT}"}
    command = [sys.executable, "-m", "skinmodel", "weights", "list"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_are_no_error(closed):
    shell = f'exec "$0" -m skinmodel weights list {closed}'
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
    command = ["sh", "-c", shell, sys.executable]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full, as Linux has it")
def test_output_that_cannot_be_written_is_said():
    with Path("/dev/full").open("w") as full:
        process = start("weights", "list", stdout=full, stderr=subprocess.PIPE, text=True)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("error: The output could not be written (No space left on device).")
    assert err.count("\n") == 1


def test_what_a_name_would_do_to_a_terminal_is_spelled_out(fail, capsys):
    main(fail(ImageError("There is no file 'a\x1b[2J\r.jpg':\n- one")))
    assert capsys.readouterr().err == ("error: There is no file 'a\\x1b[2J\\r.jpg':\n- one\n")


def test_a_command_loads_no_other_and_help_lists_all():
    code = (
        "import sys\n"
        "from skinmodel.cli.main import load_commands\n"
        "load_commands(['predict', 'a.jpg'])\n"
        "heavy = {'pandas', 'sklearn', 'scipy', 'plotly', 'tensorflow'} & sys.modules.keys()\n"
        "print(sorted(heavy), len(load_commands(['--help'])))\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT
    )
    assert out.stdout == f"[] {len(cli._COMMANDS)}\n"


def test_naming_a_command_loads_no_deep_learning_library():
    code = (
        "import sys, skinmodel.cli.main; "
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT
    )
    assert out.stdout == "[]\n"
    assert cli.main is main
