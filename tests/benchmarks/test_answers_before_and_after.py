"""Answers before and after they came without TensorFlow, in alternating rounds of one run.

    make benchmark

Before is the commit `BEFORE` in a work tree of its own, or the tree that SKINMODEL_BEFORE names;
both sides use this environment. Medians of the rounds are printed as ratios. Memory is the resident
memory of the server and of its networks' process together (Linux).
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from browser import server
from browser.server import find_networks_processes, serve
from PIL import Image
from visitor import Visitor

from skinmodel import paths
from skinmodel.diagnoses import CODES
from skinmodel.drawings.draw import draw_lesion

BEFORE = "6d532db5ee836e6167d133a58aa738feaba72243"
ROUNDS = int(os.environ.get("SKINMODEL_ROUNDS", "3"))
PICTURES = 96
PICTURE = "assets/samples/drawing_mel.jpg"
WAIT = 1200

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Both trees of the program, by name."""
    if named := os.environ.get("SKINMODEL_BEFORE"):
        yield {"before": Path(named), "after": paths.ROOT}
        return
    folder = tmp_path_factory.mktemp("before") / "tree"
    git = ["git", "-C", str(paths.ROOT), "worktree"]
    made = subprocess.run([*git, "add", "--detach", str(folder), BEFORE], capture_output=True)
    if made.returncode:
        pytest.skip(f"There is no commit {BEFORE[:8]} here: name its tree by SKINMODEL_BEFORE.")
    yield {"before": folder, "after": paths.ROOT}
    subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def compare(trees, measure):
    """Return each figure's median by side, of alternating rounds, and print their ratios."""
    rounds = [{side: measure(tree) for side, tree in trees.items()} for _ in range(ROUNDS)]
    figures = rounds[0]["after"]
    medians = {
        figure: {s: statistics.median(r[s][figure] for r in rounds) for s in trees}
        for figure in figures
    }
    for figure, sides in medians.items():
        before, after = sides["before"], sides["after"]
        print(f"{figure:<50} {before:9.2f} -> {after:9.2f}, ratio {after / before:.2f}")
    return medians


def run(tree, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, time.perf_counter() - start


def test_one_picture_on_the_command_line(trees):
    command = ("-m", "skinmodel", "predict", PICTURE)
    found = compare(trees, lambda tree: {"predict ONE.jpg, s": run(tree, *command)[1]})
    assert found["predict ONE.jpg, s"]["after"] < found["predict ONE.jpg, s"]["before"]


def test_every_network_warm_one_picture_and_many(trees, tmp_path):
    for number in range(PICTURES):
        drawn = Image.fromarray(draw_lesion(CODES[number % 7], seed=number))
        drawn.resize((600, 450)).save(tmp_path / f"{number:03d}.jpg")
    probe = str(Path(__file__).with_name("probe.py"))

    def measure(tree):
        found = json.loads(run(tree, probe, str(tmp_path))[0].split("FOUND")[-1])
        return {
            f"{name}: {figure}": value
            for name, figures in found.items()
            for figure, value in figures.items()
        }

    for figure, sides in compare(trees, measure).items():
        rises = "a second" in figure
        assert (sides["after"] > sides["before"]) is rises, figure


def test_the_first_verdict_of_a_server_and_what_it_holds(trees, tmp_path_factory, monkeypatch):
    def measure(tree):
        monkeypatch.setattr(server, "ROOT", tree)
        start = time.perf_counter()
        with serve("app/main.py", tmp_path_factory.mktemp("server")) as address:
            started = time.perf_counter()
            visitor = Visitor(address)
            visitor.classify((tree / PICTURE).read_bytes())
            end = time.perf_counter()
            held = _read_memory(address)
            visitor.close()
        return {
            "server started, s": started - start,
            "first verdict of a fresh server, s": end - started,
            "memory at the first verdict, MB": held,
        }

    found = compare(trees, measure)
    for figure in ("first verdict of a fresh server, s", "memory at the first verdict, MB"):
        assert found[figure]["after"] < found[figure]["before"], figure


def _read_memory(address):
    total = 0
    for pid in (address.pid, *find_networks_processes(address.pid)):
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.partition("VmRSS:")[2].split()[0])
    return total / 1024
