"""Loading once, in the background, for everyone."""

import threading
import time

import pytest

from app.warmup import WarmUp, WarmUpState


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
