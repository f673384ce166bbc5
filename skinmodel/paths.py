"""Where things live on this machine; every folder can be moved by an environment variable."""

import os
from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).resolve().parent.parent
ASSETS: Final = ROOT / "assets"
SHIPPED_WEIGHTS: Final = ASSETS / "weights"
RESULTS: Final = ASSETS / "results"
SAMPLES: Final = ASSETS / "samples"


def home() -> Path:
    """Return the cache folder: ``SKINMODEL_HOME``, else the user's cache folder of the platform."""
    configured = os.environ.get("SKINMODEL_HOME")
    return Path(configured) if configured else Path(platformdirs.user_cache_dir("skinmodel"))


def evaluations() -> Path:
    """Return where a user's own evaluations are kept, ``RUN_ID/DATASET`` each."""
    return home() / "evaluations"


def data_dir() -> Path | None:
    """Return the folder that holds ``HAM10000`` and ``ISIC2019`` (``SKINMODEL_DATA``), or None."""
    configured = os.environ.get("SKINMODEL_DATA")
    return Path(configured) if configured else None
