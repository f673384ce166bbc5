"""The chapter on dermoscopy, the questions at a chapter's end, and turning to the next chapter."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app import services
from app.learn.dermoscopy import OTHERS, PATTERNS, read_appearance, read_signs
from app.learn.page import CHAPTERS
from app.learn.self_check import read_checks
from app.services.samples import HeldOutImages
from app.shared.content import read_sections
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.drawings.signs import SIGNS
from skinmodel.lessons.dermoscopy import SEVEN_POINTS

PAGE = "learn/page.py"


@pytest.fixture
def dermoscopy(open_dashboard):
    at = open_dashboard().switch_page(PAGE).run()
    at.session_state["learn-chapter"] = "Dermoscopy"
    return run(at)


def run(at):
    at.run()
    assert not at.exception
    assert not at.error
    return at


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.success, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def alts(at):
    return [image.alt for element in at.image for image in element.proto.imgs]


def test_every_sign_is_drawn_with_its_words(dermoscopy):
    found = alts(dermoscopy)
    for name in (*PATTERNS, *SEVEN_POINTS, *OTHERS):
        assert f"Drawing: {name}." in found
        assert read_signs()[name] in texts(dermoscopy)
    assert {*PATTERNS, *SEVEN_POINTS, *OTHERS} == set(read_signs())
    assert set(SIGNS) <= set(read_signs())


def test_ticks_are_added_up_and_judged(dermoscopy):
    at = dermoscopy
    assert at.metric[0].value == "0 of 10"
    assert "neither threshold" in texts(at)
    at.checkbox(key="seven-irregular streaks").check()
    assert "asks for 1 point." in texts(run(at))
    at.checkbox(key="seven-blue-white veil").check()
    run(at)
    assert at.metric[0].value == "3 of 10"
    assert "To be taken for a melanoma" in texts(at)


def test_the_abcd_score_is_computed(dermoscopy):
    at = dermoscopy
    assert "1.3 × 1 + 0.1 × 2 + 0.5 × 2 + 0.5 × 1 = **3.0**" in texts(at)
    at.slider(key="abcd-a").set_value(2)
    at.slider(key="abcd-b").set_value(8)
    assert "= **4.9**, from 4.75 to 5.45: **suspicious**" in texts(run(at))
    at.multiselect(key="abcd-c").set_value([])
    assert "at least one colour" in texts(run(at))


@pytest.mark.parametrize("code", CODES)
def test_every_diagnosis_says_what_it_shows(code):
    assert len(read_appearance(code)) > 100
    assert "[1]" in read_appearance(code)


def test_a_diagnosis_is_drawn_and_without_data_stands_alone(dermoscopy):
    at = dermoscopy
    at.pills(key="dermoscopy-diagnosis").set_value("df")
    at = run(at)
    assert "Drawing of dermatofibroma." in alts(at)
    assert read_appearance("df") in texts(at)
    assert not [alt for alt in alts(at) if alt.startswith("Test picture")]


def test_test_pictures_stand_beside_the_drawing_where_there_are_data(
    dermoscopy, tmp_path, monkeypatch
):
    rows = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((120, 160, 3), 60 * number, np.uint8)).save(path)
        code = "nv" if number else "mel"
        rows.append((f"ISIC_{number}", code, "histo", str(path)))
    table = pd.DataFrame(rows, columns=["image_id", "truth", "dx_type", "path"])
    images = HeldOutImages(table, "a split")
    monkeypatch.setattr(services, "read_test_images", lambda: images)
    at = run(dermoscopy)
    shown = [alt for alt in alts(at) if alt.startswith("Test picture")]
    assert len(shown) == 2
    assert "Test picture ISIC_0." not in shown
    assert "confirmed by histopathology" in texts(at)


def test_every_reference_is_used_and_leads_somewhere():
    sections = read_sections("learn_dermoscopy")
    listed = re.findall(r"^(\d+)\. .*\]\((https://doi\.org/10\.[^)\s]+)\)$",
                        sections["references"], re.MULTILINE)  # fmt: skip
    assert [int(number) for number, _ in listed] == list(range(1, len(listed) + 1))
    assert len({address for _, address in listed}) == len(listed)
    text = "\n".join(text for name, text in sections.items() if name != "references")
    used = {int(n) for n in re.findall(r"\[(\d+)\]", text)}
    assert used | {2} == set(range(1, len(listed) + 1))
    theirs = read_sections("dermoscopy")["references"]
    for _, address in listed[:2]:
        assert address in theirs


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_ends_in_two_questions(chapter):
    checks = read_checks(CHAPTERS[chapter].checks)
    assert len(checks) == 2
    assert len({check.question for check in checks}) == 2


def test_an_answer_is_judged_and_explained(dermoscopy):
    at = dermoscopy
    first, second = read_checks("dermoscopy")
    assert first.why not in texts(at)
    at.radio(key="check-dermoscopy-1").set_value(first.right)
    at.radio(key="check-dermoscopy-2").set_value((second.right + 1) % len(second.options))
    at.run()
    assert at.success[0].value == f"Right. {first.why}"
    assert second.options[second.right] in at.error[0].value
    assert second.why in at.error[0].value


def test_one_turns_to_the_next_chapter_and_back(open_dashboard):
    at = open_dashboard().switch_page(PAGE).run()
    names = list(CHAPTERS)
    labels = [b.label for b in at.button if (b.key or "").startswith("learn-turn")]
    assert labels == [f"Next: {names[1]}"]
    at.button(key="learn-turn-on").click()
    at = run(at)
    assert [h.value for h in at.header] == [names[1]]
    [script] = [h.proto.body for h in at.get("html") if "skinmodelStep" in h.proto.body]
    assert '"learn-heading-1"' in script
    at.button(key="learn-turn-back").click()
    at = run(at)
    assert [h.value for h in at.header] == [names[0]]
    at.session_state["learn-chapter"] = names[-1]
    labels = [b.label for b in run(at).button if (b.key or "").startswith("learn-turn")]
    assert labels == [f"Previous: {names[-2]}"]


def test_the_names_of_the_page_are_those_of_the_package():
    assert set(read_sections("learn_checks")) == {c.checks for c in CHAPTERS.values()}
    assert all(get_diagnosis(code).name for code in CODES)
