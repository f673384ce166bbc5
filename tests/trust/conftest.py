"""A gate fitted on drawn lesions, which stand in for photographs."""

import pytest
from drawn_guard import build_guard, draw_lesions


@pytest.fixture(scope="session")
def lesions():
    return draw_lesions()


@pytest.fixture(scope="session")
def guard(lesions):
    return build_guard(lesions)
