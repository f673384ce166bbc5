"""The networks' own process: right answers, errors as themselves, and no life of its own."""

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stub_networks import LOADER, SECRET, wait_for

from skinmodel import errors, paths
from skinmodel.errors import SkinModelError, UnknownNameError, WeightsError, WorkerError
from skinmodel.inference.process import (
    NetworkProcess,
    Progress,
    RemoteClassifier,
    UnexpectedWorkerError,
)
from skinmodel.inference.worker import KEPT
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def start(monkeypatch):
    """Factory: a process of stub networks, ended after the test."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    made = []

    def start_(**options):
        made.append(NetworkProcess(LOADER, **options))
        return made[-1]

    yield start_
    for process in made:
        process.close()


def make_network(process, folder, run_id="run", number=0):
    record = read_manifest(paths.SHIPPED_WEIGHTS)[0]
    return RemoteClassifier(
        process, replace(record, run_id=run_id, sha256=f"{number:064x}"), folder
    )


def paint(level):
    return np.full((120, 160, 3), level, np.uint8)


def read_log(folder):
    return (folder / "log").read_text(encoding="utf-8").split("\n")[:-1]


def wait_until(is_so):
    while not is_so():
        time.sleep(0.01)


def is_alive(pid):
    """Whether a process runs; one that only waits to be fetched by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_started_before_the_first_request(start, tmp_path):
    process = start()
    network = make_network(process, tmp_path)
    assert process.pid is None
    assert process.progress == Progress()
    assert not network.is_held
    process.prepare()
    assert process.progress == Progress(prepared=True)
    network.load()
    assert network.is_held
    assert process.pid not in (None, os.getpid())


def test_every_method_answers_and_eight_sessions_get_their_own_answers(start, tmp_path):
    network = make_network(start(), tmp_path)
    levels = [30 * k for k in range(8)]

    def ask(level):
        [prediction] = network.classify([paint(level)])
        found = network.explain(paint(level), "grad_cam", "mel")
        outputs = network.activations(paint(level), ["conv1", "conv2"])
        return prediction.probabilities[0] * 255, found.values[0, 0], outputs["conv2"][0]

    with ThreadPoolExecutor(8) as sessions:
        answers = list(sessions.map(ask, levels))
    for level, answer in zip(levels, answers, strict=True):
        assert answer == pytest.approx((level, level, level))
    assert read_log(tmp_path).count("load run") == 1


def test_errors_on_purpose_arrive_as_themselves(start, tmp_path):
    network = make_network(start(), tmp_path)
    with pytest.raises(UnknownNameError, match="no method called 'fail on purpose'") as caught:
        network.explain(paint(0), "fail on purpose")
    assert caught.value.name == "fail on purpose"


@pytest.mark.parametrize("kind", [SkinModelError, *SkinModelError.__subclasses__()])
def test_every_error_of_the_family_can_travel(kind):
    made = kind("model", "x", ["a", "b"]) if kind is UnknownNameError else kind("What to do.")
    found = pickle.loads(pickle.dumps(made))
    assert (type(found), str(found), vars(found)) == (kind, str(made), vars(made))
    assert kind.__module__ == errors.__name__


def test_any_other_error_says_where_it_was_raised_and_nothing_else(start, tmp_path):
    network = make_network(start(), tmp_path)
    with pytest.raises(UnexpectedWorkerError) as caught:
        network.explain(paint(0), "fail")
    assert "builtins.ValueError" in caught.value.frames
    assert "stub_networks.py" in caught.value.frames
    assert SECRET not in caught.value.frames + str(caught.value)
    with pytest.raises(UnexpectedWorkerError, match="messages"):
        network.explain(paint(0), "unpicklable")
    assert network.classify([paint(0)])


def test_a_network_that_cannot_be_loaded_blocks_no_other_and_can_be_mended(start, tmp_path):
    process = start()
    corrupt = make_network(process, tmp_path, "needs-mending")
    other = make_network(process, tmp_path, "other", 1)
    with pytest.raises(WeightsError, match="needs-mending are corrupt"):
        corrupt.load()
    assert other.classify([paint(9)])
    assert not corrupt.is_held
    (tmp_path / "mending").touch()
    assert corrupt.classify([paint(9)])


def test_a_verdict_waits_neither_for_a_loading_nor_behind_maps(start, tmp_path):
    process = start()
    network = make_network(process, tmp_path)
    network.load()
    with ThreadPoolExecutor(4) as sessions:
        loading = sessions.submit(make_network(process, tmp_path, "slow-run", 1).load)
        wait_until(lambda: "load slow-run" in read_log(tmp_path))
        assert network.classify([paint(1)])
        assert not loading.done()
        (tmp_path / "slow-run").touch()
        first = sessions.submit(network.explain, paint(1), "wait", "first")
        wait_until(lambda: "wait begins" in read_log(tmp_path))
        second = sessions.submit(network.explain, paint(1), "grad_cam", "mel")
        wait_until(lambda: len(process._running._waiting) == 2)
        verdict = sessions.submit(network.classify, [paint(1)])
        wait_until(lambda: len(process._running._waiting) == 3)
        (tmp_path / "first").touch()
        for answer in (first, second, verdict, loading):
            answer.result()
    done = ["wait begins", "wait ends", "classify", "grad_cam begins", "grad_cam ends"]
    assert read_log(tmp_path)[-5:] == done


def test_a_process_that_dies_fails_what_waits_and_the_next_request_has_a_new_one(start, tmp_path):
    process = start()
    network = make_network(process, tmp_path)
    network.load()
    before = process.pid
    with ThreadPoolExecutor(2) as sessions:
        blocked = sessions.submit(network.explain, paint(0), "wait", "never")
        wait_until(lambda: "wait begins" in read_log(tmp_path))
        behind = sessions.submit(network.classify, [paint(0)])
        wait_until(lambda: len(process._running._waiting) == 2)
        os.kill(before, signal.SIGKILL)
        for waiting in (blocked, behind):
            with pytest.raises(WorkerError, match=r"ended by signal 9.*memory.*try again"):
                waiting.result()
    assert process.progress == Progress()
    assert not network.is_held
    assert network.classify([paint(255)])[0].probabilities[0] == 1
    assert process.pid not in (None, before)


def test_a_request_that_kills_the_process_leaves_the_next_one_well(start, tmp_path):
    network = make_network(start(), tmp_path)
    with pytest.raises(WorkerError):
        network.explain(paint(0), "die")
    assert network.classify([paint(0)])


def test_it_ends_after_some_time_without_use_and_starts_anew(start, tmp_path):
    process = start(idle_seconds=0.05)
    network = make_network(process, tmp_path)
    (tmp_path / "now").touch()
    pids = set()
    for _ in range(2):
        network.explain(paint(0), "wait", "now")
        running = process._running.process
        pids.add(running.pid)
        assert running.wait() == 0
        assert process.pid is None
        assert not network.is_held
    assert len(pids) == 2


def test_it_does_not_end_while_it_is_asked(start, tmp_path):
    process = start(idle_seconds=0.0)
    network = make_network(process, tmp_path)
    with ThreadPoolExecutor(1) as session:
        asked = session.submit(network.explain, paint(0), "wait", "later")
        wait_for(tmp_path / "log")
        wait_until(lambda: "wait begins" in read_log(tmp_path))
        process._running._end_if_idle()  # as a timer would that fired too late to be stopped
        (tmp_path / "later").touch()
        assert asked.result().method == "wait"


def test_the_network_not_asked_for_longest_is_given_up_first(start, tmp_path):
    process = start()
    networks = [make_network(process, tmp_path, f"run-{k}", k) for k in range(KEPT + 1)]
    for network in networks[:KEPT]:
        network.load()
    networks[0].load()
    networks[KEPT].load()
    assert [n.is_held for n in networks] == [True, False, *[True] * (KEPT - 1)]
    assert networks[1].classify([paint(3)])
    assert read_log(tmp_path).count("load run-1") == 2


def test_a_terminals_interrupt_does_not_end_it(start, tmp_path):
    process = start()
    network = make_network(process, tmp_path)
    network.load()
    before = process.pid
    os.kill(before, signal.SIGINT)
    assert network.classify([paint(3)])
    assert process.pid == before


def test_a_process_that_cannot_be_started_is_said_in_words(start, tmp_path, monkeypatch):
    network = make_network(start(), tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(WorkerError, match="could not be started"):
        network.load()
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    network.load()


SERVER = """
import sys, threading
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}, {tests!r} + "/inference"]
from test_inference_process import make_network, paint, wait_until, read_log
from stub_networks import LOADER
from skinmodel.errors import WorkerError
from skinmodel.inference.process import NetworkProcess

folder = Path({folder!r})
process = NetworkProcess(LOADER)
network = make_network(process, folder)
network.load()

def session():
    try:
        network.explain(paint(0), "wait", "never")
    except WorkerError as error:
        print(error)

threading.Thread(target=session).start()
wait_until(lambda: "wait begins" in read_log(folder))
print(process.pid, flush=True)
if {waits}:
    threading.Event().wait()
"""


def serve(folder, waits):
    code = SERVER.format(root=str(TESTS.parent), tests=str(TESTS), folder=str(folder), waits=waits)
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_server_even_in_the_middle_of_a_request(tmp_path, end):
    with serve(tmp_path, waits=True) as server:
        pid = int(server.stdout.readline())
        assert is_alive(pid)
        server.send_signal(end)
        wait_until(lambda: not is_alive(pid))
        if end is signal.SIGINT:  # its session still waits, unless it is told
            assert "closed" in server.stdout.read()


def test_a_session_that_waits_does_not_keep_a_server_from_ending(tmp_path):
    with serve(tmp_path, waits=False) as server:
        pid = int(server.stdout.readline())
        assert "was closed before it answered" in server.stdout.read()
        assert server.wait() == 0
        wait_until(lambda: not is_alive(pid))


def test_it_answers_as_the_classifier_does(world, monkeypatch, tmp_path):
    from skinmodel.inference.classifier import Classifier

    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("SKINMODEL_HOME", str(world.home))
    process = NetworkProcess("tiny_networks:load")
    try:
        stored = store.find(world.run_ids["cnn_sa"])
        here, there = Classifier.from_stored(*stored), RemoteClassifier(process, *stored)
        image = np.random.default_rng(5).integers(0, 256, (90, 130, 3)).astype(np.uint8)
        for views in (1, 8):
            assert there.classify([image, image[::-1]], views) == here.classify(
                [image, image[::-1]], views
            )
        assert there.methods == here.methods
        for method in here.methods:
            ours, theirs = (c.explain(image, method, "mel") for c in (here, there))
            np.testing.assert_array_equal(ours.values, theirs.values)
            assert (ours.layer, ours.code) == (theirs.layer, theirs.code)
        layers = ["conv1/linear", "soft_attention/input"]
        for name, values in here.activations(image, layers).items():
            np.testing.assert_array_equal(values, there.activations(image, layers)[name])
    finally:
        process.close()
