"""What a printed case holds, as plain values: nothing here draws, reads or computes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import UsageError
from skinmodel.findings.verdict import Verdict
from skinmodel.results import Explanation, Prediction

Paper = Literal["A4", "Letter"]
PAPERS: Final[tuple[Paper, Paper]] = ("A4", "Letter")

MOST_NETWORKS: Final = 3
"""Networks that fit beside each other."""

LONGEST: Final = {"reference": 80, "age": 20, "sex": 20, "site": 80, "remarks": 1500}
"""Characters of each free field: more would not stay on the second page."""


@dataclass(frozen=True)
class Notes:
    """What a reader adds; it is printed and nowhere kept.

    Attributes:
        reference: of the case, as the clinic names it.
        age: of the patient.
        sex: of the patient.
        site: where on the body.
        remarks: anything else, in any script that ``fonts`` can print.
    """

    reference: str = ""
    age: str = ""
    sex: str = ""
    site: str = ""
    remarks: str = ""

    def __post_init__(self) -> None:
        """Refuse what would not fit.

        Raises:
            UsageError: a field is too long.
        """
        for name, text in self.given().items():
            if len(text) > LONGEST[name]:
                raise UsageError(
                    f"The field '{name}' has {len(text)} characters; at most {LONGEST[name]} fit "
                    "into the report. Shorten it."
                )

    def given(self) -> dict[str, str]:
        """Return the fields that are filled in, by name."""
        found = {one.name: str(getattr(self, one.name)).strip() for one in fields(self)}
        return {name: text for name, text in found.items() if text}


@dataclass(frozen=True)
class Figure:
    """One measured figure of a network.

    Attributes:
        name: such as ``Balanced accuracy``.
        value: with its 95 % interval, as printed.
    """

    name: str
    value: str


@dataclass(frozen=True)
class Measured:
    """What was measured of a network on one data set.

    Attributes:
        dataset: such as ``HAM10000, test lesions, 2,003 images of 1,490 lesions``.
        figures: in the order in which they are printed; the same names for every network.
    """

    dataset: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one network says of the picture.

    Attributes:
        title: what people call it.
        prediction: calibrated probabilities.
        worth: in a sentence, what the answer was worth on test lesions; empty where unknown.
        lines: further sentences, such as a gate's outcome, the set of diagnoses or an operating
            point; printed as they are.
        explanation: where it looked; None where that was not asked.
        remark: what was measured against such maps; empty if nothing.
        measured: on each data set.
        versions: of what the weights were made with.
    """

    title: str
    prediction: Prediction
    worth: str = ""
    lines: tuple[str, ...] = ()
    explanation: Explanation | None = None
    remark: str = ""
    measured: tuple[Measured, ...] = ()
    versions: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """One picture and what networks say of it.

    Attributes:
        image: uint8, (H, W, 3), RGB, 0-255.
        sha256: digest of the picture's file.
        picture: where it came from and its size, in words.
        verdict: what the networks say together.
        cautions: full sentences, most serious first.
        answers: one a network, in the order shown; one to three.
        created: when.
        notes: what the reader adds.
    """

    image: NDArray[np.uint8] = field(repr=False)
    sha256: str
    picture: str
    verdict: Verdict
    cautions: Sequence[str]
    answers: Sequence[Answer]
    created: datetime
    notes: Notes = Notes()
