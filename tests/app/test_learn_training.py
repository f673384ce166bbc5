"""Chapters 6 and 7 of the Learn page: gradients and the rules that follow them."""

import numpy as np
import pytest

from app.learn.optimizers import build_loss_chart, build_map
from skinmodel.lessons.optimizers import REPORT, RULES, SURFACES, Settings, descend


@pytest.fixture
def chapter(open_dashboard):
    """Factory: a chapter of the Learn page on the first drawing."""

    def open_(name):
        at = open_dashboard().switch_page("learn/page.py").run()
        at.session_state["learn-chapter"] = name
        at.run()
        assert not at.exception
        assert [h.value for h in at.header] == [name]
        return at

    return open_


def slider(at, label):
    [found] = [s for s in at.slider if s.label.startswith(label)]
    return found


def button(at, label):
    [found] = [b for b in at.button if b.label == label]
    return found


def test_back_propagation_takes_the_step_its_gradient_asks_for(chapter):
    at = chapter("Back-propagation")
    before = slider(at, "w,").value
    button(at, "Take the step").click().run()
    assert not at.exception
    assert slider(at, "w,").value != before


def test_optimizers_show_where_every_rule_ended(chapter):
    at = chapter("Optimizers")
    table = at.dataframe[0].value
    assert list(table["rule"]) == list(RULES)
    settings = Settings(10**-1.5, 0.9, 0.999, 1e-7)
    for row in table.to_dict("records"):
        path = descend(SURFACES["Long bowl"], RULES[row["rule"]], settings, 200)
        assert row["loss at the end"] == f"{path.losses[-1]:.4g}"


def test_the_reports_values_are_set_by_one_button(chapter):
    at = chapter("Optimizers")
    button(at, "Set the report's values").click().run()
    assert not at.exception
    assert 10 ** slider(at, "η").value == pytest.approx(REPORT.rate)
    assert slider(at, "β₁").value == REPORT.beta_1
    assert slider(at, "β₂").value == REPORT.beta_2
    assert 10 ** slider(at, "ε").value == pytest.approx(REPORT.epsilon)
    button(at, "Start again").click().run()
    assert slider(at, "η").value == -1.5


def test_a_rate_too_high_is_said_to_diverge(chapter):
    at = chapter("Optimizers")
    slider(at, "η").set_value(0.0).run()
    assert not at.exception
    assert "SGD" in at.warning[0].value
    table = at.dataframe[0].value.set_index("rule")
    assert table.loc["SGD", "went"] == "diverged"
    assert table.loc["Adam", "went"] == "stayed on the surface"


@pytest.mark.parametrize("name", list(SURFACES))
def test_charts_draw_the_paths_that_were_computed(name):
    paths = {r: descend(SURFACES[name], f, Settings(0.01), 50) for r, f in RULES.items()}
    drawn = {trace.name: trace for trace in build_map(SURFACES[name], paths).data}
    losses = {trace.name: trace for trace in build_loss_chart(paths).data}
    for rule, path in paths.items():
        assert np.array_equal(drawn[rule].x, path.weights[:, 0])
        least = min(0.0, *(p.losses.min() for p in paths.values()))
        assert np.allclose(losses[rule].y, np.maximum(path.losses - least, 1e-12))
    assert len({(t.line.dash, t.marker.symbol) for t in drawn.values() if t.name in RULES}) == 4
