"""Errors become words, logs keep nothing of a user, uploads stay in memory."""

import asyncio

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

from app import services
from app.services.attempts import Problem, attempt
from app.services.pictures import SCREEN_SIDE, Origin, open_picture
from app.shared import components
from skinmodel.errors import ImageError
from skinmodel.inference.process import UnexpectedWorkerError


def test_errors_on_purpose_speak_for_themselves(caplog):
    def fail():
        raise ImageError("The file is empty.")

    assert attempt(fail) == Problem("The file is empty.")
    assert not caplog.records


def test_unexpected_errors_are_logged_by_frames_only(caplog):
    name, born = "name of a ", "born "

    def fail():
        try:
            raise KeyError(f"{born}1950")
        except KeyError as cause:
            raise ValueError(f"{name}patient") from cause

    outcome = attempt(fail)
    log = caplog.text
    assert isinstance(outcome, Problem)
    assert "name of a patient" not in outcome.sentence + log
    assert "born 1950" not in log
    assert "builtins.ValueError" in log
    assert "builtins.KeyError" in log
    assert "test_services.py" in log
    assert log.split("reference ")[1].split()[0] in outcome.sentence


def test_an_error_of_the_networks_process_is_logged_with_its_own_frames(caplog):
    def fail():
        raise UnexpectedWorkerError("builtins.ValueError\n  File 'there.py', line 7\n")

    outcome = attempt(fail)
    assert isinstance(outcome, Problem)
    assert "there.py" in caplog.text
    assert "there.py" not in outcome.sentence


def test_results_pass_through():
    assert attempt(lambda: 7) == 7


def test_the_largest_upload_is_not_spooled_to_disk(monkeypatch):
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1024**2)  # the library's own
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="f"; filename="f.jpg"\r\n\r\n'
        + bytes(10 * 1024**2)
        + b"\r\n--edge--\r\n"
    )

    async def chunks():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    def is_on_disk():
        headers = Headers({"content-type": "multipart/form-data; boundary=edge"})
        form = asyncio.run(MultiPartParser(headers, chunks()).parse())
        rolled = form["f"].file._rolled
        form["f"].file.close()
        return rolled

    assert is_on_disk()
    services.keep_uploads_in_memory()
    assert not is_on_disk()


def test_picture_for_the_screen_is_bounded_and_keeps_its_shape(encode_image, rng):
    large = rng.integers(0, 255, (600, 1800, 3)).astype("uint8")
    picture = open_picture(encode_image(large, "JPEG"), Origin.UPLOAD)
    assert picture.image.shape == (600, 1800, 3)
    assert picture.screen.shape == (round(SCREEN_SIDE / 3), SCREEN_SIDE, 3)


def test_sentences_are_shown_as_they_stand():
    assert components.escape_markdown("a_b *c* [d](e) $f$ :red:") == (
        r"a\_b \*c\* \[d\](e) \$f\$ \:red\:"
    )
