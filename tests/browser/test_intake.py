"""A person far from the server gives one picture after another: none is lost on the way."""

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from server import serve
from slow_link import slow_link

from skinmodel.drawings.draw import draw_lesion
from skinmodel.imaging.images import MAX_BYTES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PICTURES = 6
DELAY = 0.04  # seconds each way, as from one end of a continent to the other
UPLOAD_RATE = 500_000  # bytes a second, as over a slow wireless network
PICTURE_BYTES = 500_000  # each takes a second: long after the page has answered anything else
SENDING = "[data-testid=stFileChipIconSpinner]"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve("tests/browser/bare_dashboard.py", tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def far_page(browser, server):
    """The page as it opens far from the server; every upload passes over the slow link."""
    with slow_link(server, DELAY, UPLOAD_RATE) as address:
        browser.get(address)
        wait(browser, uploader_of)
        yield browser
        browser.get("about:blank")


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Files that the page tells apart by their width, made large by what follows the picture."""
    drawing = Image.fromarray(draw_lesion("nv", seed=3))
    paths = [tmp_path / f"{n}.jpg" for n in range(PICTURES)]
    for n, path in enumerate(paths):
        drawing.resize((width_of(n), 300)).save(path)
        path.write_bytes(path.read_bytes().ljust(PICTURE_BYTES, b"\0"))
    return paths


def width_of(number):
    return 400 + number


def wait(driver, condition, seconds=60.0):  # on a busy machine; what is lost never comes
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.1, ignored_exceptions=ignored)
    return waiting.until(condition)


def uploader_of(driver):
    return driver.find_element(By.CSS_SELECTOR, "input[type=file]")


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text


def is_shown(driver, number):
    return f"{width_of(number)} x 300 pixels" in text_of(driver)


def test_every_picture_chosen_one_after_another_is_received(far_page, pictures):
    received = []
    for number, path in enumerate(pictures):
        uploader_of(far_page).send_keys(str(path))
        try:
            wait(far_page, lambda d, number=number: is_shown(d, number), 60)
            received.append(number)
        except TimeoutException:
            pass  # counted below: all that are lost are to be seen at once
    assert received == list(range(PICTURES))


def test_a_picture_chosen_before_the_page_has_answered_the_last_is_received(far_page, pictures):
    for first, second in pairwise(pictures):
        uploader_of(far_page).send_keys(str(first))
        wait(far_page, lambda d: not d.find_elements(By.CSS_SELECTOR, SENDING))
        uploader_of(far_page).send_keys(str(second))
        number = pictures.index(second)
        wait(far_page, lambda d, number=number: is_shown(d, number), 60)


def test_a_file_the_browser_refuses_is_said_so_without_the_last_ones_error(
    far_page, pictures, tmp_path
):
    broken, large = tmp_path / "broken.jpg", tmp_path / "large.jpg"
    broken.write_bytes(pictures[0].read_bytes()[:1500])
    large.write_bytes(pictures[0].read_bytes().ljust(MAX_BYTES + 1, b"\0"))
    uploader_of(far_page).send_keys(str(broken))
    wait(far_page, lambda d: "damaged or incomplete" in text_of(d))
    assert said_of_unsent(far_page) == "none"
    uploader_of(far_page).send_keys(str(large))
    wait(far_page, lambda d: "damaged or incomplete" not in text_of(d))
    assert "at most 25 MB" in said_of_unsent(far_page)
    uploader_of(far_page).send_keys(str(broken))
    wait(far_page, lambda d: "damaged or incomplete" in text_of(d))
    assert said_of_unsent(far_page) == "none"
    uploader_of(far_page).send_keys(str(pictures[1]))
    wait(far_page, lambda d: is_shown(d, 1))
    assert "damaged or incomplete" not in text_of(far_page)


def test_a_picture_stays_while_the_page_is_used_though_its_file_is_gone(far_page, pictures):
    uploader_of(far_page).send_keys(str(pictures[0]))
    wait(far_page, lambda d: is_shown(d, 0))
    far_page.find_element(By.CSS_SELECTOR, ".stExpander summary").click()
    press(far_page, "Camera")  # the browser names the file once more
    wait(far_page, lambda d: "through a dermatoscope" in text_of(d))
    assert is_shown(far_page, 0)
    assert "Choose it again" not in text_of(far_page)
    press(far_page, "Clear picture")
    wait(far_page, lambda d: not is_shown(d, 0))
    press(far_page, "Upload")
    wait(far_page, uploader_of).send_keys(str(pictures[0]))
    wait(far_page, lambda d: is_shown(d, 0))


def press(driver, words):
    button = f"//button[contains(., '{words}')]"
    wait(driver, lambda d: d.find_element(By.XPATH, button).is_displayed())
    wait(driver, lambda d: d.find_element(By.XPATH, button)).click()


def said_of_unsent(driver):
    """What a rule of style adds below the uploader."""
    return driver.execute_script(
        "return getComputedStyle(document.querySelector(arguments[0]), '::after').content",
        "[data-testid=stFileUploader]",
    )
