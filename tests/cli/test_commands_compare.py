import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import TINY_INPUT, use_tiny_world

from skinmodel import paths
from skinmodel.cli.main import main
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.comparison import (
    check_paired,
    compare,
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
from skinmodel.weights.manifest import write_manifest
from skinmodel.weights.record import SCHEMA_VERSION, WeightsRecord
from skinmodel.weights.rules import VERSIONS

RUNS = {"cnn": "cnn-grouped-s1-00000001", "cnn_sa": "cnn_sa-grouped-s1-00000002"}


def write_evaluation(
    root, model, skill, dataset="ham10000:test", count=60, run_id=None, leaks=False
):
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
        run_id=run_id or RUNS[model],
        model=model,
        dataset=dataset,
        dataset_title="Drawn",
        leaks=leaks,
        remark="Too good." * leaks,
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
    assert "These are 5 differences, each judged at 95 % by itself" in out
    assert "between two runs of one seed" in out
    assert DISCLAIMER in out
    assert read_comparison(root, first.provenance, second.provenance) is not None


def test_what_was_not_evaluated_together_is_refused(written, home, capsys):
    root, _ = written
    arguments = ["compare", "cnn", "cnn_sa", "--dataset", "isic2019", "--results", str(root)]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert "were not evaluated on the same data set" in err
    assert "ham10000-test" in err


def test_an_unknown_name_is_refused_with_those_there_are(written, home, capsys):
    root, _ = written
    assert main(["compare", "cnn", "nobody", "--results", str(root)]) == 2
    err = capsys.readouterr().err
    assert "no network or evaluated run called 'nobody'" in err
    assert RUNS["cnn_sa"] in err


LEAKY, SHIPPED, LATER = "cnn-a-leaky-0000aaaa", "cnn-m-shipped-0000bbbb", "cnn-z-later-0000cccc"


@pytest.fixture
def several(tmp_path, home):
    """Three runs of cnn, the leaky one first and one that nobody ships last, and one of cnn_sa."""
    root = tmp_path / "results"
    write_evaluation(root, "cnn", 0.9, run_id=LEAKY, leaks=True)
    write_evaluation(root, "cnn", 0.2, run_id=SHIPPED)
    write_evaluation(root, "cnn", 0.3, run_id=LATER)
    write_evaluation(root, "cnn_sa", 0.5)
    return root


def make_record(model, run_id, leaks=False):
    """Return the record of weights of which there is no file: only their name is looked up."""
    return WeightsRecord(
        schema_version=SCHEMA_VERSION,
        model=model,
        run_id=run_id,
        file=f"{run_id}.safetensors",
        bytes=1,
        sha256="0" * 64,
        form="compact",
        preprocessing=TINY_INPUT,
        temperature=1.25,
        recipe={},
        recipe_fingerprint="0",
        split={"name": "drawn", "seed": 1, "fingerprint": "f", "leaks": leaks},
        classes=CODES,
        versions=dict.fromkeys(VERSIONS, "1"),
        metrics={},
        created="2026-01-01T00:00:00+00:00",
        licence="CC BY-NC 4.0",
    )


def test_a_networks_name_means_the_run_that_ships(several, capsys):
    shipped = (make_record("cnn", SHIPPED), make_record("cnn_sa", RUNS["cnn_sa"]))
    write_manifest(paths.SHIPPED_WEIGHTS, shipped)
    own = (make_record("cnn", LEAKY, leaks=True), make_record("cnn", LATER))
    write_manifest(paths.home() / "weights", own)
    assert main(["compare", "cnn", "cnn_sa", "--results", str(several)]) == 0
    out = capsys.readouterr().out
    assert f"cnn: run {SHIPPED}\ncnn_sa: run {RUNS['cnn_sa']}\n" in out
    [file] = (several / "comparisons").iterdir()
    assert file.name == f"ham10000-test--{SHIPPED}--{RUNS['cnn_sa']}.json"


def test_a_default_run_that_was_not_evaluated_is_not_replaced_by_another(several, capsys):
    write_manifest(paths.SHIPPED_WEIGHTS, (make_record("cnn", "cnn-x-0000dddd"),))
    assert main(["compare", "cnn", RUNS["cnn_sa"], "--results", str(several)]) == 2
    err = capsys.readouterr().err
    assert "'cnn' means run cnn-x-0000dddd, which was not evaluated" in err
    assert f"{LEAKY}, {SHIPPED}, {LATER}" in err
    assert not (several / "comparisons").exists()


def test_without_weights_the_only_run_that_does_not_leak_is_meant_else_none(several, capsys):
    assert main(["compare", "cnn", "cnn_sa", "--results", str(several)]) == 2
    assert "no weights here to say which" in capsys.readouterr().err
    (several / LATER).rename(several.parent / "away")
    assert main(["compare", "cnn", "cnn_sa", "--results", str(several)]) == 0
    assert f"cnn: run {SHIPPED}\n" in capsys.readouterr().out


def test_two_runs_of_one_network_are_told_apart_and_a_leak_is_said(several, capsys):
    assert main(["compare", SHIPPED, LEAKY, "--results", str(several)]) == 0
    out = capsys.readouterr().out
    assert f"{LEAKY} LEAKS. Too good." in out
    assert f"accuracy: {LEAKY} better by " in out


def test_a_users_own_comparison_is_kept_in_the_users_store(several, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RESULTS", several)
    own = write_evaluation(paths.evaluations(), "cnn_sa", 0.7, run_id="cnn_sa-mine-0000eeee")
    for pair in ((SHIPPED, own.provenance.run_id), (SHIPPED, LATER)):
        assert main(["compare", *pair]) == 0
        [name] = [f"ham10000-test--{pair[0]}--{pair[1]}.json"]
        assert (paths.evaluations() / "comparisons" / name).is_file()
        assert f"{paths.evaluations() / 'comparisons' / name}\n" in capsys.readouterr().out
    assert not (several / "comparisons").exists()


def test_a_comparison_that_ships_is_rewritten_only_where_it_is_another(
    several, monkeypatch, capsys
):
    arguments = ["compare", SHIPPED, LATER]
    assert main([*arguments, "--results", str(several)]) == 0
    [file] = (several / "comparisons").iterdir()
    content, before = file.read_bytes(), file.stat().st_mtime_ns
    monkeypatch.setattr(paths, "RESULTS", several)
    assert main(arguments) == 0
    assert file.stat().st_mtime_ns == before
    for spoilt in (b"{", content.replace(b'"temperature": 1.25', b'"temperature": 2.5')):
        file.write_bytes(spoilt)
        assert main(arguments) == 0
        assert file.read_bytes() == content
    assert not (paths.evaluations() / "comparisons").exists()


def test_of_two_evaluations_of_one_run_the_one_that_ships_counts(several, capsys):
    write_evaluation(paths.evaluations(), "cnn", 0.9, run_id=SHIPPED)
    assert main(["compare", SHIPPED, LATER, "--results", str(several)]) == 0
    assert len(list((several / "comparisons").iterdir())) == 1


def test_a_users_own_evaluations_are_compared_as_well(written, home, capsys):
    root, _ = written
    own = write_evaluation(paths.evaluations(), "cnn_sa", 0.5)
    (root / RUNS["cnn_sa"]).rename(root / "away")
    try:
        assert main(["compare", RUNS["cnn"], RUNS["cnn_sa"], "--results", str(root)]) == 0
    finally:
        (root / "away").rename(root / RUNS["cnn_sa"])
    assert own.provenance.run_id in capsys.readouterr().out


def test_the_table_of_results_says_that_it_is_no_comparison(written, capsys):
    root, _ = written
    assert main(["results", "--results", str(root)]) == 0
    out = capsys.readouterr().out
    assert "Each row is one run of one seed." in out
    assert "python -m skinmodel compare" in out


def test_a_run_is_not_compared_with_itself(several, capsys):
    assert main(["compare", LATER, LATER, "--results", str(several)]) == 2
    assert f"are one run, {LATER}" in capsys.readouterr().err
