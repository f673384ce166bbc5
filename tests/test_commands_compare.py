import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import use_tiny_world

from skinmodel import paths
from skinmodel.cli import main
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.comparison import compare
from skinmodel.evaluation.comparisons import (
    check_paired,
    compare_evaluations,
    find_file,
    read_comparison,
    write_comparison,
)
from skinmodel.evaluation.predictions import (
    build_predictions,
    read_predictions,
    to_arrays,
    write_predictions,
)
from skinmodel.evaluation.report import Evaluation, Provenance, build_report
from skinmodel.files import write_text
from skinmodel.results import DISCLAIMER

RUNS = {"cnn": "cnn-grouped-s1-00000001", "cnn_sa": "cnn_sa-grouped-s1-00000002"}


def write_evaluation(root, model, skill, dataset="ham10000:test", count=60):
    """Write an evaluation of a network that gives the true class ``skill`` more."""
    truth = np.arange(count) % len(CODES)
    index = pd.DataFrame(
        {
            "image_id": [f"i{n:03d}" for n in range(count)],
            "group_id": [f"g{n // 2:03d}" for n in range(count)],
            "truth": [CODES[k] for k in truth],
        }
    )
    rng = np.random.default_rng(len(model))
    p = rng.dirichlet(np.ones(len(CODES)), count) + skill * np.eye(len(CODES))[truth]
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32).round(6)
    origin = Provenance(
        run_id=RUNS[model],
        model=model,
        dataset=dataset,
        dataset_title="Drawn",
        leaks=False,
        remark="",
        views=1,
        temperature=1.25,
        dropped={},
        images_per_second=1.0,
        versions={},
    )
    table = build_predictions(index, p)
    folder = root / origin.run_id / origin.folder
    write_predictions(folder / "predictions.csv", table)
    report = build_report(table, index, origin)
    write_text(folder / "report.json", json.dumps(report.to_dict()))
    return Evaluation(origin, folder)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    return root, [write_evaluation(root, "cnn", 0.1), write_evaluation(root, "cnn_sa", 0.9)]


@pytest.fixture
def home(tmp_path, monkeypatch):
    use_tiny_world(monkeypatch, tmp_path / "home")


def test_a_comparison_is_second_minus_first_of_the_saved_tables(written):
    _, (first, second) = written
    saved = compare_evaluations(first, second)
    tables = [read_predictions(e.folder / "predictions.csv") for e in (first, second)]
    truth, ours, lesions = to_arrays(tables[0])
    assert saved.comparison == compare(truth, ours, to_arrays(tables[1])[1], lesions)
    assert saved.comparison.differences["accuracy"].low > 0
    assert (saved.first, saved.second) == (first.provenance, second.provenance)
    assert saved.disclaimer == DISCLAIMER


def test_a_comparison_survives_its_file_and_only_for_the_same_evaluations(written, tmp_path):
    _, (first, second) = written
    saved = compare_evaluations(first, second)
    assert read_comparison(tmp_path, first.provenance, second.provenance) is None
    file = write_comparison(tmp_path, saved)
    assert file == find_file(tmp_path, first.provenance, second.provenance)
    assert file.name == f"ham10000-test--{RUNS['cnn']}--{RUNS['cnn_sa']}.json"
    assert read_comparison(tmp_path, first.provenance, second.provenance) == saved
    anew = replace(first.provenance, temperature=2.0)
    assert read_comparison(tmp_path, anew, second.provenance) is None
    file.write_text("{")
    with pytest.raises(ConfigError, match=r"cannot be read .*skinmodel compare"):
        read_comparison(tmp_path, first.provenance, second.provenance)


@pytest.mark.parametrize("column", ["image_id", "lesion_id", "truth"])
def test_tables_of_other_images_cannot_be_paired(written, column):
    _, (first, _) = written
    table = read_predictions(first.folder / "predictions.csv")
    check_paired(table, table.copy())
    other = table.copy()
    other.loc[4, column] = "mel" if other.loc[4, column] != "mel" else "nv"
    with pytest.raises(ConfigError, match="not of the same images"):
        check_paired(table, other)
    with pytest.raises(ConfigError, match=r"60 and 59 rows"):
        check_paired(table, table[1:])


def test_the_command_compares_by_network_or_run_and_keeps_the_result(written, home, capsys):
    root, (first, second) = written
    assert main(["compare", "cnn", RUNS["cnn_sa"], "--results", str(root)]) == 0
    out = capsys.readouterr().out
    assert "  accuracy: CNN-SA better by " in out
    assert DISCLAIMER in out
    assert read_comparison(root, first.provenance, second.provenance) is not None


@pytest.mark.parametrize(
    "arguments", [["cnn", "nobody"], ["cnn", "cnn_sa", "--dataset", "isic2019"]]
)
def test_what_was_not_evaluated_together_is_refused(written, home, capsys, arguments):
    root, _ = written
    assert main(["compare", *arguments, "--results", str(root)]) == 2
    err = capsys.readouterr().err
    assert "were not evaluated on the same data set" in err
    assert "ham10000-test" in err


def test_a_users_own_evaluations_are_compared_as_well(written, home, capsys):
    root, _ = written
    own = write_evaluation(paths.evaluations(), "cnn_sa", 0.5)
    (root / RUNS["cnn_sa"]).rename(root / "away")
    try:
        assert main(["compare", RUNS["cnn"], RUNS["cnn_sa"], "--results", str(root)]) == 0
    finally:
        (root / "away").rename(root / RUNS["cnn_sa"])
    assert own.provenance.run_id in capsys.readouterr().out


def test_a_run_is_not_compared_with_itself(written, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path))
    root, _ = written
    for second in ("cnn", RUNS["cnn"]):
        assert main(["compare", "cnn", second, "--results", str(root)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert f"are one run, {RUNS['cnn']}" in err
