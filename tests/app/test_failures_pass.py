"""What failed once is tried again: no failure outlives its cause, or at most its session."""

import ast
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from fakes import make_classifiers, make_record
from measured import pairs

from app import services
from app.services import datasets, evaluations, lessons
from app.services import datasets as gallery
from app.services import lessons as activations
from app.services.attempts import Problem
from app.services.datasets import tables
from skinmodel import paths
from skinmodel.errors import DatasetError, WeightsError

SERVICES = Path(services.__file__).parent
IMAGE = np.zeros((8, 8, 3), np.uint8)
SENTENCE = "The disk is away for a moment."


def survey():
    """Return the evaluations that can be read, or the first reason why one cannot."""
    evaluations_found, problems = evaluations._survey(paths.RESULTS)
    return problems[0] if problems else evaluations_found


READ = {  # by module and the name in it that fails once: what a page asks for
    (evaluations, "survey_evaluations"): lambda _: survey(),
    (evaluations, "read_pair"): lambda pair: evaluations.open_pair(*pair),
    (evaluations.report_files, "read_report"): lambda pair: evaluations.read_report(pair[0]),
    (evaluations, "read_publication"): lambda _: evaluations.read_published(),
    (tables, "read_counts"): lambda _: datasets.read_counts(),
    (lessons, "read_first_layer"): lambda _: lessons.open_first_layer("cnn"),
    (lessons, "read_attention"): lambda _: lessons.open_attention("cnn_sa", "soft_attention"),
    (activations, "read_normalisation"): lambda _: activations.open_normalisation("cnn", "bn1"),
    (services, "open_run"): lambda _: evaluations.explain_photograph("run", "id", "mel", IMAGE),
}
READ_ONCE_A_SESSION = {
    (services, "read_held_out"): (services.read_test_images, services.forget_test_images),
    (evaluations, "find_photographs"): (
        lambda: evaluations.list_photographs("ham10000-test"),
        evaluations.forget_photographs,
    ),
    (gallery, "read_ham10000"): (
        lambda: gallery.read_gallery("ham10000"),
        gallery.forget_galleries,
    ),
    (gallery, "read_isic2019"): (
        lambda: gallery.read_gallery("isic2019"),
        gallery.forget_galleries,
    ),
}


@pytest.fixture(autouse=True)
def _empty_caches():
    st.cache_resource.clear()
    st.session_state.clear()
    yield
    st.cache_resource.clear()
    st.session_state.clear()


def fail_once(monkeypatch, place, result, error=DatasetError):
    """Have a function fail once and then return ``result``; returns its calls."""
    module, name = place
    calls = []

    def act(*_):
        calls.append(name)
        if len(calls) == 1:
            raise error(SENTENCE)
        return result

    monkeypatch.setattr(module, name, act)
    return calls


@pytest.mark.parametrize("place", READ, ids=lambda place: place[1])
@pytest.mark.parametrize("error", [WeightsError, OSError])
def test_one_failure_and_then_success_without_a_restart(monkeypatch, results, place, error):
    monkeypatch.setattr(paths, "RESULTS", results)
    [network] = make_classifiers({"cnn": (1, 0, 0, 0, 0, 0, 0)}).values()
    pair = pairs(results)[0]
    result = network if place[1] == "open_run" else ("found",)
    if place[1] == "survey_evaluations":
        result = (result, ())
    calls = fail_once(monkeypatch, place, result, error)
    ask = READ[place]
    first, second, third = (ask(pair) for _ in range(3))
    assert isinstance(first, Problem)
    assert not isinstance(second, Problem)
    assert third is second  # what succeeded is kept
    assert len(calls) == 2


@pytest.mark.parametrize("place", READ_ONCE_A_SESSION, ids=lambda place: place[1])
def test_a_broken_folder_is_read_again_on_request_and_by_other_sessions(
    monkeypatch, tmp_path, place
):
    monkeypatch.setenv("SKINMODEL_DATA", str(tmp_path))
    ask, forget = READ_ONCE_A_SESSION[place]
    for leave in (forget, st.session_state.clear):
        st.cache_resource.clear()
        calls = fail_once(monkeypatch, place, "found")
        assert [ask(), ask()] == [Problem(SENTENCE)] * 2
        assert len(calls) == 1
        leave()
        assert [ask(), ask()] == ["found"] * 2
        assert len(calls) == 2


def test_a_split_that_could_not_be_read_once_does_not_mark_the_gallery_for_good(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("SKINMODEL_DATA", str(tmp_path))

    class FoundSplit:
        fingerprint = "f" * 64

    monkeypatch.setattr(gallery, "read_ham10000", lambda _, split: [split])
    fail_once(monkeypatch, (gallery, "read_ham10000_split"), FoundSplit)
    assert [gallery.read_gallery("ham10000") for _ in range(2)] == [[None], [FoundSplit]]


def test_no_cached_function_turns_an_error_into_a_value():
    """Else the error is what is cached."""
    cached = []
    for path in SERVICES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
                continue
            if "st.cache_" in " ".join(map(ast.unparse, node.decorator_list)):
                cached.append(node.name)
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                assert not names & {"attempt", "attempt_once", "Problem"}, (path.name, node.name)
                assert not [n for n in ast.walk(node) if isinstance(n, ast.ExceptHandler)]
    assert {"_list", "_read_split", "_read_counts", "get_process"} <= set(cached)


def test_any_run_is_asked_without_waiting_for_the_default_pair(monkeypatch, ship):
    """A default network that is corrupt, or still loading, is none of another run's business."""
    ship(*map(make_record, ("cnn", "cnn_sa", "efficientnet_lite0")))
    asked = []

    class Process:
        """In place of the networks' process."""

        def prepare(self):
            raise AssertionError("the default pair was loaded")

        def ask(self, task):
            asked.append(task)
            return "map"

    monkeypatch.setattr(services, "get_process", lambda: process)
    process = Process()
    run_id = make_record("efficientnet_lite0").run_id
    found = evaluations.explain_photograph(run_id, "ISIC_1", "mel", IMAGE)
    assert found == "map"
    [task] = asked
    assert task.network.record.run_id == run_id
    assert services.get_warm_up().status.seconds == 0
    shown = services.load_classifier("efficientnet_lite0")
    shown.explain(IMAGE, "grad_cam", "mel")
    keys = {task.network.key for task in asked}
    assert len(keys) == 1  # one copy, whoever asks
