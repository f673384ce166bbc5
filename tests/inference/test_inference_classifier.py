from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from factories import TINY_INPUT, TINY_MODELS

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, UnknownNameError, WeightsError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.imaging import preprocess
from skinmodel.inference import classifier
from skinmodel.inference.classifier import Classifier
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest

SAME = 1e-6


@pytest.fixture(scope="module")
def network(world):
    return Classifier.load("cnn_sa")


@pytest.fixture(scope="module")
def plain(world):
    return Classifier.load("cnn")


def draw_images(count, height=90, width=120):
    rng = np.random.default_rng(8)
    noise = rng.integers(0, 100, (count, height, width, 3))
    tint = rng.integers(0, 155, (count, 1, 1, 3))
    return list((noise + tint).astype(np.uint8))


def test_it_answers_with_probabilities_in_the_order_of_the_classes(world, network):
    images = [*draw_images(2), *draw_images(1, 80, 80)]
    p = network.predict(images)
    assert (p.dtype, p.shape) == (np.float32, (3, len(CODES)))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert p.min() >= 0
    assert len(np.unique(p, axis=0)) == 3
    [first, *_] = predictions = network.classify(images)
    for row, prediction in zip(p, predictions, strict=True):
        assert prediction.probabilities == tuple(float(v) for v in row)
        assert prediction.code == CODES[row.argmax()]
    assert (first.model, first.run_id) == ("cnn_sa", world.run_ids["cnn_sa"])


def test_it_computes_what_the_stored_weights_say(world, network):
    [record] = [r for r in read_manifest(world.home / "weights") if r.model == "cnn_sa"]
    model = TINY_MODELS["cnn_sa"].build()
    weights = store.load_weights(record, world.home / "weights")
    for variable in model.variables:
        if variable.path in weights:
            variable.assign(weights[variable.path])
    images = draw_images(3)
    inputs = preprocess.apply(images, TINY_INPUT)
    raw = model(inputs, training=False).numpy()
    assert record.temperature == network.temperature != 1
    expected = apply_temperature(raw, record.temperature)
    assert np.abs(expected - raw).max() > 1e-4
    np.testing.assert_allclose(network.predict(images), expected, atol=1e-6)
    assert network.record == record


def test_what_measures_its_maps_gets_its_own_answers(network, plain, monkeypatch):
    images = draw_images(3, TINY_INPUT.height, TINY_INPUT.width)
    for each in (network, plain):
        np.testing.assert_allclose(
            each.probe().predict(np.stack(images)), each.predict(images), atol=1e-6
        )
    # Also of a network that only TensorFlow can answer for.
    monkeypatch.setattr(Classifier, "build_graph", lambda _: None)
    np.testing.assert_allclose(
        network.probe().predict(np.stack(images)), network.predict(images), atol=1e-6
    )


def test_an_image_gets_the_same_answer_whatever_stands_beside_it(network, monkeypatch):
    monkeypatch.setattr(classifier, "BULK", 5)
    images = draw_images(12)
    others, image = images[1:], images[0]
    alone = network.predict([image])[0]
    for place in (0, 4, 5, 11):
        batch = [*others[:place], image, *others[place:]]
        np.testing.assert_allclose(network.predict(batch)[place], alone, atol=SAME)
    np.testing.assert_allclose(
        network.predict(images, views=8)[:1], network.predict([image], views=8), atol=SAME
    )


def test_one_picture_is_computed_as_one_and_eight_views_as_eight(network, monkeypatch):
    computed = []
    run = network._run
    monkeypatch.setattr(network, "_run", lambda x: computed.append(len(x)) or run(x))
    network.predict(draw_images(1))
    network.predict(draw_images(1), views=8)
    network.predict(draw_images(classifier.BULK + 3))
    assert computed == [1, 8, classifier.BULK, 3]


def test_features_are_what_the_last_layer_sees(network):
    images = draw_images(3)
    found = network.features(images)
    last = network._model.layers[-1]
    assert (found.dtype, found.shape) == (np.float32, (3, last.kernel.shape[0]))
    logits = found @ last.kernel.numpy() + last.bias.numpy()
    powers = np.exp(logits)
    p = apply_temperature(powers / powers.sum(axis=1, keepdims=True), network.temperature)
    np.testing.assert_allclose(p, network.predict(images), atol=SAME)


def test_eight_threads_get_what_one_gets(network):
    images = draw_images(16)
    methods = ("soft_attention", "grad_cam")

    def answer(n):
        found = network.explain(images[n], methods[n % 2], "mel")
        return network.predict([images[n]]).tobytes(), found.values.tobytes()

    serial = [answer(n) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(answer, [*range(16), *range(16)]))
    assert parallel == [*serial, *serial]


def test_threads_that_come_first_get_one_graph_and_one_explainer(world):
    fresh = Classifier.load("cnn_sa")
    image = draw_images(1)[0]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: fresh.predict([image]).tobytes(), range(8)))
    assert len(set(found)) == 1
    assert fresh._run.experimental_get_tracing_count() == 1


def test_it_is_traced_once_for_every_number_and_size_of_images(network):
    for count in (1, 3, 8, 11):
        network.predict(draw_images(count))
    network.predict(draw_images(2, 64, 300), views=8)
    for _ in range(2):
        for code in CODES[:3]:
            network.explain(draw_images(1)[0], "soft_attention", code)
    assert network._run.experimental_get_tracing_count() == 1
    reader = network._explainers["soft_attention"]
    assert reader._read.experimental_get_tracing_count() == 1


def test_eight_views_are_the_mean_over_turned_and_mirrored_pictures(network):
    [image] = draw_images(1, 80, 80)  # of the input's size: turning and resizing commute
    turned = [np.rot90(image, k) for k in range(4)]
    pictures = [*turned, *(np.flipud(t) for t in turned)]
    each = network.predict([np.ascontiguousarray(p) for p in pictures])
    assert np.ptp(each, axis=0).max() > 1e-5
    # The temperature comes last, once for all views.
    mean = apply_temperature(each, 1 / network.temperature).mean(axis=0, keepdims=True)
    expected = apply_temperature(mean, network.temperature)
    np.testing.assert_allclose(network.predict([image], views=8), expected, atol=1e-6)


def test_no_image_and_other_views_are_refused(network):
    with pytest.raises(ConfigError, match="no image"):
        network.predict([])
    with pytest.raises(ConfigError, match="1 or 8 views, not 3"):
        network.predict(draw_images(1), views=3)


def _weights_of(world):
    [record] = [r for r in read_manifest(world.home / "weights") if r.model == "cnn_sa"]
    return store.load_weights(record, world.home / "weights")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda w: w.pop("conv3/kernel"), "conv3/kernel"),
        (lambda w: w.update({"conv9/kernel": np.zeros(1, np.float32)}), "conv9/kernel"),
        (lambda w: w.update({"dense1/bias": np.zeros(3, np.float32)}), "dense1/bias"),
        (lambda w: w.clear(), r"\(\d\d in all\)"),
    ],
)
def test_weights_of_another_network_are_refused_by_name(world, change, named):
    weights = dict(_weights_of(world))
    change(weights)
    with pytest.raises(WeightsError, match=rf"run 'r1' do not fit .*cnn_sa.*{named}"):
        Classifier(TINY_MODELS["cnn_sa"], weights, TINY_INPUT, "r1")


def test_a_network_already_built_is_used(world):
    model = TINY_MODELS["cnn_sa"].build()
    given = Classifier(TINY_MODELS["cnn_sa"], _weights_of(world), TINY_INPUT, "r1", model=model)
    assert given._model is model
    assert given.record is None


def test_a_run_id_loads_that_run_and_an_unknown_name_is_refused(world, network):
    image = draw_images(1)
    by_run = Classifier.load(world.run_ids["cnn_sa"])
    assert by_run.predict(image).tobytes() == network.predict(image).tobytes()
    with pytest.raises(WeightsError, match=r"no weights for 'resnet'.*cnn_sa-grouped-s1"):
        Classifier.load("resnet")


def test_soft_attention_is_the_sum_of_its_heads_and_knows_no_class(world, network):
    [image] = draw_images(1)
    found = network.explain(image, "soft_attention", "mel")
    assert (found.model, found.run_id) == ("cnn_sa", world.run_ids["cnn_sa"])
    assert (found.method, found.layer, found.code) == ("soft_attention", "soft_attention", None)
    assert found.heads.shape == (*found.values.shape, 12)
    assert found.heads.dtype == found.values.dtype == np.float32
    np.testing.assert_allclose(found.heads.sum(axis=(0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(found.values, found.heads.sum(axis=-1), rtol=1e-6)
    assert found.raw_maximum == pytest.approx(float(found.values.max()))
    assert not found.is_null


def test_grad_cam_speaks_for_the_class_asked_for_or_the_likeliest(network, plain):
    [image] = draw_images(1)
    for asked in (network, plain):
        [prediction] = asked.classify([image])
        chosen = asked.explain(image, "grad_cam")
        assert (chosen.method, chosen.layer, chosen.code) == ("grad_cam", "conv6", prediction.code)
        again = asked.explain(image, "grad_cam", prediction.code)
        np.testing.assert_array_equal(chosen.values, again.values)
        maps = [asked.explain(image, "grad_cam", code).values for code in CODES]
        assert all(np.isfinite(m).all() and m.min() >= 0 and m.ndim == 2 for m in maps)
        assert len({m.tobytes() for m in maps}) > 1
        assert chosen.heads is None


def test_explaining_leaves_the_answers_as_they_were(network):
    images = draw_images(3)
    before = network.predict(images)
    for method in network.methods:
        network.explain(images[0], method)
    np.testing.assert_array_equal(network.predict(images), before)


def test_methods_and_classes_that_are_not_there_are_refused(network, plain):
    [image] = draw_images(1)
    assert network.methods[:2] == ("soft_attention", "grad_cam")
    assert plain.methods == network.methods[1:]
    with pytest.raises(UnknownNameError, match=r"explaining cnn called 'soft_attention'.*grad_cam"):
        plain.explain(image, "soft_attention")
    with pytest.raises(UnknownNameError, match="called 'lime'"):
        network.explain(image, "lime")
    with pytest.raises(UnknownNameError, match="no diagnosis called 'scc'"):
        network.explain(image, "grad_cam", "scc")


def test_warming_up_traces_everything_an_image_needs(world):
    fresh = Classifier.load("cnn_sa")
    fresh.warm_up()
    assert set(fresh._explainers) == {"soft_attention", "grad_cam"}
    assert fresh._run.experimental_get_tracing_count() == 1


def test_the_weights_own_preprocessing_is_used(world):
    spec, weights = TINY_MODELS["cnn_sa"], _weights_of(world)
    rgb = Classifier(spec, weights, TINY_INPUT, "r1")
    bgr = Classifier(spec, weights, replace(TINY_INPUT, channels="BGR"), "r1")
    images = draw_images(8)
    swapped = [np.ascontiguousarray(image[..., ::-1]) for image in images]
    np.testing.assert_array_equal(bgr.predict(images), rgb.predict(swapped))
    assert not np.array_equal(bgr.predict(images), rgb.predict(images))


def test_weights_of_another_input_size_are_refused_before_a_network_is_built(world, monkeypatch):
    larger = replace(TINY_MODELS["cnn_sa"], preprocessing=replace(TINY_INPUT, width=96))
    monkeypatch.setattr(store, "MODELS", {**TINY_MODELS, "cnn_sa": larger})
    monkeypatch.setattr(type(larger), "build", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(WeightsError, match=r"are stale: .*80 x 80 .*takes 96 x 80 pixels"):
        Classifier.load("cnn_sa")
