"""README and the pages' prose say what the reports say, and nothing with a figure goes unheld."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from app.shared.content import read_content, read_sections
from skinmodel.claims.documents import find_faults, find_unmarked, list_documents, needs_source
from skinmodel.claims.facts import Facts
from skinmodel.cli.main import main
from skinmodel.data.download.sources import SHIPPED, read_sources
from skinmodel.evaluation.measures.bootstrap import DRAWS, LEVEL
from skinmodel.evaluation.measures.calibration import BINS
from skinmodel.evaluation.subgroups import MIN_LESIONS
from skinmodel.findings import cautions
from skinmodel.lessons.geometry import CNN_LAYERS, trace_sizes
from skinmodel.paths import ASSETS, ROOT

ALLOWED = tomllib.loads((Path(__file__).parents[1] / "unmarked.toml").read_text(encoding="utf-8"))
DOCUMENTS = {file.name: file for file in list_documents(ROOT)}
FACTS = Facts(ASSETS)

# A judgement of networks in the code of a page: it is computed there, or stands in assets/content.
JUDGING = re.compile(
    r"too sure|\b(?:better|worse|stronger|strongest|weaker|highest|lowest|ahead of|behind the|"
    r"beats?|outperforms?|no difference|overlap)\b|\d\.\d|\d ?%",
    re.IGNORECASE,
)
OF_NETWORKS = re.compile(
    r"\bnetworks?\b|\bruns?\b|probabilit|accuracy|HAM10000|ISIC", re.IGNORECASE
)
COMPUTED = {}
NO_JUDGEMENT = (
    "95 % intervals",
    "Intervals are 95 %",
    "CC BY-NC 4.0",
    "10 answers given with 80 %",
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_claim_of_a_document_holds(name):
    assert [str(fault) for fault in find_faults(DOCUMENTS[name], FACTS)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_sentence_with_a_figure_is_held_to_a_report_or_says_why_not(name):
    unmarked = [
        sentence.text
        for sentence in find_unmarked(DOCUMENTS[name].read_text(encoding="utf-8"))
        if sentence.section not in ALLOWED["sections"]
    ]
    listed = [s for part in ALLOWED["allowed"] if part["file"] == name for s in part["sentences"]]
    assert sorted(unmarked) == sorted(listed)


def test_every_exception_has_its_document_and_its_reason():
    for part in ALLOWED["allowed"]:
        assert part["file"] in DOCUMENTS
        assert part["reason"].strip()


@pytest.mark.parametrize(
    "sentence",
    [
        "CNN-SA is better than CNN.",
        "On HAM10000 no difference is shown between a network and its twin.",
        "The pretrained networks gain some points.",
        "It leaves them too sure on ISIC 2019.",
        "The network is right in 81 % of them.",
        "It reaches .71.",
    ],
)
def test_a_sentence_with_a_figure_or_a_comparison_needs_a_source(sentence):
    assert needs_source(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["It was trained on HAM10000.", "EfficientNet-Lite0 is one.", "Run `cnn-grouped-s1` [1]."],
)
def test_a_name_with_digits_needs_none(sentence):
    assert not needs_source(sentence)


def test_pages_show_no_marker():
    for name in (file.stem for file in DOCUMENTS.values() if file.name != "README.md"):
        shown = re.sub("<!-- shipped networks -->", "", read_content(name))
        assert "<!--" not in shown
        assert "claim:" not in shown
    assert "too sure" in read_sections("findings")["elsewhere"]


def test_the_code_of_pages_judges_no_network():
    """What is measured stands in ``assets/content``, where it is held to the reports."""
    found = []
    for file in sorted((ROOT / "app").rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if name not in COMPUTED:
            found += [f"{name}: {text}" for text in list_texts(file) if judges(text)]
    assert found == []


def test_a_judgement_in_the_code_of_a_page_would_be_found(tmp_path):
    file = tmp_path / "page.py"
    file.write_text(
        '"""About networks: one is better."""\nA = f"Elsewhere {1} networks are too sure"'
    )
    assert [text for text in list_texts(file) if judges(text)] == [
        "Elsewhere networks are too sure"
    ]


def judges(text):
    for phrase in NO_JUDGEMENT:
        text = text.replace(phrase, "")
    return len(text.split()) > 3 and bool(JUDGING.search(text) and OF_NETWORKS.search(text))


def list_texts(file):
    """Return the texts of a module that are no docstrings, formatted parts left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    inner |= {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    texts = []
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        if id(node) not in inner:
            words = [p.value for p in parts if isinstance(p, ast.Constant)]
            texts.append(" ".join(" ".join(w for w in words if isinstance(w, str)).split()))
    return texts


# --- what rests on constants of the code ---


def test_about_names_the_limits_of_the_cautions():
    text = read_content("about")
    assert cautions.LOW_CONFIDENCE == 0.5
    assert "less than half of the probability" in text
    assert f"the first two lie within {100 * cautions.SMALL_MARGIN:.0f} points" in text
    assert f"together hold {100 * cautions.NOTABLE_RISK:.0f} % or more" in text


def test_texts_name_the_constants_of_the_evaluation():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{100 * LEVEL:.0f} % of {DRAWS:,} resamplings of the lesions" in readme
    compare = read_sections("compare")
    assert f"over {BINS} bins" in compare["errors"]
    assert f"fewer than {MIN_LESIONS} lesions" in compare["subgroups"]


def test_the_step_of_a_cell_is_the_traced_one():
    step = {size.layer.name: size.step for size in trace_sizes(100, CNN_LAYERS)}["conv6"]
    assert f"a step of {step} pixels" in read_sections("learn_geometry")["network"]


def test_readme_names_the_sizes_of_the_downloads():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sizes = {
        name: sum(file.size or 0 for file in release.files if file.subset == "training")
        for name, release in read_sources(SHIPPED).items()
    }
    ham, isic = sizes["ham10000"] / 1e9, sizes["isic2019"] / 1e9
    assert f"# {ham:.1f} GB; isic2019: {isic:.1f} GB" in readme


# --- the command ---


def test_the_command_says_that_every_claim_holds(capsys):
    assert main(["claims"]) == 0
    assert "Every claim holds." in capsys.readouterr().out
