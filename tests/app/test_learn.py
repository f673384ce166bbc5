"""The Learn page: its picture, and what chapters 1 and 2 compute of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import make_record
from scipy.signal import correlate2d

from app.learn.geometry import EXAMPLE
from app.learn.kernels import LEARNED
from app.learn.page import CHAPTERS
from app.services.pictures import Origin
from app.services.samples import read_drawings
from skinmodel import paths
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import apply, resize
from skinmodel.lessons.convolution import KERNELS, to_grey
from skinmodel.models.registry import RGB_100
from skinmodel.results import DISCLAIMER
from skinmodel.weights.compact import encode
from skinmodel.weights.store import publish

PAGE = "learn/page.py"
SOBEL = "Vertical edges (Sobel x)"


@pytest.fixture
def learn(open_dashboard, ship):
    """Factory: the page at one chapter."""
    ship(make_record("cnn"), make_record("cnn_sa"))

    def open_(chapter="Convolution"):
        at = open_dashboard().switch_page(PAGE).run()
        at.session_state["learn-chapter"] = chapter
        return run(at)

    return open_


@pytest.fixture
def filters(monkeypatch, tmp_path, rng):
    """Weights of a first layer that ship in place of the program's own: kernels and biases."""
    weights = {
        "conv1/kernel": rng.normal(0, 0.05, (7, 7, 3, 64)).astype(np.float32),
        "conv1/bias": rng.normal(0, 0.05, 64).astype(np.float32),
    }
    folder, record = tmp_path / "filters", make_record("cnn")
    kept = ("model", "run_id", "preprocessing", "temperature", "recipe", "recipe_fingerprint")
    fields = {name: getattr(record, name) for name in (*kept, "split", "versions", "metrics")}
    publish(folder, encode(weights, None)[0], form="float32", **fields)
    return lambda: monkeypatch.setattr(paths, "SHIPPED_WEIGHTS", folder), weights


def run(at):
    at.run()
    assert not at.exception
    return at


def drawing(title="Melanoma"):
    return images.read(Path(next(s.path for s in read_drawings() if s.title == title)))


def chart(at, part):
    [found] = [c.proto for c in at.get("plotly_chart") if part in c.proto.id]
    return found


def grid(at, name):
    [heat] = json.loads(chart(at, f"convolution-grid-{name}").spec)["data"]
    return np.array([[float(t.replace("−", "-")) for t in row] for row in heat["text"]])


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.latex)
    return "\n".join(element.value for kind in kinds for element in kind)


def alts(at):
    return [image.alt for element in at.image for image in element.proto.imgs]


def shown_picture(at):
    return next(alt for alt in alts(at) if alt.startswith("The picture of the lessons"))


def choose_source(at, name):
    at.pills(key="learn-source").set_value(name)
    return run(at)


def test_the_page_opens_on_a_drawing_and_a_first_chapter(learn):
    at = learn()
    assert at.pills(key="learn-chapter").options == [
        f"{number} {name}" for number, name in enumerate(CHAPTERS, start=1)
    ]
    assert [h.value for h in at.header] == ["Convolution"]
    assert shown_picture(at) == (
        "The picture of the lessons: Drawing of melanoma, not a photograph."
    )
    assert DISCLAIMER in texts(at)
    assert all(alts(at))
    assert all(c.proto.alt for c in at.get("plotly_chart"))


def test_only_the_open_chapter_is_computed(learn):
    at = learn("Stride and padding")
    assert [h.value for h in at.header] == ["Stride and padding"]
    assert not [c for c in at.get("plotly_chart") if "convolution" in c.proto.id]


def test_the_drawing_can_be_changed(learn):
    at = learn()
    before = grid(at, "Window")
    at.selectbox(key="learn-sample").set_value("Vascular lesion")
    assert "vascular lesion" in shown_picture(run(at))
    assert (grid(at, "Window") != before).any()


def test_an_upload_is_used_nameless_and_survives_another_page(learn, picture_bytes):
    at = choose_source(learn(), "Upload")
    assert "Choose a picture above" in texts(at)
    at.file_uploader[0].set_value(("patient-name.png", picture_bytes, "image/png"))
    assert "Your picture" in shown_picture(run(at))
    assert "128 x 96" in texts(at)
    assert "patient-name" not in texts(at)
    at.switch_page("about/page.py").run()
    at.switch_page(PAGE)
    assert "Your picture" in shown_picture(run(at))


def test_a_file_that_is_no_picture_is_refused_in_words(learn):
    at = choose_source(learn(), "Upload")
    at.file_uploader[0].set_value(("x.png", b"not a picture", "image/png"))
    assert "not a JPEG or PNG" in run(at).error[0].value
    assert not at.header


def test_the_picture_in_work_on_classify_is_offered_and_left_alone(learn, picture_bytes):
    at = choose_source(learn(), "From Classify")
    assert "No picture is in work" in texts(at)
    at.switch_page("classify/page.py").run()
    at.file_uploader[0].set_value(("x.png", picture_bytes, "image/png")).run()
    at.switch_page(PAGE)
    assert "Your picture" in shown_picture(run(at))
    choose_source(at, "Drawing")
    assert "melanoma" in shown_picture(at)
    assert at.session_state["picture"].origin is Origin.UPLOAD


def test_without_data_the_test_images_say_what_they_need(learn):
    at = choose_source(learn(), "Test image")
    assert "SKINMODEL_DATA" in texts(at)
    assert not at.exception


def test_window_times_kernel_is_the_products_and_their_sum_is_the_cell(learn):
    at = learn()
    grey = to_grey(resize(drawing(), RGB_100))
    for row, column in ((49, 27), (0, 97), (60, 40)):
        at.slider(key="convolution-row-98").set_value(row)
        at.slider(key="convolution-column-98").set_value(column)
        run(at)
        window, kernel, products = (grid(at, n) for n in ("Window", "× kernel", "= products"))
        np.testing.assert_array_equal(window, grey[row : row + 3, column : column + 3])
        np.testing.assert_array_equal(kernel, KERNELS[SOBEL])
        np.testing.assert_array_equal(products, window * kernel)
        total = f"{int(products.sum())}".replace("-", "−")
        assert f"sum to **{total}**: the feature map in row {row}, column {column}" in texts(at)


def test_the_largest_response_can_be_gone_to(learn):
    at = learn()
    found = correlate2d(to_grey(resize(drawing(), RGB_100)), KERNELS[SOBEL], mode="valid")
    at.button(key="convolution-peak").click()
    run(at)
    place = at.slider(key="convolution-row-98").value, at.slider(key="convolution-column-98").value
    assert abs(found[place]) == np.abs(found).max()


def test_flipping_turns_the_kernel_and_both_conventions_are_compared(learn):
    at = learn()
    assert "Largest difference of the two maps: **948**" in texts(at)
    assert "changes the sign" in texts(at)
    at.toggle(key="convolution-flip").set_value(True)
    np.testing.assert_array_equal(grid(run(at), "× kernel"), -KERNELS[SOBEL])
    assert "**948**" in texts(at)
    at.selectbox(key="convolution-kernel").set_value("Sharpen")
    assert "**0**. This kernel is the same after half a turn" in texts(run(at))


def test_a_learned_filter_is_computed_on_the_networks_own_input(learn, filters):
    use_filters, weights = filters
    at = learn()
    use_filters()
    at.selectbox(key="convolution-kernel").set_value(LEARNED)
    at = run(at)
    at.slider(key="convolution-filter").set_value(12)
    at.slider(key="convolution-row-47").set_value(20)
    at.slider(key="convolution-column-47").set_value(5)
    at.segmented_control(key="convolution-channel").set_value("Blue")
    at = run(at)
    [values] = apply([drawing()], RGB_100)
    kernel = weights["conv1/kernel"][..., 11].astype(float)
    window = values[40:47, 10:17].astype(float)
    np.testing.assert_allclose(grid(at, "Window"), window[..., 2], atol=0.00501)
    np.testing.assert_allclose(grid(at, "× kernel"), kernel[..., 2], atol=0.000501)
    total = (window * kernel).sum() + weights["conv1/bias"][11]
    assert f"= **{total:.3f}**".replace("-", "−") in texts(at)
    assert make_record("cnn").run_id in texts(at)
    assert any("64 filters" in alt and "number 12 is framed" in alt for alt in alts(at))


def test_missing_weights_are_said_and_leave_the_other_kernels(learn):
    at = learn()
    at.selectbox(key="convolution-kernel").set_value(LEARNED)
    at = run(at)
    assert "cnn.safetensors" in at.error[0].value
    at.selectbox(key="convolution-kernel").set_value("Identity")
    assert not run(at).error


def test_stride_and_padding_start_from_the_reports_example(learn):
    at = learn("Stride and padding")
    assert {n: at.slider(key=f"geometry-{n}").value for n in EXAMPLE} == EXAMPLE
    assert r"\mathbf{32}" in at.latex[-1].value
    assert "Read by no output cell: 1 of 100 input cells (99)" in texts(at)
    staircase = json.loads(chart(at, "geometry-windows").spec)
    assert "32 windows of 6 cells" in chart(at, "geometry-windows").alt
    assert len(staircase["data"]) == 1


def test_a_kernel_that_does_not_fit_is_explained_and_the_example_leads_back(learn):
    at = learn("Stride and padding")
    at.slider(key="geometry-n").set_value(5)
    assert "does not fit" in run(at).warning[0].value
    assert not at.get("plotly_chart")
    at.button(key="geometry-example").click()
    run(at)
    assert r"\mathbf{32}" in at.latex[-1].value


@pytest.mark.parametrize(("rule", "zeros", "size"), [("valid", "0", 32), ("full", "5", 35)])
def test_a_rule_sets_the_padding(learn, rule, zeros, size):
    at = learn("Stride and padding")
    at.segmented_control(key="geometry-rule").set_value(rule)
    at = run(at)
    assert f"zeros on each side: **{zeros}**" in texts(at)
    assert rf"\mathbf{{{size}}}" in at.latex[-1].value
    assert not [s for s in at.slider if s.key == "geometry-p"]


def test_same_padding_with_an_odd_zero_says_where_it_stands(learn):
    at = learn("Stride and padding")
    at.slider(key="geometry-s").set_value(1)
    at.segmented_control(key="geometry-rule").set_value("same")
    at = run(at)
    assert "**2 before, 3 after**" in texts(at)
    assert r"\mathbf{100}" in at.latex[-1].value


def test_the_networks_layers_end_in_four_by_four(learn):
    [table] = learn("Stride and padding").table
    first, *_, last = table.value["Output"]
    assert (first, last) == ("47 x 47 x 64", "4 x 4 x 512")
