"""What one session remembers, with types. It ends with the session; nothing is stored."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Final

import streamlit as st

from app.services.attempts import Problem
from app.services.pictures import Analysis, Origin, Picture

REMEMBERED: Final = 12
"""Pictures one session keeps with their results; the oldest goes first."""

MOST_BYTES: Final = 60 * 1024**2
"""What their pixels may take together: five of the largest. The one in work stays in any case."""

_PICTURE: Final = "picture"
_PROBLEMS: Final = "intake_problems"
_ANALYSES: Final = "analyses"
_GIVEN: Final = "pictures_given"
_ROUND: Final = "intake_round"
_DRAW: Final = "test_image_draw"
_SEEN: Final = "values_seen"

Key = tuple[Origin, str]


def _get(key: str, default: Any) -> Any:
    return st.session_state.setdefault(key, default)


def get_picture() -> Picture | None:
    """Return the picture in work."""
    picture: Picture | None = _get(_PICTURE, None)
    return picture


def get_problems() -> tuple[Problem, ...]:
    """Return why pictures of those last offered were not accepted."""
    problems: tuple[Problem, ...] = _get(_PROBLEMS, ())
    return problems


def accept(*offered: Picture | Problem) -> None:
    """Put the last picture to work, remember the others, and why any was refused.

    Where all are refused no picture is in work: an old result beside a new file's name would be
    taken for its own.
    """
    pictures = [one for one in offered if isinstance(one, Picture)]
    st.session_state[_PICTURE] = pictures[-1] if pictures else None
    st.session_state[_PROBLEMS] = tuple(one for one in offered if isinstance(one, Problem))
    for picture in pictures:
        _get_given().add(_identify(picture))
        get_analysis(picture)


def choose(picture: Picture) -> None:
    """Put a picture to work that was given before."""
    st.session_state[_PICTURE] = picture
    st.session_state[_PROBLEMS] = ()


def list_pictures() -> Sequence[Picture]:
    """Return the pictures given on the Classify page, in the order in which they were.

    Those of other pages, such as the quiz's, are remembered but no part of it.
    """
    given = _get_given()
    return tuple(a.picture for key, a in _get_analyses().items() if key in given)


def set_problems(problems: Sequence[Problem]) -> None:
    """Remember these reasons why pictures were not accepted, and no others."""
    st.session_state[_PROBLEMS] = tuple(problems)


def dismiss_problems() -> None:
    """Forget why pictures last offered were not accepted."""
    set_problems(())


def forget_picture() -> None:
    """Forget the picture in work, what was said of it, and any refusal."""
    picture = get_picture()
    if picture is not None:
        _get_analyses().pop(_identify(picture), None)
    st.session_state[_PICTURE] = None
    dismiss_problems()


def clear() -> None:
    """Forget the picture in work as ``forget_picture``, and start with empty input widgets."""
    forget_picture()
    st.session_state[_ROUND] = get_round() + 1


def clear_all() -> None:
    """Forget every picture of the session, and start with empty input widgets."""
    clear()
    _get_analyses().clear()
    _get_given().clear()


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
    analyses, key = _get_analyses(), _identify(picture)
    if key not in analyses:
        analyses[key] = Analysis(picture)
    analyses[key].picture = picture  # the same file may be called otherwise where it is shown now
    _make_room(analyses, key)
    return analyses[key]


def _make_room(analyses: OrderedDict[Key, Analysis], new: Key) -> None:
    """Let the oldest pictures go; never the new one nor the one in work."""
    working = get_picture()
    kept = {new, *(() if working is None else (_identify(working),))}
    given = _get_given()
    others = sorted((key for key in analyses if key not in kept), key=lambda key: key in given)
    for key in others:
        size = sum(analysis.picture.nbytes for analysis in analyses.values())
        if len(analyses) <= REMEMBERED and size <= MOST_BYTES:
            return
        del analyses[key]


def _get_analyses() -> OrderedDict[Key, Analysis]:
    analyses: OrderedDict[Key, Analysis] = _get(_ANALYSES, OrderedDict())
    return analyses


def _get_given() -> set[Key]:
    given: set[Key] = _get(_GIVEN, set())
    return given


def _identify(picture: Picture) -> Key:
    """Return what tells pictures apart: one file given in two ways has two provenances."""
    return picture.origin, picture.key


def get_draw() -> int:
    """Return the number of the current draw of test images."""
    number: int = _get(_DRAW, 0)
    return number


def draw_again() -> None:
    """Move on to the next draw of test images."""
    st.session_state[_DRAW] = get_draw() + 1
