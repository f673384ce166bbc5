"""What one session remembers, with types. It ends with the session; nothing is stored."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

import streamlit as st

from app.services.attempts import Problem
from app.services.pictures import Analysis, Origin, Picture

REMEMBERED: Final = 4
"""Pictures whose results one session keeps; the oldest goes first. Each holds up to 15 MB."""

_OWN: Final = (Origin.UPLOAD, Origin.CAMERA)
_PICTURE: Final = "picture"
_PROBLEM: Final = "intake_problem"
_ANALYSES: Final = "analyses"
_ROUND: Final = "intake_round"
_DRAW: Final = "test_image_draw"
_SEEN: Final = "values_seen"


def _get(key: str, default: Any) -> Any:
    return st.session_state.setdefault(key, default)


def get_picture() -> Picture | None:
    """Return the picture in work."""
    picture: Picture | None = _get(_PICTURE, None)
    return picture


def get_problem() -> Problem | None:
    """Return why the last picture offered was not accepted."""
    problem: Problem | None = _get(_PROBLEM, None)
    return problem


def accept(offered: Picture | Problem) -> None:
    """Put a picture to work, or remember why it was refused; a refusal clears the last picture.

    A user's own picture is forgotten once another takes its place, and what was said of it.
    """
    last, is_picture = get_picture(), isinstance(offered, Picture)
    is_again = (
        isinstance(offered, Picture) and last is not None and _identify(offered) == _identify(last)
    )
    if last is not None and last.origin in _OWN and not is_again:
        forget_picture()
    st.session_state[_PICTURE] = offered if is_picture else None
    st.session_state[_PROBLEM] = None if is_picture else offered


def dismiss_problem() -> None:
    """Forget why the last picture offered was not accepted."""
    st.session_state[_PROBLEM] = None


def forget_picture() -> None:
    """Forget the picture in work, what was said of it, and any refusal."""
    picture = get_picture()
    if picture is not None:
        _get(_ANALYSES, OrderedDict()).pop(_identify(picture), None)
    st.session_state[_PICTURE] = st.session_state[_PROBLEM] = None


def clear() -> None:
    """Forget the picture in work as ``forget_picture``, and start with empty input widgets."""
    forget_picture()
    st.session_state[_ROUND] = get_round() + 1


def has_changed(name: str, value: Hashable) -> bool:
    """Return whether a value is another one than when this was last asked under this name."""
    seen: dict[str, Hashable] = _get(_SEEN, {})
    changed = name not in seen or seen[name] != value
    seen[name] = value
    return changed


def get_round() -> int:
    """Return a number that changes when the input widgets are to start afresh."""
    number: int = _get(_ROUND, 0)
    return number


def get_analysis(picture: Picture) -> Analysis:
    """Return what is known of a picture, new where it was not seen before."""
    analyses: OrderedDict[tuple[Origin, str], Analysis] = _get(_ANALYSES, OrderedDict())
    key = _identify(picture)
    if key not in analyses:
        analyses[key] = Analysis(picture)
    analyses[key].picture = picture  # the same file may be called otherwise where it is shown now
    analyses.move_to_end(key)
    while len(analyses) > REMEMBERED:
        analyses.popitem(last=False)
    return analyses[key]


def _identify(picture: Picture) -> tuple[Origin, str]:
    """Return what tells pictures apart: one file given in two ways has two provenances."""
    return picture.origin, picture.sha256


def get_draw() -> int:
    """Return the number of the current draw of test images."""
    number: int = _get(_DRAW, 0)
    return number


def draw_again() -> None:
    """Move on to the next draw of test images."""
    st.session_state[_DRAW] = get_draw() + 1
