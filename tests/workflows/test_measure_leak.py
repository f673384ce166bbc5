from dataclasses import replace

import pandas as pd
import pytest
from factories import (
    train_tiny_world,
    use_float32,
    use_tiny_world,
    write_drawn_ham10000,
    write_drawn_isic2019,
)

from skinmodel.cli.main import main
from skinmodel.errors import ConfigError
from skinmodel.evaluation.leak import from_frame
from skinmodel.evaluation.report import read_report
from skinmodel.results import DISCLAIMER
from skinmodel.training.run_folder import read_finished, read_history
from skinmodel.weights.manifest import read_manifest
from skinmodel.workflows.measure_leak import describe_epochs, measure_leak


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A run of each recipe, ours evaluated, through the command line."""
    made = train_tiny_world(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("leak")
    data = write_drawn_isic2019(write_drawn_ham10000(folder / "data"))
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, made.home)
        use_float32(patch)
        ours = made.run_ids["cnn"]
        for name in ("ham10000:test", "isic2019"):
            out = folder / "results" / ours / name.replace(":", "-")
            arguments = ["evaluate", "--model", ours, "--dataset", name, "--data", str(data)]
            assert main([*arguments, "--out", str(out)]) == 0
        patch.setenv("SKINMODEL_HOME", str(folder / "home"))
        arguments = ["train", "--model", "cnn", "--recipe", "report", "--data", str(data)]
        assert main([*arguments, "--epochs", "1", "--runs", str(folder / "runs")]) == 0
        yield made, data, folder, ours


def run_in(folder):
    """Return the only run's folder, which is named like its id."""
    [run] = (folder / "runs").glob("cnn-report-s50-*")
    return run


def test_the_reports_run_is_kept_uncalibrated_and_marked_as_leaky(world):
    _, _, folder, _ = world
    [record] = read_manifest(folder / "home" / "weights")
    assert record.leaks
    assert record.temperature == 1.0


def test_the_command_keeps_figures_and_history_but_no_weights(world, capsys):
    _, data, folder, ours = world
    run, results = run_in(folder), folder / "results"
    arguments = ["leak", str(run), "--ours", ours, "--data", str(data), "--results", str(results)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "The report's test LEAKS, " in out
    assert DISCLAIMER in out
    finished = read_finished(run)
    kept = results / finished.result.run_id
    assert sorted(p.name for p in kept.iterdir()) == [
        "ham10000-test",
        "history.csv",
        "isic2019",
        "recipe.json",
        "report-test",
    ]
    assert read_history(kept) == finished.history
    for name, leaks in (("report-test", True), ("ham10000-test", True), ("isic2019", False)):
        report = read_report(kept / name)
        assert report.provenance.leaks is leaks
        assert report.provenance.temperature == 1.0
    rows = from_frame(pd.read_csv(results / "leak.csv"))
    assert [row.dataset for row in rows] == [
        "report-test",
        "report-test-given-away",
        "report-test-unseen",
        "unseen",
        "isic2019",
        "unseen",
        "ham10000-test",
        "isic2019",
    ]
    accuracy = read_report(kept / "report-test").metrics["accuracy"]
    assert rows[0].figures["accuracy"].to_dict() == pytest.approx(accuracy.to_dict())
    assert "epoch 1 of 1)" in rows[0].weights
    own = read_report(results / ours / "isic2019").metrics["accuracy"]
    assert rows[-1].figures["accuracy"].to_dict() == pytest.approx(own.to_dict())


def test_a_row_says_how_far_a_stopped_run_came(world):
    _, _, folder, _ = world
    finished = read_finished(run_in(folder))
    stopped = replace(finished, config={**finished.config, "epochs": 100})
    assert describe_epochs(finished) == "epoch 1 of 1"
    assert describe_epochs(stopped) == "epoch 1 of 1 trained, 100 asked for"


def test_measuring_again_replaces_the_rows_of_that_network_only(world):
    _, data, folder, ours = world
    run, results = run_in(folder), folder / "results"
    measure_leak(run, ours, data, results)
    table = pd.read_csv(results / "leak.csv")
    other = table.assign(weights=table["weights"].str.replace("CNN, ", "CNN-SA, "))
    pd.concat([table, other]).to_csv(results / "leak.csv", index=False)
    measure_leak(run, ours, data, results)
    again = pd.read_csv(results / "leak.csv")
    assert len(again) == 2 * len(table)
    assert again["weights"].value_counts().to_dict() == (
        table["weights"].value_counts().to_dict() | other["weights"].value_counts().to_dict()
    )


def test_a_run_of_our_own_split_is_refused(world):
    made, data, folder, ours = world
    with pytest.raises(ConfigError, match="not on the report's split of these data"):
        measure_leak(made.run, ours, data, folder / "elsewhere")
    assert not (folder / "elsewhere").exists()


def test_a_run_of_ours_that_was_not_evaluated_is_named(world, tmp_path):
    _, data, folder, ours = world
    with pytest.raises(ConfigError, match=rf"{ours}' was not evaluated: .*isic2019"):
        measure_leak(run_in(folder), ours, data, tmp_path)
