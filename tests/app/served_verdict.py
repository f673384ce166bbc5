"""The dashboard with its real networks, for a process of its own: polls until there is a verdict.

Prints what the polls sat through, what the page's process holds after a visit to every page that
asks networks, and the predictions. With ``--limited`` it keeps to one processor, beside a busy
loop.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("tensorflow", "keras", "tf_keras_vis")


def count_cleanings() -> list[bool]:
    """Return a list that grows with each run of a page by whether Keras's session was cleared."""
    cleared: list[bool] = []
    clean = script_runner._clean_problem_modules

    def count() -> None:
        cleared.append("keras" in sys.modules)
        clean()

    script_runner._clean_problem_modules = count
    return cleared


def run_until(at: AppTest, is_there: Any) -> AppTest:
    while not is_there(at):
        faults = [box.value for box in at.error if not box.value.startswith("## ")]  # a verdict
        assert not faults, faults[0]
        assert not at.exception
        time.sleep(1)
        at.run()
    return at


def visit() -> dict[str, Any]:
    cleared = count_cleanings()
    at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=600).run()
    drawing = (ROOT / "assets" / "samples" / "drawing_mel.jpg").read_bytes()
    at.file_uploader[0].set_value(("drawing.jpg", drawing, "image/jpeg")).run()
    before = len(cleared)
    run_until(at, lambda at: len(at.get("plotly_chart")) == 2)
    [analysis] = at.session_state["analyses"].values()
    run_until(at, lambda _: len(analysis.explanations) == 2)  # one of them needs TensorFlow
    found = {name: p.probabilities for name, p in analysis.predictions.items()}
    explained = len(analysis.explanations)
    at.switch_page("learn/page.py").run()
    for chapter in ("Layers", "Soft attention", "Decision"):
        at.session_state["learn-chapter"] = chapter
        run_until(at.run(), lambda at: not at.get("progress"))
        assert not at.exception, chapter
        assert not at.error, (chapter, at.error[0].value)
    return {
        "predictions": found,
        "explained": explained,
        "polls": len(cleared) - before,
        "cleared": sum(cleared),
        "heavy": [name for name in HEAVY if name in sys.modules],
    }


def main(arguments: list[str]) -> None:
    busy = None
    if "--limited" in arguments:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # children keep to it as well
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        print("FOUND" + json.dumps(visit()))
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
