"""``models``: what the command says of every network, checked against the manifest."""

import json
import subprocess
import sys

from skinmodel import paths
from skinmodel.cli.main import main
from skinmodel.models.registry import MODELS
from skinmodel.results import DISCLAIMER
from skinmodel.weights.manifest import read_manifest


def test_json_names_every_network_and_the_figures_of_the_manifest(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path))
    assert main(["models", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["disclaimer"] == DISCLAIMER
    networks = {network["name"]: network for network in document["models"]}
    assert list(networks) == list(MODELS)
    for record in read_manifest(paths.SHIPPED_WEIGHTS):
        [weights] = networks[record.model]["weights"]
        assert weights["run_id"] == record.run_id
        assert weights["where"] == "shipped"
        assert weights["state"] == "present"
        assert weights["metrics"]["test"] == record.metrics["test"]
    assert networks["vgg16_sa"]["weights"] == []
    assert networks["vgg16_sa"]["pretrained"] == "vgg16"


def test_text_says_where_weights_are_missing_and_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    shipped = read_manifest(paths.SHIPPED_WEIGHTS)
    (tmp_path / "weights").mkdir()
    manifest = (paths.SHIPPED_WEIGHTS / "manifest.json").read_bytes()
    (tmp_path / "weights" / "manifest.json").write_bytes(manifest)
    monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", tmp_path / "weights")
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert f"{shipped[0].run_id} (shipped, missing" in out
    assert "python -m skinmodel train --model resnet50_sa" in out
    assert DISCLAIMER in out


def test_it_does_not_load_tensorflow():
    code = (
        "import sys; from skinmodel.cli.main import main; main(['models']); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.ROOT, capture_output=True)
