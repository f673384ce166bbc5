"""Who may import whom, seen in fresh processes."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "jax", "tf_keras_vis")
TENSORFLOW_MODULES = {  # the only ones that may load it, Keras or JAX when they are imported
    "skinmodel.models.backbones.builder",
    "skinmodel.models.backbones.efficientnet_lite",
    "skinmodel.data.changes",
    "skinmodel.explain.grad_cam",
    "skinmodel.explain.many_passes",
    "skinmodel.explain.probe",
    "skinmodel.explain.soft_attention_map",
    "skinmodel.inference.activations",
    "skinmodel.inference.classifier",
    "skinmodel.inference.parity",  # like release: holds both engines against each other
    "skinmodel.models.auxiliary",
    "skinmodel.models.cnn",
    "skinmodel.models.soft_attention",
    "skinmodel.training.jax_engine",
    "skinmodel.training.jax_engine.augmentation",
    "skinmodel.training.jax_engine.engine",
    "skinmodel.training.jax_engine.optimizer",
    "skinmodel.training.jax_engine.step",
    "skinmodel.training.loop",
    "skinmodel.training.network",
    "skinmodel.training.objective",
    "skinmodel.training.tensorflow_engine.augmentation",
    "skinmodel.training.tensorflow_engine.engine",
    "skinmodel.training.tensorflow_engine.optimizer",
    "skinmodel.training.tensorflow_engine.step",
    "skinmodel.workflows.measure_leak",  # like release: runs a classifier to measure it
    "skinmodel.workflows.release",
}
CHAPTERS_WITHOUT_A_NETWORK = (
    "Convolution",
    "Stride and padding",
    "Back-propagation",
    "Optimizers",
)


def module_names(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_loaded_by(code):
    program = f"import json, sys\n{code}\nprint('LOADED' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name.split(".")[0] for name in json.loads(done.stdout.split("LOADED")[-1])}


def import_all(names):
    return "\n".join(f"import {name}" for name in names)


def test_no_page_module_loads_tensorflow():
    pages = [name for name in module_names("app") if name != "app.main"]
    assert "app.classify.page" in pages
    loaded = modules_loaded_by(import_all(pages))
    assert "streamlit" in loaded
    assert not loaded & set(HEAVY)


def test_no_page_imports_a_tensorflow_module_even_inside_a_function():
    for path in (ROOT / "app").rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        assert not imported & TENSORFLOW_MODULES, path
        assert not {name.split(".")[0] for name in imported} & set(HEAVY), path


def test_running_the_pages_that_predict_nothing_loads_no_tensorflow():
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "at = AppTest.from_file('app/main.py', default_timeout=60)\n"
        "import app.services as s\n"
        "s.load_classifiers = dict\n"
        "at.run().switch_page('about/page.py').run()\n"
        "assert not at.exception\n"
        "from app.compare.page import SECTIONS\n"
        "at.switch_page('compare/page.py').run()\n"
        "for section in SECTIONS:\n"
        "    at.session_state['compare-section'] = section\n"
        "    assert not at.run().exception\n"
        # Where no maps were measured, that section says how to.
        "    unmeasured = section == 'Where they look' and at.info\n"
        "    assert at.table or at.get('plotly_chart') or unmeasured, section\n"
        "from app.datasets.page import SECTIONS\n"
        "at.switch_page('datasets/page.py').run()\n"
        "for section in SECTIONS:\n"
        "    at.session_state['datasets-section'] = section\n"
        "    assert not at.run().exception\n"
        "    assert not at.error, section\n"
        "from app.learn.kernels import LEARNED\n"
        "at.switch_page('learn/page.py').run()\n"
        f"for chapter in {CHAPTERS_WITHOUT_A_NETWORK}:\n"
        "    at.session_state['learn-chapter'] = chapter\n"
        "    assert not at.run().exception\n"
        "    assert [h.value for h in at.header] == [chapter]\n"
        "    assert at.get('plotly_chart'), chapter\n"
        "at.session_state['learn-chapter'] = 'Convolution'\n"
        "at.session_state['convolution-kernel'] = LEARNED\n"
        "assert not at.run().exception\n"
        "assert at.slider(key='convolution-filter').max == 64\n"
    )
    assert not modules_loaded_by(code) & set(HEAVY)


@pytest.mark.timeout(900)  # one processor beside a busy loop; how long it takes is not what counts
def test_networks_answer_every_page_without_tensorflow_in_the_servers_process():
    done = subprocess.run(
        [sys.executable, "tests/app/served_verdict.py", "--limited"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.split("FOUND")[-1])
    assert found["heavy"] == []
    assert found["polls"] >= 1
    assert found["cleared"] == 0  # the sessions of Keras that polls would have cleared
    assert set(found["predictions"]) == {"cnn", "cnn_sa"}
    assert [sum(p) for p in found["predictions"].values()] == pytest.approx([1, 1])
    assert found["explained"] == 2


def test_the_backend_outside_its_tensorflow_modules_loads_neither_tensorflow_nor_streamlit():
    names = [
        name
        for name in module_names("skinmodel")
        if name not in TENSORFLOW_MODULES and not name.endswith("__main__")
    ]
    expected = {"skinmodel.cli.main", "skinmodel.explain.overlay", "skinmodel.weights.store"}
    assert expected <= set(names)
    loaded = modules_loaded_by(import_all(names))
    assert not loaded & {*HEAVY, "streamlit", "app"}


@pytest.mark.parametrize("package", ["skinmodel"])
def test_streamlit_stands_in_no_import_of_the_backend(package):
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(("import streamlit", "from streamlit", "import app", "from app"))
    ]
    assert found == []


def test_pages_import_no_other_page_and_only_services_caches():
    pages = {"about", "classify", "compare", "datasets", "learn", "quiz"}
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        folder = path.relative_to(ROOT / "app").parts[0]
        imported = set(re.findall(r"^\s*(?:from|import) app\.(\w+)", text, re.MULTILINE))
        imported |= set(re.findall(r"^\s*from app import (\w+)", text, re.MULTILINE))
        assert not imported & (pages - {folder}), path
        if path.parent.name != "services":
            assert "st.cache_" not in text, path
            assert "SkinModelError" not in text, path
