"""What an answer on the Classify page was worth on lesions that no network was trained on."""

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services.attempts import Problem, Stamps, attempt, stamp
from app.services.differences import SET
from skinmodel import paths
from skinmodel.evaluation.answers import Worth, compute_worth
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import PREDICTIONS
from skinmodel.results import Prediction

Answers = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.str_]]


def find_worth(prediction: Prediction) -> tuple[Worth | None, ...]:
    """Return what each figure of a prediction was worth, in class order; empty where unknown.

    Counted from the predictions that ship with the run, of the same one view of each picture. A
    damaged table takes no result down: the Compare page says what is wrong with it.
    """
    file = paths.RESULTS / prediction.run_id / SET / PREDICTIONS
    if not file.is_file():
        return ()
    found = attempt(lambda: _read(str(file), stamp([file])))
    return () if isinstance(found, Problem) else compute_worth(*found, prediction.probabilities)


@st.cache_resource(show_spinner=False, max_entries=16)
def _read(file: str, stamps: Stamps) -> Answers:
    return to_arrays(read_predictions(Path(file)))
