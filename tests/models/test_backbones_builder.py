import keras
import numpy as np
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.errors import UnknownNameError
from skinmodel.models.backbones.builder import HEADS, build_classifier
from skinmodel.models.catalogue import BACKBONES
from skinmodel.models.registry import MODELS
from skinmodel.models.soft_attention import SoftAttention

SPECS = [spec for spec in MODELS.values() if spec.backbone]
# Building one of these takes seconds; its control is the same graph without the attention.
DEEP = ("inception_resnet_v2", "densenet201")
SMALL = ("efficientnet_lite0", "efficientnet_lite0_sa", "vgg16", "vgg16_sa")


@pytest.mark.parametrize("spec", [s for s in SPECS if s.name not in DEEP], ids=lambda s: s.name)
def test_every_spec_builds_one_flat_graph_of_the_stated_size(spec):
    model = spec.build()
    assert model.name == spec.name
    assert model.count_params() == spec.parameters
    assert not [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    assert model.layers[-1].activation is keras.activations.softmax
    side = spec.preprocessing.height
    assert model.input.shape == (None, side, spec.preprocessing.width, 3)
    assert model.output.shape == (None, len(CODES))
    features = model.get_layer(spec.cam_layer).output
    assert len(features.shape) == 4
    attention = [layer for layer in model.layers if isinstance(layer, SoftAttention)]
    assert [layer.name for layer in attention] == ([spec.attention_layer] * len(attention))
    assert len(attention) == (1 if spec.attention_layer else 0)
    for layer in attention:
        assert layer.heads == HEADS
        assert layer.input is features
    names = {layer.name for layer in model.layers}
    assert {name for name in spec.head if name in names} == (
        set(spec.head) if attention else {"probabilities"}
    )


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=lambda b: b.name)
def test_attention_adds_its_kernels_gamma_and_a_second_half_of_the_classifier(backbone):
    channels = {"efficientnet_lite0": 1280, "vgg16": 512, "resnet50": 2048}
    channels |= {"inception_resnet_v2": 1536, "densenet201": 1920}
    c = channels[backbone.name]
    added = 9 * c * HEADS + HEADS + 1 + c * len(CODES)
    assert backbone.parameters_with_attention - backbone.parameters == added


@pytest.mark.parametrize("name", SMALL)
def test_answers_are_probabilities_and_settings_reach_every_layer(name, rng):
    model = MODELS[name].build(batch_norm_momentum=0.8, dropout=0.25)
    momenta = {
        layer.momentum
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta <= {0.8}
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25]  # twins differ in nothing but the attention
    images = rng.normal(size=(2, *model.input_shape[1:])).astype(np.float32)
    answers = model(images, training=False).numpy()
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)


def test_the_same_inputs_are_those_keras_prepares(rng):
    """Our preprocessing, written as scale and offset, is that of ``keras.applications``."""
    from skinmodel.imaging import preprocess

    pixels = rng.integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    theirs = {
        "vgg16": keras.applications.vgg16,
        "resnet50": keras.applications.resnet,
        "inception_resnet_v2": keras.applications.inception_resnet_v2,
        "densenet201": keras.applications.densenet,
    }
    for name, module in theirs.items():
        expected = module.preprocess_input(pixels.astype(np.float32))
        found = preprocess.scale(pixels, BACKBONES[name].preprocessing)
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=name)


def test_an_unknown_backbone_is_named():
    with pytest.raises(UnknownNameError, match="no backbone called 'alexnet'"):
        build_classifier((128, 128, 3), "mine", "alexnet", attention=False)
