"""Small pieces that every page shares."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from app.services.attempts import Problem, attempt
from app.shared.charts import SYMBOLS
from skinmodel.data.image_files import SUFFIXES
from skinmodel.diagnoses import Malignancy
from skinmodel.imaging.images import HOW_TO_SHRINK, MAX_BYTES
from skinmodel.results import DISCLAIMER

_BADGES: Final = {
    Malignancy.MALIGNANT: ("Malignant", "red"),
    Malignancy.PREMALIGNANT: ("Pre-malignant", "orange"),
    Malignancy.BENIGN: ("Benign", "blue"),
}

TYPES: Final = [suffix.removeprefix(".") for suffix in SUFFIXES]
"""Endings that a browser offers to send."""
KINDS: Final = "JPEG, PNG, HEIC, TIFF, WebP, BMP or DICOM"
_NAME: Final = 60  # characters of a file's name
_REFUSAL: Final = "refused-picture"
# The browser itself refuses a file that is too large or of another kind: it marks the file's name,
# and the server never hears of it, so that only a rule of style can say more.
_UNSENT: Final = '[data-testid="stFileChips"] > :first-child > :last-child [aria-invalid="true"]'
_NOT_RECEIVED: Final = (
    f"The last file was not received. It must be a picture ({KINDS}) of at most "
    f"{MAX_BYTES // 1024**2} MB; if it is, try again. {HOW_TO_SHRINK}"
)

# Lines stay readable on wide screens, and the original stays in view beside a long column. Text in
# charts and captions takes the page's full colour: the defaults are too pale at arm's length.
_STYLE: Final = (
    """<style>
@media (max-width: 640px) { .stMainBlockContainer { padding-inline: 1rem; } }
@media (min-width: 641px) {
  .stColumn:has(.st-key-original) > div { position: sticky; top: 4.5rem; height: auto; }
}
.stPlotlyChart :is(.annotation-text, .bartext, .xtick text, .ytick text, .legendtext, .gtitle,
  .xtitle, .ytitle) {
  fill: currentColor !important;
}
.stPlotlyChart .modebar-btn .icon path { fill: currentColor !important; }
.stPlotlyChart .modebar-btn:focus-visible { outline: 2px solid currentColor; }
.stTable :is(th, td):not(:first-child) { padding-left: 0.5rem; }
@media (max-width: 640px) {
  .stTable :is(th, td) p { font-size: 0.85rem; }
  :is([class*="headline-figures"], [class*="f1-table"]) td:last-child { min-width: 11rem; }
}
[data-testid="stCaptionContainer"] { opacity: 0.85; }
@media print {
  :is([data-testid="stHeader"], .stExpander, .stButton, .stDownloadButton, .stSlider, .stSelectbox,
    .stMultiSelect, .stFileUploader, .stButtonGroup, .stCheckbox, .stPopover, .stTooltipIcon) {
    display: none !important;
  }
  .stMain, .stApp, [data-testid="stAppViewContainer"] { position: static !important;
    overflow: visible !important; height: auto !important; }
  .stColumn:has(.st-key-original) > div { position: static; }
  .stPlotlyChart, .stImage, .stAlert { break-inside: avoid; }
}
.st-key-verdict h2 { padding: 0 0 0.25rem; color: inherit; }
:is(button[data-testid$="-primary"], button[kind^="primary"], [data-tag]) {
  &, & *:not(svg, svg *) { color: light-dark(#ffffff, #10181e) !important; }
}
"""
    f"""
[data-testid="stFileUploader"]:has({_UNSENT})::after {{ content: "{_NOT_RECEIVED}"; }}
body:has({_UNSENT}) .st-key-{_REFUSAL} {{ display: none; }}
</style>"""
)


@cache
def draw_icon() -> Image.Image:
    """Return the browser tab's icon, a lesion in a dermatoscope's field.

    An emoji or symbol would be fetched from another server.
    """
    icon = np.full((64, 64, 3), 255, np.uint8)
    cv2.circle(icon, (32, 32), 30, (11, 100, 112), -1, cv2.LINE_AA)
    cv2.circle(icon, (32, 32), 24, (240, 214, 198), -1, cv2.LINE_AA)
    cv2.ellipse(icon, (33, 32), (14, 11), 25, 0, 360, (122, 74, 50), -1, cv2.LINE_AA)
    return Image.fromarray(icon)


def apply_style() -> None:
    """Apply the few rules that the theme cannot express."""
    st.html(_STYLE)


def run_guarded(action: Callable[[], None]) -> None:
    """Run a page or a part of one; show what went wrong in words instead of a traceback."""
    outcome = attempt(action)
    if isinstance(outcome, Problem):
        show_problem(outcome)


def show_problem(problem: Problem, title: str | None = None) -> None:
    """Show why something could not be done."""
    st.error(escape_markdown(problem.sentence), title=title, icon=":material/error:")


def show_refusals(problems: Sequence[Problem]) -> None:
    """Show why pictures were not accepted, until a later one is not even received."""
    with st.container(key=_REFUSAL):
        for problem in problems:
            name = f"'{shorten(problem.file)}'" if problem.file else "This picture"
            show_problem(problem, title=f"{escape_markdown(name)} cannot be used")


def shorten(name: str) -> str:
    """Return a file's name as one line of at most 60 characters, with its end.

    >>> shorten("a" * 100 + ".jpg")
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...aaa.jpg'
    """
    line = "".join(c if c.isprintable() else " " for c in name)
    return line if len(line) <= _NAME else f"{line[: _NAME - 10]}...{line[-7:]}"


def show_malignancy(malignancy: Malignancy) -> None:
    """Show a badge that tells the three kinds apart by word and shape, not by colour alone."""
    word, color = _BADGES[malignancy]
    st.badge(f"{SYMBOLS[malignancy]} {word}", color=color)  # type: ignore[arg-type]


def show_leak(whose: str = "Leaky protocol") -> None:
    """Show the badge that stands wherever numbers of a leaky protocol do."""
    st.badge(
        f"{whose}: too good",
        icon=":material/water_drop:",
        color="red",
        help="The network was trained on pictures of the very lesions it was measured on. Such "
        "figures say nothing about patients it has never seen.",
    )


def show_key_to_bars() -> None:
    """Explain the shapes of the confidence bars."""
    words = " · ".join(f"{SYMBOLS[kind]} {word.lower()}" for kind, (word, _) in _BADGES.items())
    st.caption(words)


def show_provenance(title: str, run_id: str, details: str = "") -> None:
    """Show which network and training run a result comes from, and what it is not.

    Args:
        title: what the page calls the network.
        run_id: its training run; folded away, since it says nothing to a clinician.
        details: further sentences for whoever opens the fold.
    """
    st.caption(f"{title}. **{DISCLAIMER}**")
    with st.expander("Details", icon=":material/data_object:", type="compact"):
        st.caption(f"{title}, run `{run_id}`. {details}".rstrip())


def escape_markdown(text: str) -> str:
    """Return ``text`` so that Streamlit's Markdown shows it as it stands."""
    return "".join(f"\\{c}" if c in "\\`*_[]$~:#<>|" else c for c in text)
