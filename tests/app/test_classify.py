"""The Classify page in each of its states."""

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import DISAGREEING, make_classifiers, make_probabilities, make_record

from app import services, state
from app.services.pictures import Origin
from app.services.samples import read_drawings
from app.services.warmup import WarmUpState
from app.shared.intake import Source
from skinmodel.errors import WeightsError, WorkerError
from skinmodel.results import DISCLAIMER
from skinmodel.weights.record import GraphFile

GRAPH = GraphFile("network.onnx", 1, "0" * 64)


def upload(at, data, name="patient-name.png", mime="image/png"):
    at.file_uploader[0].set_value((name, data, mime))
    return at.run()


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def alerts(elements):
    return "\n".join(f"{e.proto.title} {e.value}" for e in elements)


def images(at):
    return [image.alt for element in at.image for image in element.proto.imgs]


def bar_charts(at):
    return at.get("plotly_chart")


def test_empty_page_offers_every_source_and_shows_no_result(open_dashboard):
    at = open_dashboard()
    assert len(at.segmented_control[0].options) == len(Source)
    assert len(at.file_uploader) == 1
    assert not bar_charts(at)
    assert not at.image
    assert not at.error
    assert not at.exception


def test_upload_shows_both_networks_with_bars_and_overlays(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes)
    assert not at.exception
    charts = bar_charts(at)
    assert len(charts) == 2
    for chart, title in zip(charts, ("CNN", "CNN-SA"), strict=True):
        [trace] = json.loads(chart.proto.spec)["data"]
        assert len(trace["y"]) == 7
        assert chart.proto.alt.startswith(f"Probabilities by {title}: Melanocytic nevus (benign)")
    found = images(at)
    assert len(found) == 5  # the original, and an overlay and a colour scale for each network
    assert all(found)
    assert "The original picture" in found[0]
    assert [s.value for s in at.subheader] == ["Original picture", "CNN", "CNN-SA"]
    assert "### Melanocytic nevus: 91.0 %" in texts(at)
    said = "Both networks say: melanocytic nevus, at 91.0 % (CNN) and 86.0 % (CNN-SA)."
    assert said in alerts(at.info)
    for name in ("cnn", "cnn_sa"):
        assert f"grouped-{name}-0123abcd" in texts(at)
    assert texts(at).count(DISCLAIMER) == 3


def test_calibration_and_its_limit_stand_beside_the_bars(open_dashboard, picture_bytes):
    shown = texts(upload(open_dashboard(), picture_bytes))
    assert shown.count("calibrated on HAM10000's validation lesions.") == 2
    assert shown.count("Probabilities at temperature 1.25.") == 2
    assert shown.count("On ISIC 2019, pictures from elsewhere, the networks") == 2
    assert "claim:" not in shown


def test_nothing_of_the_file_name_reaches_the_page(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes)
    assert "patient-name" not in texts(at)
    assert not any("patient-name" in alt for alt in images(at))
    picture = at.session_state["picture"]
    assert "patient-name" not in repr(vars(picture))


def test_disagreement_is_said_first_and_bars_share_one_scale(open_dashboard, picture_bytes):
    at = upload(open_dashboard(make_classifiers(DISAGREEING)), picture_bytes)
    warning = alerts(at.warning)
    [verdict] = at.error  # the worst of the answers, not the first one's
    assert verdict.value.startswith("## ▲ Malignant: melanoma")
    assert "The networks disagree: CNN-SA says melanoma (55.0 %) and CNN says" in verdict.value
    assert "do not agree on whether the lesion is benign" in warning
    assert "all-clear" in warning
    ranges = [json.loads(c.proto.spec)["layout"]["xaxis"]["range"] for c in bar_charts(at)]
    assert ranges[0] == ranges[1]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.png", b"", "empty"),
        ("text.jpg", b"no picture at all" * 50, "a text file, not a JPEG"),
        ("animation.jpg", b"GIF89a" + bytes(500), "GIF"),
        ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(25 * 1024**2), "25 MB"),
    ],
)
def test_broken_upload_gets_a_sentence_and_no_result(open_dashboard, name, data, sentence):
    at = upload(open_dashboard(), data, name)
    assert not at.exception
    assert len(at.error) == 1
    assert sentence in at.error[0].value
    assert "Traceback" not in texts(at)
    assert not bar_charts(at)


def test_truncated_upload_after_a_good_one_takes_the_old_result_away(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes)
    assert bar_charts(at)
    at = upload(at, picture_bytes[: len(picture_bytes) // 2], "half.png")
    assert "damaged or incomplete" in at.error[0].value
    assert not bar_charts(at)
    at = upload(at, picture_bytes, "again.png")
    assert not at.error
    assert len(bar_charts(at)) == 2


def test_page_opens_while_models_load_says_why_and_goes_on_by_itself(open_dashboard, picture_bytes):
    release = threading.Event()

    def load():
        assert release.wait(20)
        return make_classifiers()

    at = open_dashboard(load=load)
    try:
        at = upload(at, picture_bytes)
        assert not bar_charts(at)
        [progress] = at.get("progress")
        assert "Loading the networks" in progress.proto.text
        assert "appears by itself" in progress.proto.text
        assert "The original picture" in images(at)[0]
    finally:
        release.set()
    services.get_warm_up().result(timeout=5)
    at = at.run()
    assert len(bar_charts(at)) == 2
    assert not at.get("progress")


def test_waiting_says_how_long_it_took_and_what_is_there(open_dashboard, ship, monkeypatch):
    records = [make_record(name) for name in ("cnn", "cnn_sa")]
    records = [replace(r, sha256=f"{k:064x}", graph=GRAPH) for k, r in enumerate(records)]
    ship(*records)
    held = set()
    shelf = SimpleNamespace(holds=lambda record: record.sha256 in held)
    monkeypatch.setattr(services, "get_shelf", lambda: shelf)
    gate = threading.Event()
    at = open_dashboard(load=lambda: gate.wait(20) and make_classifiers())
    try:
        [progress] = at.run().get("progress")
        assert progress.proto.value == 0
        assert re.search(r"s so far\. You can choose a picture meanwhile\.", progress.proto.text)
        held.add(records[0].sha256)
        [progress] = at.run().get("progress")
        assert progress.proto.value == 50
        assert "s so far; loaded: CNN. You can choose a picture" in progress.proto.text
        services.get_warm_up()._started -= 413
        [progress] = at.run().get("progress")
        assert re.search(r"networks, 41[3-9] s so far;", progress.proto.text)
    finally:
        gate.set()
    services.get_warm_up().result(timeout=5)


def test_a_map_that_needs_tensorflow_is_waited_for_beside_verdicts_that_are_there(
    open_dashboard, picture_bytes, monkeypatch
):
    classifiers = make_classifiers()
    classifiers["cnn"].has_tensorflow = False
    gate = threading.Event()

    def load():
        assert gate.wait(20)
        classifiers["cnn"].has_tensorflow = True

    monkeypatch.setattr(classifiers["cnn"], "load_tensorflow", load)
    at = upload(open_dashboard(classifiers), picture_bytes)
    try:
        assert len(bar_charts(at)) == 2
        [progress] = at.get("progress")
        assert "Loading TensorFlow for CNN, 0 s so far. The map appears" in progress.proto.text
        assert not classifiers["cnn"].explained
        assert classifiers["cnn_sa"].explained
    finally:
        gate.set()
    services.get_tensorflow_warm_up("cnn").result(timeout=10)
    at.run()
    assert not at.get("progress")
    assert classifiers["cnn"].explained


def test_tensorflow_that_cannot_be_loaded_is_said_and_takes_no_verdict_away(
    open_dashboard, picture_bytes, monkeypatch
):
    classifiers = make_classifiers()
    classifiers["cnn"].has_tensorflow = False
    attempts = []

    def load():
        attempts.append(1)
        if len(attempts) == 1:
            raise WorkerError("The process that runs the networks was ended by signal 9.")
        classifiers["cnn"].has_tensorflow = True

    monkeypatch.setattr(classifiers["cnn"], "load_tensorflow", load)
    at = upload(open_dashboard(classifiers), picture_bytes)
    with pytest.raises(WorkerError):
        services.get_tensorflow_warm_up("cnn").result(timeout=10)
    at.run()
    assert "was ended by signal 9" in at.error[0].value
    assert len(bar_charts(at)) == 2
    at.button(key="tensorflow-cnn-retry").click().run()
    services.get_tensorflow_warm_up("cnn").result(timeout=10)
    assert not at.run().error
    assert classifiers["cnn"].explained


def test_a_result_stays_while_networks_that_were_given_up_load_anew(open_dashboard, picture_bytes):
    gate = threading.Event()
    classifiers = make_classifiers()
    loads = []

    def load():
        loads.append(1)
        assert len(loads) == 1 or gate.wait(20)
        return classifiers

    at = open_dashboard(load=load)
    services.get_warm_up().result(timeout=5)
    at = upload(at, picture_bytes)
    for classifier in classifiers.values():
        classifier.is_held = False
    try:
        at.run()
        assert len(bar_charts(at)) == 2
        assert not at.error
        assert services.get_warm_up().status.state is WarmUpState.LOADING
        at = upload(at, picture_bytes[:100], "broken.png")
        [progress] = at.get("progress")
        assert "Loading the networks" in progress.proto.text
    finally:
        for classifier in classifiers.values():
            classifier.is_held = True
        gate.set()


def test_a_process_that_dies_is_said_in_words_and_the_result_comes_by_itself(
    open_dashboard, picture_bytes
):
    classifiers = make_classifiers()
    sentence = "The process that runs the networks was ended by signal 9."
    classifiers["cnn"].failure = WorkerError(sentence)
    at = upload(open_dashboard(classifiers), picture_bytes)
    assert sentence in at.error[0].value
    classifiers["cnn"].failure = None
    at.run()
    assert not at.error
    assert len(bar_charts(at)) == 2


def test_two_sessions_load_once(open_dashboard, picture_bytes):
    calls = []

    def load():
        calls.append(1)
        return make_classifiers()

    open_dashboard(load=load)
    services.get_warm_up().result(timeout=5)
    second = upload(open_dashboard(load=load), picture_bytes)
    assert len(bar_charts(second)) == 2
    assert calls == [1]


def test_failed_load_shows_its_sentence_and_can_be_retried(open_dashboard, picture_bytes):
    attempts = []

    def load():
        attempts.append(1)
        if len(attempts) == 1:
            raise WeightsError("The weights of cnn are corrupt; restore them.")
        return make_classifiers()

    at = open_dashboard(load=load)
    with pytest.raises(WeightsError):
        services.get_warm_up().result(timeout=5)
    at = upload(at, picture_bytes)
    assert "The weights of cnn are corrupt" in at.error[0].value
    assert not bar_charts(at)
    [retry] = [b for b in at.button if b.label == "Try again"]
    retry.click().run()
    services.get_warm_up().result(timeout=5)
    assert services.get_warm_up().status.state is WarmUpState.READY
    at = at.run()
    assert len(bar_charts(at)) == 2
    assert not at.error


def test_unexpected_load_failure_shows_no_internals(open_dashboard):
    def load():
        raise OSError("libsecret.so: no such file")

    at = open_dashboard(load=load)
    with pytest.raises(OSError, match="libsecret"):
        services.get_warm_up().result(timeout=5)
    at = at.run()
    assert "unexpected error" in at.error[0].value
    assert "libsecret" not in texts(at)


def test_unexpected_failure_of_a_network_gives_a_reference_and_a_clean_log(
    open_dashboard, picture_bytes, caplog
):
    classifiers = make_classifiers()
    classifiers["cnn"].failure = ValueError("secret of patient 7")
    at = upload(open_dashboard(classifiers), picture_bytes)
    assert not at.exception
    assert "reference" in at.error[0].value
    log = caplog.text
    reference = at.error[0].value.split("report reference ")[1].split("\\:")[0]
    assert reference in log
    assert "builtins.ValueError" in log
    assert "fakes.py" in log
    assert "patient 7" not in log + texts(at)


def test_opacity_computes_neither_prediction_nor_explanation_again(open_dashboard, picture_bytes):
    classifiers = make_classifiers()
    at = upload(open_dashboard(classifiers), picture_bytes)
    before = images_urls(at)
    at.slider(key="opacity-cnn").set_value(0).run()
    assert images_urls(at)[1] != before[1]
    assert images_urls(at)[3] == before[3]
    at.slider(key="opacity-cnn").set_value(100).run()
    for classifier in classifiers.values():
        assert classifier.predicted == 1
        assert len(classifier.explained) == 1


def images_urls(at):
    return [image.url for element in at.image for image in element.proto.imgs]


def test_soft_attention_is_first_and_grad_cam_follows_the_chosen_class(
    open_dashboard, picture_bytes
):
    classifiers = make_classifiers()
    at = upload(open_dashboard(classifiers), picture_bytes)
    digest = at.session_state["picture"].sha256
    assert classifiers["cnn"].explained == [("grad_cam", "nv")]
    assert classifiers["cnn_sa"].explained == [("soft_attention", None)]
    assert at.selectbox(key=f"code-cnn_sa-{digest}").disabled
    at.segmented_control(key="method-cnn_sa").set_value("grad_cam").run()
    assert not at.selectbox(key=f"code-cnn_sa-{digest}").disabled
    at.selectbox(key=f"code-cnn_sa-{digest}").set_value("mel").run()
    assert classifiers["cnn_sa"].explained[1:] == [("grad_cam", "nv"), ("grad_cam", "mel")]
    assert any("CNN-SA, Grad-CAM for Melanoma" in alt for alt in images(at))
    assert classifiers["cnn_sa"].predicted == 1


def test_one_head_is_shown_by_its_number_without_computing_anything(open_dashboard, picture_bytes):
    classifiers = make_classifiers()
    at = upload(open_dashboard(classifiers), picture_bytes)
    before = images_urls(at)
    [head] = [box for box in at.selectbox if box.label == "Attention head"]
    assert head.options == ["All 12 heads (sum)", *(f"Head {n}" for n in range(1, 13))]
    assert "CNN-SA, Soft attention, sum of 12 heads" in images(at)[3]
    head.set_value(3).run()
    assert "CNN-SA, Soft attention, head 3 of 12" in images(at)[3]
    assert "Soft attention, head 3 of 12, for all diagnoses alike, layer" in texts(at)
    assert images_urls(at)[3] != before[3]
    assert images_urls(at)[1] == before[1]
    assert classifiers["cnn_sa"].explained == [("soft_attention", None)]
    [analysis] = at.session_state["analyses"].values()
    kept = analysis.explanations[("cnn_sa", "soft_attention", None)]
    assert kept.head is None  # what a saved result holds is still the sum
    at.segmented_control(key="method-cnn_sa").set_value("grad_cam").run()
    assert not [box for box in at.selectbox if box.label == "Attention head"]


def test_a_new_picture_starts_from_its_own_leading_diagnosis(
    open_dashboard, picture_bytes, photo, encode_image
):
    classifiers = make_classifiers()
    at = upload(open_dashboard(classifiers), picture_bytes)
    digest = at.session_state["picture"].sha256
    at.selectbox(key=f"code-cnn-{digest}").set_value("mel").run()
    at = upload(at, encode_image(photo[::-1].copy()), "second.png")
    assert classifiers["cnn"].explained[-1] == ("grad_cam", "nv")


def test_null_map_is_said_to_be_null(open_dashboard, picture_bytes):
    at = upload(open_dashboard(make_classifiers(null_for="df")), picture_bytes)
    digest = at.session_state["picture"].sha256
    at.selectbox(key=f"code-cnn-{digest}").set_value("df").run()
    assert "No positive evidence for Dermatofibroma" in alerts(at.info)
    assert any("no positive evidence" in alt for alt in images(at))
    assert len(images(at)) == 4  # no colour scale for a map of zeros


def test_clear_forgets_the_picture(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes)
    [clear] = [b for b in at.button if b.label == "Clear picture"]
    clear.click().run()
    assert not bar_charts(at)
    assert at.session_state["picture"] is None
    assert not at.session_state["analyses"]
    assert at.file_uploader[0].value is None


def test_drawing_is_marked_as_a_drawing(open_dashboard):
    at = open_dashboard()
    at.segmented_control(key="source").set_value(Source.SAMPLES).run()
    assert "not photographs of skin" in texts(at)
    at.button(key="take-Melanoma").click().run()
    assert "Drawing: Melanoma" in texts(at)
    assert "This is a drawing" in alerts(at.warning)
    assert len(bar_charts(at)) == 2


def test_camera_is_asked_for_only_when_chosen(open_dashboard, picture_bytes):
    at = open_dashboard()
    assert not at.camera_input
    at.segmented_control(key="source").set_value(Source.CAMERA).run()
    at.camera_input[0].set_value(("photo.jpg", picture_bytes, "image/jpeg")).run()
    assert len(bar_charts(at)) == 2
    assert "Your camera" in texts(at)


def test_result_outlives_a_visit_to_another_page(open_dashboard, picture_bytes):
    classifiers = make_classifiers()
    at = upload(open_dashboard(classifiers), picture_bytes)
    at.slider(key="opacity-cnn").set_value(25).run()
    at.switch_page("about/page.py").run()
    assert not bar_charts(at)
    at.switch_page("classify/page.py").run()
    assert len(bar_charts(at)) == 2
    assert at.slider(key="opacity-cnn").value == 25
    assert classifiers["cnn"].predicted == 1


def test_session_remembers_a_bounded_number_of_pictures(open_dashboard, monkeypatch):
    at = open_dashboard()
    at.segmented_control(key="source").set_value(Source.SAMPLES).run()
    monkeypatch.setattr(state, "REMEMBERED", 3)
    for sample in read_drawings()[:5]:
        at.button(key=f"take-{sample.title}").click().run()
    kept = [analysis.picture.title for analysis in at.session_state["analyses"].values()]
    assert kept == [sample.title for sample in read_drawings()[2:5]]
    size = max(a.picture.nbytes for a in at.session_state["analyses"].values())
    monkeypatch.setattr(state, "MOST_BYTES", size + 1)
    at.button(key=f"take-{read_drawings()[5].title}").click().run()
    assert len(at.session_state["analyses"]) == 1
    assert len(bar_charts(at)) == 2


def test_unsure_result_is_marked(open_dashboard, picture_bytes):
    unsure = {
        "cnn": make_probabilities(bcc=0.40, akiec=0.35),
        "cnn_sa": make_probabilities(bcc=0.55, akiec=0.44),
    }
    at = upload(open_dashboard(make_classifiers(unsure)), picture_bytes)
    warning = alerts(at.warning)
    assert "CNN is unsure" in warning
    assert "CNN-SA hesitates" in warning


def test_one_file_given_in_two_ways_keeps_each_ones_provenance(open_dashboard):
    at = open_dashboard()
    at.segmented_control(key="source").set_value(Source.SAMPLES).run()
    at.button(key="take-Melanoma").click().run()
    at.segmented_control(key="source").set_value(Source.UPLOAD).run()
    [drawing] = [s for s in read_drawings() if s.title == "Melanoma"]
    upload(at, Path(drawing.path).read_bytes(), "own.jpg", "image/jpeg")
    kept = [analysis.picture for analysis in at.session_state["analyses"].values()]
    assert [picture.origin for picture in kept] == [Origin.DRAWING, Origin.UPLOAD]
    assert len({picture.sha256 for picture in kept}) == 1


def test_a_file_taken_away_to_make_room_for_the_next_changes_nothing(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes)
    before, key = at.session_state["picture"], at.file_uploader[0].key
    at.file_uploader[0].set_value(None).run()
    assert at.session_state["picture"] is before
    assert at.file_uploader[0].key == key  # a new one would not get what is on its way


def test_taking_a_refused_file_away_takes_its_error_away(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes[:500], "half.png")
    assert at.error
    key = at.file_uploader[0].key
    at.file_uploader[0].set_value(None).run()
    assert not at.error
    assert at.file_uploader[0].key == key


def test_a_refusal_stays_with_the_way_it_was_given_by(open_dashboard, picture_bytes):
    at = upload(open_dashboard(), picture_bytes[:500], "half.png")
    at.segmented_control(key="source").set_value(Source.SAMPLES).run()
    assert not at.error


def test_clearing_a_photo_forgets_it(open_dashboard, picture_bytes):
    at = open_dashboard()
    at.segmented_control(key="source").set_value(Source.CAMERA).run()
    at.camera_input[0].set_value(("photo.jpg", picture_bytes, "image/jpeg")).run()
    key = at.camera_input[0].key
    at.camera_input[0].set_value(None).run()
    assert at.session_state["picture"] is None
    assert at.camera_input[0].key == key


def test_the_box_to_choose_from_is_open_until_there_is_a_picture(open_dashboard, picture_bytes):
    at = open_dashboard()
    assert at.session_state["intake"]
    upload(at, picture_bytes)
    assert not at.session_state["intake"]
    at.switch_page("about/page.py").run()
    at.switch_page("classify/page.py").run()
    assert not at.session_state["intake"]
    at = upload(at, picture_bytes[:500], "half.png")
    assert at.session_state["intake"]
