import pytest

from skinmodel.errors import UnknownNameError
from skinmodel.explain.registry import (
    GRAD_CAM,
    METHODS,
    SOFT_ATTENTION,
    build_explainer,
    get_method,
    methods_of,
)
from skinmodel.models.registry import MODELS


def test_every_network_has_grad_cam_and_those_with_attention_their_own_map():
    assert methods_of(MODELS["cnn"]) == (GRAD_CAM,)
    assert methods_of(MODELS["cnn_sa"]) == (SOFT_ATTENTION, GRAD_CAM)
    assert methods_of(MODELS["cnn_sa_published"]) == (SOFT_ATTENTION, GRAD_CAM)


def test_only_grad_cam_speaks_for_one_diagnosis():
    assert {name: method.per_class for name, method in METHODS.items()} == {
        "soft_attention": False,
        "grad_cam": True,
    }


def test_each_method_names_the_layer_it_is_read_from():
    assert METHODS[SOFT_ATTENTION].layer(MODELS["cnn_sa"]) == "soft_attention"
    assert METHODS[SOFT_ATTENTION].layer(MODELS["cnn"]) is None
    assert METHODS[GRAD_CAM].layer(MODELS["cnn"]) == "conv6"


@pytest.mark.parametrize("look_up", [get_method, lambda n, s: build_explainer(n, None, s)])
def test_a_method_that_a_network_lacks_is_refused(look_up):
    with pytest.raises(UnknownNameError) as caught:
        look_up(SOFT_ATTENTION, MODELS["cnn"])
    assert str(caught.value) == (
        "There is no method of explaining cnn called 'soft_attention'. Known: grad_cam."
    )


def test_a_method_of_another_name_is_refused():
    with pytest.raises(UnknownNameError, match=r"'lime'. Known: grad_cam, soft_attention\."):
        get_method("lime", MODELS["cnn_sa"])


def test_the_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        METHODS["lime"] = METHODS[GRAD_CAM]
