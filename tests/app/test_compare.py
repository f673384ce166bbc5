"""The Compare page in each of its sections and states."""

import json
import shutil
from base64 import b64decode
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from factories import write_drawn_ham10000
from fakes import make_classifiers, make_record
from measured import (
    CNN,
    CNN_SA,
    LEAKY,
    make_index,
    pairs,
    write_evaluation,
)

from app.compare.page import SECTIONS
from app.compare.presentation import render_csv
from app.services import evaluations
from skinmodel import paths
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.comparison import (
    compare,
    compare_evaluations,
    describe_difference,
    write_comparison,
)
from skinmodel.evaluation.leak import DATASETS as LEAK_DATASETS
from skinmodel.evaluation.leak import FIGURES as LEAK_FIGURES
from skinmodel.evaluation.measures.thresholds import at_threshold, npv_at, ppv_at, target_of
from skinmodel.evaluation.report import FILE, PREDICTIONS, Evaluation
from skinmodel.results import DISCLAIMER

PAGE = "compare/page.py"


@pytest.fixture
def open_compare(open_dashboard, monkeypatch, results, ship):
    """Factory: the page at one section, on the drawn-up results."""
    ship(make_record("cnn"), make_record("cnn_sa"))

    def open_(section="Headline", root=results, classifiers=None):
        monkeypatch.setattr(paths, "RESULTS", root)
        at = open_dashboard(classifiers).switch_page(PAGE).run()
        assert not at.exception
        return show(at, section)

    return open_


def show(at, section):
    at.session_state["compare-section"] = section
    at.run()
    assert not at.exception
    return at


def choose(at, key, value):
    [box] = [b for b in at.selectbox if b.key and b.key.startswith(key)]
    box.set_value(value).run()
    assert not at.exception
    return at


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.header, at.title)
    return "\n".join(element.value for kind in kinds for element in kind)


def charts(at):
    return [element.proto for element in at.get("plotly_chart")]


def spec(chart):
    return json.loads(chart.spec)


def note_of(chart):
    return " ".join(a["text"] for a in spec(chart)["layout"]["annotations"]).replace("<br>", " ")


def buttons(at):
    return [element.proto for element in at.get("download_button")]


def open_pair(root, dataset=0):
    return evaluations.open_pair(*pairs(root)[dataset])


def test_default_is_cnn_and_cnn_sa_on_ham10000_test(open_compare):
    at = open_compare()
    assert at.title[0].value == "Compare two networks"
    assert at.selectbox(key="compare-dataset").value == "ham10000-test"
    chosen = [b.value for b in at.selectbox if b.label in ("First network", "Second network")]
    assert chosen == [CNN, CNN_SA]
    assert "160 images of" in texts(at)
    assert "Left out: no class of the networks: 3" in texts(at).replace("\\", "")


# "Where they look" is of every run whose maps were measured, not of a pair: see test_maps.
OF_A_PAIR = [section for section in SECTIONS if section != "Where they look"]


@pytest.mark.parametrize("section", OF_A_PAIR)
def test_every_section_names_its_runs_and_can_be_saved(open_compare, section):
    at = open_compare(section)
    assert not at.error
    text = texts(at)
    for run_id in (CNN, CNN_SA):
        assert f"run `{run_id}`" in text
    assert text.count(DISCLAIMER) >= 2
    assert buttons(at), "no table can be saved"
    assert all("(CSV)" in b.label for b in buttons(at))
    for table in at.table:
        assert table.proto.alt
    for chart in charts(at):
        assert chart.alt
        note = note_of(chart)
        assert CNN in note
        assert CNN_SA in note
        assert DISCLAIMER in note
        config = json.loads(chart.config)
        assert config["displayModeBar"] is True
        assert config["modeBarButtons"] == [["toImage"]]
        image = config["toImageButtonOptions"]
        assert image["format"] == "svg"
        of_set = "training" if section == "Training" else "ham10000-test"
        assert image["filename"].startswith(f"skinmodel-{of_set}-")
    assert len({c.alt for c in charts(at)}) == len(charts(at))
    assert "nan" not in text.lower().replace("malignan", "").split()


def test_sections_have_charts_where_the_issue_asks_for_them(open_compare):
    wanted = {"Headline": 1, "Confusion": 2, "F1": 1, "Curves": 2, "Calibration": 2}
    wanted |= {"Thresholds": 1, "Subgroups": 1, "Training": 1, "The report": 0}
    assert {s: len(charts(open_compare(s))) for s in OF_A_PAIR} == wanted


def test_headline_shows_the_reports_figures_and_what_may_be_claimed(open_compare, results):
    at = open_compare()
    pair = open_pair(results)
    table = at.table[0].value
    for title, name in (("Accuracy", "accuracy"), ("Macro AUC", "macro_auc")):
        for measured in pair.both:
            figure = measured.report.metrics[name]
            shown = table.loc[title, measured.label].replace("\u00a0", " ")
            assert shown == f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    gap = evaluations.read_difference(pair).differences["accuracy"]
    claim = describe_difference(gap, "CNN", "CNN-SA", "accuracy")
    assert table.loc["Accuracy", "What may be claimed"] == claim
    assert "CNN-SA better by" in claim
    tests = evaluations.read_difference(pair)
    assert f"Only CNN is right on {tests.images.only_first} images" in texts(at)
    assert f"CNN-SA in {tests.lesions.only_second}" in texts(at)


def test_a_comparison_in_the_users_store_is_at_hand(results, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "none that ships")
    pair = open_pair(results)
    assert evaluations.read_difference(pair) is None
    saved = compare_evaluations(*(Evaluation(m.provenance, m.folder) for m in pair.both))
    write_comparison(paths.evaluations(), saved)
    assert evaluations.read_difference(pair) == saved.comparison


def test_overview_has_one_line_a_data_set(open_compare):
    at = open_compare()
    assert list(at.table[1].value.index) == ["HAM10000, test lesions", "ISIC 2019 outside HAM10000"]


def test_exchanged_runs_turn_the_saved_difference_around(open_compare, results):
    at = open_compare()
    forth = at.table[0].value["Difference in points"]
    at = choose(at, "compare-first", CNN_SA)
    at = choose(at, "compare-second", CNN)
    assert not at.info
    back = at.table[0].value["Difference in points"]
    signs = str.maketrans("+−", "−+")
    assert list(back) == [text.translate(signs) for text in forth]
    assert at.table[0].value.columns[0] == "CNN-SA"


def test_a_difference_not_kept_is_computed_when_asked_for(open_compare, results):
    at = open_compare()
    at = choose(at, "compare-second", LEAKY)
    assert "What may be claimed" not in at.table[0].value.columns
    assert "is not kept on disk" in texts(at)
    [button] = [b for b in at.button if b.label.startswith("Compute the difference")]
    button.click().run()
    assert not at.exception
    first, second = (
        next(e for e in evaluations.list_all() if e.provenance.run_id == run)
        for run in (CNN, LEAKY)
    )
    pair = evaluations.open_pair(first, second)
    truth, ours, lesions = pair.first.arrays
    expected = compare(truth, ours, pair.second.arrays[1], lesions).differences["accuracy"]
    shown = at.table[0].value.loc["Accuracy", "Difference in points"]
    assert float(shown.replace("−", "-")) == round(100 * expected.value, 1)


@pytest.mark.parametrize("section", [s for s in OF_A_PAIR if s != "The report"])
def test_a_leaky_run_carries_its_badge_wherever_its_numbers_stand(open_compare, section):
    at = open_compare(section)
    assert "Leaky protocol" not in texts(at)
    at = show(choose(at, "compare-second", LEAKY), section)
    badges = [m.value for m in at.markdown if "Leaky protocol: too good" in m.value]
    assert len(badges) == 2  # under the choice and beside the section's title
    assert "Trained on lesions of this set." in texts(at)
    for chart in charts(at):
        assert "LEAKY PROTOCOL" in note_of(chart)
        assert "leaky" in json.loads(chart.config)["toImageButtonOptions"]["filename"]
    columns = [str(c) for t in at.table for c in (*t.value.columns, *t.value.index)]
    if section not in ("Confusion", "Training", "Curves"):
        assert any("(leaky)" in column for column in columns)


def test_what_a_set_cannot_define_is_said_so(open_compare):
    at = choose(open_compare("F1"), "compare-dataset", "isic2019")
    at = show(at, "F1")
    row = at.table[0].value.loc["Dermatofibroma (df)"]
    assert row["Support"] == "0"
    assert row["Recall CNN"] == "not defined"
    assert "not defined" in row["F1, what may be claimed"] or float(row["F1 CNN"][:4]) == 0
    at = choose(show(at, "Curves"), "curve-class", "df")
    assert "not defined on this data set" in texts(at)
    assert not charts(at)
    at = show(at, "Confusion")
    heat = spec(charts(at)[0])["data"][0]
    assert heat["text"][-1] == ["–"] * len(CODES)


def test_matrices_hold_the_counts_and_share_one_scale(open_compare, results):
    at = open_compare("Confusion")
    at.segmented_control(key="matrix-mode").set_value("Counts").run()
    pair = open_pair(results)
    for chart, measured in zip(charts(at), pair.both, strict=True):
        heat, marks = spec(chart)["data"]
        truth, probabilities, _ = measured.arrays
        counts = np.zeros((7, 7), dtype=int)
        np.add.at(counts, (truth, probabilities.argmax(axis=1)), 1)
        assert heat["text"] == [[str(c) for c in row] for row in counts]
        assert (heat["zmin"], heat["zmax"]) == (0, 1)
        assert len(marks["text"]) == 49
    z = [read_array(spec(c)["data"][0]["z"]) for c in charts(at)]
    largest = max(np.max(m.report.confusion) for m in pair.both)
    for scaled, measured in zip(z, pair.both, strict=True):
        expected = np.log1p(np.array(measured.report.confusion)) / np.log1p(largest)
        np.testing.assert_allclose(scaled, expected, rtol=1e-6)


def read_array(packed):
    """Return an array as plotly packs it."""
    values = np.frombuffer(b64decode(packed["bdata"]), packed["dtype"])
    return values.reshape([int(n) for n in packed["shape"].split(",")])


def choose_cell(at, slot="second", truth="mel", prediction="nv"):
    at.selectbox(key="cell-network").set_value(slot)
    at.selectbox(key="cell-truth").set_value(truth)
    at.selectbox(key="cell-prediction").set_value(prediction).run()
    assert not at.exception
    return at


def images_in_cell(measured, truth, prediction):
    table, leading = measured.predictions, measured.leading
    inside = (table["truth"] == truth).to_numpy() & (leading == CODES.index(prediction))
    chosen = table[inside].sort_values(f"p_{prediction}", ascending=False, kind="stable")
    return list(chosen["image_id"])


def listed(at):
    return [m.value.split("**")[1].replace("\\", "") for m in at.markdown if "· truth:" in m.value]


def test_a_cell_lists_its_images_with_both_networks_probabilities(open_compare, results):
    at = choose_cell(open_compare("Confusion"), "second", "nv", "nv")
    pair = open_pair(results)
    expected = images_in_cell(pair.second, "nv", "nv")
    assert f"rightly called melanocytic nevus by CNN-SA: {len(expected)} images" in texts(at)
    assert listed(at) == expected[:6]
    row = list(pair.first.predictions["image_id"]).index(expected[0])
    probabilities = at.table[0].value
    assert list(probabilities.index) == ["CNN", "CNN-SA"]
    for measured in pair.both:
        share = 100 * measured.predictions["p_nv"].iloc[row]
        shown = probabilities.loc[measured.label, "nv"].strip("*")
        assert shown == ("<1" if share < 1 else ">99" if share > 99 else f"{share:.0f}")
    assert "SKINMODEL_DATA" in texts(at)
    assert not at.image
    [frame] = spec(charts(at)[1])["layout"]["shapes"]
    assert (frame["x0"], frame["y0"]) == (-0.48, -0.48)
    assert not spec(charts(at)[0])["layout"].get("shapes")


def test_the_list_of_a_cell_is_paged(open_compare, results):
    at = choose_cell(open_compare("Confusion"), "second", "nv", "nv")
    expected = images_in_cell(open_pair(results).second, "nv", "nv")
    assert len(expected) > 6
    at.session_state["cases-page-second-nv-nv"] = 2
    at.run()
    assert listed(at) == expected[6:12]


def test_an_empty_cell_says_so(open_compare, results):
    pair = open_pair(results)
    confusion = np.array(pair.first.report.confusion)
    i, j = np.argwhere(confusion == 0)[0]
    at = choose_cell(open_compare("Confusion"), "first", CODES[i], CODES[j])
    assert "No image is in this cell." in texts(at)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Drawn HAM10000 as the whole release, with both runs measured on its test lesions."""
    folder = write_drawn_ham10000(tmp_path)
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, 24))
    monkeypatch.setattr(ham10000, "IMAGE_COUNT", 24 * len(CODES))
    monkeypatch.setenv("SKINMODEL_DATA", str(folder))
    index = load_evaluation_set("ham10000:test", folder).index
    root = tmp_path / "results"
    for model in ("cnn", "cnn_sa"):
        run_id = make_record(model).run_id
        write_evaluation(root, run_id, model, index, seed=len(model))
    return root


def test_pictures_appear_where_the_data_are_and_overlays_on_demand(open_compare, drawn):
    classifiers = make_classifiers()
    at = choose_cell(open_compare("Confusion", drawn, classifiers), "first", "nv", "nv")
    names = listed(at)
    assert names
    alts = [image.alt for element in at.image for image in element.proto.imgs]
    assert alts == [f"Photograph {name}." for name in names]
    assert not any(c.explained for c in classifiers.values())
    at.toggle(key="cases-overlays").set_value(True).run()
    assert not at.exception
    alts = [image.alt for element in at.image for image in element.proto.imgs]
    assert len(alts) == 3 * len(names)
    assert "CNN, Grad-CAM for Melanocytic nevus" in alts[1]
    assert "CNN-SA, Soft attention" in alts[2]
    assert [c.predicted for c in classifiers.values()] == [0, 0]
    calls = [len(c.explained) for c in classifiers.values()]
    at.run()
    assert [len(c.explained) for c in classifiers.values()] == calls


def test_a_run_without_weights_has_pictures_but_says_why_it_has_no_overlay(open_compare, drawn):
    index = load_evaluation_set("ham10000:test", paths.data_dir()).index
    write_evaluation(drawn, LEAKY, "cnn", index, leaks=True, seed=9)
    at = choose(open_compare("Confusion", drawn), "compare-second", LEAKY)
    at = choose_cell(show(at, "Confusion"), "first", "nv", "nv")
    at.toggle(key="cases-overlays").set_value(True).run()
    assert not at.exception
    assert LEAKY in texts(at).replace("\\", "")
    alts = [image.alt for element in at.image for image in element.proto.imgs]
    assert len(alts) == 2 * len(listed(at))


def test_a_broken_data_folder_leaves_the_probabilities(open_compare, tmp_path, monkeypatch):
    monkeypatch.setenv("SKINMODEL_DATA", str(tmp_path / "nothing"))
    at = choose_cell(open_compare("Confusion"), "second", "nv", "nv")
    assert at.error[0].proto.title == "The pictures cannot be shown"
    assert listed(at)
    assert [b for b in at.button if b.label == "Look again"]


def test_threshold_gives_sensitivity_specificity_and_predictive_values(open_compare, results):
    at = open_compare("Thresholds")
    at.slider(key="threshold-level-Threshold").set_value(20)
    [prevalence] = [n for n in at.number_input if "Prevalence" in n.label]
    prevalence.set_value(5.0).run()
    table = at.table[0].value
    for measured in open_pair(results).both:
        truth, probabilities, _ = measured.arrays
        point = at_threshold(*target_of("melanoma", truth, probabilities), 0.2)
        shown = table[measured.label]
        assert shown["Sensitivity"].startswith(f"{point.sensitivity:.3f} (")
        assert shown["Specificity"].startswith(f"{point.specificity:.3f} (")
        found = point.sensitivity, point.specificity
        assert shown["PPV"] == f"{ppv_at(*found, 0.05):.3f}"
        assert shown["NPV"] == f"{npv_at(*found, 0.05):.3f}"
        assert shown["Of 1,000 patients: found"] == f"{50 * point.sensitivity:.0f}"
        assert shown["flagged without cause"] == f"{950 * (1 - point.specificity):.0f}"


def test_threshold_by_sensitivity_is_each_networks_own_and_marked_as_flattering(
    open_compare, results
):
    at = open_compare("Thresholds")
    at.segmented_control(key="threshold-target").set_value("malignant").run()
    at.segmented_control(key="threshold-by").set_value("Sensitivity").run()
    at.slider(key="threshold-level-Sensitivity").set_value(80).run()
    table = at.table[0].value
    assert len(set(table.loc["Threshold"])) == 2
    for text in table.loc["Sensitivity"]:
        assert float(text.split()[0]) >= 0.8
    assert "chosen on these very images" in texts(at)
    assert "melanoma, basal cell carcinoma and actinic keratosis" in texts(at)


def test_small_subgroups_get_no_figure(open_compare, results):
    at = open_compare("Subgroups")
    at = choose(at, "subgroup-attribute", "site")
    table = at.table[0].value
    assert table.loc["ear", "CNN"] == "too small (under 20 lesions)"
    assert "too small" not in table.loc["back", "CNN"]
    [chart] = charts(at)
    points = spec(chart)["data"][0]
    assert points["text"] == ["back"]
    assert "ear, 6 lesions: too small" in note_of(chart)


def test_training_curves_offer_what_was_kept(open_compare):
    at = open_compare("Training")
    control = at.segmented_control(key="training-figure")
    assert control.options == ["Loss", "Macro AUC"]
    traces = spec(charts(at)[0])["data"]
    assert [t["name"] for t in traces] == [
        "CNN, training",
        "CNN, validation",
        "CNN-SA, training",
        "CNN-SA, validation",
    ]
    at = show(choose(at, "compare-second", LEAKY), "Training")
    assert "are not kept" in texts(at)
    assert len(spec(charts(at)[0])["data"]) == 2


def test_the_reports_tables_stand_as_printed_beside_ours(open_compare, results):
    at = open_compare("The report")
    first, second = at.table[0].value, at.table[1].value
    assert first.loc["df", "Precision, report"] == "0.56"
    assert second.loc["nv", "Recall, report"] == "0.79"
    assert first.loc["mel", "Support, report"] == "2,204"
    ours = open_pair(results).first.report.metrics["recall.mel"]
    assert first.loc["mel", "Recall, ours"].startswith(f"{ours.value:.2f} (")
    assert texts(at).count("The report's figures leak: too good") == 2
    assert "Random split of pictures" in texts(at)
    [control] = [c for c in at.segmented_control if c.label == "Table of the report"]
    control.set_value("5").run()
    row = [name for name in at.table[0].value.index if name.startswith("ak")]
    assert row == ["ak †"]
    assert "A recall of 0.34 with 7 cases cannot be" in texts(at)


def test_isic2019_opens_the_reports_table_5(open_compare):
    at = choose(open_compare("The report"), "compare-dataset", "isic2019")
    at = show(at, "The report")
    assert at.table[0].value.loc["nv", "Support, report"] == "280"


def test_the_worth_of_the_leak_is_shown_where_it_was_measured(open_compare, results, tmp_path):
    assert "Not measured" in texts(open_compare("The report"))
    line = {"weights": "The report's CNN", "images": 50, "lesions": 30, "missing": "df vasc"}
    for name in LEAK_FIGURES:
        line |= {name: 0.9, f"{name}_low": 0.8, f"{name}_high": 0.95}
    lines = [{**line, "dataset": name} for name in LEAK_DATASETS]
    root = shutil.copytree(results, tmp_path / "results")
    pd.DataFrame(lines).to_csv(root / evaluations.LEAK_TABLE, index=False)
    at = open_compare("The report", root)
    rows = evaluations.read_leak_table()
    table = at.table[0].value
    badges = [":red-badge" in text for text in table["Measured on"]]
    assert badges == [row.leaks for row in rows]
    assert sum(badges) == 2
    assert table["Accuracy"].iloc[0].replace("\u00a0", " ") == "0.900 (0.800 to 0.950)"
    assert "No case of df, vasc" in texts(at)


def test_own_evaluations_are_offered_beside_those_that_ship(open_compare):
    write_evaluation(paths.evaluations(), "own-run", "cnn", make_index(), seed=5)
    at = open_compare()
    [second] = [b for b in at.selectbox if b.label == "Second network"]
    assert "CNN · own-run" in second.options
    at = choose(at, "compare-second", "own-run")
    assert f"CNN {CNN}" in at.table[0].value.columns  # two of one network are told apart
    assert "CNN own-run" in at.table[0].value.columns


def test_a_damaged_own_evaluation_takes_nothing_down(open_compare):
    folder = paths.evaluations() / "own" / "ham10000-test"
    folder.mkdir(parents=True)
    (folder / FILE).write_text("{}", encoding="utf-8")
    at = open_compare()
    assert at.error[0].proto.title == "An evaluation is left out"
    assert "cannot be read" in at.error[0].value
    assert at.table


def test_damaged_predictions_are_named(open_compare):
    folder = write_evaluation(paths.evaluations(), "own", "cnn_sa", make_index())
    (folder / PREDICTIONS).write_text("image_id,truth\nISIC_1,wart\n", encoding="utf-8")
    at = choose(open_compare(), "compare-second", "own")
    assert at.error[0].proto.title == "These two runs cannot be compared"
    assert "predictions" in at.error[0].value
    assert not at.table


def test_runs_on_other_images_are_not_compared(open_compare):
    write_evaluation(paths.evaluations(), "own", "cnn_sa", make_index(seed=3))
    at = choose(open_compare(), "compare-second", "own")
    assert "not of the same images" in at.error[0].value
    assert not at.table


def test_one_run_alone_or_none_is_said_with_the_command(open_compare, tmp_path):
    at = open_compare(root=tmp_path / "empty")
    assert "python -m skinmodel evaluate" in at.info[0].value
    write_evaluation(tmp_path / "one", CNN, "cnn", make_index())
    at = open_compare(root=tmp_path / "one")
    assert f"Only one run is measured on this set, {CNN}" in at.info[0].value


def test_choice_outlives_a_visit_to_another_page(open_compare):
    at = choose(open_compare(), "compare-dataset", "isic2019")
    at.switch_page("about/page.py").run()
    at.switch_page(PAGE).run()
    assert at.selectbox(key="compare-dataset").value == "isic2019"


def test_a_saved_table_says_where_it_comes_from(results):
    pair = open_pair(results)
    table = pd.read_csv(BytesIO(render_csv(pd.DataFrame({"value": [1.5, np.nan]}), pair)))
    assert list(table["first_run"]) == [CNN] * 2
    assert list(table["second_network"]) == ["cnn_sa"] * 2
    assert list(table["disclaimer"]) == [DISCLAIMER] * 2
    assert table["value"].isna().tolist() == [False, True]
    assert not table["first_leaks"].any()


def test_a_run_stays_chosen_on_every_set_it_is_measured_on(open_compare):
    for dataset, seed in (("ham10000:test", 5), ("isic2019", 6)):
        codes = CODES if dataset == "ham10000:test" else CODES[:-1]
        index = make_index(160 if dataset == "ham10000:test" else 120, codes)
        write_evaluation(paths.evaluations(), "own", "cnn", index, dataset=dataset, seed=seed)
    at = choose(open_compare(), "compare-second", "own")
    at = choose(at, "compare-dataset", "isic2019")
    assert chosen_runs(at) == [CNN, "own"]
    at = choose(at, "compare-first", CNN_SA)
    at = choose(at, "compare-dataset", "ham10000-test")
    assert chosen_runs(at) == [CNN_SA, "own"]


def test_a_run_that_a_set_lacks_is_named_and_comes_back(open_compare):
    at = choose(open_compare(), "compare-second", LEAKY)
    at = choose(at, "compare-dataset", "isic2019")
    assert chosen_runs(at) == [CNN, CNN_SA]
    assert f"{LEAKY} is not measured on this data set" in texts(at).replace("\\", "")
    at = choose(at, "compare-dataset", "ham10000-test")
    assert chosen_runs(at) == [CNN, LEAKY]
    assert "is not measured on this data set" not in texts(at)


def chosen_runs(at):
    return [b.value for b in at.selectbox if b.label in ("First network", "Second network")]


def test_training_curves_are_said_to_be_of_each_runs_own_split(open_compare, results, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "app.compare.presentation.show_save_button", lambda *given: saved.append(given)
    )
    at = open_compare("Training")
    note = note_of(charts(at)[0])
    assert "parts of each run's own split" in note
    assert "test" not in note.lower()
    render, file, _ = saved[-1]  # those before are of the section that opens first
    table = pd.read_csv(BytesIO(render()))
    assert set(table["data_set"]) == {"Training and validation parts of each run's own split"}
    assert "test" not in file


@pytest.mark.parametrize("section", SECTIONS)
def test_a_network_the_program_no_longer_has_breaks_no_section(open_compare, section):
    write_evaluation(paths.evaluations(), "own", "gone_net", make_index(), seed=5)
    at = open_compare(section)
    assert not at.error
    if section == "Headline":
        runs = [str(row) for table in at.table for row in table.value.index]
        assert any("gone" in row and "`own`" in row for row in runs)
    at = show(choose(at, "compare-second", "own"), section)
    assert not at.error


def test_a_folder_of_ones_own_is_not_told_to_set_the_data_folder(open_compare):
    for run_id, model in (("own-a", "cnn"), ("own-b", "cnn_sa")):
        write_evaluation(
            paths.evaluations(), run_id, model, make_index(), dataset="folder:mine-0123abcd"
        )
    at = choose(open_compare("Confusion"), "compare-dataset", "folder-mine-0123abcd")
    at = choose_cell(show(at, "Confusion"), "first", "nv", "nv")
    assert "SKINMODEL_DATA" not in texts(at)
    assert "folder of your own" in texts(at)


def test_a_single_run_on_a_folder_of_ones_own_gets_a_command_that_works(open_compare):
    write_evaluation(
        paths.evaluations(), "own-a", "cnn", make_index(), dataset="folder:mine-0123abcd"
    )
    at = choose(open_compare(), "compare-dataset", "folder-mine-0123abcd")
    [told] = [i.value for i in at.info if "Measure another" in i.value]
    assert "--dataset" not in told
    assert "--images DIR --truth FILE" in told


def test_no_difference_is_read_from_two_intervals(open_compare):
    at = open_compare()
    assert "overlap" not in texts(at)
    assert "Choose them above for their paired difference" in texts(at)
