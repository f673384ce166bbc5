import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from skinmodel.errors import UnknownNameError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.catalogue import BACKBONES
from skinmodel.models.registry import MODELS, ModelSpec, get_spec
from skinmodel.paths import ROOT

WITHOUT_TENSORFLOW = """
import sys
import skinmodel.data.cache, skinmodel.data.sets.ham10000, skinmodel.data.splits
import skinmodel.data.augmentation, skinmodel.explain.registry, skinmodel.models.registry
import skinmodel.evaluation.measures.bootstrap, skinmodel.evaluation.predictions, skinmodel.results
print(sorted({"tensorflow", "keras", "tf_keras_vis"} & set(sys.modules)))
"""


def record_call(input_shape, **settings):
    """A builder that returns what it was called with."""
    return input_shape, settings


REPORT = ("cnn", "cnn_sa", "cnn_sa_published")


def test_the_reports_networks_come_first_then_each_backbone_with_and_without_attention():
    pairs = [name for backbone in BACKBONES for name in (backbone, f"{backbone}_sa")]
    assert list(MODELS) == [*REPORT, *pairs]
    for name, spec in MODELS.items():
        assert get_spec(name) is spec
        assert spec.name == name


def test_only_networks_with_soft_attention_name_its_layer():
    for name, spec in MODELS.items():
        assert spec.attention_layer == ("soft_attention" if "_sa" in name else None)


def test_titles_tell_the_networks_apart_and_sources_say_where_they_come_from():
    assert len({spec.title for spec in MODELS.values()}) == len(MODELS)
    for name in REPORT:
        assert MODELS[name].source.startswith("Köfler 2023, section 4.3")


def test_the_reports_inputs_are_100_pixels_rgb_from_minus_one_to_one():
    for spec in map(get_spec, REPORT):
        pre = spec.preprocessing
        assert (pre.height, pre.width, pre.channels) == (100, 100, "RGB")
        assert (pre.offset, 255 * pre.scale + pre.offset) == (-1.0, pytest.approx(1.0))


def test_another_name_is_refused_and_the_known_ones_are_named():
    message = r"There is no model called 'resnet'\. Known: cnn, cnn_sa, cnn_sa_published, "
    with pytest.raises(UnknownNameError, match=message):
        get_spec("resnet")


def test_neither_the_registry_nor_a_spec_can_be_changed():
    with pytest.raises(TypeError):
        MODELS["cnn"] = MODELS["cnn_sa"]
    with pytest.raises(FrozenInstanceError):
        MODELS["cnn"].parameters = 1


def test_a_builder_gets_the_input_shape_the_name_and_the_settings():
    spec: ModelSpec = replace(
        MODELS["cnn"],
        name="mine",
        builder=f"{__name__}:record_call",
        preprocessing=Preprocessing(30, 40, "RGB", 1.0, 0.0, "area"),
    )
    assert spec.build(dropout=0.1) == ((30, 40, 3), {"name": "mine", "dropout": 0.1})


def test_descriptions_data_and_figures_load_no_deep_learning_library():
    printed = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == "[]"
