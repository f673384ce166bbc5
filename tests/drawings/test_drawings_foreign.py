"""Pictures that are no dermoscopy: enough of them, no two alike, the same every time."""

import hashlib

import numpy as np

from skinmodel.drawings.foreign import KINDS, draw_foreign, list_drawings


def test_there_are_many_kinds_and_no_picture_twice() -> None:
    drawn = list(list_drawings())
    assert {kind for kind, _, _ in drawn} == KINDS.keys()
    digests = {hashlib.sha256(picture.tobytes()).hexdigest() for _, _, picture in drawn}
    assert len(digests) == len({name for _, name, _ in drawn}) == len(drawn) >= 50
    assert {(p.shape, p.dtype.name) for _, _, p in drawn} == {((450, 600, 3), "uint8")}


def test_a_picture_is_the_same_every_time() -> None:
    for kind in ("noise", "page of text", "hair"):
        assert np.array_equal(draw_foreign(kind, 1), draw_foreign(kind, 1))
    assert not draw_foreign("plain colour", 0).any()
