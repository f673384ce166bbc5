"""What the page makes of JPEGs under other names, and of those that are not as they should be."""

import pytest

from app.services.pictures import Origin, open_picture
from app.shared.cautions import warn_of_picture
from skinmodel.imaging.containers import NO_END_MARKER


def upload(at, name, data):
    return at.file_uploader[0].set_value((name, data, "image/jpeg")).run()


@pytest.mark.parametrize("ending", ["jfif", "jpe", "JPG"])
def test_other_names_of_jpegs_are_taken(open_dashboard, photo, encode_image, ending):
    at = open_dashboard()
    offered = at.file_uploader[0].proto.type
    assert f".{ending.lower()}" in offered
    at = upload(at, f"lesion.{ending}", encode_image(photo, "JPEG"))
    assert not at.error
    assert not at.exception


def test_a_missing_end_marker_is_said_beside_the_result(open_dashboard, photo, encode_image):
    whole = encode_image(photo, "JPEG")
    cut = open_picture(whole[:-2], Origin.UPLOAD)
    assert warn_of_picture(cut) == (NO_END_MARKER,)
    assert warn_of_picture(open_picture(whole, Origin.UPLOAD)) == ()
    at = upload(open_dashboard(), "lesion.jpg", whole[:-2])
    assert any(NO_END_MARKER in warning.value for warning in at.warning)


def test_half_a_picture_is_refused(open_dashboard, photo, encode_image):
    data = encode_image(photo, "JPEG")
    at = upload(open_dashboard(), "lesion.jpg", data[: len(data) // 2] + b"\xff\xd9")
    assert "a part of the picture is missing" in at.error[0].value
