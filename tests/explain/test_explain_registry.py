import pytest

from skinmodel.errors import UnknownNameError
from skinmodel.explain.probe import build_explainer
from skinmodel.explain.registry import (
    GRAD_CAM,
    METHODS,
    SMOOTH_GRAD,
    SOFT_ATTENTION,
    get_method,
    methods_of,
)
from skinmodel.models.registry import MODELS

FOR_ALL = ("grad_cam", "grad_cam_plus_plus", "layer_cam", "faster_score_cam", "smooth_grad")


def test_networks_with_attention_have_their_own_map_first():
    assert methods_of(MODELS["cnn"]) == FOR_ALL
    assert methods_of(MODELS["cnn_sa"]) == (SOFT_ATTENTION, *FOR_ALL)
    assert methods_of(MODELS["cnn_sa_published"]) == (SOFT_ATTENTION, *FOR_ALL)


def test_only_soft_attention_is_one_map_for_all_diagnoses():
    assert [name for name, method in METHODS.items() if not method.per_class] == [SOFT_ATTENTION]


def test_each_method_names_the_layer_it_is_read_from():
    assert METHODS[SOFT_ATTENTION].layer(MODELS["cnn_sa"]) == "soft_attention"
    assert METHODS[SOFT_ATTENTION].layer(MODELS["cnn"]) is None
    assert METHODS[GRAD_CAM].layer(MODELS["cnn"]) == "conv6"
    assert METHODS[SMOOTH_GRAD].layer(MODELS["cnn"]) == "image"


@pytest.mark.parametrize("look_up", [get_method, lambda n, s: build_explainer(n, None, s)])
def test_a_method_that_a_network_lacks_is_refused(look_up):
    with pytest.raises(UnknownNameError) as caught:
        look_up(SOFT_ATTENTION, MODELS["cnn"])
    assert str(caught.value) == (
        "There is no method of explaining cnn called 'soft_attention'. Known: faster_score_cam, "
        "grad_cam, grad_cam_plus_plus, layer_cam, smooth_grad."
    )


def test_a_method_of_another_name_is_refused():
    with pytest.raises(
        UnknownNameError, match=r"'lime'. Known: .*layer_cam, smooth_grad, soft_attention\."
    ):
        get_method("lime", MODELS["cnn_sa"])


def test_the_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        METHODS["lime"] = METHODS[GRAD_CAM]
