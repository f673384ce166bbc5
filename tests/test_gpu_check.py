"""The script for a GPU asks for the right commands, in time; a stand-in for Python notes them."""

import subprocess

import pytest

from skinmodel.paths import ROOT

SCRIPT = ROOT / "scripts" / "gpu_check.sh"
STAND_IN = """#!/bin/sh
case "$1" in
-) printf '%s' "$MISSING" ;;
*)
    echo "$@" >>"$CALLS"
    case "$*" in
    *parity*) echo "parity of jax"; exit "$PARITY" ;;
    *"--seed 2"*) exit 1 ;;
    esac
    ;;
esac
"""


@pytest.fixture
def check(tmp_path):
    """Run the script; returns its result and the commands it gave."""
    python, calls, queue = (tmp_path / name for name in ("python", "calls", "queue"))
    python.write_text(STAND_IN)
    python.chmod(0o755)
    queue.write_text("# NETWORK RECIPE SEED [EPOCHS]\n\ncnn grouped 2\n  cnn_sa grouped 3 4\n")

    def run(missing="", parity=0, limit=100, arguments=None):
        settings = {"MISSING": missing, "PARITY": str(parity), "LIMIT": str(limit)}
        places = {"PYTHON": str(python), "CALLS": str(calls), "PATH": "/usr/bin:/bin"}
        given = ["packed", str(queue), str(tmp_path / "out")] if arguments is None else arguments
        done = subprocess.run(
            ["sh", str(SCRIPT), *given],
            env=settings | places | {"MEASURE": "--models cnn --batch 8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, calls.read_text().splitlines() if calls.exists() else []

    return run


def test_it_measures_and_trains_the_queue_and_goes_on_after_a_failure(check, tmp_path):
    done, calls = check()
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    tail = f"--engine jax --data packed --runs {out}/runs --resume"
    assert calls == [
        "-m skinmodel.training.parity jax",
        f"-m skinmodel speed --engine jax --models cnn --batch 8 --json {out}/speed.json",
        f"-m skinmodel train --model cnn --recipe grouped --seed 2 {tail}",
        f"-m skinmodel train --model cnn_sa --recipe grouped --seed 3 --epochs 4 {tail}",
    ]
    assert "stopped: cnn grouped 2 (status 1)" in done.stdout
    assert "parity of jax" in done.stdout
    assert (out / "parity.txt").read_text() == "parity of jax\n"


def test_losses_that_do_not_agree_are_its_exit_status(check):
    done, calls = check(parity=1)
    assert done.returncode == 1
    assert len(calls) == 4


def test_it_starts_nothing_once_its_time_is_up(check):
    done, calls = check(limit=3)
    assert len(calls) == 2
    assert "no time left for cnn_sa grouped 3" in done.stdout


def test_missing_packages_are_named_before_anything_runs(check):
    done, calls = check(missing="jax keras ")
    assert (done.returncode, calls) == (1, [])
    assert "missing packages: jax keras" in done.stderr


def test_without_a_folder_it_says_how_to_call_it(check):
    done, calls = check(arguments=[])
    assert done.returncode != 0
    assert calls == []
    assert "usage: scripts/gpu_check.sh PACKED" in done.stderr
