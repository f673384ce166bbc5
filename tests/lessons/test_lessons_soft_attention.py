"""The steps of chapter 4, by hand and against the Keras layer."""

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.errors import WeightsError
from skinmodel.lessons.soft_attention import (
    AttentionWeights,
    attend,
    read_attention,
    read_fewer,
    softmax_over_positions,
)
from skinmodel.weights.manifest import read_manifest


@pytest.fixture
def weights(rng):
    kernel = rng.normal(size=(3, 3, 5, 4)).astype(np.float32)
    return AttentionWeights(kernel, rng.normal(size=4).astype(np.float32), 0.05)


def test_one_head_by_hand():
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1] = 1.0  # the score is the feature itself
    features = np.log([[[1.0], [2.0]], [[4.0], [1.0]]])
    steps = attend(features, AttentionWeights(kernel, np.zeros(1), 0.5))
    assert steps.maps[..., 0] == pytest.approx(np.array([[0.125, 0.25], [0.5, 0.125]]))
    assert steps.weighted[1, 0, 0] == pytest.approx(0.5 * np.log(4.0) * 0.5)


def test_each_head_shares_out_one(rng, weights):
    steps = attend(rng.normal(size=(6, 7, 5)), weights)
    assert steps.maps.sum(axis=(0, 1)) == pytest.approx(np.ones(4))
    assert steps.total.sum() == pytest.approx(4)
    assert softmax_over_positions(np.full((2, 2, 1), 900.0)) == pytest.approx(0.25)


def test_keras_layer_agrees(rng, weights):
    from skinmodel.models.soft_attention import SoftAttention

    features = rng.normal(size=(1, 6, 6, 5)).astype(np.float32)
    layer = SoftAttention(heads=4)
    layer.build(features.shape)
    layer.set_weights([weights.kernel, weights.bias, np.float32(weights.gamma)])
    weighted, maps = (np.asarray(part)[0] for part in layer(features))
    steps = attend(features[0], weights)
    assert steps.maps == pytest.approx(maps, abs=1e-5)
    assert steps.weighted == pytest.approx(weighted, abs=1e-5)


@pytest.mark.parametrize("model", ["cnn_sa", "efficientnet_lite0_sa"])
def test_shipped_layers_can_be_read(model):
    [record] = [r for r in read_manifest(paths.SHIPPED_WEIGHTS) if r.model == model]
    found = read_attention(record, paths.SHIPPED_WEIGHTS, "soft_attention")
    assert found.kernel.shape[:2] == (3, 3)
    assert found.kernel.shape[-1] == len(found.bias) == 12
    assert np.isfinite(found.gamma)


def test_a_network_without_the_layer_is_refused():
    [record] = [r for r in read_manifest(paths.SHIPPED_WEIGHTS) if r.model == "cnn"]
    with pytest.raises(WeightsError):
        read_attention(record, paths.SHIPPED_WEIGHTS, "soft_attention")


def test_heads_that_read_three_channels_do_not_notice_the_others(rng, weights):
    blind = read_fewer(weights, 3)
    features = rng.normal(size=(6, 6, 5))
    changed = features.copy()
    changed[..., 3:] = rng.normal(size=(6, 6, 2))
    assert np.array_equal(attend(features, blind).maps, attend(changed, blind).maps)
    assert not np.allclose(attend(features, weights).maps, attend(changed, weights).maps)
    assert np.any(weights.kernel[:, :, 3:])
