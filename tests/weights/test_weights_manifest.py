import json
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from skinmodel.diagnoses import CODES
from skinmodel.errors import WeightsError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.weights import manifest
from skinmodel.weights.manifest import (
    MANIFEST,
    lock_manifest,
    read_manifest,
    replace_record,
    write_manifest,
)
from skinmodel.weights.record import LICENCE, GraphFile, WeightsRecord, utc_now

RECORD = WeightsRecord(
    schema_version=4,
    model="cnn",
    run_id="cnn-grouped-s1-0a1b2c3d",
    file="cnn-grouped-s1-0a1b2c3d-89abcdef.safetensors",
    bytes=1234,
    sha256="89abcdef" * 8,
    form="compact",
    preprocessing=Preprocessing(100, 100, "RGB", 1 / 127.5, -1.0, "area"),
    temperature=1.3,
    recipe={"epochs": 45, "augmentation": {"rotation": 180.0}, "selection": "balanced_accuracy"},
    recipe_fingerprint="0a1b2c3d",
    split={"name": "grouped", "seed": 1, "fingerprint": "77", "leaks": False},
    classes=CODES,
    versions={
        "skinmodel": "0.1.0",
        "tensorflow": "2.21.0",
        "keras": "3.15.1",
        "numpy": "2.4.6",
        "python": "3.11.9",
    },
    metrics={"test": {"balanced_accuracy": 0.61, "auc": {"mel": 0.9}}, "val": {"accuracy": 1}},
    created="2026-11-23T18:00:00+00:00",
    licence=LICENCE,
)


def add_record(folder, record):
    """Read, change and write under the lock, as publishing does."""
    with lock_manifest(folder):
        write_manifest(folder, replace_record(read_manifest(folder), record))


def plain(**changes):
    return {**json.loads(json.dumps(RECORD.to_dict())), **changes}


def test_a_record_survives_json_unchanged():
    assert WeightsRecord.from_dict(plain()) == RECORD


def test_a_record_tells_its_time_and_whether_its_split_leaks():
    leaky = replace(RECORD, split={**RECORD.split, "name": "report", "leaks": True})
    assert (RECORD.leaks, leaky.leaks) == (False, True)
    assert RECORD.created_at.utcoffset() == timedelta(0)
    assert replace(RECORD, created=utc_now()).created_at > RECORD.created_at


def test_the_licence_names_the_data_it_derives_from():
    assert LICENCE.startswith("CC BY-NC 4.0")
    assert "10.7910/DVN/DBW86T" in LICENCE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema_version", 0),
        ("schema_version", "1"),
        ("schema_version", 4.0),
        ("schema_version", True),
        ("temperature", 0),
        ("temperature", -1.5),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", float("inf")),
        ("model", ""),
        ("model", "a/b"),
        ("run_id", "../up"),
        ("run_id", 7),
        ("run_id", "r" * 101),
        ("file", "../weights.safetensors"),
        ("file", "sub/weights.safetensors"),
        ("file", "sub\\weights.safetensors"),
        ("file", "/etc/passwd"),
        ("file", ".."),
        ("file", ".hidden"),
        ("file", "name\n"),
        ("bytes", 0),
        ("bytes", 12.0),
        ("sha256", "89abcdef"),
        ("sha256", "89ABCDEF" * 8),
        ("form", "int8"),
        ("form", ["compact"]),
        ("preprocessing", {**RECORD.preprocessing.to_dict(), "height": 0}),
        ("preprocessing", {**RECORD.preprocessing.to_dict(), "width": 100.0}),
        ("preprocessing", {**RECORD.preprocessing.to_dict(), "scale": "1/255"}),
        ("preprocessing", {**RECORD.preprocessing.to_dict(), "scale": [1.0, 1.0]}),
        ("preprocessing", {**RECORD.preprocessing.to_dict(), "offset": [0.0, "0", 0.0]}),
        ("recipe", []),
        ("recipe_fingerprint", " "),
        ("split", {"name": "grouped", "seed": 1, "fingerprint": "77"}),
        ("split", {"name": "grouped", "seed": 1, "fingerprint": "77", "leaks": 0}),
        ("split", {**RECORD.split, "note": "one more"}),
        ("classes", list(reversed(CODES))),
        ("classes", list(CODES[:-1])),
        ("classes", "nv"),
        ("versions", {"skinmodel": "0.1.0"}),
        ("versions", {**RECORD.versions, "keras": 3}),
        ("versions", {**RECORD.versions, "jax": "0.10"}),
        ("metrics", {"test": {"accuracy": "0.8"}}),
        ("metrics", {"test": {"accuracy": True}}),
        ("metrics", {"test": {"accuracy": None}}),
        ("metrics", {"test": {"accuracy": float("nan")}}),
        ("metrics", 0.8),
        ("created", "yesterday"),
        ("created", "2026-11-23T18:00:00"),
        ("created", "2026-11-23T18:00:00+01:00"),
        ("licence", ""),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(field, value):
    with pytest.raises(WeightsError, match=rf"{field} is .*, expected .*train the model again"):
        WeightsRecord.from_dict(plain(**{field: value}))


def test_all_wrong_fields_are_named_at_once():
    with pytest.raises(WeightsError, match=r"bytes is -1, .*form is 'zip', .*licence is None, "):
        WeightsRecord.from_dict(plain(bytes=-1, form="zip", licence=None))


def test_a_record_from_code_is_checked_like_one_from_a_file():
    broken = replace(RECORD.preprocessing, height=0)
    with pytest.raises(WeightsError, match=r"preprocessing is .*, expected height: greater than"):
        replace(RECORD, preprocessing=broken)


@pytest.mark.parametrize(
    "value", [{"rate": (1, 2)}, {"rate": float("inf")}, {1: "x"}, {"x": set()}]
)
def test_a_recipe_that_json_would_change_is_refused(value):
    with pytest.raises(WeightsError, match=r"recipe is .*, expected (rate|x|1\.\[key\])"):
        replace(RECORD, recipe=value)


def test_missing_and_unknown_fields_are_listed():
    values = plain(extra=1)
    del values["sha256"], values["model"]
    message = r"missing \['model', 'sha256'\], unknown \['extra'\]"
    with pytest.raises(WeightsError, match=message):
        WeightsRecord.from_dict(values)


def test_a_record_of_before_calibration_is_read_as_not_calibrated():
    values = plain(schema_version=1)
    del values["temperature"], values["graph"], values["guard"]
    assert WeightsRecord.from_dict(values) == replace(RECORD, temperature=1.0)


def test_a_record_of_before_graphs_is_read_as_without_one():
    values = plain(schema_version=2)
    del values["graph"], values["guard"]
    assert WeightsRecord.from_dict(values) == RECORD
    assert RECORD.graph is None


def test_a_record_of_before_guards_is_read_as_without_one():
    values = plain(schema_version=3)
    del values["guard"]
    assert WeightsRecord.from_dict(values) == RECORD
    assert RECORD.guard is None


def test_a_guard_is_held_to_its_rules():
    guard = {"file": "a.gate.safetensors", "bytes": 5000, "sha256": "0" * 64}
    record = WeightsRecord.from_dict(plain(guard=guard))
    assert WeightsRecord.from_dict(record.to_dict()) == record
    for changes in ({"file": "../a"}, {"bytes": 2_000_001}, {"sha256": "x"}, {"more": 1}):
        with pytest.raises(WeightsError, match=r"guard is .*, expected"):
            WeightsRecord.from_dict(plain(guard=guard | changes))


def test_a_graph_is_read_back_and_held_to_its_rules():
    graph = {"file": "a.onnx", "bytes": 5000, "sha256": "0" * 64}
    record = WeightsRecord.from_dict(plain(graph=graph))
    assert record.graph == GraphFile("a.onnx", 5000, "0" * 64)
    assert WeightsRecord.from_dict(record.to_dict()) == record
    for changes in ({"file": "../a.onnx"}, {"bytes": 300_001}, {"sha256": "x"}, {"more": 1}):
        with pytest.raises(WeightsError, match=r"graph is .*, expected"):
            WeightsRecord.from_dict(plain(graph=graph | changes))


def test_a_newer_schema_asks_for_an_update_even_when_its_fields_differ():
    with pytest.raises(WeightsError, match=r"schema_version 5; this program reads up to 4.*update"):
        WeightsRecord.from_dict({"schema_version": 5, "something": "else"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("RGB", "preprocessing is 'RGB', expected a dictionary"),
        ({"height": 100}, "expected width: Field required, channels: Field required"),
        ({**RECORD.preprocessing.to_dict(), "channels": "HSV"}, "channels: 'RGB' or 'BGR'"),
        ({**RECORD.preprocessing.to_dict(), "interpolation": []}, "interpolation: 'area' or "),
        ({**RECORD.preprocessing.to_dict(), "gamma": 2.2}, "expected gamma: Unexpected"),
    ],
)
def test_preprocessing_that_no_code_does_is_refused(value, message):
    with pytest.raises(WeightsError, match=message):
        WeightsRecord.from_dict(plain(preprocessing=value))


def test_a_record_must_be_values_by_name():
    with pytest.raises(WeightsError, match=r"A weights record is \[1\]"):
        WeightsRecord.from_dict([1])


def test_a_folder_without_manifest_has_no_records(tmp_path):
    assert read_manifest(tmp_path) == ()
    assert read_manifest(tmp_path / "none") == ()


def test_a_manifest_is_sorted_readable_and_read_back(tmp_path):
    later = replace(RECORD, run_id="a-later", created="2026-11-24T00:00:00Z")
    other = replace(RECORD, model="cnn_sa")
    write_manifest(tmp_path, [other, later, RECORD])
    text = (tmp_path / MANIFEST).read_text(encoding="utf-8")
    assert read_manifest(tmp_path) == (RECORD, later, other)
    assert text.endswith("}\n")
    assert "\n      " in text
    first = json.loads(text)["weights"][0]
    assert list(first) == sorted(first)
    write_manifest(tmp_path, read_manifest(tmp_path))
    assert (tmp_path / MANIFEST).read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "cannot be read .*Restore it"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", r"cannot be used. It holds \[\]"),
        (b'{"records": []}', r"missing \['weights'\], unknown \['records'\]"),
        (b'{"weights": {}}', "'weights' are no list"),
        (b'{"weights": [{"schema_version": 9}]}', "newer skinmodel"),
        (b'{"weights": ["cnn"]}', "A weights record is 'cnn'"),
    ],
)
def test_a_broken_manifest_is_named(tmp_path, content, message):
    path = tmp_path / MANIFEST
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as error:
        read_manifest(tmp_path)
    assert str(path) in str(error.value)


def test_two_records_of_one_run_are_refused_on_reading_and_on_writing(tmp_path):
    with pytest.raises(WeightsError, match="More than one record for cnn/cnn-grouped"):
        write_manifest(tmp_path, [RECORD, RECORD])
    content = {"weights": [plain(), plain()]}
    (tmp_path / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(WeightsError, match="More than one record for cnn/cnn-grouped"):
        read_manifest(tmp_path)


def test_a_record_takes_the_place_of_the_same_model_and_run_only():
    other_model, other_run = replace(RECORD, model="cnn_sa"), replace(RECORD, run_id="other")
    new = replace(RECORD, bytes=99)
    assert replace_record((RECORD, other_model, other_run), new) == (other_model, other_run, new)


def test_a_record_that_is_added_keeps_the_others(tmp_path):
    other = replace(RECORD, run_id="other")
    for record in (RECORD, other, replace(RECORD, bytes=99)):
        add_record(tmp_path / "new", record)
    assert {(r.run_id, r.bytes) for r in read_manifest(tmp_path / "new")} == {
        (RECORD.run_id, 99),
        ("other", 1234),
    }


def test_a_crash_before_the_rename_leaves_the_old_manifest_and_no_litter(tmp_path, monkeypatch):
    write_manifest(tmp_path, [RECORD])
    before = (tmp_path / MANIFEST).read_bytes()

    def crash(source, target, **kwargs):
        assert Path(source).stat().st_size > 0
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(WeightsError, match=r"No space left.*untouched.*SKINMODEL_HOME"):
        write_manifest(tmp_path, [RECORD, replace(RECORD, run_id="other")])
    assert [p.name for p in tmp_path.iterdir()] == [MANIFEST]
    assert (tmp_path / MANIFEST).read_bytes() == before


def add_runs(folder: Path, process: int) -> None:
    for index in range(10):
        add_record(folder, replace(RECORD, run_id=f"run-{process}-{index}"))


def test_no_record_is_lost_when_two_processes_add_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=add_runs, args=(tmp_path, i)) for i in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(read_manifest(tmp_path)) == 20


def test_no_record_is_lost_when_threads_add_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: add_record(tmp_path, replace(RECORD, run_id=f"r{i}")), range(16)))
    assert len(read_manifest(tmp_path)) == 16


def test_a_folder_locked_by_another_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "_LOCK_SECONDS", 0.1)
    with lock_manifest(tmp_path), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(add_record, tmp_path, RECORD)
        with pytest.raises(WeightsError, match=r"cannot be locked .*Wait for the other process"):
            waiting.result()
    assert read_manifest(tmp_path) == ()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(WeightsError, match="cannot be locked for writing"):
        add_record(tmp_path / "file" / "weights", RECORD)
