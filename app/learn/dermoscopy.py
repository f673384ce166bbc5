"""Chapter 8: how a dermoscopic picture is read, by patterns and by two scores; what each shows."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import streamlit as st

from app import services
from app.learn.subject import name_subject
from app.services.attempts import Problem
from app.services.lessons import draw_diagnosis, draw_sign
from app.services.pictures import Picture, Truth, fit_to_screen
from app.shared import components
from app.shared.content import read_sections
from app.shared.wording import (
    describe_confirmation,
    lower_first,
    name_diagnosis,
    upper_first,
)
from skinmodel.diagnoses import DIAGNOSES, get_diagnosis
from skinmodel.drawings.signs import SIGNS
from skinmodel.lessons.dermoscopy import (
    COLOURS,
    MALIGNANT_TDS,
    MOST_ASYMMETRY,
    MOST_BORDER,
    REVISED_POINTS,
    SEVEN_POINTS,
    STRUCTURES,
    SUSPICIOUS_POINTS,
    SUSPICIOUS_TDS,
    add_points,
    compute_tds,
    read_tds,
)

_MULTICOMPONENT: Final = "multicomponent pattern"
PATTERNS: Final = (
    "typical network",
    "regular globules",
    "homogeneous area",
    "starburst",
    _MULTICOMPONENT,
)
OTHERS: Final = tuple(name for name in SIGNS if name not in (*PATTERNS, *SEVEN_POINTS))

_COLUMNS: Final = 3
_EXAMPLES: Final = 2
_SIDE: Final = 800  # pixels
_DRAW: Final = "dermoscopy-draw"
_LISTED: Final = re.compile(r"^- \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
_SEEN: Final = re.compile(r"\*\*Under the dermatoscope\.\*\* (.+)")


def show_dermoscopy(picture: Picture) -> None:
    """Show the methods of reading, the signs drawn, and the seven diagnoses."""
    texts = read_sections("learn_dermoscopy")
    for heading, section in (("", "intro"), ("Two steps", "order")):
        _explain(heading, texts[section])
    _explain("Pattern analysis", texts["patterns"])
    _show_signs(PATTERNS)
    _explain("The seven-point checklist", texts["seven"])
    _score_seven(picture)
    _explain("The ABCD rule", texts["abcd"])
    _score_abcd()
    _explain("Signs of other lesions", texts["others"])
    _show_signs(OTHERS)
    _explain("The seven diagnoses", texts["diagnoses"])
    _show_diagnosis()
    _explain("What the signs are worth", texts["limits"])
    with st.expander("References"):
        st.markdown(texts["references"])


@cache
def read_signs() -> dict[str, str]:
    """Return a sentence or two on each sign, by its name."""
    return dict(_LISTED.findall(read_sections("learn_dermoscopy")["signs"]))


def read_appearance(code: str) -> str:
    """Return what a diagnosis shows under the dermatoscope.

    Raises:
        ValueError: its text has no such paragraph.
    """
    found = _SEEN.search(read_sections("dermoscopy")[code])
    if found is None:
        raise ValueError(f"dermoscopy.md says nothing on {code} under the dermatoscope.")
    return found[1]


def _explain(heading: str, text: str) -> None:
    if heading:
        st.subheader(heading, anchor=False)
    with st.container(width=860):
        st.markdown(text)


def _show_signs(names: Sequence[str], points: bool = False) -> None:
    for start in range(0, len(names), _COLUMNS):
        row = names[start : start + _COLUMNS]
        for place, name in zip(st.columns(_COLUMNS, gap="medium"), row, strict=False):
            with place:
                _show_sign(name)
                if points:
                    st.checkbox(f"I see it ({_count(SEVEN_POINTS[name])})", key=f"seven-{name}")


def _show_sign(name: str) -> None:
    drawn = draw_diagnosis("mel") if name == _MULTICOMPONENT else draw_sign(name)
    if isinstance(drawn, Problem):
        components.show_problem(drawn)
    else:
        st.image(drawn, width="stretch", alt=f"Drawing: {name}.")
    st.markdown(f"**{upper_first(name)}.** {read_signs()[name]}")


def _score_seven(picture: Picture) -> None:
    first, second = st.columns((1, 2), gap="medium", vertical_alignment="center")
    with first:
        name = name_subject(picture)
        shown = fit_to_screen(picture.screen, _SIDE)
        st.image(shown, width="stretch", alt=f"The picture to be scored: {name}.")
    result = second.container()
    _show_signs(list(SEVEN_POINTS), points=True)
    total = add_points([n for n in SEVEN_POINTS if st.session_state.get(f"seven-{n}")])
    with result:
        st.metric("Points", f"{total} of {sum(SEVEN_POINTS.values())}")
        st.markdown(_judge_points(total))
        if total and picture.truth is not None:
            st.markdown(f"The lesion: {lower_first(name_diagnosis(picture.truth.code))}.")


def _judge_points(total: int) -> str:
    if total >= SUSPICIOUS_POINTS:
        return f"**To be taken for a melanoma**: {SUSPICIOUS_POINTS} points or more."
    if total >= REVISED_POINTS:
        return (
            f"Below the {SUSPICIOUS_POINTS} points of 1998, yet **to be excised** by the revision "
            f"of 2011, which asks for {_count(REVISED_POINTS)}."
        )
    return "**No point**: neither threshold is reached. Tick below what you see."


def _count(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def _score_abcd() -> None:
    first, second = st.columns(2, gap="medium")
    with first:
        asymmetry = st.slider("A: asymmetric axes", 0, MOST_ASYMMETRY, 1, key="abcd-a")
        border = st.slider("B: sectors that end abruptly", 0, MOST_BORDER, 2, key="abcd-b")
    with second:
        colours = st.multiselect("C: colours", COLOURS, COLOURS[2:4], key="abcd-c")
        structures = st.multiselect("D: structures", STRUCTURES, STRUCTURES[:1], key="abcd-d")
    if not colours or not structures:
        st.info("Choose at least one colour and one structure: every lesion has them.")
        return
    counts = (asymmetry, border, len(colours), len(structures))
    score = compute_tds(*counts)
    words = {
        "benign": f"below {SUSPICIOUS_TDS}: speaks for a **benign** lesion",
        "suspicious": f"from {SUSPICIOUS_TDS} to {MALIGNANT_TDS}: **suspicious**",
        "malignant": f"above {MALIGNANT_TDS}: speaks for **melanoma**",
    }[read_tds(score)]
    a, b, c, d = counts
    st.markdown(f"1.3 × {a} + 0.1 × {b} + 0.5 × {c} + 0.5 × {d} = **{score:.1f}**, {words}.")


def _show_diagnosis() -> None:
    code = str(
        st.pills(
            "Diagnosis",
            [d.code for d in DIAGNOSES],
            format_func=lambda c: get_diagnosis(c).name,
            default=DIAGNOSES[0].code,
            required=True,
            key="dermoscopy-diagnosis",
            persist_state="session",
            wrap=True,
            label_visibility="collapsed",
        )
    )
    components.show_malignancy(get_diagnosis(code).malignancy)
    with st.container(width=860):
        st.markdown(read_appearance(code))
    places = st.columns(1 + _EXAMPLES, gap="medium")
    with places[0]:
        drawn = draw_diagnosis(code)
        if isinstance(drawn, Problem):
            components.show_problem(drawn)
        else:
            name = lower_first(get_diagnosis(code).name)
            st.image(drawn, width="stretch", alt=f"Drawing of {name}.")
            st.caption("Drawn by this program.")
    _show_examples(places[1:], code)


def _show_examples(places: Sequence[st.delta_generator.DeltaGenerator], code: str) -> None:
    """Show test pictures of a diagnosis, where there are any on this server."""
    images = services.read_test_images()
    if images is None:
        return
    if isinstance(images, Problem):
        components.show_problem(images)
        return
    rows = images.table[images.table["truth"] == code]
    draw = st.session_state.setdefault(_DRAW, 0)
    drawn = rows.sample(min(_EXAMPLES, len(rows)), random_state=draw)
    for place, row in zip(places, drawn.to_dict("records"), strict=False):
        truth = Truth(code, str(row["dx_type"]))
        name = str(row["image_id"])
        example = services.open_file(
            str(row["path"]), services.find_test_origin(images), name, truth
        )
        with place:
            if isinstance(example, Problem):
                components.show_problem(example)
                continue
            shown = fit_to_screen(example.screen, _SIDE)
            st.image(shown, width="stretch", alt=f"Test picture {name}.")
            how = describe_confirmation(truth.dx_type)
            st.caption(components.escape_markdown(f"{name} of HAM10000, {how}."))
    st.button("Other test pictures", icon=":material/refresh:", on_click=_draw_again)


def _draw_again() -> None:
    st.session_state[_DRAW] += 1
