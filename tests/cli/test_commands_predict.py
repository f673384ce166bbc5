import csv
import hashlib
import io
import json
from functools import cache
from pathlib import Path

import factories
import numpy as np
import pytest
from factories import train_tiny_world, use_tiny_world
from PIL import Image
from pypdf import PdfReader

from skinmodel.cli import predict
from skinmodel.cli.main import main
from skinmodel.diagnoses import CODES
from skinmodel.inference import quick
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER, Explanation, Prediction

load = cache(quick.open_named)


def load_all(names):
    return {name: load(name) for name in names}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return train_tiny_world(tmp_path_factory.getbasetemp())


@pytest.fixture
def world(made, monkeypatch):
    use_tiny_world(monkeypatch, made.home)
    # Loaded once for all tests here; test_inference_classifier.py holds loading itself.
    monkeypatch.setattr(quick, "open_all", load_all)
    return made


@pytest.fixture
def pictures(world):
    return sorted(factories.drawn_index(world.data)["path"])[:2]


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / "broken.jpg"
    file.write_bytes(b"GIF89a and so on")
    return str(file)


def run(capsys, *arguments):
    status = main(["predict", *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def test_json_is_one_list_with_an_object_for_each_file_and_model(world, pictures, capsys):
    models = ["--model", "cnn", "--model", "cnn_sa"]
    status, out, _ = run(capsys, *pictures, *models, "--format", "json")
    answers = json.loads(out)
    assert status == 0
    assert [(a["file"], a["model"]) for a in answers] == [
        (picture, model) for picture in pictures for model in ("cnn", "cnn_sa")
    ]
    for answer in answers:
        assert list(answer)[:5] == ["file", "model", "run_id", "prediction", "probabilities"]
        assert answer["run_id"] == world.run_ids[answer["model"]]
        assert list(answer["probabilities"]) == list(CODES)
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        likeliest = max(answer["probabilities"], key=answer["probabilities"].get)
        assert answer["prediction"] == likeliest
        assert answer["disclaimer"] == DISCLAIMER
        assert "error" not in answer


def test_both_models_answer_by_default_and_a_model_named_twice_answers_once(
    world, pictures, capsys
):
    _, out, _ = run(capsys, pictures[0], "--format", "json")
    assert [a["model"] for a in json.loads(out)] == ["cnn", "cnn_sa"]
    _, out, _ = run(capsys, pictures[0], "--model", "cnn", "--model", "cnn", "--format", "json")
    assert [a["model"] for a in json.loads(out)] == ["cnn"]


def test_a_run_id_answers_too(world, pictures, capsys):
    run_id = world.run_ids["cnn_sa"]
    status, out, _ = run(capsys, pictures[0], "--model", run_id, "--format", "json")
    [answer] = json.loads(out)
    assert (status, answer["run_id"], answer["model"]) == (0, run_id, "cnn_sa")


def test_one_bad_file_gives_its_own_error_and_status_1(world, pictures, broken, capsys):
    files = [pictures[0], broken, pictures[1]]
    status, out, _ = run(capsys, *files, "--format", "json")
    answers = json.loads(out)
    assert status == 1
    assert [a["file"] for a in answers] == [files[0], files[0], broken, files[2], files[2]]
    assert answers[2].keys() == {"file", "error"}
    assert "a GIF picture" in answers[2]["error"]
    assert all("probabilities" in a for a in (*answers[:2], *answers[3:]))


def test_only_bad_files_still_give_a_list(world, broken, capsys):
    status, out, _ = run(capsys, broken, "nowhere.png", "--format", "json")
    assert status == 1
    assert [a["file"] for a in json.loads(out)] == [broken, "nowhere.png"]


def test_csv_is_read_back_whole(world, pictures, broken, capsys, tmp_path, encode_image, photo):
    odd = tmp_path / 'with, comma "and" quotes.png'
    odd.write_bytes(encode_image(photo))
    status, out, _ = run(capsys, str(odd), broken, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 1
    assert [row["file"] for row in rows] == [str(odd), str(odd), broken]
    assert all(None not in row and None not in row.values() for row in rows)  # no ragged row
    _, text, _ = run(capsys, str(odd), "--format", "json")
    for row, answer in zip(rows, json.loads(text), strict=False):
        for name in ("model", "run_id", "prediction"):
            assert row[name] == answer[name]
        for code in CODES:
            assert float(row[f"p_{code}"]) == pytest.approx(answer["probabilities"][code], abs=1e-6)
        assert row["error"] == ""
    assert "a GIF picture" in rows[2]["error"]
    assert {rows[2][name] for name in ("model", "run_id", "prediction", "p_nv")} == {""}
    assert {row["note"] for row in rows} == {DISCLAIMER}


def test_the_table_is_readable(world, pictures, broken, capsys):
    status, out, _ = run(capsys, pictures[0], broken)
    lines = out.splitlines()
    assert status == 1
    header, first, second, error, disclaimer = lines
    assert header.split() == ["file", "run", "prediction", *CODES]
    for line, model in ((first, "cnn"), (second, "cnn_sa")):
        assert line.startswith("...")
        assert line.split()[1] == world.run_ids[model]
        assert line.count("%") == 7
        assert len(line) == len(header)  # columns stand under their heads
    assert "error: This file is a GIF picture" in error
    assert disclaimer == DISCLAIMER


class OneRun:
    """A network of a given run, sure of its first diagnosis; its map is null."""

    methods = ("grad_cam",)
    spec = get_spec("cnn")

    def __init__(self, run_id):
        self.run_id = run_id

    def classify(self, pictures, _views):
        return [Prediction("cnn", self.run_id, (1.0, *[0.0] * 6)) for _ in pictures]

    def explain(self, _picture, method, code):
        return Explanation("cnn", self.run_id, method, "conv6", code, np.zeros((4, 4), np.float32))


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_every_row_names_its_run_also_of_two_runs_of_one_model(
    monkeypatch, capsys, tmp_path, encode_image, photo, form
):
    (tmp_path / "a.png").write_bytes(encode_image(photo))
    runs = {"cnn": "cnn-grouped-s1-0123abcd", "mine": "cnn-my.recipe-s2-4567cdef"}
    monkeypatch.setattr(predict, "_check", lambda *_: None)
    monkeypatch.setattr(quick, "open_all", lambda names: {n: OneRun(runs[n]) for n in names})
    models = ["--model", "cnn", "--model", "mine", "--explain", "grad_cam"]
    out = run(capsys, str(tmp_path / "a.png"), *models, "--format", form)[1]
    if form == "table":
        rows = out.splitlines()[1:-1]
        assert [row[28:].split()[0] for row in rows] == [r for r in runs.values() for _ in "12"]
        assert len({row.index("the map is null") for row in rows[1::2]}) == 1
    else:
        rows = json.loads(out) if form == "json" else csv.DictReader(io.StringIO(out))
        assert [row["run_id"] for row in rows] == list(runs.values())


def test_a_null_map_is_said_to_be_null(world, pictures, capsys, monkeypatch):
    monkeypatch.setattr("skinmodel.results.Explanation.is_null", property(lambda _: True))
    _, out, _ = run(capsys, pictures[0], "--model", "cnn", "--explain", "grad_cam")
    assert "the map is null: no positive evidence" in out


def test_explanations_stand_in_the_json(world, pictures, capsys):
    _, out, _ = run(capsys, pictures[0], "--explain", "soft_attention", "--format", "json")
    plain, attended = json.loads(out)
    assert "explanation" not in plain
    found = attended["explanation"]
    assert (found["method"], found["layer"], found["diagnosis"]) == (
        "soft_attention",
        "soft_attention",
        None,
    )
    # Twelve heads, each summing to 1.
    assert sum(map(sum, found["values"])) == pytest.approx(12, rel=1e-4)
    assert found["raw_maximum"] == pytest.approx(max(map(max, found["values"])))


def test_out_writes_overlays_with_their_provenance(
    world, pictures, capsys, tmp_path, encode_image, photo
):
    twin = tmp_path / "other" / pictures[0].rsplit("/", 1)[1]
    twin.parent.mkdir()
    twin.write_bytes(encode_image(photo))
    out = tmp_path / "overlays"
    status, text, _ = run(
        capsys, pictures[0], str(twin), "--out", str(out), "--format", "json", "--views", "8"
    )
    answers = json.loads(text)
    assert status == 0
    assert len({a["overlay"] for a in answers}) == len(list(out.iterdir())) == 4
    for answer in answers:
        with Image.open(answer["overlay"]) as png, Image.open(answer["file"]) as original:
            assert png.width == original.width
            assert png.height > original.height  # the strip that says what it is
            assert png.text["run_id"] == answer["run_id"]
            assert png.text["model"] == answer["model"]
            assert png.text["disclaimer"] == DISCLAIMER
            method = "soft_attention" if answer["model"] == "cnn_sa" else "grad_cam"
            assert png.text["method"] == answer["explanation"]["method"] == method


def test_eight_views_are_another_answer_than_one(world, pictures, capsys):
    answers = [
        json.loads(run(capsys, pictures[0], "--views", views, "--format", "json")[1])
        for views in ("1", "8")
    ]
    assert answers[0][1]["probabilities"] != answers[1][1]["probabilities"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "resnet"], "There is no model or run called 'resnet'. Known: cnn, "),
        (["--model", "cnn", "--explain", "soft_attention"], "None of cnn has soft_attention"),
        (["--out", __file__], "is a file; name a folder"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_loaded(
    world, pictures, capsys, monkeypatch, arguments, message
):
    monkeypatch.setattr(quick, "open_all", _fail)
    status, out, err = run(capsys, pictures[0], *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


def _fail(*arguments):
    raise AssertionError("loaded")


@pytest.mark.parametrize(
    "arguments", [[], ["a.png", "--explain", "lime"], ["a.png", "--views", "4"], ["--format", "x"]]
)
def test_arguments_that_do_not_parse_end_with_2(world, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["predict", *arguments])
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_overlay_folder_that_cannot_be_written_ends_with_1(world, pictures, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    out = ("--out", str(tmp_path / "file" / "out"))
    status, text, _ = run(capsys, *pictures, *out, "--format", "json")
    answers = json.loads(text)
    assert status == 1
    assert [a["file"] for a in answers] == [p for p in pictures for _ in range(2)]
    for answer in answers:
        assert answer["prediction"] in CODES
        assert "could not be written" in answer["overlay_error"]
        assert not {"error", "overlay"} & set(answer)
    _, text, _ = run(capsys, pictures[0], *out, "--format", "csv")
    for row in csv.DictReader(io.StringIO(text)):
        assert row["prediction"] in CODES
        assert "could not be written" in row["error"]
    _, text, _ = run(capsys, pictures[0], *out)
    assert text.count("error: The overlay") == 2


def test_a_known_model_without_weights_says_how_to_train_it(
    world, pictures, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path))
    status, _, err = run(capsys, pictures[0], "--model", "cnn")
    assert status == 1
    assert "There are no weights for 'cnn'" in err
    assert "python -m skinmodel train" in err


def test_a_file_name_that_cannot_be_printed_is_answered_all_the_same(
    world, capsysbinary, tmp_path, encode_image, photo
):
    file = tmp_path / "caf\udce9.png"  # a byte that is no UTF-8
    file.write_bytes(encode_image(photo))
    for form in ("table", "csv", "json"):
        assert main(["predict", str(file), "--model", "cnn", "--format", form]) == 0
        assert b"\\udce9.png" in capsysbinary.readouterr().out


def test_names_that_a_terminal_or_a_spreadsheet_would_obey_are_harmless(
    world, pictures, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    names = ["=cmd().png", "+1.png", "@a.png", "a\x1b[2J\nb.png"]
    for name in names:
        (tmp_path / name).write_bytes(Path(pictures[0]).read_bytes())
    _, out, _ = run(capsys, *names, "--model", "cnn", "--format", "csv")
    told = [row["file"] for row in csv.DictReader(io.StringIO(out))]
    assert told == ["'=cmd().png", "'+1.png", "'@a.png", names[3]]
    _, out, _ = run(capsys, *names, "no\x1b.png", "--model", "cnn")
    assert "\x1b" not in out
    assert "a\\x1b[2J\\nb.png" in out
    assert len(out.splitlines()) == 7  # a header, a line each, the disclaimer


def test_a_report_of_one_picture_is_a_pdf(world, pictures, tmp_path, capsys):
    file = tmp_path / "case.pdf"
    arguments = ["--model", "cnn", "--model", "cnn_sa", "--report", str(file), "--paper", "Letter"]
    status, out, _ = run(capsys, pictures[0], *arguments)
    assert status == 0
    assert "prediction" in out
    text = " ".join(" ".join(p.extract_text() for p in PdfReader(file).pages).split())
    for model, run_id in world.run_ids.items():
        if model in ("cnn", "cnn_sa"):
            assert f"run {run_id}" in text
    assert hashlib.sha256(Path(pictures[0]).read_bytes()).hexdigest() in text
    assert DISCLAIMER in text


@pytest.mark.parametrize(
    ("count", "name", "words"),
    [(2, "case.pdf", "of one picture"), (1, "case.txt", "no PDF"), (1, "none/case.pdf", "folder")],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_asked(
    world, pictures, tmp_path, capsys, monkeypatch, count, name, words
):
    monkeypatch.setattr(quick, "open_named", lambda _: pytest.fail("a network was loaded"))
    status, _, err = run(capsys, *pictures[:count], "--report", str(tmp_path / name))
    assert status == 2
    assert words in err


def test_a_folder_is_scored_into_files_and_what_it_holds_besides_is_told(world, tmp_path, capsys):
    folder, out = tmp_path / "in" / "deep", tmp_path / "out"
    folder.mkdir(parents=True)
    for number, file in enumerate(sorted(factories.drawn_index(world.data)["path"])[:3]):
        Image.open(file).save(folder / f"p{number}.JPEG")
    (folder / "Thumbs.db").touch()
    (folder / "broken.jpg").write_bytes(b"GIF89a and so on")
    arguments = [str(tmp_path / "in"), "--model", "cnn", "--out", str(out)]
    status, told, _ = run(capsys, *arguments)
    assert status == 1
    assert "Passed over: 1 left over by a system" in told
    assert "4 pictures in 1 parts" in told
    assert "Unreadable: 1, each with its reason in errors.csv" in told
    assert DISCLAIMER in told
    [part] = out.glob("part-*.csv")
    rows = list(csv.DictReader(io.StringIO(part.read_text())))
    status, printed, err = run(capsys, str(folder), "--model", "cnn", "--format", "csv")
    alone = [row for row in csv.DictReader(io.StringIO(printed)) if not row["error"]]
    assert "Passed over" in err
    assert [row["p_mel"] for row in rows] == [row["p_mel"] for row in alone]
    assert [row["file"] for row in rows] == [row["file"] for row in alone]
    status, told, _ = run(capsys, *arguments)
    assert "Scored now: 0 pictures" in told


def test_overlays_of_a_folder_are_numbered_as_its_list(world, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number, file in enumerate(sorted(factories.drawn_index(world.data)["path"])[:2]):
        Image.open(file).save(folder / f"p{number}.png")
    more = ["--out", str(out), "--format", "parquet", "--explain", "grad_cam"]
    status, _, _ = run(capsys, str(folder), "--model", "cnn", *more)
    assert status == 0
    run_id = load("cnn").run_id
    names = [f"{n + 1:04d}-p{n}-{run_id}-grad_cam.png" for n in range(2)]
    assert sorted(file.name for file in (out / "overlays").iterdir()) == names


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--format", "isic"], "need --out DIR"),
        (["--shard", "3/2"], "is no share"),
        (["--format", "isic", "--out", "x", "--model", "cnn_sa"], "one network, and 2 were named"),
    ],
)
def test_wrong_usage_of_a_folder_is_told(world, tmp_path, capsys, more, words):
    (tmp_path / "a.png").touch()
    more = [str(tmp_path / "x") if word == "x" else word for word in more]
    status, _, err = run(capsys, str(tmp_path), "--model", "cnn", *more)
    assert status == 2
    assert words in err
