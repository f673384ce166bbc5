"""What the Datasets page asks of skinmodel: the counts that ship, and what is on this server."""

import streamlit as st

from app.services import Problem, attempt
from app.services.stamps import Stamps, stamp
from skinmodel import paths
from skinmodel.data import counts as tables
from skinmodel.data.counts import Counts
from skinmodel.data.status import Status
from skinmodel.data.status import read_status as look_at_disk


def read_counts() -> Counts | Problem:
    """Return the counts, read once until one of their files changes."""
    return attempt(lambda: _read_counts(stamp(tables.FOLDER.glob("*.csv"))))


@st.cache_resource(show_spinner=False, max_entries=2)
def _read_counts(stamps: Stamps) -> Counts:
    return tables.read_counts(tables.FOLDER)


def read_status() -> Status | Problem:
    """Return what is on this server's disk of both data sets; takes up to a second."""
    return attempt(lambda: look_at_disk(paths.data_dir()))
