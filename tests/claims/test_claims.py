"""Markers are read, checked and written anew, also where the weights are others."""

import json
import shutil
from dataclasses import replace

import pytest

from skinmodel.claims.blocks import render_difference, write_block
from skinmodel.claims.claim import Claim, check, find_places, judge, parse_claim, write_value
from skinmodel.claims.documents import find_faults, find_unmarked, write_document
from skinmodel.claims.facts import Facts, compute_overconfidence
from skinmodel.claims.markdown import find_generated, find_sentences, strip_markers
from skinmodel.cli.main import main
from skinmodel.errors import ClaimError
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.calibration import Bin, Calibration
from skinmodel.paths import ASSETS

FACTS = Facts(ASSETS)
# Nothing here knows a figure of the shipped weights: others may come.
OLD, NEW = FACTS.records["cnn"].run_id, "cnn-drawn-s9-0badcafe"
ACCURACY = FACTS.report("cnn", "ham10000-test").metrics["accuracy"].value
README = """# Drawn

<!-- generated: results ham10000-test -->
old
<!-- end generated -->

The CNN reaches FIGURE <b>here</b>. <!-- claim: report/cnn/ham10000-test/accuracy = FIGURE --> More
is said after it. CNN-SA is right
more often. <!-- claim: difference/cnn_sa/cnn/ham10000-test/accuracy larger -->
""".replace("FIGURE", f"{ACCURACY:.3f}")


def hold(text):
    return check(parse_claim(text), FACTS)


# --- sentences ---


def test_sentences_and_their_markers_are_told_apart():
    text = (
        "# Head\n\nOne of P. Tschandl, Sci. Data 5. Two! <!-- claim: a = 1; b < 2 --> Three,\n"
        "wrapped.\n- Four\n- Five\n\n| six | 1 |\n```sh\nrun # seven\n```\n$$\n8\n$$\n"
    )
    found = find_sentences(text)
    assert [s.text for s in found] == [
        "One of P. Tschandl, Sci. Data 5.",
        "Two!",
        "Three, wrapped.",
        "- Four",
        "- Five",
        "| six | 1 |",
        "seven",
    ]
    assert [s.claims for s in found if s.claims] == [("a = 1", "b < 2")]
    assert {s.section for s in found[:-1]} == {"Head"}
    for sentence in found:
        assert " ".join(text[sentence.start : sentence.end].split()) == sentence.text


@pytest.mark.parametrize(
    "text",
    [
        "A sentence.\n<!-- claim: a = 1 -->",
        "<!-- claim: a = 1 --> A sentence.",
        "A sentence. <!-- claim: a = 1 --> <!-- claim: b = 1 -->",
        "A sentence. <!-- claim: a = 1",
        "A sentence. <!-- claims: a = 1 -->",
    ],
)
def test_a_marker_that_marks_nothing_is_refused(text):
    with pytest.raises(ClaimError, match="marker"):
        find_sentences(text)


def test_generated_parts_are_found_and_hold_no_sentence():
    text = "One.\n<!-- generated: a b -->\nTwo 2.\n<!-- end generated -->\nThree.\n"
    [part] = find_generated(text)
    assert (part.call, part.body, text[part.start : part.end]) == ("a b", "Two 2.\n", "Two 2.\n")
    assert [s.text for s in find_sentences(text)] == ["One.", "Three."]
    with pytest.raises(ClaimError, match="does not begin or does not end"):
        find_generated("<!-- generated: a b -->\nTwo.\n")


def test_a_reader_sees_no_marker():
    text = "One. <!-- claim: a\n = 1 --> Two.\n"
    assert strip_markers(text) == "One. Two.\n"
    assert (
        strip_markers(f"<!-- generated: a b -->\n{text}<!-- end generated -->\n") == "One. Two.\n"
    )
    assert strip_markers("<!-- shipped networks -->") == "<!-- shipped networks -->"


def test_only_sentences_with_a_figure_or_a_comparison_need_a_marker():
    text = "It is better. It is. HAM10000 is. It is 5. It is 6. <!-- claim: a = 6 -->"
    assert [s.text for s in find_unmarked(text)] == ["It is better.", "It is 5."]


# --- claims ---


def test_claims_are_read():
    assert parse_claim("a/b = 16 points") == Claim("a/b = 16 points", "a/b", "=", "16 points")
    assert parse_claim("a/b not shown") == Claim("a/b not shown", "a/b", "not shown")
    for wrong in ("a/b", "a/b = much", "a/b < ", "a/b is 1", "a/b largest", "a/b > c d"):
        with pytest.raises(ClaimError, match="cannot be read"):
            parse_claim(wrong)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 0.2, "larger"), (-0.2, -0.1, "smaller"), (-0.1, 0.1, "not shown"), (0, 1, "not shown")],
)
def test_a_difference_is_judged_by_its_interval(low, high, word):
    assert judge(Interval(0.0, low, high)) == word
    assert judge(Interval(0.0, float("nan"), float("nan"))) == "not defined"


def test_a_difference_is_that_of_the_saved_comparison_in_either_order():
    folder = ASSETS / "results" / "comparisons"
    runs = [FACTS.records[m].run_id for m in ("cnn", "cnn_sa")]
    saved = json.loads((folder / f"ham10000-test--{runs[0]}--{runs[1]}.json").read_text())
    expected = saved["comparison"]["differences"]["accuracy"]
    there = FACTS.difference("difference/cnn_sa/cnn/ham10000-test/accuracy")
    back = FACTS.difference("difference/cnn/cnn_sa/ham10000-test/accuracy")
    assert there.to_dict() == expected
    assert (back.value, back.low, back.high) == (-there.value, -there.high, -there.low)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("report/cnn/ham10000-test/images = 2,004", "it is 2,003"),
        (f"report/cnn/ham10000-test/accuracy = {ACCURACY:.2f}", None),
        (f"report/cnn/ham10000-test/accuracy = {100 * ACCURACY:.0f} %", None),
        ("report/cnn/ham10000-test/accuracy = 1.0 points", f"it is {100 * ACCURACY:.1f} points"),
        ("report/cnn/ham10000-test/accuracy > 0.01", None),
        ("report/*/ham10000-test/accuracy < 0.01", "report/cnn/ham10000-test/accuracy is 0."),
        ("report/*/ham10000-test/images < report/*/isic2019/images", None),
        (
            "report/{cnn,cnn_sa}/isic2019/images < report/{cnn,cnn_sa}/isic2019/lesions",
            "is 1.485e+04",
        ),
        ("min/report/*/isic2019/images = 14,849", None),
        ("counts/grouped/test/pictures = 2,003", None),
        ("counts/isic2019/missing/lesion_id = 2,084", None),
        ("counts/leakage/report/all/either = 7,104", None),
        ("counts/augmentation/pictures/all = 26,565", None),
        (f"weights/cnn/temperature = {FACTS.records['cnn'].temperature:.3f}", None),
        ("published/4b/accuracy = 0.91", None),
        ("leak/cnn/report/isic2019/images = 14,849", None),
    ],
)
def test_claims_are_checked_against_the_files(text, reason):
    found = hold(text)
    assert found is None if reason is None else reason in found


@pytest.mark.parametrize(
    "path",
    [
        "report/cnn/nowhere/accuracy",
        "report/vgg16/ham10000-test/accuracy",
        "report/cnn/ham10000-test/ece.never",
        "report/cnn",
        "counts/ham10000/images/scc",
        "counts/ham10000/images",
        "counts/grouped/dev/pictures",
        "counts/report/train/lesions",
        "published/1/accuracy",
        "leak/cnn/ours/report-test/accuracy",
        "weights/cnn/loss",
        "nothing/at/all",
        "difference/cnn/vgg16/isic2019/accuracy",
    ],
)
def test_a_path_without_a_figure_is_refused(path):
    with pytest.raises(ClaimError):
        FACTS.value(path)


def test_overconfidence_is_confidence_minus_share_right():
    bins = (
        Bin(0, 0.5, 1, 0.4, 1.0),
        Bin(0.5, 0.7, 0, float("nan"), float("nan")),
        Bin(0.7, 1, 3, 0.8, 0.5),
    )
    found = compute_overconfidence(Calibration(0.0, 0.0, 0.0, bins))
    assert found == pytest.approx((1 * (0.4 - 1.0) + 3 * (0.8 - 0.5)) / 4)


def test_figures_are_found_as_whole_numbers_and_in_order():
    claims = [parse_claim(f"a = {text}") for text in ("1.5", "5", "5", "−3 points")]
    text = "11.5, 1.5, 1.55, 15, 5 and 5.0 then 5, −3\npoints"
    assert [text[slice(*p)] for p in find_places(claims, text)] == ["1.5", "5", "5", "−3\npoints"]
    places = find_places([parse_claim("a = 2"), parse_claim("a = 1")], "1 and 2")
    assert places[1] is None


def test_a_value_is_written_as_it_was_rounded():
    claim = parse_claim("published/4b/accuracy = about 0.7 of them")
    assert write_value(claim, FACTS) == "about 0.9 of them"
    assert write_value(replace(claim, other="9.99 %"), FACTS) == "91.00 %"


# --- generated parts ---


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Interval(0.016, 0.002, 0.029), "**+1.6 (+0.2 to +2.9)**"),
        (Interval(-0.02, -0.037, -0.003), "**−2.0 (−3.7 to −0.3)**"),
        (Interval(0.012, -0.013, 0.037), "+1.2 (−1.3 to +3.7)"),
    ],
)
def test_a_difference_is_bold_only_where_it_is_shown(difference, text):
    assert render_difference(difference) == text


def test_the_table_of_differences_says_what_their_number_means():
    body = write_block("differences cnn_sa-cnn ham10000-test ham10000-test-8-views", FACTS)
    rows = [line for line in body.splitlines() if line.startswith("| CNN-SA − CNN")]
    found = FACTS.difference("difference/cnn_sa/cnn/ham10000-test/macro_auc")
    assert len(rows) == 2
    assert rows[0].split(" | ")[4] == render_difference(found)
    assert "These are 6 differences" in body
    assert "one in twenty would be claimed by chance" in body


@pytest.mark.parametrize("call", ["results", "poem isic2019", ""])
def test_what_nothing_writes_is_refused(call):
    with pytest.raises(ClaimError, match="Nothing writes"):
        write_block(call, FACTS)


# --- new weights ---


@pytest.fixture
def repository(tmp_path):
    """A repository in which the CNN is another run with an accuracy of 0.81."""
    for name in ("content", "weights"):
        (tmp_path / "assets" / name).mkdir(parents=True)
    shutil.copytree(
        ASSETS / "results", tmp_path / "assets" / "results", ignore=shutil.ignore_patterns("*.csv")
    )
    shutil.copy(ASSETS / "weights" / "manifest.json", tmp_path / "assets" / "weights")
    for file in (tmp_path / "assets").rglob("*.json"):
        if OLD in (text := file.read_text()):
            file.write_text(text.replace(OLD, NEW))
    for file in sorted((tmp_path / "assets" / "results").rglob(f"*{OLD}*"), reverse=True):
        file.rename(file.with_name(file.name.replace(OLD, NEW)))
    results = tmp_path / "assets" / "results"
    change(results / f"{NEW}/ham10000-test/report.json", "metrics", 0.81)
    [file] = (results / "comparisons").glob(f"ham10000-test--{NEW}--cnn_sa-*.json")
    change(file, "comparison", -0.09)
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    return tmp_path


def change(file, part, value):
    values = json.loads(file.read_text())
    figures = values[part].get("differences", values[part])
    figures["accuracy"] = {"value": value, "low": value - 0.01, "high": value + 0.01}
    file.write_text(json.dumps(values))


def test_new_weights_need_one_command_which_names_what_no_longer_holds(repository, capsys):
    readme = repository / "README.md"
    assert main(["claims", "--root", str(repository)]) == 1
    assert readme.read_text(encoding="utf-8") == README
    out = capsys.readouterr().out
    assert f"{readme}:4: not what the reports say now" in out
    assert f"{readme}:7: 'report/cnn/ham10000-test/accuracy = {ACCURACY:.3f}' does not hold" in out

    assert main(["claims", "--write", "--root", str(repository)]) == 1
    text = readme.read_text(encoding="utf-8")
    assert "0.810 <b>here</b>. <!-- claim: report/cnn/ham10000-test/accuracy = 0.810 -->" in text
    assert f"Runs: CNN `{NEW}`" in text
    assert "0.810 (0.800 to 0.820) |" in text
    [fault] = find_faults(readme, Facts(repository / "assets"))
    assert fault.text == "CNN-SA is right more often."
    assert "is smaller (-10.00 to -8.00 points)" in fault.reason
    assert str(fault) in capsys.readouterr().out


def test_what_is_up_to_date_is_not_written(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(README, encoding="utf-8")
    assert write_document(file, FACTS)
    assert not write_document(file, FACTS)


def test_a_figure_that_the_sentence_does_not_say_is_named(tmp_path):
    file = tmp_path / "README.md"
    file.write_text("It is 0.9. <!-- claim: published/4b/accuracy = 0.91 -->\n")
    [fault] = find_faults(file, FACTS)
    assert "the sentence does not say '0.91'" in fault.reason
