"""What the pages ask of skinmodel: networks, pictures and results, cached for all sessions.

The only package with ``st.cache_*``, and the only one that turns a ``SkinModelError`` into a
sentence for a user. What is cached for all sessions is what succeeded: cached functions raise, and
``attempts.attempt`` stands around them, so that a failure ends with what caused it. Uploads are
never put into a cache that sessions share. What single pages ask for is in the modules beside.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.formparsers import MultiPartParser

from app.services.attempts import Problem, attempt, attempt_once, forget_attempts
from app.services.pictures import (
    Analysis,
    Box,
    Origin,
    Picture,
    Truth,
    crop_picture,
    open_picture,
    open_picture_file,
)
from app.services.samples import HeldOutImages, Sample, read_drawings, read_held_out
from app.services.warmup import WarmUp, WarmUpState
from skinmodel import paths
from skinmodel.errors import SkinModelError, WeightsError
from skinmodel.explain.registry import GRAD_CAM
from skinmodel.imaging import images
from skinmodel.inference.process import NetworkProcess, RemoteClassifier
from skinmodel.inference.shelf import EngineShelf, ShelvedClassifier
from skinmodel.models.registry import MODELS, REPORTED, get_spec
from skinmodel.results import Explanation, Prediction
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest
from skinmodel.weights.record import WeightsRecord

_TEST_IMAGES: Final = "test images"
_MULTIPART_OVERHEAD: Final = 1024 * 1024

Served = RemoteClassifier | ShelvedClassifier
"""A network as pages ask it: in ONNX Runtime where it has a graph, else in TensorFlow."""


def keep_uploads_in_memory() -> None:
    """Keep the web server from writing parts of larger uploads to a temporary file.

    Starlette, below Streamlit, moves an upload to disk from 1 MB on; ours are limited to
    ``images.MAX_BYTES`` by configuration and may stay in memory as a whole.
    """
    MultiPartParser.spool_max_size = images.MAX_BYTES + _MULTIPART_OVERHEAD


def list_models() -> tuple[str, ...]:
    """Return the registry names of the networks that ship with the program, in registry order.

    A user's own runs are left out, so that nothing in their folder can change the page or take it
    down; so are networks trained only on a leaky split: their answers would look too sure.

    Raises:
        WeightsError: the shipped manifest cannot be read, or there are no weights of any network.
    """
    shipped = {r.model for r in read_manifest(paths.SHIPPED_WEIGHTS) if not r.leaks}
    names = tuple(name for name in MODELS if name in shipped)
    if not names:
        raise WeightsError(
            "There are no weights of any network: assets/weights of this copy of the program is "
            "empty. Get the complete repository, or train networks and put them there with: "
            "python -m skinmodel release."
        )
    return names


def list_default_models() -> tuple[str, ...]:
    """Return the networks that are asked unless a reader chooses: the report's, where they ship.

    Raises:
        WeightsError: as ``list_models``.
    """
    names = list_models()
    return tuple(name for name in names if name in REPORTED) or names[:1]


@st.cache_resource(show_spinner=False)
def get_process() -> NetworkProcess:
    """Return the one process of this server that runs TensorFlow; it is not started here."""
    return NetworkProcess()


@st.cache_resource(show_spinner=False)
def get_shelf() -> EngineShelf:
    """Return the networks that this server has in ONNX Runtime; none is opened here."""
    return EngineShelf()


def load_classifiers() -> Mapping[str, Served]:
    """Return the default networks, ready to answer; takes seconds.

    One whose weights cannot be used takes none of the others down: it says so when it is asked.
    With ``load_classifier`` and ``open_run`` the seam through which tests put networks that need
    no process, and the place to decide what answers.

    Raises:
        WeightsError: no network's weights can be used.
        WorkerError: the networks' process ended.
    """
    networks = {name: open_run(name) for name in list_default_models()}
    with ThreadPoolExecutor(len(networks)) as pool:
        loading = [pool.submit(network.load) for network in networks.values()]
    errors = [error for future in loading if (error := future.exception()) is not None]
    for error in errors:
        if len(errors) == len(networks) or not isinstance(error, WeightsError):
            raise error
    return networks


def load_classifier(name: str) -> Served:
    """Return one network, ready to answer; takes seconds.

    Raises:
        WeightsError: its weights are missing, corrupt or not what the manifest names.
        WorkerError: the networks' process ended.
    """
    classifier = open_run(name)
    classifier.load()
    return classifier


def open_run(name: str) -> Served:
    """Return a network of the store, which loads when it is first asked.

    One that is loaded already, for whichever page, is not loaded again.

    Args:
        name: a run's id, or a model's name, which means its shipped weights first: the user's own
            are then not looked at.

    Raises:
        WeightsError: its weights are not in the store, as those of a leaky run that does not ship.
    """
    record, folder = store.find(name)
    remote = RemoteClassifier(get_process(), record, folder)
    if record.graph is None:
        return remote
    return ShelvedClassifier(get_shelf(), remote, record, folder)


@st.cache_resource(show_spinner=False)
def get_warm_up() -> WarmUp[Mapping[str, Served]]:
    """Return the one warm-up of this server, shared by all sessions; it is not started here."""
    return WarmUp(
        lambda: load_classifiers(), lambda loaded: any(c.is_held for c in loaded.values())
    )


@st.cache_resource(show_spinner=False)
def get_tensorflow_warm_up(name: str) -> WarmUp[None]:
    """Return the warm-up of one network in TensorFlow; it is not started here."""
    return WarmUp(
        lambda: get_classifier(name).load_tensorflow(),
        lambda _: get_classifier(name).can_explain(GRAD_CAM),
    )


def is_ready() -> bool:
    """Return whether the default networks answer at once."""
    return get_warm_up().status.state is WarmUpState.READY


def list_steps() -> Mapping[str, bool]:
    """Return what the warm-up loads, in order, and whether each is there.

    Raises:
        WeightsError: as ``list_models``.
    """
    return {get_spec(name).title: open_run(name).is_held for name in list_default_models()}


def get_classifiers() -> Mapping[str, Served]:
    """Return the default networks by name; only after the warm-up was ready once."""
    return get_warm_up().result()


def get_classifier(name: str) -> Served:
    """Return one network; one that is no default is loaded when it is first asked for.

    Only after the warm-up was ready once.

    Raises:
        SkinModelError: as ``load_classifier``.
    """
    return get_classifiers().get(name) or _get_further(name)


@st.cache_resource(show_spinner="Loading a further network")
def _get_further(name: str) -> Served:
    return load_classifier(name)


def forget_further_classifiers() -> None:
    """Have networks beside the default ones loaded anew the next time they are asked for."""
    _get_further.clear()


def explain_failure(error: BaseException | None) -> Problem:
    """Return why the networks could not be loaded, in words."""
    if isinstance(error, SkinModelError):
        return Problem.of(error)
    return Problem(
        "The networks could not be loaded because of an unexpected error; the server's log has "
        "the details. Try again; if it fails again, install the requirements anew."
    )


def read_records() -> tuple[WeightsRecord, ...] | Problem:
    """Return what is known of the shipped networks' weights, without loading them."""
    return attempt(lambda: tuple(store.find(name, "shipped")[0] for name in list_models()))


def open_bytes(data: bytes, origin: Origin) -> Picture | Problem:
    """Return a user's own picture, or why it is not accepted."""
    return attempt(lambda: open_picture(data, origin))


def open_file(
    path: str, origin: Origin, title: str, truth: Truth | None = None
) -> Picture | Problem:
    """Return a sample's picture, or why it cannot be opened."""
    return attempt(lambda: open_picture_file(Path(path), origin, title, truth))


def cut_picture(picture: Picture, box: Box) -> Picture | Problem:
    """Return a part of a picture, or why it cannot be classified."""
    return attempt(lambda: crop_picture(picture, box))


def predict(analysis: Analysis, models: Sequence[str]) -> Mapping[str, Prediction] | Problem:
    """Return these networks' predictions of one picture, in their order, each computed once."""

    def compute() -> Mapping[str, Prediction]:
        for name in models:
            if name not in analysis.predictions:
                classifier = get_classifier(name)
                [analysis.predictions[name]] = classifier.classify([analysis.picture.image])
        return {name: analysis.predictions[name] for name in models}

    return attempt(compute)


def is_map_at_hand(analysis: Analysis, model: str, method: str, code: str | None) -> bool:
    """Return whether ``explain`` answers without TensorFlow being loaded first."""
    known = (model, method, code) in analysis.explanations
    return known or get_classifier(model).can_explain(method)


def explain(analysis: Analysis, model: str, method: str, code: str | None) -> Explanation | Problem:
    """Return one explanation of one picture, computed once.

    Args:
        analysis: the picture and what is already known of it.
        model: registry name.
        method: one of the network's methods.
        code: diagnosis the map is to speak for; None where the method knows no class.
    """

    def compute() -> Explanation:
        key = (model, method, code)
        if key not in analysis.explanations:
            classifier = get_classifier(model)
            analysis.explanations[key] = classifier.explain(analysis.picture.image, method, code)
        return analysis.explanations[key]

    return attempt(compute)


def read_samples() -> tuple[Sample, ...] | Problem:
    """Return the drawn samples that come with the program."""
    return attempt(read_drawings)


def read_test_images() -> HeldOutImages | Problem | None:
    """Return HAM10000's test folds, or what is wrong with them; None without a data folder.

    A sound folder is read once a server, a broken one once a session, until
    ``forget_test_images``.
    """
    folder = paths.data_dir()
    if folder is None:
        return None
    return attempt_once(_TEST_IMAGES, str(folder), lambda: _read_test_images(str(folder)))


def forget_test_images() -> None:
    """Have the data folder read anew the next time its pictures are asked for."""
    _read_test_images.clear()
    forget_attempts(_TEST_IMAGES)


@st.cache_resource(show_spinner="Reading the data folder")
def _read_test_images(folder: str) -> HeldOutImages:
    return read_held_out(Path(folder))


def were_unseen(images: HeldOutImages) -> bool:
    """Return whether every network was trained on this very split, so that none has seen these."""
    records = read_records()
    return not isinstance(records, Problem) and all(
        record.split["fingerprint"] == images.split_fingerprint for record in records
    )


def find_test_origin(images: HeldOutImages) -> Origin:
    """Return the provenance of a picture of the test folds: never better than it is."""
    return Origin.HAM10000 if were_unseen(images) else Origin.HAM10000_UNPLACED
