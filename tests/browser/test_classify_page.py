"""A person opens the page, gives a picture and reads the result, in a real browser."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from PIL import Image
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from server import find_networks_processes

from skinmodel.drawings.draw import draw_lesion
from skinmodel.results import DISCLAIMER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FIRST_RESULT_SECONDS = 90  # generous: a busy machine loads TensorFlow slowly
BARS = ".stPlotlyChart .bars .point"
IMAGES = ".stImage img"


@pytest.fixture
def page(browser, address):
    browser.get(address)
    wait(browser, lambda d: d.find_elements(By.CSS_SELECTOR, "input[type=file]"))
    return browser


@pytest.fixture
def drawing(tmp_path) -> Path:
    path = tmp_path / "patient-name.jpg"
    Image.fromarray(draw_lesion("mel", seed=5)).save(path, quality=92)
    return path


def wait(driver, condition, seconds=30.0):
    # An element may be drawn anew between being found and being read.
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.2, ignored_exceptions=ignored)
    return waiting.until(condition)


def upload(driver, path):
    driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(path))


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text


def alts(driver):
    return [i.get_attribute("alt") for i in driver.find_elements(By.CSS_SELECTOR, IMAGES)]


def has_result(driver):
    overlays = [alt for alt in alts(driver) if "over the picture" in alt or "no positive" in alt]
    return len(driver.find_elements(By.CSS_SELECTOR, BARS)) == 14 and len(overlays) == 2


def is_complete(driver):
    """Both provenance lines, which come last, are there and every picture has arrived."""
    sizes = driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(i => i.naturalWidth)", IMAGES
    )
    return has_result(driver) and all(sizes) and text_of(driver).count(DISCLAIMER) == 3


def assert_result(driver):
    wait(driver, is_complete, FIRST_RESULT_SECONDS)
    assert "CNN-SA" in text_of(driver)
    assert all(alts(driver))
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 1280
    assert not [e["message"] for e in driver.get_log("browser") if "404" in e["message"]]


def test_drawn_picture_gets_fourteen_bars_two_overlays_and_a_saved_result(page, drawing, tmp_path):
    upload(page, drawing)
    assert_result(page)
    assert drawing.stem not in text_of(page)
    [button] = [b for b in page.find_elements(By.TAG_NAME, "button") if "JSON" in b.text]
    page.execute_script("arguments[0].click()", button)
    downloads = tmp_path / "downloads"
    [saved] = wait(page, lambda _: list(downloads.glob("*.json")))
    document = json.loads(saved.read_text(encoding="utf-8"))
    assert {r["model"] for r in document["results"]} == {"cnn", "cnn_sa"}
    assert document["disclaimer"] == DISCLAIMER
    assert drawing.stem not in saved.read_text(encoding="utf-8")


def test_moving_the_slider_changes_one_overlay_only(page, drawing):
    upload(page, drawing)
    assert_result(page)

    def overlays(driver):
        images = driver.find_elements(By.CSS_SELECTOR, IMAGES)
        return [i.get_attribute("src") for i in images if "over the" in i.get_attribute("alt")]

    before = overlays(page)
    slider = page.find_element(By.CSS_SELECTOR, ".st-key-opacity-cnn input[type=range]")
    slider.send_keys("\ue014")  # the right arrow
    wait(page, lambda d: overlays(d)[0] != before[0])
    assert overlays(page)[1:] == before[1:]


def test_broken_file_gets_its_sentence_and_a_good_one_recovers(page, drawing, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(drawing.read_bytes()[:3000])
    upload(page, broken)
    wait(page, lambda d: "damaged or incomplete" in text_of(d))
    assert "Traceback" not in page.page_source
    assert not page.find_elements(By.CSS_SELECTOR, BARS)
    upload(page, drawing)
    assert_result(page)
    assert "damaged or incomplete" not in text_of(page)


def test_result_fits_a_phone_in_the_dark(page, drawing):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    upload(page, drawing)
    assert_result(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    # Waited for: the charts are laid out once more after they have been given their width.
    wait(page, no_label_is_cut_off)


def no_label_is_cut_off(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('.stPlotlyChart')].every(chart => "
        "[...chart.querySelectorAll('.annotation-text')].every(label => "
        "label.getBoundingClientRect().right <= chart.getBoundingClientRect().right))"
    )


def test_tensorflow_is_in_its_own_process_which_can_be_killed(page, address, drawing, tmp_path):
    upload(page, drawing)
    assert_result(page)
    [before] = find_networks_processes(address.pid)
    assert "libtensorflow" in Path(f"/proc/{before}/maps").read_text()
    assert "libtensorflow" not in Path(f"/proc/{address.pid}/maps").read_text()
    os.kill(before, signal.SIGKILL)
    page.find_element(By.XPATH, "//p[text()='Clear picture']").click()
    wait(page, lambda d: not d.find_elements(By.CSS_SELECTOR, BARS))
    another = tmp_path / "another.jpg"
    Image.fromarray(draw_lesion("nv", seed=6)).save(another)
    upload(page, another)
    assert_result(page)
    [after] = find_networks_processes(address.pid)
    assert after != before


@pytest.mark.data
def test_real_picture_of_full_size(page):
    folder = Path(os.environ.get("SKINMODEL_DATA", "")) / "full_size_samples"
    pictures = sorted(folder.glob("*.jpg")) if "SKINMODEL_DATA" in os.environ else []
    if not pictures:
        pytest.skip("SKINMODEL_DATA names no folder with full_size_samples")
    upload(page, pictures[0])
    assert_result(page)
    page.find_element(By.XPATH, "//p[text()='Clear picture']").click()
    wait(page, lambda d: not d.find_elements(By.CSS_SELECTOR, BARS))
    start = time.perf_counter()
    upload(page, pictures[1])
    wait(page, has_result)
    print(f"From upload to result, warm: {time.perf_counter() - start:.2f} s")
