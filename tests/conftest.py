"""Fixtures for every test: seeded chance, a picture, and its bytes as a file."""

import gc
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from factories import TinyWorld, train_tiny_world, use_tiny_world
from numpy.typing import NDArray
from PIL import Image

EncodeImage = Callable[..., bytes]


def pytest_collection_finish() -> None:
    """Spare the collections that Streamlit forces after every page all that tests imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


@pytest.fixture
def photo(rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8, (96, 128, 3), RGB: smooth colours that no flip or turn maps onto themselves."""
    grid = rng.integers(40, 216, (4, 5, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(grid, (128, 96), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


@pytest.fixture
def encode_image() -> EncodeImage:
    """Factory: an array or Pillow image as the bytes of a file."""

    def encode(image: Image.Image | NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
        buffer = io.BytesIO()
        source = image if isinstance(image, Image.Image) else Image.fromarray(image)
        source.save(buffer, format=kind, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyWorld]:
    """The program shrunk, with both tiny networks trained and stored; for tests that only read."""
    made = train_tiny_world(tmp_path_factory.getbasetemp())
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, made.home)
        yield made


@pytest.fixture(scope="session")
def ham10000_dir() -> Path:
    """Folder of the real data, for tests marked ``data``; skips where SKINMODEL_DATA is unset."""
    configured = os.environ.get("SKINMODEL_DATA")
    if not configured:
        pytest.skip("SKINMODEL_DATA names no folder with HAM10000")
    return Path(configured)
