"""The dashboard with networks that need no TensorFlow: what is tested is the page alone."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    # Streamlit puts only this file's folder on the path.
    for folder in (ROOT, ROOT / "tests" / "app"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    from fakes import make_classifiers

    from app import services

    services.load_classifiers = make_classifiers
    runpy.run_path(str(ROOT / "app" / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()
