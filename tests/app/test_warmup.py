"""Loading once, in the background, for everyone."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.services.warmup import WarmUp, WarmUpState

ROOT = Path(__file__).resolve().parents[2]


def test_states_from_cold_to_ready():
    release = threading.Event()

    def load():
        assert release.wait(10)
        return "loaded"

    warm_up = WarmUp(load)
    assert warm_up.status.state is WarmUpState.COLD
    assert warm_up.status.seconds == 0
    with pytest.raises(RuntimeError, match="before WarmUp"):
        warm_up.result()
    warm_up.start()
    assert warm_up.status.state is WarmUpState.LOADING
    with pytest.raises(TimeoutError):
        warm_up.result()
    release.set()
    assert warm_up.result(timeout=10) == "loaded"
    status = warm_up.status
    assert status.state is WarmUpState.READY
    assert status.error is None
    time.sleep(0.02)
    assert warm_up.status.seconds == status.seconds


def test_many_sessions_at_once_load_once():
    calls = []
    gate = threading.Barrier(8)

    def load():
        calls.append(1)
        return object()

    warm_up = WarmUp(load)
    results = []

    def session():
        gate.wait(10)
        warm_up.start()
        results.append(warm_up.result(timeout=10))

    threads = [threading.Thread(target=session) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert calls == [1]
    assert len(results) == 8
    assert len(set(map(id, results))) == 1


def test_failure_is_kept_until_retried():
    outcomes = [ValueError("first"), None]

    def load():
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return "second"

    warm_up = WarmUp(load)
    warm_up.start()
    with pytest.raises(ValueError, match="first"):
        warm_up.result(timeout=10)
    assert warm_up.status.state is WarmUpState.FAILED
    assert isinstance(warm_up.status.error, ValueError)
    warm_up.start()
    assert warm_up.status.state is WarmUpState.FAILED
    warm_up.retry()
    assert warm_up.result(timeout=10) == "second"
    warm_up.retry()
    assert warm_up.status.state is WarmUpState.READY
    assert outcomes == []


def test_what_was_given_up_is_loaded_anew_and_stays_in_use_meanwhile():
    held, gate, loads = [True], threading.Event(), []

    def load():
        loads.append(1)
        assert len(loads) == 1 or gate.wait(10)
        return f"loaded {len(loads)}"

    warm_up = WarmUp(load, lambda _: held[0])
    warm_up.start()
    assert warm_up.result(timeout=10) == "loaded 1"
    warm_up.start()
    held[0] = False
    assert warm_up.status.state is WarmUpState.COLD
    warm_up.start()
    warm_up.start()
    assert warm_up.status.state is WarmUpState.LOADING
    assert warm_up.result() == "loaded 1"
    held[0] = True
    gate.set()
    while warm_up.status.state is WarmUpState.LOADING:
        time.sleep(0.01)
    assert warm_up.result() == "loaded 2"
    assert len(loads) == 2


def test_loading_anew_that_fails_is_said_and_can_be_retried():
    held, outcomes = [True], ["first", ValueError("second"), "third"]

    def load():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    warm_up = WarmUp(load, lambda _: held[0])
    warm_up.start()
    warm_up.result(timeout=10)
    held[0] = False
    warm_up.start()
    while warm_up.status.state is WarmUpState.LOADING:
        time.sleep(0.01)
    assert warm_up.status.state is WarmUpState.FAILED
    held[0] = True
    warm_up.retry()
    while warm_up.status.state is not WarmUpState.READY:
        time.sleep(0.01)
    assert warm_up.result() == "third"


def test_a_program_that_ends_does_not_wait_for_a_loading():
    code = (
        "import threading\nfrom app.services.warmup import WarmUp\n"
        "WarmUp(threading.Event().wait).start()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100)
