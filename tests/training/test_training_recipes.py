import json
import math
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.models.registry import RGB_100
from skinmodel.training import recipes
from skinmodel.training.recipes import TrainConfig, fingerprint_of, flatten, load_recipe
from skinmodel.weights.rules import is_name


@pytest.fixture
def grouped() -> str:
    return (recipes.FOLDER / "grouped.toml").read_text()


def load_text(tmp_path: Path, text: str, name: str = "mine", **changes: object) -> TrainConfig:
    file = tmp_path / f"{name}.toml"
    file.write_text(text)
    return load_recipe(str(file), "cnn", "float32", **changes)


def test_every_recipe_loads():
    assert recipes.recipe_names() == ("attention", "finetune", "grouped", "report", "taught")
    for name in ("grouped", "report"):
        config = load_recipe(name, "cnn_sa", "float32")
        assert (config.model, config.recipe, config.split) == ("cnn_sa", name, name)
    tuned = load_recipe("finetune", "efficientnet_lite0", "float32")
    assert (tuned.split, tuned.initial) == ("grouped", "pretrained")


def test_grouped_keeps_the_models_own_preprocessing_and_one_correction_for_imbalance():
    config = load_recipe("grouped", "cnn_sa", "bfloat16")
    assert config.preprocessing == RGB_100
    assert config.precision == "bfloat16"
    assert 0 < config.class_weight_power < 1
    assert config.selection in ("balanced_accuracy", "macro_auc")


def test_report_holds_the_reports_settings():
    config = load_recipe("report", "cnn", "float32")
    assert (config.seed, config.epochs, config.batch_size) == (50, 100, 32)
    assert (config.learning_rate, config.beta_1, config.beta_2, config.epsilon) == (
        1e-4,
        0.9,
        0.999,
        1e-3,
    )
    assert (config.schedule, config.weight_decay, config.label_smoothing) == ("constant", 0.0, 0.0)
    assert (config.selection, config.smoothing, config.class_weight_power) == ("accuracy", 1, 1.0)
    assert config.preprocessing == replace(
        RGB_100, channels="BGR", scale=1.0, offset=0.0, interpolation="linear"
    )
    assert config.augmentation.horizontal_flip
    assert not config.augmentation.vertical_flip


def test_the_caller_may_set_fields_and_none_leaves_them():
    config = load_recipe("grouped", "cnn", "float32", seed=7, epochs=None)
    assert config == replace(load_recipe("grouped", "cnn", "float32"), seed=7)


def test_a_file_of_ones_own_is_named_after_itself(tmp_path, grouped):
    config = load_text(tmp_path, grouped)
    assert config.recipe == "mine"
    assert replace(config, recipe="grouped") == load_recipe("grouped", "cnn", "float32")


@pytest.mark.parametrize("name", ["nonesuch", "nonesuch.toml", "../recipes/grouped.txt", ""])
def test_an_unknown_recipe_is_refused_with_those_there_are(name):
    with pytest.raises(
        UnknownNameError, match=r"no recipe .*Known: attention, finetune, grouped, report"
    ):
        load_recipe(name, "cnn", "float32")


@pytest.mark.parametrize("name", ["my recipe", "größer", "a" * 90, "half (best)"])
def test_a_name_that_the_store_would_refuse_after_training_is_refused_before(
    tmp_path, grouped, name
):
    with pytest.raises(ConfigError, match=r"run would be called 'cnn-.*Rename the file"):
        load_text(tmp_path, grouped, name)


@pytest.mark.parametrize("name", ["mine", "a" * 60, "half.best_2-b"])
def test_a_name_that_loads_is_one_that_the_store_takes(tmp_path, grouped, name):
    assert is_name(load_text(tmp_path, grouped, name).run_id)


def test_an_unknown_model_is_refused():
    with pytest.raises(UnknownNameError, match="no model called 'resnet'"):
        load_recipe("grouped", "resnet", "float32")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("epochs =", "epoch =", "epoch"),  # unknown, and one missing
        ("seed = 1\n", "", "seed"),
        ("seed = 1\n", 'seed = 1\nmodel = "cnn"\n', "model"),  # not the recipe's to set
        ("rotation = 180.0", "rotation = 180.0\nspin = 3", "spin"),
        ("[augmentation]", "[augmentations]", "augmentation"),
        ("seed = 1", "seed = ", "Invalid value"),
        ('fill = "reflect"', '[preprocessing]\ncrop = "centre"', "crop"),
    ],
)
def test_a_field_too_many_or_too_few_is_refused(tmp_path, grouped, old, new, reason):
    assert old in grouped
    with pytest.raises(ConfigError, match=reason) as refused:
        load_text(tmp_path, grouped.replace(old, new, 1))
    assert "mine.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("split", "random"),
        ("optimizer", "sgd"),
        ("schedule", "linear"),
        ("selection", "loss"),
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("head_rate", 0.0),
        ("warmup", 1.0),
        ("label_smoothing", -0.1),
        ("dropout", 1.0),
        ("smoothing", 0),
        ("epochs", "45"),
        ("epochs", 2.5),
        ("seed", -1),
        ("seed", 2**31),
        ("beta_1", 1.5),
        ("epsilon", -1.0),
        ("weight_decay", -0.1),
        ("learning_rate", math.inf),
        ("batch_norm_momentum", 3.0),
    ],
)
def test_a_bad_value_is_refused_by_its_field(tmp_path, grouped, field, value):
    with pytest.raises(ConfigError, match=f"{field} must be"):
        load_text(tmp_path, grouped, **{field: value})


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('fill = "reflect"', 'fill = "mirror"', "fill"),
        ("rotation = 180.0", 'rotation = "all"', "rotation"),
        ("zoom = 0.2", "zoom = 1.5", "zoom"),
        ("vertical_flip = true", "vertical_flip = 1", "vertical_flip"),
    ],
)
def test_a_bad_augmentation_is_refused_by_its_field(tmp_path, grouped, old, new, field):
    assert old in grouped
    with pytest.raises(ConfigError, match=rf"augmentation\.{field} must be"):
        load_text(tmp_path, grouped.replace(old, new))


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_recipe(str(tmp_path / "mine.toml"), "cnn", "float32")


def test_every_broken_rule_is_named_at_once(tmp_path, grouped):
    with pytest.raises(ConfigError, match=r"epochs must be.*dropout must be"):
        load_text(tmp_path, grouped, epochs=-1, dropout=2.0)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('interpolation = "cubic"', "cubic"),
        ('height = "96"', r"preprocessing\.height must be a valid integer"),
        ("width = 0", r"preprocessing\.width must be greater than"),
        ("scale = inf", r"preprocessing\.scale\.float must be a finite number"),
    ],
)
def test_preprocessing_that_no_code_implements_is_refused(tmp_path, grouped, setting, reason):
    with pytest.raises(ConfigError, match=reason):
        load_text(tmp_path, f"{grouped}\n[preprocessing]\n{setting}\n")


def test_the_fingerprint_is_that_of_the_values_only():
    config = load_recipe("grouped", "cnn", "float32")
    again = load_recipe("grouped", "cnn", "float32")
    reordered = dict(reversed(config.to_dict().items()))
    assert config.fingerprint == again.fingerprint == fingerprint_of(reordered)
    assert config.fingerprint == fingerprint_of(json.loads(json.dumps(config.to_dict())))
    assert config.run_id == f"cnn-grouped-s{config.seed}-{config.fingerprint[:8]}"


def test_the_fingerprint_is_the_same_in_another_process():
    code = (
        "from skinmodel.training.recipes import load_recipe;"
        "print(load_recipe('grouped', 'cnn', 'float32').fingerprint)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(recipes.__file__).parents[2],
        env={"PYTHONHASHSEED": "123"},
    )
    assert out.stdout.strip() == load_recipe("grouped", "cnn", "float32").fingerprint


def _changed(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return (*value, "cnn")
    return f"{value}x" if isinstance(value, str) else value + 1


@pytest.mark.parametrize(
    "name", [f.name for f in fields(TrainConfig) if f.name not in ("augmentation", "preprocessing")]
)
def test_the_fingerprint_changes_with_every_field(name):
    config = load_recipe("grouped", "cnn", "float32")
    other = replace(config, **{name: _changed(getattr(config, name))})
    assert other.fingerprint != config.fingerprint


@pytest.mark.parametrize("part", ["augmentation", "preprocessing"])
def test_the_fingerprint_changes_with_every_field_of_a_part(part):
    config = load_recipe("grouped", "cnn", "float32")
    settings = asdict(getattr(config, part))
    for name, value in settings.items():
        plain = config.to_dict()
        plain[part] = {**settings, name: _changed(value)}
        assert fingerprint_of(plain) != config.fingerprint, name


def test_nested_settings_become_one_level():
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": None}}, "f": {}}) == {
        "a": 1,
        "b.c": 2,
        "b.d.e": None,
    }


TAUGHT = 'teachers = ["efficientnet_lite0"]\ntaught = 0.5'


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ('teachers = ["efficientnet_lite0"]\ntaught = 0.0', "taught is 0.0 with 1 teachers"),
        ("teachers = []\ntaught = 0.5", "taught is 0.5 with 0 teachers"),
        (f'{TAUGHT}\nsplit = "report"', "tests on"),
    ],
)
def test_teachers_without_a_share_or_of_other_folds_are_refused(tmp_path, grouped, fields, reason):
    text = grouped.replace("teachers = []\ntaught = 0.0", fields)
    if "split" in fields:
        text = text.replace('split = "grouped"\n', "", 1)
    with pytest.raises(ConfigError, match=reason):
        load_text(tmp_path, text)


def test_an_unknown_teacher_is_refused(tmp_path, grouped):
    text = grouped.replace("teachers = []\ntaught = 0.0", 'teachers = ["nobody"]\ntaught = 0.5')
    with pytest.raises(UnknownNameError, match="nobody"):
        load_text(tmp_path, text)


def test_a_taught_run_keeps_its_settings_as_json(tmp_path, grouped):
    text = grouped.replace("teachers = []\ntaught = 0.0", TAUGHT)
    settings = load_text(tmp_path, text).to_dict()
    assert json.loads(json.dumps(settings)) == settings
    assert settings["teachers"] == ["efficientnet_lite0"]
