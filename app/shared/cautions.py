"""When not to trust any result on a picture, whatever the networks say of it.

What their numbers say against a result is in ``skinmodel.findings.cautions``.
"""

from collections.abc import Mapping
from typing import Final

from app.services.pictures import Origin, Picture
from app.shared.wording import lower_first, name_diagnosis
from skinmodel.diagnoses import CODES

_OF_ORIGINS: Final[Mapping[Origin, str]] = {
    Origin.DRAWING: "This is a drawing, not a photograph of skin: the result means nothing.",
    Origin.HAM10000_TRAIN: "The networks were trained on pictures of this very lesion and may "
    "remember it. The result does not show how they do on a lesion they have never seen.",
    Origin.HAM10000_VAL: "The training's epoch and the calibration were chosen on a set that "
    "holds this lesion. The result flatters the networks.",
    Origin.HAM10000_UNPLACED: "The networks may have been trained on this very lesion: their "
    "weights come from another split of HAM10000, or the split is not known.",
}


def warn_of_picture(picture: Picture) -> tuple[str, ...]:
    """Return what speaks against any result on this picture, before a network has seen it."""
    found = [_OF_ORIGINS[picture.origin]] if picture.origin in _OF_ORIGINS else []
    if picture.note:
        found.append(picture.note)
    if picture.truth is not None and picture.truth.code not in CODES:
        name = lower_first(name_diagnosis(picture.truth.code))
        found.append(
            f"The networks have no class for this lesion's confirmed diagnosis, {name}: they can "
            "only give it another name."
        )
    return tuple(found)
