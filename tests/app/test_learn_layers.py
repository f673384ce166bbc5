"""Chapter 3 of the Learn page, with a network whose feature maps are known."""

import json
import threading

import numpy as np
import pytest
from fakes import AGREEING, FakeClassifier, make_record

from app import services
from app.learn.layer_grids import parse_grid
from app.learn.layers import COLUMNS, PAGE, draw_sheet, list_steps
from app.services.attempts import Problem
from skinmodel import paths
from skinmodel.errors import WeightsError
from skinmodel.lessons.layers import EPSILON
from skinmodel.models.registry import get_spec
from skinmodel.weights.compact import encode
from skinmodel.weights.store import publish

CHANNELS = 20
SILENT = (3, 11)
TEXT = "1 -2 3 0\n4 0 −1 2\n-3 5 6 1\n2 2 -4 8"


class LayeredClassifier(FakeClassifier):
    """Channel k is k + 1 in its first cell after ReLU and negative elsewhere, unless silent."""

    def __init__(self, model, probabilities=AGREEING["cnn"]):
        super().__init__(model, probabilities)
        self.run_id = self.record.run_id
        self.read = []

    def activations(self, image, layers):
        if self.failure is not None:
            raise self.failure
        assert image.dtype == np.uint8
        self.read.append(tuple(layers))
        linear = np.full((4, 4, CHANNELS), -1.0, np.float32)
        linear[0, 0] = np.arange(1, CHANNELS + 1)
        linear[0, 0, list(SILENT)] = -1
        after = np.maximum(linear, 0)
        made = {"linear": linear, "conv": after, "bn": 2 * after - 1, "pool": after[:2, :2]}
        return {name: made[name.split("/")[-1].rstrip("123456")] for name in layers}


@pytest.fixture
def learn(open_dashboard, ship):
    """Factory: the chapter with these networks."""
    ship(make_record("cnn"), make_record("cnn_sa"))

    def open_(**options):
        networks = {name: LayeredClassifier(name) for name in ("cnn", "cnn_sa")}
        at = open_dashboard(networks, **options).switch_page("learn/page.py").run()
        at.session_state["learn-chapter"] = "Layers"
        return run(at), networks

    return open_


def run(at):
    at.run()
    assert not at.exception
    return at


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def grid(at, name):
    [found] = [c.proto for c in at.get("plotly_chart") if f"layers-{name}" in c.proto.id]
    [heat] = json.loads(found.spec)["data"]
    return [[float(t.replace("−", "-")) for t in row] for row in heat["text"]]


def alts(at):
    return [image.alt for element in at.image for image in element.proto.imgs]


def write(at, text, operation):
    [area] = at.text_area
    area.set_value(text)
    at.segmented_control(key="layers-operation").set_value(operation)
    return run(at)


def test_relu_of_the_readers_own_numbers(learn):
    at, _ = learn()
    write(at, TEXT, "ReLU")
    assert grid(at, "relu-before")[1] == [4, 0, -1, 2]
    assert grid(at, "relu-after") == [[1, 0, 3, 0], [4, 0, 0, 2], [0, 5, 6, 1], [2, 2, 0, 8]]
    assert "**6 of 16** cells are 0" in texts(at)


def test_pooling_steps_through_its_windows(learn):
    at, _ = learn()
    write(at, TEXT, "Pooling")
    at.slider(key="layers-window").set_value(2)
    run(at).slider(key="layers-cell-2-2").set_value(2)
    run(at)
    assert grid(at, "pool-max") == [[4, 3], [5, 8]]
    assert grid(at, "pool-average") == [[0.75, 1], [1.5, 2.75]]
    assert "The window holds −3, 5, 2, 2: largest **5**, mean 6 / 4 = **1.50**." in texts(at)
    at.slider(key="layers-window").set_value(4)
    assert "largest **8**" in texts(run(at))
    write(at, "1 2\n3 4", "Pooling")
    assert "A window of 4 x 4" in texts(at)


def test_batch_normalisation_in_training_and_afterwards(learn):
    at, _ = learn()
    write(at, "1 3\n5 7", "Batch normalisation")
    at.slider(key="layers-stored mean").set_value(3.0)
    at.slider(key="layers-stored variance").set_value(4.0)
    run(at)
    scale = np.sqrt(5 + EPSILON)
    expected = np.round([[-3 / scale, -1 / scale], [1 / scale, 3 / scale]], 2)
    np.testing.assert_array_equal(grid(at, "norm-batch"), expected)
    np.testing.assert_allclose(grid(at, "norm-stored"), [[-1, 0], [1, 2]])
    assert "in training: 1 × (1 − 4) / √(5 + 0.001) + 0 = **−1.34**" in texts(at)
    assert "stored mean from 3 to **3.1**" in texts(at)
    assert "variance from 4 to **4.1**" in texts(at)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2\n3", "Numbers found in each row: 2, 1."),
        ("1 2", "Numbers found in each row: 2."),
        ("", "Numbers found in each row: none."),
        ("1 2\n3 <b>", "'<b>' is no number"),
        ("1 2\n3 nan", "'nan' is no number"),
        ("1 2\n3 1e9", "'1e9' is no number from −999 to 999"),
    ],
)
def test_what_is_no_grid_is_refused_in_words(text, said):
    problem = parse_grid(text)
    assert isinstance(problem, Problem)
    assert said in problem.sentence


def test_a_refused_grid_leaves_the_feature_maps(learn):
    at, _ = learn()
    write(at, "1 2\nx 3", "ReLU")
    assert [w.value for w in at.warning] == [
        "'x' is no number from −999 to 999. Write numbers such as 3, −2 or 0.5, with a point for "
        "decimals."
    ]
    assert any("After ReLU" in alt for alt in alts(at))


def test_the_strongest_channels_come_first_and_silent_ones_are_counted(learn):
    at, networks = learn()
    assert networks["cnn"].read == [("conv1/linear", "conv1", "bn1", "pool1")]
    assert at.select_slider[0].options == [str(k) for k in range(20, 2, -1) if k - 1 not in SILENT]
    assert "**2 of 20** channels of this layer are silent" in texts(at)
    assert f"After ReLU: {PAGE} of 20 channels, 4 x 4 cells each" in texts(at)
    at.slider(key="layers-page-2").set_value(2)
    run(at)
    assert at.select_slider[0].options == ["2", "1", "4", "12"]
    assert "2 of them on this page" in texts(at)
    assert networks["cnn"].read == [("conv1/linear", "conv1", "bn1", "pool1")], "read once"


def test_another_picture_is_read_anew_and_starts_another_grid(learn):
    at, networks = learn()
    before = grid(at, "relu-before")
    at.selectbox(key="learn-sample").set_value("Vascular lesion")
    run(at)
    assert len(networks["cnn"].read) == 2
    assert grid(at, "relu-before") != before
    _, kept = at.session_state["layer_outputs"]
    assert len(kept) == 1, "the first picture's maps are forgotten"


def test_each_step_of_a_channel_is_shown_with_its_range(learn):
    at, networks = learn()
    said = texts(at)
    assert "Channel 20, step by step" in [s.value for s in at.subheader]
    assert "Before ReLU, 4 x 4, values from −1 to 20." in said
    assert "After ReLU, 4 x 4, values from 0 to 20." in said
    assert "Max pooled, 2 x 2, values from 0 to 20." in said
    assert f"CNN, run `{networks['cnn'].run_id}`" in said
    assert all(alts(at))
    at.segmented_control(key="layers-step-4").set_value("Batch normalised")
    assert any(alt.startswith("Batch normalised, block 1: the maps") for alt in alts(run(at)))


def test_the_fifth_block_of_the_cnn_sa_is_not_pooled_alone(learn):
    at, networks = learn()
    at.segmented_control(key="layers-model").set_value("cnn_sa")
    at.segmented_control(key="layers-block").set_value("5")
    run(at)
    assert networks["cnn_sa"].read[-1] == ("conv5/linear", "conv5", "bn5")
    assert "soft attention follows" in texts(at)
    assert [s for s in ("3", "4", "5") if "Max pooled" in list_steps(get_spec("cnn"), s)] == [
        "3",
        "5",
    ]


def test_a_cell_is_normalised_by_the_stored_numbers(learn, monkeypatch, tmp_path):
    record, rng = make_record("cnn"), np.random.default_rng(1)
    names = ("moving_mean", "moving_variance", "gamma", "beta")
    weights = {f"bn1/{n}": rng.uniform(1, 2, CHANNELS).astype(np.float32) for n in names}
    mean, variance, gamma, beta = (float(weights[f"bn1/{name}"][19]) for name in names)
    kept = ("model", "run_id", "preprocessing", "temperature", "recipe", "recipe_fingerprint")
    fields = {name: getattr(record, name) for name in (*kept, "split", "versions", "metrics")}
    publish(tmp_path / "norms", encode(weights, None)[0], form="float32", **fields)
    at, _ = learn()
    assert "stored statistics cannot be shown" in str([e.proto for e in at.error])
    monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", tmp_path / "norms")
    at.session_state["layers-block"] = "1"
    expected = gamma * (20 - mean) / np.sqrt(variance + EPSILON) + beta
    assert f"= **{expected:.3g}**. The network's own layer gives 39." in texts(run(at))


def test_loading_is_waited_for_and_a_failure_is_said(learn):
    gate = threading.Event()

    def load():
        assert gate.wait(20)
        raise WeightsError("The file of the weights is damaged.")

    at, _ = learn(load=load)
    assert "Loading the networks" in at.get("progress")[0].proto.text
    assert not at.select_slider
    assert grid(at, "relu-after")
    gate.set()
    with pytest.raises(WeightsError):
        services.get_warm_up().result(timeout=10)
    assert "The file of the weights is damaged." in texts(run(at))
    assert at.button(key="networks-retry")


def test_a_network_that_fails_is_said_in_words(learn):
    at, networks = learn()
    networks["cnn_sa"].failure = WeightsError("The network is gone.")
    at.segmented_control(key="layers-model").set_value("cnn_sa")
    assert "The network is gone." in texts(run(at))


def test_the_sheet_has_one_scale_and_frames_the_chosen_map():
    maps = np.zeros((2, 2, 5))
    maps[..., 1], maps[..., 2] = 4.0, -2.0
    sheet = draw_sheet(maps, [7, 8, 9, 10, 11], chosen=4)
    step = (sheet.shape[1] - 14) // COLUMNS
    first_row = [sheet[100, 14 + step * k + 90] for k in range(COLUMNS)]
    assert first_row[0].tolist() == first_row[3].tolist() == [247, 247, 247]
    assert first_row[1].tolist() == [196, 106, 0]
    halfway = (np.array([33, 102, 172]) + 247) / 2
    np.testing.assert_allclose(first_row[2], halfway, atol=1)
    framed = (sheet == (179, 38, 30)).all(axis=-1)
    assert framed[: 14 + step].sum() == 0
    assert framed.sum() > 1000
