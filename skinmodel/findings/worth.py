"""Words for what an answer was worth on test lesions; see ``skinmodel.evaluation.answers``."""

from typing import Final

from skinmodel.diagnoses import DIAGNOSES
from skinmodel.evaluation.answers import LEAST, Worth
from skinmodel.wording import lower_first

LIMITS: Final = (
    "Below a bar: of the test lesions of HAM10000 that got the same answer "
    f"as surely, how many had the diagnosis, with 95 % intervals; nothing below {LEAST}. "
    "Where a diagnosis is rarer than there, fewer have it."
)


def describe_worth(worth: Worth) -> str:
    """Return in one sentence what the first choice was worth."""
    name = lower_first(DIAGNOSES[worth.code_index].name)
    return (
        f"Of {worth.lesions} test lesions that got this answer at this certainty "
        f"({_band(worth)}), {worth.right} {'was' if worth.right == 1 else 'were'} {name} "
        f"({_interval(worth)})."
    )


def note_worth(worth: Worth) -> str:
    """Return the few words below a bar."""
    return f"{worth.right} of {worth.lesions} had it ({_interval(worth)})"


def _band(worth: Worth) -> str:
    return f"{100 * worth.low:.0f} to {100 * worth.high:.0f} %"


def _interval(worth: Worth) -> str:
    low, high = (100 * share for share in worth.interval)
    return f"{low:.0f} to {high:.0f} %"
