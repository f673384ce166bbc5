"""The dashboard as AppTest sees it, with networks that need no TensorFlow."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from fakes import FakeClassifier, make_classifiers
from measured import write_results
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app import services
from skinmodel import paths
from skinmodel.errors import WorkerError
from skinmodel.inference import process
from skinmodel.inference.process import RemoteClassifier
from skinmodel.weights.manifest import write_manifest
from skinmodel.weights.record import WeightsRecord

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
OpenDashboard = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _packages_scanned_once() -> Iterator[None]:
    """Spare each AppTest Streamlit's search of every installed package for components.

    It is half of what opening a page takes, and what is installed stays as it is meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _fresh_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No test sees another's warm-up, and none the developer's own data or weights."""
    monkeypatch.delenv("SKINMODEL_DATA", raising=False)
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    started = []

    def refuse(loader: str) -> NoReturn:
        started.append(loader)
        raise WorkerError("A page test starts no process.")

    monkeypatch.setattr(process, "_spawn", refuse)
    for cached in (
        services.get_process,
        services.get_shelf,
        services.get_warm_up,
        services.get_tensorflow_warm_up,
        services._read_test_images,
    ):
        cached.clear()
    yield
    services.get_warm_up.clear()
    services.get_tensorflow_warm_up.clear()
    assert not started, "a page tested with fakes started the networks' process"


@pytest.fixture
def open_dashboard(monkeypatch: pytest.MonkeyPatch) -> OpenDashboard:
    """Factory: the first page with these networks, loaded before it opens unless told otherwise."""

    def open_(
        classifiers: Mapping[str, FakeClassifier] | None = None,
        load: Callable[[], Mapping[str, FakeClassifier]] | None = None,
    ) -> AppTest:
        loaded = make_classifiers() if classifiers is None else classifiers

        open_real = services.open_run

        def open_run(name: str) -> FakeClassifier | RemoteClassifier:
            found = [c for c in loaded.values() if c.record.run_id == name]
            return found[0] if found else open_real(name)

        monkeypatch.setattr(services, "load_classifiers", load or (lambda: loaded))
        monkeypatch.setattr(services, "open_run", open_run)
        if load is None:
            services.get_warm_up().start()
            services.get_warm_up().result(timeout=60)
        at = AppTest.from_file(str(MAIN), default_timeout=120).run()
        assert not at.exception
        return at

    return open_


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of saved evaluations as the Compare page reads them; see ``measured``."""
    return write_results(tmp_path_factory.mktemp("measured"))


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Factory: make these records, and no others, the ones that come with the program."""

    def ship_(*records: WeightsRecord) -> None:
        write_manifest(tmp_path / "shipped", records)
        monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", tmp_path / "shipped")

    return ship_


@pytest.fixture
def picture_bytes(photo, encode_image) -> bytes:
    return encode_image(photo)
