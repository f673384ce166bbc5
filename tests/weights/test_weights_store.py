import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.errors import WeightsError
from skinmodel.models.registry import MODELS, RGB_100
from skinmodel.weights import coded, store
from skinmodel.weights.compact import encode
from skinmodel.weights.manifest import MANIFEST, read_manifest, replace_record, write_manifest
from skinmodel.weights.state import FileFacts, WeightsState, decide, read_facts, sha256_of
from skinmodel.weights.store import find, list_all, load_weights, publish, verify

GROUPED = {"name": "grouped", "seed": 1, "fingerprint": "77", "leaks": False}
REPORT = {"name": "report", "seed": 50, "fingerprint": "78", "leaks": True}
VERSIONS = dict.fromkeys(("skinmodel", "tensorflow", "keras", "numpy", "python"), "1.0")


@pytest.fixture
def stores(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", tmp_path / "shipped")
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    return {"shipped": tmp_path / "shipped", "home": tmp_path / "home" / "weights"}


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "conv/kernel": rng.normal(size=(3, 3, 3, 8)).astype(np.float32),
        "bias": rng.normal(size=8).astype(np.float32),
    }


def put(folder, model="cnn", run_id="run-1", seed=0, created=None, **changes):
    settings = {
        "preprocessing": RGB_100,
        "temperature": 1.3,
        "recipe": {"epochs": 3},
        "recipe_fingerprint": "0a1b",
        "split": GROUPED,
        "versions": VERSIONS,
        "metrics": {"val": {"balanced_accuracy": 0.6}},
    }
    settings |= {"form": "float32", **changes}
    data, _ = encode(arrays(seed), None)
    record = publish(folder, data, model=model, run_id=run_id, **settings)
    if created is not None:
        record = replace(record, created=created)
        write_manifest(folder, replace_record(read_manifest(folder), record))
    return record


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != ".manifest.lock")


def test_published_weights_are_read_back_in_order(tmp_path):
    record = put(tmp_path, form="float32")
    data = (tmp_path / record.file).read_bytes()
    back = load_weights(record, tmp_path)
    assert read_manifest(tmp_path) == (record,)
    assert (record.bytes, record.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert record.file == f"run-1-{record.sha256[:8]}.safetensors"
    assert names(tmp_path) == [MANIFEST, record.file]
    assert list(back) == list(arrays())
    for name, values in arrays().items():
        assert back[name].tobytes() == values.tobytes()


def test_a_few_weights_can_be_read_by_name_and_a_wrong_name_is_said(tmp_path):
    record = put(tmp_path)
    found = load_weights(record, tmp_path, ["bias"])
    assert list(found) == ["bias"]
    np.testing.assert_array_equal(found["bias"], arrays()["bias"])
    with pytest.raises(WeightsError, match="no weights called conv9/kernel"):
        load_weights(record, tmp_path, ["bias", "conv9/kernel"])


def test_the_file_is_the_very_bytes_that_were_given(tmp_path):
    kernel = np.random.default_rng(0).normal(size=(400, 320)).astype(np.float32)
    data, report = encode({"kernel": kernel}, 100_000)
    record = publish(
        tmp_path,
        data,
        model="cnn",
        run_id="run-1",
        preprocessing=RGB_100,
        temperature=1.3,
        recipe={},
        recipe_fingerprint="0a1b",
        split=GROUPED,
        versions=VERSIONS,
        metrics={},
        form="compact",
    )
    assert (record.form, record.bytes) == ("compact", report.bytes)
    assert (tmp_path / record.file).read_bytes() == data
    back = load_weights(record, tmp_path)["kernel"]
    assert 0 < np.abs(back - kernel).max() < 0.1


def test_publishing_a_run_again_replaces_its_record_and_its_file(tmp_path):
    other = put(tmp_path, run_id="run-1-b")
    old = put(tmp_path)
    new = put(tmp_path, seed=1)
    assert old.file != new.file
    assert read_manifest(tmp_path) == (new, other)
    assert names(tmp_path) == sorted([MANIFEST, new.file, other.file])


@pytest.mark.parametrize("failing", ["weights", "manifest"])
def test_a_crash_while_publishing_leaves_the_earlier_run_and_no_litter(
    tmp_path, monkeypatch, failing
):
    old = put(tmp_path)
    rename = os.replace

    def crash(source, target, **kwargs):
        if (Path(target).name == MANIFEST) == (failing == "manifest"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(WeightsError, match="No space left"):
        put(tmp_path, seed=1)
    assert read_manifest(tmp_path) == (old,)
    assert names(tmp_path) == [MANIFEST, old.file]
    assert verify(tmp_path, old) is WeightsState.OK


def test_publishing_again_clears_what_a_killed_process_left(tmp_path):
    orphan = tmp_path / "run-1-01234567.safetensors"
    others = [tmp_path / "run-1-best.safetensors", tmp_path / "run-10-01234567.safetensors"]
    for path in (orphan, *others):
        path.write_bytes(b"half a file")
    record = put(tmp_path)
    assert names(tmp_path) == sorted([MANIFEST, record.file, *(p.name for p in others)])


def test_a_record_that_breaks_a_rule_is_refused_before_anything_is_written(tmp_path):
    folder = tmp_path / "weights"
    with pytest.raises(WeightsError, match="split is"):
        put(folder, split={"name": "grouped"})
    assert not folder.exists()


GOOD = FileFacts(True, 10, "ab" * 32)
SMALL = replace(MODELS["cnn"], preprocessing=replace(RGB_100, height=32))
REPORT_INPUT = replace(
    MODELS["cnn"], preprocessing=replace(RGB_100, channels="BGR", interpolation="linear")
)


@pytest.mark.parametrize(
    ("facts", "spec", "state"),
    [
        (GOOD, MODELS["cnn"], WeightsState.OK),
        (GOOD, REPORT_INPUT, WeightsState.OK),
        (GOOD, SMALL, WeightsState.STALE),
        (GOOD, None, WeightsState.STALE),
        (FileFacts(False), MODELS["cnn"], WeightsState.MISSING),
        (FileFacts(False), None, WeightsState.MISSING),
        (replace(GOOD, size=9), MODELS["cnn"], WeightsState.CORRUPT),
        (replace(GOOD, sha256="cd" * 32), MODELS["cnn"], WeightsState.CORRUPT),
        (replace(GOOD, sha256="cd" * 32), None, WeightsState.CORRUPT),
    ],
)
def test_what_a_file_is_good_for_is_one_decision(tmp_path, facts, spec, state):
    record = replace(put(tmp_path), bytes=10, sha256="ab" * 32)
    assert decide(record, facts, spec) is state


def test_verify_looks_at_the_file_itself(tmp_path):
    record = put(tmp_path)
    path = tmp_path / record.file
    assert verify(tmp_path, record) is WeightsState.OK
    assert verify(tmp_path, replace(record, model="gone")) is WeightsState.STALE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert verify(tmp_path, record) is WeightsState.CORRUPT
    path.unlink()
    assert verify(tmp_path, record) is WeightsState.MISSING
    path.mkdir()
    assert verify(tmp_path, record) is WeightsState.MISSING


def test_facts_and_hash_of_a_file(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == known
    assert read_facts(path) == FileFacts(True, 3, known)
    assert read_facts(tmp_path / "none") == FileFacts(False)


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"abc' cannot be read .*Permission denied"):
        read_facts(path)
    with pytest.raises(WeightsError, match=r"abc' cannot be read .*Permission denied"):
        coded.read_bytes(path)


def test_another_file_is_refused_unparsed_with_both_hashes_and_the_way_out(tmp_path, monkeypatch):
    record = put(tmp_path)
    (tmp_path / record.file).write_bytes(b"other")

    def parse(data, source):
        pytest.fail("parsed before its hash was checked")

    monkeypatch.setattr(store, "decode", parse)
    with pytest.raises(WeightsError) as error:
        load_weights(record, tmp_path)
    text = str(error.value)
    for part in (
        hashlib.sha256(b"other").hexdigest(),
        "(5 bytes)",
        record.sha256,
        f"({record.bytes:,} bytes)",
        "Restore the file from the repository",
        "python -m skinmodel train --model cnn ",
        "remove the record of run 'run-1'",
    ):
        assert part in text


def test_the_bytes_that_are_parsed_are_the_bytes_that_were_hashed(tmp_path, monkeypatch):
    record = put(tmp_path)
    path = tmp_path / record.file
    reads = []

    def read_then_swap(path):
        data = coded.read_bytes(path)
        reads.append(path)
        path.write_bytes(b"swapped after the read")
        return data

    monkeypatch.setattr(store, "read_bytes", read_then_swap)
    back = load_weights(record, tmp_path)
    assert reads == [path]
    np.testing.assert_array_equal(back["bias"], arrays()["bias"])


def test_a_damaged_file_whose_hash_is_recorded_is_still_refused(tmp_path):
    record = put(tmp_path)
    data = b"not a weights file"
    (tmp_path / record.file).write_bytes(data)
    recorded = replace(record, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(WeightsError, match="cannot be used: it is damaged"):
        load_weights(recorded, tmp_path)


def test_stale_weights_are_refused_unparsed(tmp_path, monkeypatch):
    record = put(tmp_path, preprocessing=replace(RGB_100, height=32))

    def parse(data, source):
        pytest.fail("parsed though of no use")

    monkeypatch.setattr(store, "decode", parse)
    expected = r"'run-1' are stale: .*'cnn' with an input of 100 x 32 .*takes 100 x 100 pixels\. T"
    with pytest.raises(WeightsError, match=expected):
        load_weights(record, tmp_path)
    gone = replace(record, model="gone")
    with pytest.raises(WeightsError, match=r"stale: .*'gone' .*has no network of that name"):
        load_weights(gone, tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    record = put(tmp_path)
    (tmp_path / record.file).unlink()
    with pytest.raises(WeightsError, match=r"cannot be read .*Restore it from the repository"):
        load_weights(record, tmp_path)


def test_a_model_means_the_shipped_weights_else_the_newest_of_the_users_runs(stores):
    old = put(stores["home"], run_id="z-old", created="2026-11-01T00:00:00Z")
    new = put(stores["home"], run_id="a-new", created="2026-11-02T00:00:00Z")
    assert find("cnn") == (new, stores["home"])
    shipped = put(stores["shipped"], run_id="released", created="2026-10-01T00:00:00Z")
    assert find("cnn") == (shipped, stores["shipped"])
    assert find("cnn", where="home") == (new, stores["home"])
    assert find("z-old") == (old, stores["home"])
    put(stores["home"], run_id="released", seed=1)
    assert find("released") == (shipped, stores["shipped"])


def test_a_leaky_run_is_never_a_models_default(stores):
    leaky = put(stores["home"], run_id="cnn-report", split=REPORT)
    with pytest.raises(WeightsError, match=r"cnn-report \(cnn, home, leaky split\)"):
        find("cnn")
    honest = put(stores["home"], run_id="honest", created="2026-11-01T00:00:00Z")
    assert find("cnn") == (honest, stores["home"])
    assert find("cnn-report") == (leaky, stores["home"])


def test_what_is_not_stored_is_refused_with_what_is_and_how_to_train(stores):
    message = "no weights for 'cnn_sa'. Stored are: none.*train --model cnn_sa --recipe grouped"
    with pytest.raises(WeightsError, match=message):
        find("cnn_sa")
    put(stores["shipped"])
    put(stores["home"], run_id="run-2")
    stored = r"Stored are: run-1 \(cnn, shipped\), run-2 \(cnn, home\)\..*--model MODEL"
    with pytest.raises(WeightsError, match=stored):
        find("resnet")


def test_a_run_id_of_two_models_is_refused(stores):
    put(stores["home"], model="cnn")
    put(stores["home"], model="cnn_sa", seed=1)
    with pytest.raises(WeightsError, match=r"stands for several models.*\(cnn, .*\(cnn_sa, "):
        find("run-1")


def test_a_broken_home_store_does_not_keep_the_shipped_weights_from_use(stores):
    shipped = put(stores["shipped"])
    stores["home"].mkdir(parents=True)
    (stores["home"] / MANIFEST).write_text("{", encoding="utf-8")
    assert find("cnn") == (shipped, stores["shipped"])
    with pytest.raises(WeightsError, match=r"home.*cannot be read"):
        list_all()


def test_everything_is_listed_shipped_first(stores):
    assert list_all() == []
    home = put(stores["home"])
    shipped = put(stores["shipped"], model="cnn_sa")
    assert list_all() == [
        (shipped, stores["shipped"], "shipped"),
        (home, stores["home"], "home"),
    ]


def test_a_file_without_a_record_does_not_exist_for_the_store(stores):
    record = put(stores["home"])
    write_manifest(stores["home"], [])
    assert (stores["home"] / record.file).exists()
    assert list_all() == []
    with pytest.raises(WeightsError, match="no weights for 'run-1'"):
        find("run-1")


def test_a_file_larger_than_any_weights_is_not_read(tmp_path, monkeypatch):
    record = put(tmp_path)
    with (tmp_path / record.file).open("r+b") as file:
        file.truncate(coded.MAX_FILE_BYTES + 1)
    with pytest.raises(WeightsError, match=r"has 1,000,000,001 bytes; at most 1,000,000,000"):
        load_weights(record, tmp_path)


def test_a_fresh_process_finds_weights_without_tensorflow_or_keras():
    code = (
        "import sys, skinmodel.weights.store as store; store.list_all(); "
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_graph_stands_beside_its_weights_and_is_read_back(tmp_path):
    record = put(tmp_path, graph=b"a graph")
    assert record.graph.file == f"run-1-{record.graph.sha256[:8]}.onnx"
    assert names(tmp_path) == sorted([MANIFEST, record.file, record.graph.file])
    assert read_manifest(tmp_path) == (record,)
    assert store.load_graph(record, tmp_path) == b"a graph"
    assert store.verify_graph(tmp_path, record) is WeightsState.OK
    assert store.verify_graph(tmp_path, put(tmp_path, run_id="run-2")) is None


def test_a_new_graph_takes_the_place_of_the_one_before_and_nothing_else(tmp_path):
    other, old = put(tmp_path, run_id="run-2", graph=b"other"), put(tmp_path, graph=b"a graph")
    new = store.replace_graph(tmp_path, old, b"another graph")
    assert replace(new, graph=None) == replace(old, graph=None)
    assert read_manifest(tmp_path) == (new, other)
    kept = (MANIFEST, new.file, new.graph.file, other.file, other.graph.file)
    assert names(tmp_path) == sorted(kept)


@pytest.mark.parametrize("content", [None, b"another", b"a graph and more"])
def test_a_graph_that_is_not_the_recorded_one_is_refused(tmp_path, content):
    record = put(tmp_path, graph=b"a graph")
    path = tmp_path / record.graph.file
    path.unlink() if content is None else path.write_bytes(content)
    expected = WeightsState.MISSING if content is None else WeightsState.CORRUPT
    assert store.verify_graph(tmp_path, record) is expected
    with pytest.raises(WeightsError, match=r"run-1-.*\.onnx"):
        store.load_graph(record, tmp_path)
