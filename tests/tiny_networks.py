"""The shrunk networks of ``factories`` in the networks' own process."""

import os
from pathlib import Path

import pytest
from factories import use_tiny_world

from skinmodel.inference.classifier import Classifier, load_ready
from skinmodel.weights.record import WeightsRecord


def load(record: WeightsRecord, folder: Path) -> Classifier:
    """Load as the program does; the process is shrunk for good."""
    use_tiny_world(pytest.MonkeyPatch(), Path(os.environ["SKINMODEL_HOME"]))
    return load_ready(record, folder)
