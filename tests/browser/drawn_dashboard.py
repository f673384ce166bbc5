"""The dashboard over drawn data: what a server of its own runs in place of ``app/main.py``.

SKINMODEL_DATA names a folder of drawn pictures that stand for the whole of HAM10000, and
DRAWN_RESULTS one with evaluations on them.
"""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES_A_CLASS = 24


def main() -> None:
    # Streamlit puts only this file's folder on the path.
    sys.path.insert(0, str(ROOT))
    from skinmodel import paths
    from skinmodel.data.sets import ham10000
    from skinmodel.diagnoses import CODES

    paths.RESULTS = Path(os.environ["DRAWN_RESULTS"])
    ham10000.CLASS_COUNTS = dict.fromkeys(CODES, IMAGES_A_CLASS)
    ham10000.IMAGE_COUNT = IMAGES_A_CLASS * len(CODES)
    runpy.run_path(str(ROOT / "app" / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()
