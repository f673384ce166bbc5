"""What may be claimed of maps, and which method a network's measurements favour."""

from dataclasses import replace

import pytest
from maps import make_report, write_maps

from app.shared import maps as words
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.faithfulness.report import FILE, read_report
from skinmodel.faithfulness.verdict import (
    FOLDER,
    LEAST_MAPS,
    choose_method,
    describe_fault,
    judge,
    read_of_run,
)

METHODS = ("soft_attention", "grad_cam", "layer_cam", "smooth_grad")


def report(**kinds):
    return make_report("r1", "cnn_sa", kinds)


def test_sound_and_broken_maps_get_the_verdicts_they_deserve():
    made = report(soft_attention="sound", grad_cam="centre", layer_cam="random")
    sound, centre, random = (judge(made.methods[m]) for m in METHODS[:3])
    assert (sound.passed, sound.follows, sound.unbeaten) == (3, True, ())
    assert (centre.knows_place, centre.beats_centre, centre.follows) == (False, False, False)
    assert len(centre.unbeaten) == 2
    assert (random.beats_centre, random.is_used) == (False, False)


def test_a_map_that_needs_no_weights_shows_nothing_learned_and_is_no_default():
    made = report(soft_attention="random", grad_cam="sound")
    sound = made.methods["grad_cam"]
    assert judge(sound).is_learned
    for value, learned in ((0.72, False), (float("nan"), True)):
        alike = {**sound.figures, "weights_2": Interval(value, value, value)}
        changed = replace(sound, figures=alike)
        assert judge(changed).is_learned is learned
        chosen = choose_method(
            METHODS, replace(made, methods={**made.methods, "grad_cam": changed})
        )
        assert chosen == ("grad_cam" if learned else "soft_attention")
        assert ("does not show what was learned" in words.describe_claim(changed)) is not learned
        assert ("how the network is built" in words.list_claims(changed)[4]) is not learned


def test_on_few_maps_nothing_is_claimed():
    sound = report(soft_attention="sound").methods["soft_attention"]
    few = replace(sound, masked=LEAST_MAPS - 1)
    assert judge(few).passed == 0
    assert words.list_claims(few) == (
        f"Measured on {LEAST_MAPS - 1} maps only: nothing is claimed.",
    )


def test_the_favoured_method_passes_most_and_is_quick():
    assert choose_method(METHODS, None) == "soft_attention"
    made = report(soft_attention="random", grad_cam="sound", smooth_grad="sound")
    assert choose_method(METHODS, made) == "grad_cam"
    assert choose_method(METHODS, report(soft_attention="random", smooth_grad="sound")) == (
        "soft_attention"
    )
    assert choose_method(METHODS, report(layer_cam="sound")) == "soft_attention"
    # A map of all but the lesion follows it and passes nothing else: today's default stands.
    nothing = report(soft_attention="random", grad_cam="upside_down")
    assert judge(nothing.methods["grad_cam"]).follows
    assert judge(nothing.methods["grad_cam"]).passed == 0
    assert choose_method(METHODS, nothing) == "soft_attention"


def test_of_methods_that_pass_alike_the_one_most_on_the_lesion_is_favoured():
    made = report(soft_attention="sound", grad_cam="sound")
    better = made.methods["grad_cam"]
    more = {**better.differences, "mass_over_mean": Interval(0.9, 0.8, 1.0)}
    methods = {**made.methods, "grad_cam": replace(better, differences=more)}
    assert choose_method(METHODS, replace(made, methods=methods)) == "grad_cam"


def test_reports_are_found_and_a_wrong_one_is_refused(tmp_path):
    write_maps(tmp_path / "b", "r1", "cnn_sa", {"grad_cam": "sound"})
    roots = [tmp_path / "a", tmp_path / "b"]
    found, folder = read_of_run("r1", roots)
    assert (found.run_id, folder) == ("r1", tmp_path / "b" / "r1" / FOLDER)
    assert read_of_run("r2", roots) is None
    (tmp_path / "b" / "r1").rename(tmp_path / "b" / "r2")
    with pytest.raises(ConfigError, match="speaks of run 'r1'; 'r2' was expected"):
        read_of_run("r2", roots)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1, "methods": {}}'])
def test_a_damaged_report_is_said_in_words(tmp_path, text):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"[Mm]easure again"):
        read_report(tmp_path)


# --- what pages say ---


def test_the_line_under_a_map_holds_the_figures_of_the_file():
    made = report(soft_attention="sound")
    figures = made.methods["soft_attention"].figures
    line = words.describe_measured(made, "soft_attention")
    assert line.startswith("On 40 pictures of test lesions this map put ")
    for name in ("mass", "mass_mean", "mass_gaussian"):
        assert f"{100 * figures[name].value:.0f} %" in line
    assert f"lowers the leading probability by {100 * figures['drop'].value:.1f} points" in line
    assert words.describe_measured(None, "grad_cam") == words.UNMEASURED
    assert words.describe_measured(made, "grad_cam") == words.UNMEASURED


def test_a_leak_is_said_and_a_rise_is_not_called_a_fall():
    leaky = replace(report(soft_attention="sound"), leaks=True)
    assert "trained on pictures of these lesions" in words.describe_measured(
        leaky, "soft_attention"
    )
    assert words.describe_drop(Interval(-0.02, -0.03, 0)) == (
        "raises the leading probability by 2.0 points"
    )


def give_effect(made, effect):
    soft = replace(made.methods["soft_attention"], effect=effect)
    return replace(made, methods={**made.methods, "soft_attention": soft})


def test_an_attention_without_effect_is_marked_and_never_the_default():
    made = report(soft_attention="sound", grad_cam="sound", layer_cam="centre")
    methods = ["soft_attention", "grad_cam", "layer_cam"]
    idle, works = give_effect(made, 0.0), give_effect(made, 0.03)
    assert describe_fault(works, "soft_attention") == describe_fault(made, "soft_attention") == ""
    assert describe_fault(idle, "soft_attention").startswith("Without effect on the answer: ")
    assert choose_method(methods, works) == "soft_attention"
    assert choose_method(methods, idle) == "grad_cam"
    assert "changes no probability" in words.describe_measured(idle, "soft_attention")
    assert "moves 3.0 points of probability" in words.describe_measured(works, "soft_attention")
    assert "Switched off" not in words.describe_measured(made, "soft_attention")
    soft = idle.methods["soft_attention"]
    assert words.describe_claim(soft) == "The network's answer does not depend on it."
    assert words.list_claims(soft)[0] == words.describe_claim(soft)


def test_a_soft_attention_that_outlines_have_guided_is_called_that_and_no_other_map():
    made = report(soft_attention="sound", grad_cam="sound")
    guided = replace(made, guided=True)
    assert words.GUIDED in words.describe_measured(guided, "soft_attention")
    assert words.GUIDED not in words.describe_measured(guided, "grad_cam")
    assert words.GUIDED not in words.describe_measured(made, "soft_attention")


def test_only_a_map_that_beats_both_controls_goes_unmarked():
    made = report(soft_attention="sound", grad_cam="centre")
    assert words.describe_mark(made, "soft_attention") == ""
    mark = words.describe_mark(made, "grad_cam")
    assert "No better than its controls" in mark
    assert "its own average over other pictures and a blob in the middle" in mark
    assert words.describe_mark(None, "grad_cam") == ""
    plain = describe_fault(made, "grad_cam")
    assert plain.startswith("No better than its controls: over test lesions its own average")
    assert "*" not in plain
    assert describe_fault(made, "soft_attention") == ""


def test_claims_follow_the_verdict():
    sound, centre = (
        words.list_claims(m)
        for m in report(soft_attention="sound", grad_cam="centre").methods.values()
    )
    assert len(sound) == len(centre) == 5
    assert "knows where this lesion is" in sound[0]
    assert "may only know where lesions usually are" in centre[0]
    assert not set(sound[:2]) & set(centre[:2])
