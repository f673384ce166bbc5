import os
import subprocess
import sys
from pathlib import Path

import cv2
import factories
import numpy as np
import pandas as pd
import pytest
from factories import TINY_INPUT, draw_picture

from skinmodel.errors import ConfigError, UsageError
from skinmodel.results import DISCLAIMER, Gate, Outcome, Prediction, Trust
from skinmodel.workflows.scoring import run as module
from skinmodel.workflows.scoring.plan import Plan, Settings, make_plan
from skinmodel.workflows.scoring.run import score

RUN = "colour-s1-0a1b2c3d"
COUNT = 11
PART = 4


class ByColour:
    """Answers by the mean colour; can be told to fail at a batch."""

    run_id = RUN
    spec = factories.TINY_MODELS["cnn"]
    preprocessing = TINY_INPUT
    methods = ("grad_cam",)

    def __init__(self, fail_at=None, trust=None, run_id=RUN):
        self.batches, self.fail_at, self.trust, self.run_id = [], fail_at, trust, run_id

    def classify(self, pictures, views=1, sizes=None):
        if len(self.batches) == self.fail_at:
            raise KeyboardInterrupt
        self.batches.append(len(pictures))
        assert sizes is None or set(sizes) == {(64, 64)}
        means = np.stack([p.reshape(-1, 3).mean(axis=0) for p in pictures])
        rows = np.repeat(means, [3, 2, 2], axis=1) + np.arange(7) + views
        rows /= rows.sum(axis=1, keepdims=True)
        return [
            Prediction("cnn", self.run_id, tuple(row.tolist()), 1.0, self.trust) for row in rows
        ]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(3)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number in range(COUNT):
        place = "deep/" if number % 2 else ""
        picture = draw_picture(rng, number % 7, 64)
        cv2.imwrite(str(tmp_path / "in" / f"{place}p{number:02d}.png"), picture)
    (tmp_path / "in" / "p99.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "in"


@pytest.fixture
def files(folder):
    return [str(file) for file in sorted(folder.rglob("*.*"))]


def plan(out, files, form="csv", runs=(RUN,), **settings):
    return make_plan(out, files, Settings(tuple(runs), format=form, part=PART, **settings))


def run(out, plan, *networks, shard=(1, 1)):
    told = []
    by_run = {network.run_id: network for network in networks or (ByColour(),)}
    outcome = score(plan, by_run, out, shard=shard, report=told.append)
    return outcome, told


def read(out):
    parts = sorted(out.glob("part-*.csv"))
    return pd.concat([pd.read_csv(part) for part in parts], ignore_index=True)


def test_every_picture_has_its_row_in_order_and_the_unreadable_their_reason(tmp_path, files):
    out = tmp_path / "out"
    outcome, told = run(out, plan(out, files))
    rows = read(out)
    assert list(rows["file"]) == [file for file in files if "p99" not in file]
    alone = [
        ByColour().classify([module.read_reduced(f, 0, {RUN: TINY_INPUT}).pixels[RUN]])[0]
        for f in rows["file"]
    ]
    np.testing.assert_allclose(
        rows.filter(like="p_").to_numpy(), [a.probabilities for a in alone], atol=6e-7
    )
    assert list(rows["prediction"]) == [a.code for a in alone]
    assert set(rows["note"]) == {DISCLAIMER}
    errors = pd.read_csv(out / "errors.csv")
    assert errors["file"].tolist() == [file for file in files if "p99" in file]
    assert errors["reason"][0].startswith("The JPEG file is damaged")
    assert (outcome.scored, outcome.unreadable, outcome.waiting) == (COUNT + 1, 1, 0)
    assert (told[-1].done, told[-1].total, told[-1].left) == (COUNT + 1, COUNT + 1, 0)


def test_a_second_start_goes_on_where_the_first_was_stopped(tmp_path, files):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(out, plan(out, files), ByColour(fail_at=2))
    assert len(list(out.glob("part-*.csv"))) == 2
    (out / ".part-00002.csv.1.1.tmp").write_text("half a row")
    network = ByColour()
    run(out, plan(out, files), network)
    assert sum(network.batches) == COUNT - 2 * PART  # of the last part one is unreadable
    assert sorted(read(out)["file"]) == sorted(f for f in files if "p99" not in f)
    assert not list(out.glob(".part-*"))
    third = ByColour()
    run(out, plan(out, files), third)
    assert third.batches == []


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[3:]
from test_scoring import ByColour, plan, run
from pathlib import Path

class Dies(ByColour):
    def classify(self, pictures, views=1, sizes=None):
        answers = super().classify(pictures, views, sizes)
        if len(self.batches) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return answers

out, files = Path(sys.argv[1]), Path(sys.argv[2]).read_text().splitlines()
run(out, plan(out, files), Dies())
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_kill_leaves_whole_parts_only_and_no_row_is_lost_or_doubled(tmp_path, files):
    out, listed = tmp_path / "out", tmp_path / "list"
    listed.write_text("\n".join(files))
    here = Path(__file__).parent
    places = [str(here), str(here.parent), str(here.parent.parent)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(out), str(listed), *places],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == -9, ended.stderr
    assert len(list(out.glob("part-*.csv"))) == 1
    run(out, plan(out, files))
    assert sorted(read(out)["file"]) == sorted(f for f in files if "p99" not in f)


def test_shares_together_are_the_whole_and_the_last_one_joins_it(tmp_path, files):
    out = tmp_path / "out"
    good = [file for file in files if "p99" not in file]
    first, _ = run(out, plan(out, good, "isic"), shard=(1, 2))
    assert (first.waiting, (out / "submission.csv").exists()) == (1, False)
    second, _ = run(out, plan(out, good, "isic"), shard=(2, 2))
    assert second.waiting == 0
    submission = pd.read_csv(out / "submission.csv")
    assert list(submission.columns) == ["image", "MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
    assert list(submission["image"]) == [Path(file).stem for file in good]
    np.testing.assert_allclose(submission.iloc[:, 1:].sum(axis=1), 1, atol=1e-5)


def test_parquet_has_the_same_rows_with_types(tmp_path, files):
    run(tmp_path / "csv", plan(tmp_path / "csv", files))
    run(tmp_path / "parquet", plan(tmp_path / "parquet", files, "parquet"))
    table = pd.read_parquet(sorted((tmp_path / "parquet").glob("part-*.parquet")))
    assert table["p_mel"].dtype == np.float64
    pd.testing.assert_frame_equal(
        table[["file", "run_id", "prediction", "p_mel"]],
        read(tmp_path / "csv")[["file", "run_id", "prediction", "p_mel"]],
        atol=6e-7,
        check_dtype=False,
    )


def test_rows_of_several_networks_stand_side_by_side(tmp_path, files):
    out, runs = tmp_path / "out", (RUN, "other-s1-00000000")
    run(out, plan(out, files, runs=runs), *(ByColour(run_id=name) for name in runs))
    rows = read(out)
    assert list(rows["run_id"]) == list(runs) * COUNT
    assert list(rows["file"][::2]) == list(rows["file"][1::2])


def test_the_gate_stands_in_each_row_and_withholds_the_answer_unless_forced(tmp_path, files):
    trust = Trust(Gate(Outcome.DECLINED, ("It is black.", "It is small.")), (1 / 7,) * 7)
    for force in (False, True):
        out = tmp_path / f"out-{force}"
        run(out, plan(out, files, force=force), ByColour(trust=trust))
        rows = read(out)
        assert set(rows["gate"]) == {"declined"}
        assert set(rows["gate_reasons"]) == {"It is black. It is small."}
        assert rows["prediction"].notna().all() == rows["p_nv"].notna().all() == force


def test_a_submission_leaves_out_what_is_withheld_unless_forced(tmp_path, files):
    trust = Trust(Gate(Outcome.DECLINED, ("No lesion.",)), (0.0,) * 7)
    whole = None
    for force in (True, False):
        out = tmp_path / f"out-{force}"
        run(out, plan(out, files, "isic", force=force), ByColour(trust=trust))
        parts = sorted(out.glob("part-*.csv"))
        lines = [line for part in parts for line in part.read_text().splitlines()]
        whole = whole or len(lines)
        headers = sum(line.startswith("image,") for line in lines)
        assert len(lines) == (whole if force else headers)
    assert whole > headers > 0


def test_other_settings_are_refused_and_files_that_came_later_are_told(tmp_path, files):
    out = tmp_path / "out"
    assert plan(out, files[:-1]).added == 0
    later = plan(out, files)
    assert (later.added, list(later.files)) == (1, files[:-1])
    with pytest.raises(ConfigError, match="views was 1, now 8; force was False, now True"):
        plan(out, files, views=8, force=True)
    (out / "files.jsonl").write_text('"other.jpg"\n')
    with pytest.raises(ConfigError, match="is not the list that it names"):
        plan(out, files)


def test_a_submission_is_of_one_network_and_of_names_that_differ(tmp_path):
    with pytest.raises(UsageError, match="no picture to score"):
        plan(tmp_path, [])
    with pytest.raises(UsageError, match="stand twice: a"):
        plan(tmp_path, ["x/a.jpg", "y/a.png", "b.jpg"], "isic")
    with pytest.raises(UsageError, match="one network, and 2 were named"):
        plan(tmp_path, ["a.jpg"], "isic", runs=("one", "two"))


def test_a_share_in_work_is_not_scored_twice(tmp_path, files):
    out = tmp_path / "out"
    made = plan(out, files)

    class Nosy(ByColour):
        def classify(self, pictures, views=1, sizes=None):
            with pytest.raises(ConfigError, match="Another process is at work on this share"):
                run(out, made, ByColour())
            return super().classify(pictures, views, sizes)

    run(out, made, Nosy())


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_names_that_are_no_text_or_formulas_do_no_harm(tmp_path, folder, monkeypatch):
    odd = [folder / "=1+1.png", folder / "a\nb.png", folder / os.fsdecode(b"\xff.png")]
    for file in odd:
        file.write_bytes((folder / "p00.png").read_bytes())
    out = tmp_path / "out"
    names = [os.path.relpath(file, folder) for file in odd]
    monkeypatch.chdir(folder)
    run(out, plan(out, names))
    assert list(read(out)["file"]) == ["'=1+1.png", "a\nb.png", "\\xff.png"]
    run(tmp_path / "parquet", plan(tmp_path / "parquet", names, "parquet"))
    table = pd.read_parquet(sorted((tmp_path / "parquet").glob("part-*.parquet")))
    assert list(table["file"]) == ["=1+1.png", "a\nb.png", "\\xff.png"]


def test_pictures_in_memory_are_of_the_inputs_size(files):
    seen = module.read_reduced(files[0], 0, {RUN: TINY_INPUT})
    assert seen.pixels[RUN].shape == (TINY_INPUT.height, TINY_INPUT.width, 3)
    assert module._AHEAD + 2 * module.BATCH <= 300
    assert Plan(tuple(files), Settings((RUN,), part=PART)).parts == 3
