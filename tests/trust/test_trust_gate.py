"""The gate: what it declines, what it gives a caution, and that its limits keep their promise."""

import numpy as np
import pytest
from drawn_guard import make_features

from skinmodel.drawings.foreign import draw_foreign
from skinmodel.errors import ImageError
from skinmodel.results import Outcome
from skinmodel.trust.gate import CAUTIONED_AT_MOST, DECLINED_AT_MOST, measure_quality
from skinmodel.trust.picture import GROUP_OF, NAMES, describe
from skinmodel.trust.subspace import fit_subspace

USUAL = np.zeros(8, np.float32)


def judge(guard, image, features=USUAL, size=(450, 600)):
    return guard.gate.judge(describe(image), features, size, 32)


@pytest.mark.parametrize("kind", ["plain colour", "noise", "page of text", "landscape", "hair"])
def test_what_is_no_lesion_is_declined_and_says_why(guard, kind):
    gate, foreign = judge(guard, draw_foreign(kind, 0))
    assert gate.outcome is Outcome.DECLINED
    assert gate.reasons[0].startswith("This does not look like a dermoscopic picture of a lesion:")
    assert foreign


def test_the_promised_shares_of_validation_pictures_are_kept(guard, lesions):
    seen = make_features(len(lesions), 2)
    found = [judge(guard, image, row)[0] for image, row in zip(lesions, seen, strict=True)]
    outcomes = [gate.outcome for gate in found]
    assert outcomes.count(Outcome.DECLINED) <= DECLINED_AT_MOST * len(found)
    assert 0 < outcomes.count(Outcome.CAUTION) <= CAUTIONED_AT_MOST * len(found)


def test_features_alone_can_decline_and_the_reason_names_the_network(guard, lesions):
    far = np.full(8, 5.0, np.float32)
    gate, _ = judge(guard, lesions[0], far)
    assert gate.declined
    assert "the network finds in it" in gate.reasons[0]


def test_a_picture_smaller_than_the_input_is_foreign_and_says_so(guard, lesions):
    answered = [n for n, image in enumerate(lesions) if judge(guard, image)[0].reasons == ()]
    image = lesions[answered[0]]
    gate, foreign = judge(guard, image, size=(31, 600))
    assert gate.outcome is Outcome.CAUTION
    assert foreign
    assert gate.reasons[0].startswith("The picture has 600 x 31 pixels, fewer than the 32 a side")
    assert judge(guard, image, size=(32, 32)) == (judge(guard, image)[0], False)


def test_black_corners_are_measured_in_cells():
    image = np.full((96, 96, 3), 200, np.uint8)
    image[:16, :16] = 0
    measured = measure_quality(describe(image)[None])
    assert measured["black"][0] == pytest.approx(1 / 36)
    flat = measure_quality(describe(np.full((96, 96, 3), 9, np.uint8))[None])
    assert (flat["contrast"][0], flat["black"][0]) == (0, 1)


def test_a_description_has_its_names_and_hardly_depends_on_size(lesions):
    assert describe(lesions[0]).shape == (len(NAMES),) == GROUP_OF.shape
    large = np.repeat(np.repeat(lesions[0], 6, axis=0), 6, axis=1)
    twice = np.repeat(np.repeat(large, 2, axis=0), 2, axis=1)
    assert np.allclose(describe(large), describe(twice), atol=0.05)
    with pytest.raises(ImageError):
        describe(lesions[0].astype(float))


def test_a_vector_off_the_plane_is_unlike_one_in_it():
    space = fit_subspace(make_features(400, 1), 2)
    inside, outside = np.zeros(8), np.zeros(8)
    inside[0], outside[7] = 1, 1
    usual, odd = space.score(np.stack([inside, outside]))
    assert odd > usual + 3
