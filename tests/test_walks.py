"""``docs/walks.md`` and ``CONTRIBUTING.md`` name files and functions that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WALKS = ROOT / "docs" / "walks.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)#:\s]+)\)")
NAME = re.compile(r"`([A-Za-z_]\w*(?:\.\w+)?)`")


def read_walks():
    """The lines of each walk by its title."""
    walks = {}
    for title, body in re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)", WALKS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        walks[title] = re.findall(r"^\d+\. (.+)$", body, re.MULTILINE)
    return walks


def list_stops(line):
    """The files that a line links to, each with the names said to be in it."""
    links = list(LINK.finditer(line))
    ends = [link.start() for link in links[1:]] + [len(line)]
    for link, end in zip(links, ends, strict=True):
        yield (WALKS.parent / link[1]).resolve(), NAME.findall(line[link.end() : end])


@cache
def names_in(path):
    """What a module defines at its top, and the methods of its classes."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef)
            }
    return found


STOPS = [
    (title, stop, names)
    for title, lines in read_walks().items()
    for line in lines
    for stop, names in list_stops(line)
]


def test_there_are_three_walks_of_ten_lines():
    assert [len(lines) for lines in read_walks().values()] == [10, 10, 10]
    assert all(any(True for _ in list_stops(line)) for w in read_walks().values() for line in w)


@pytest.mark.parametrize(
    ("title", "stop", "names"), STOPS, ids=[f"{title}-{stop.name}" for title, stop, _ in STOPS]
)
def test_what_a_walk_names_is_there(title, stop, names):
    assert stop.is_file(), stop
    assert names, f"{title} names nothing in {stop.name}"
    named = {name for name in names if not (stop.parent / name).exists()}
    named -= {"report.json", "predictions.csv"}  # files, not functions
    assert named <= names_in(stop), stop


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/walks.md", "README.md"])
def test_files_that_a_document_links_to_are_there(document):
    path = ROOT / document
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert targets
    assert [t for t in targets if not (path.parent / t).exists()] == []


def test_files_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:app|skinmodel|tests|assets|docs)/[\w./]+)`", text)
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []
