"""What pages show of measured maps: the default, the line, the mark, the outline, the section."""

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from factories import write_drawn_ham10000
from fakes import make_classifiers, make_record
from maps import make_report, measure_kind, write_maps
from measured import CNN, CNN_SA

from app import services
from app.compare.where import render_csv
from app.compare.where_rows import collect_rows
from app.compare.where_worst import find_worst
from app.learn.attention import describe_measure
from app.services import evaluations, maps
from skinmodel import paths
from skinmodel.data.masks import FOLDER as MASKS
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.diagnoses import CODES
from skinmodel.faithfulness.report import FILE
from skinmodel.faithfulness.verdict import FOLDER
from skinmodel.results import DISCLAIMER

SA_RUN = make_record("cnn_sa").run_id


@pytest.fixture
def classify(open_dashboard, monkeypatch, tmp_path, picture_bytes):
    """Factory: the Classify page with a picture, after these measurements were written."""
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")

    def open_(**kinds):
        if kinds:
            write_maps(paths.RESULTS, SA_RUN, "cnn_sa", kinds)
        at = open_dashboard()
        at.file_uploader[0].set_value(("p.png", picture_bytes, "image/png")).run()
        assert not at.exception
        return at

    return open_


def method_of(at, name):
    [choice] = [g for g in at.button_group if g.key == f"method-{name}"]
    return choice


def images_of(at):
    return [image for element in at.image for image in element.proto.imgs]


def words(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_without_a_measurement_the_default_stands_and_nothing_is_claimed(classify):
    at = classify()
    assert method_of(at, "cnn_sa").value == "soft_attention"
    assert "It was not measured whether this method's maps lie on the lesion." in words(at)
    assert "No better than its controls" not in words(at)


def test_the_default_is_the_method_that_its_measurements_favour(classify):
    at = classify(soft_attention="centre", grad_cam="sound")
    assert method_of(at, "cnn_sa").value == "grad_cam"
    assert method_of(at, "cnn").value == "grad_cam"
    mass = measure_kind("sound")[0].figures["mass"].value
    assert f"this map put {100 * mass:.0f} % of its mass on the lesion" in words(at)
    assert "No better than its controls" not in words(at)


def test_a_map_no_better_than_its_controls_is_marked_and_still_shown(classify):
    at = classify(soft_attention="centre", grad_cam="sound")
    before = len(images_of(at))
    method_of(at, "cnn_sa").set_value("soft_attention").run()
    assert not at.exception
    assert "No better than its controls" in words(at)
    assert len(images_of(at)) == before >= 2


def test_a_damaged_measurement_takes_no_page_down(classify):
    write_maps(paths.RESULTS, SA_RUN, "cnn_sa", {"grad_cam": "sound"})
    (paths.RESULTS / SA_RUN / FOLDER / FILE).write_text("{", encoding="utf-8")
    at = classify()
    assert method_of(at, "cnn_sa").value == "soft_attention"
    assert "It was not measured" in words(at)


# --- Compare ---


@pytest.fixture
def where(open_dashboard, monkeypatch, results, ship, tmp_path):
    """Factory: the section of Compare, after these measurements were written."""
    ship(make_record("cnn"), make_record("cnn_sa"))
    shutil.copytree(results, tmp_path / "results")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")

    def open_(classifiers=None, **runs):
        for run_id, model in ((CNN, "cnn"), (CNN_SA, "cnn_sa")):
            if model in runs:
                write_maps(paths.RESULTS, run_id, model, runs[model])
        at = open_dashboard(classifiers).switch_page("compare/page.py").run()
        at.session_state["compare-section"] = "Where they look"
        at.run()
        assert not at.exception
        return at

    yield open_
    evaluations.forget_photographs()
    maps._find_masks.clear()


def test_the_section_says_how_to_measure_where_nothing_was(where):
    at = where()
    assert "python -m skinmodel faithfulness --model NAME --data DIR" in words(at)
    assert not at.get("plotly_chart")


def test_every_map_stands_beside_its_controls_with_what_may_be_claimed(where):
    at = where(cnn={"grad_cam": "random"}, cnn_sa={"soft_attention": "sound", "grad_cam": "centre"})
    [chart] = [c.proto for c in at.get("plotly_chart")]
    names = [t.get("name") for t in json.loads(chart.spec)["data"]]
    assert {"The map", "Its own average", "A blob in the middle"} <= set(names)
    [table] = [t.value for t in at.table if "What may be claimed" in t.value]
    assert list(table.index) == ["CNN, Grad-CAM", "CNN-SA, Soft attention", "CNN-SA, Grad-CAM"]
    claims = list(table["What may be claimed"])
    assert claims[1] == (
        "It shows where this lesion is; the network uses what it marks; it moves with the lesion."
    )
    assert claims[0].startswith("It shows no more than where lesions usually are")
    assert claims[2].startswith("It does not show what was learned")
    assert claims[2].endswith("it looks much the same with random weights.")
    assert "takes one pass through the network and one back through its end: 10 ms a map" in words(
        at
    )
    assert all(f"Run `{run_id}`" in words(at) for run_id in (CNN, CNN_SA))
    assert DISCLAIMER in words(at)
    # The first map of the list is spelled out.
    assert "it may only know where lesions usually are" in words(at)
    marked = ["no better than controls" in text for text in table["Mass on the lesion"]]
    assert marked == [True, False, True]
    assert measure_kind("sound")[0].figures["mass"].value == pytest.approx(
        float(table["Mass on the lesion"].iloc[1].split()[0]), abs=0.005
    )


def test_pictures_off_centre_have_figures_of_their_own(where):
    at = where(cnn_sa={"soft_attention": "sound"})
    [choice] = [g for g in at.button_group if g.key == "where-pictures"]
    choice.set_value("Lesion off centre").run()
    assert not at.exception
    [table] = [t.value for t in at.table if "Its own average" in t.value]
    off = measure_kind("sound")[0].figures_off_centre
    assert table["Its own average"].iloc[0] == f"{off['mass_mean'].value:.2f}"
    assert "What may be claimed" not in table


def test_without_data_the_worst_pictures_are_listed(where):
    at = where(cnn_sa={"soft_attention": "random"})
    [table] = [t.value for t in at.table if "Mass on the lesion" in t.value and len(t.value) == 6]
    expected = find_worst(
        measure_kind("random")[1].assign(method="soft_attention"), "soft_attention"
    )
    assert list(table.index) == list(expected["image_id"])
    assert "SKINMODEL_DATA" in words(at)


def test_with_data_the_worst_pictures_show_map_and_outline(where, monkeypatch, tmp_path):
    data = write_drawn_ham10000(tmp_path / "data")
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 24))
    monkeypatch.setattr(ham10000, "IMAGE_COUNT", 24 * len(CODES))
    monkeypatch.setenv("SKINMODEL_DATA", str(data))
    index = load_evaluation_set("ham10000:test", data).index
    add_masks(data, index["image_id"])
    images = iter(index["image_id"])
    write_maps(paths.RESULTS, CNN_SA, "cnn_sa", {"grad_cam": "sound"})
    file = paths.RESULTS / CNN_SA / FOLDER / "faithfulness.csv"
    table = pd.read_csv(file).head(len(index))
    table.assign(image_id=[next(images) for _ in range(len(table))]).to_csv(file, index=False)
    fakes = make_classifiers()
    monkeypatch.setattr(services, "open_run", lambda _: fakes["cnn_sa"])
    evaluations._explain_photograph.clear()
    at = where(fakes)
    alts = [image.alt for image in images_of(at)]
    assert sum(alt.endswith("The lesion is outlined.") for alt in alts) == 6
    [toggle] = [t for t in at.toggle if t.key == "where-maps"]
    assert not fakes["cnn_sa"].explained
    toggle.set_value(True).run()
    assert not at.exception
    assert len(fakes["cnn_sa"].explained) == 6
    assert set(fakes["cnn_sa"].explained) == {("grad_cam", "mel")}
    over = [image for image in images_of(at) if "over the picture: strongest" in image.alt]
    assert len(over) == 6
    assert all("of the picture" in image.caption for image in over)


def add_masks(data, image_ids):
    folder = data / "HAM10000" / MASKS
    folder.mkdir()
    for image_id in image_ids:
        mask = np.zeros((80, 80), np.uint8)
        cv2.circle(mask, (40, 40), 15, 255, -1)
        cv2.imwrite(str(folder / f"{image_id}_segmentation.png"), mask)


def test_the_saved_table_holds_every_figure_with_its_run(tmp_path):
    folder = write_maps(tmp_path, "r1", "cnn_sa", {"grad_cam": "sound"})
    made = make_report("r1", "cnn_sa", {"grad_cam": "sound"})
    text = render_csv(collect_rows([(made, folder)])).decode()
    assert "mass_over_mean" in text
    assert text.count("differences_off_centre") == len(made.methods["grad_cam"].differences)
    assert all("r1" in line for line in text.splitlines()[1:])


# --- Learn ---


def test_the_measure_of_one_map_is_said_in_percent():
    text = describe_measure(share=0.25, mass=0.5, even=0.3, centre=0.6, hit=1.0)
    assert "takes 25 % of this picture" in text
    assert "**50 %** lies on it" in text
    assert "even map over the same cells has 30 %" in text
    assert "Its strongest cell lies on it." in text
    assert "beside it" in describe_measure(0.25, 0.5, 0.3, 0.6, 0.0)
    assert "strongest" not in describe_measure(0.25, 0.5, 0.3, 0.6, float("nan"))
