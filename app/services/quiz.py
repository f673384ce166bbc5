"""What the Quiz page asks of skinmodel: its pictures, one at a time."""

from pathlib import Path

import cv2

from app import services
from app.services.attempts import Problem, attempt
from app.services.pictures import Origin, Picture, Truth, open_picture, open_picture_file
from skinmodel.drawings.draw import draw_lesion
from skinmodel.errors import ImageError
from skinmodel.quiz.cases import DRAWING, Case, draw_cases, read_cases


def list_cases() -> tuple[tuple[Case, ...], Problem | None]:
    """Return the pictures of the test folds, or drawings and why: None where there are no data.

    A photograph's source says whether the networks may have been trained on its lesion.
    """
    held_out = services.read_test_images()
    if held_out is None or isinstance(held_out, Problem):
        return draw_cases(), held_out
    return read_cases(held_out.table, unseen=services.were_unseen(held_out)), None


def open_case(case: Case) -> Picture | Problem:
    """Return a case's picture; its title says nothing of the diagnosis."""

    def open_() -> Picture:
        truth = Truth(case.code, case.confirmed_by or "unknown")
        origin = Origin(case.source)
        if case.source == DRAWING:
            return open_picture(_paint(case), origin, "Quiz", truth)
        return open_picture_file(Path(case.path), origin, "Quiz", truth)

    return attempt(open_)


def _paint(case: Case) -> bytes:
    drawn = cv2.cvtColor(draw_lesion(case.code, case.seed), cv2.COLOR_RGB2BGR)
    done, png = cv2.imencode(".png", drawn)
    if not done:
        raise ImageError(f"The drawing {case.image_id} could not be written as PNG.")
    return png.tobytes()
