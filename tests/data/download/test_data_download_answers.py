"""Answers as no honest host gives them, without a host."""

import io

import pytest
import requests
from urllib3.exceptions import LocationParseError

from skinmodel.data.download.answers import (
    BrokenError,
    check_status,
    explain_failure,
    read_total,
    read_validator,
    show_address,
)
from skinmodel.data.download.http import Session
from skinmodel.errors import DatasetError

RED = "\x1b[31mred"


def answer(status=200, reason="OK", url="https://host/file.zip?signature=secret", **headers):
    response = requests.Response()
    response.status_code, response.reason, response.url = status, reason, url
    response.raw = io.BytesIO()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@pytest.mark.parametrize(
    "value", ["Wed, 21 Oct 99999 07:28:00 GMT", "9" * 5000, "-5", "soon", "", "nan"]
)
def test_an_impossible_retry_after_is_passed_over(value):
    with pytest.raises(BrokenError) as broken:
        check_status(answer(503, Retry_After=value))
    assert broken.value.wait is None


def test_a_possible_retry_after_is_seconds():
    with pytest.raises(BrokenError) as broken:
        check_status(answer(429, Retry_After="30"))
    assert broken.value.wait == 30.0


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "", "1e3", "\u0663", "0x10"])
def test_a_length_that_is_no_number_is_unknown(length):
    assert read_total(answer(Content_Length=length), 0) is None


def test_lengths_and_ranges_are_read():
    assert read_total(answer(Content_Length="4194304"), 0) == 4_194_304
    assert read_total(answer(206, Content_Range="bytes 7-9/10"), 7) == 10
    assert read_total(answer(206, Content_Range="bytes 7-9/*"), 7) is None


@pytest.mark.parametrize("total", ["9" * 5000, "", "-1", RED])
def test_a_range_that_cannot_be_is_broken_and_shown_short(total):
    with pytest.raises(BrokenError, match="from 7, received 'bytes 7-9/") as broken:
        read_total(answer(206, Content_Range=f"bytes 7-9/{total}"), 7)
    assert len(str(broken.value)) < 300


@pytest.mark.parametrize(
    "evil",
    [
        answer(404, reason=RED),
        answer(503, reason=RED),
        answer(404, url=f"https://host/{RED}"),
        answer(Content_Encoding=RED),
        answer(Content_Type="text/html", url=f"https://host/{RED}"),
    ],
)
def test_no_control_character_and_no_signature_is_shown(evil):
    with pytest.raises((DatasetError, BrokenError)) as refused:
        check_status(evil)
    assert "\x1b" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_range_and_a_redirect_are_shown_without_control_characters():
    with pytest.raises(BrokenError, match=r"received '\\x1b\[31mred'"):
        read_total(answer(206, Content_Range=RED), 0)
    with Session() as session, pytest.raises(DatasetError, match=r"to 'http://x/\\x1b\[31mred'"):
        session.get_redirect_target(answer(302, Location=f"http://x/{RED}?signature=1"))


@pytest.mark.parametrize(
    "where", ["http://[::1", "https://host:99999999/", "http://host/x", "file:///etc/passwd", "//["]
)
def test_a_redirect_that_is_not_safe_is_refused_in_words(where):
    with Session() as session, pytest.raises(DatasetError, match="Only an https address"):
        session.get_redirect_target(answer(302, Location=where))


@pytest.mark.parametrize("where", ["/other", "https://storage.example/x", "other.zip", "//host/x"])
def test_a_redirect_that_is_safe_is_followed(where):
    with Session() as session:
        assert session.get_redirect_target(answer(302, Location=where)) == where


def test_a_name_that_no_host_can_have_is_an_error_in_words():
    failure = LocationParseError(f"label {RED}")
    with pytest.raises(DatasetError, match=r"for good: LocationParseError.*\\x1b\[31mred"):
        explain_failure(failure)


def test_addresses_are_shown_without_query_even_where_they_are_none():
    assert show_address("https://host/a?b=1#c") == "'https://host/a'"
    assert show_address("http://[::1?secret=1") == "'http://[::1'"


def test_a_weak_tag_vouches_for_no_byte():
    assert read_validator(answer(ETag='"a"', Last_Modified="then")) == '"a"'
    assert read_validator(answer(ETag='W/"a"', Last_Modified="then")) == "then"
    assert read_validator(answer(ETag='W/"a"')) is None
