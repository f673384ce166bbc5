import numpy as np
import pytest
from factories import TINY_INPUT, TINY_MODELS, use_tiny_world

from skinmodel import paths
from skinmodel.cli.main import main
from skinmodel.weights import store
from skinmodel.weights.compact import encode

GROUPED = {"name": "grouped", "seed": 1, "fingerprint": "77", "leaks": False}
REPORT = {"name": "report", "seed": 50, "fingerprint": "78", "leaks": True}
VERSIONS = dict.fromkeys(("skinmodel", "tensorflow", "keras", "numpy", "python"), "1.0")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    use_tiny_world(monkeypatch, tmp_path)
    return tmp_path / "weights"


def put(folder, run_id, model="cnn", split=GROUPED, **changes):
    values = np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32)
    data, _ = encode({"conv1/kernel": values}, None)
    return store.publish(
        folder,
        data,
        model=model,
        run_id=run_id,
        temperature=1.0,
        recipe={},
        recipe_fingerprint="0a",
        split=split,
        versions=VERSIONS,
        metrics={},
        form="float32",
        **{"preprocessing": TINY_INPUT, **changes},
    )


def run(capsys, action):
    status = main(["weights", action])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def test_an_empty_store_lists_how_to_fill_it_and_is_sound(folder, capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert "No weights are stored" in out
    assert "python -m skinmodel train" in out
    assert run(capsys, "verify")[:2] == (0, "No weights are stored: there is nothing to verify.\n")


def test_the_list_says_model_run_place_size_and_split(folder, capsys):
    record = put(folder, "run-1")
    put(paths.SHIPPED_WEIGHTS, "run-0", model="cnn_sa", split=REPORT)
    status, out, _ = run(capsys, "list")
    shipped, own = out.splitlines()
    assert status == 0
    for part in ("cnn_sa", "run-0", "shipped", "LEAKY SPLIT", str(paths.SHIPPED_WEIGHTS)):
        assert part in shipped
    for part in ("cnn", "run-1", "home", "float32", f"{record.bytes / 1e6:.1f} MB", "grouped"):
        assert part in own
    assert "LEAKY" not in own


def test_sound_weights_are_verified(folder, capsys):
    record = put(folder, "run-1")
    status, out, _ = run(capsys, "verify")
    assert status == 0
    assert out == f"ok       run-1 (cnn, home): {folder / record.file}\n"


@pytest.mark.parametrize(
    ("damage", "state", "remedy"),
    [("flip", "corrupt", "not the recorded one"), ("remove", "missing", "Restore the file")],
)
def test_damaged_weights_end_with_1_and_the_others_are_still_checked(
    folder, capsys, damage, state, remedy
):
    bad = put(folder, "run-1")
    put(folder, "run-2")
    file = folder / bad.file
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.unlink()
    if damage == "flip":
        file.write_bytes(data)
    status, out, _ = run(capsys, "verify")
    first, advice, second = out.splitlines()
    assert status == 1
    assert first.split()[:2] == [state, "run-1"]
    assert remedy in advice
    assert second.split()[:2] == ["ok", "run-2"]


def test_weights_of_another_input_size_are_stale(folder, capsys):
    put(folder, "run-1", preprocessing=TINY_MODELS["cnn"].preprocessing)
    put(folder, "run-2", preprocessing=type(TINY_INPUT)(96, 96, "RGB", 1.0, 0.0, "area"))
    status, out, _ = run(capsys, "verify")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()] == ["ok", "stale", "The"]
    assert "Train the model again" in out


def test_a_damaged_manifest_is_named(folder, capsys):
    put(folder, "run-1")
    (folder / "manifest.json").write_text("{")
    for action in ("list", "verify"):
        status, out, err = run(capsys, action)
        assert (status, out) == (1, "")
        assert str(folder / "manifest.json") in err


def test_an_action_is_required(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["weights"])
    assert ended.value.code == 2
    assert "list|verify|graphs" in capsys.readouterr().err
