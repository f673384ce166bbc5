"""A trainee moves a kernel over a picture and changes the chapter, in a real browser."""

import re

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

GRID = "[class*=st-key-convolution-grid-] .heatmap-label"
SUM = re.compile(r"products sum to (\S+): the feature map in row (\d+), column (\d+)")


@pytest.fixture
def page(browser, address):
    browser.get(f"{address}/learn")
    wait(browser, lambda d: SUM.search(text_of(d)) and len(numbers(d)) == 27)
    return browser


def wait(driver, condition, seconds=30.0):
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.2, ignored_exceptions=ignored)
    return waiting.until(condition)


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text


def numbers(driver):
    """Return what stands in the cells of the three grids: window, kernel, products."""
    cells = driver.find_elements(By.CSS_SELECTOR, GRID)
    return [float(c.get_attribute("textContent").replace("−", "-")) for c in cells]


def maps(driver):
    images = driver.find_elements(By.CSS_SELECTOR, ".stImage img")
    return [image.get_attribute("src") for image in images]


def slider(driver, key):
    return driver.find_element(By.CSS_SELECTOR, f"[class*=st-key-{key}] input[type=range]")


def open_chapter(driver, name):
    buttons = driver.find_elements(By.CSS_SELECTOR, ".st-key-learn-chapter button")
    [pill] = [b for b in buttons if b.text.endswith(name)]
    pill.send_keys(Keys.SPACE)
    wait(
        driver,
        lambda d: (
            d.find_element(By.CSS_SELECTOR, ".stMain h2").text == name
            and not d.find_elements(By.CSS_SELECTOR, "[data-stale=true]")
        ),
    )


def test_a_key_on_the_slider_moves_the_window_its_numbers_and_the_maps(page):
    before, pictures = numbers(page), maps(page)
    row, column = map(int, SUM.search(text_of(page)).groups()[1:])
    slider(page, "convolution-column").send_keys(Keys.ARROW_RIGHT)
    found = wait(page, lambda d: (m := SUM.search(text_of(d))) and int(m[3]) == column + 1 and m)
    assert int(found[2]) == row
    wait(page, lambda d: numbers(d) != before)
    window, kernel, products = (numbers(page)[i : i + 9] for i in (0, 9, 18))
    # One step to the right, two of three columns are the window's old ones.
    assert [window[i] for i in (0, 1, 3, 4, 6, 7)] == [before[i] for i in (1, 2, 4, 5, 7, 8)]
    assert products == [w * k for w, k in zip(window, kernel, strict=True)]
    assert sum(products) == float(found[1].replace("−", "-"))
    # The thumbnail and the two whole maps stay; the input and the feature map have a new frame.
    moved = [False, True, True, False, False]
    wait(page, lambda d: [a != b for a, b in zip(pictures, maps(d), strict=True)] == moved)


def test_the_chapter_is_changed_by_keyboard_and_computes_anew(page):
    open_chapter(page, "Stride and padding")
    wait(page, lambda d: "=32" in formula(d))
    slider(page, "geometry-m").send_keys(Keys.ARROW_RIGHT)
    slider(page, "geometry-s").send_keys(Keys.ARROW_LEFT)
    wait(page, lambda d: "=47" in formula(d))  # 100 cells, a kernel of 7, stride 2: the CNN's first
    staircase = page.find_element(By.CSS_SELECTOR, ".st-key-geometry-windows [aria-label]")
    wait(page, lambda _: "47 windows of 7 cells" in staircase.get_attribute("aria-label"))
    open_chapter(page, "Convolution")
    wait(page, lambda d: len(numbers(d)) == 27)


def formula(driver):
    found = driver.find_elements(By.CSS_SELECTOR, ".stMain .katex-display .katex-html")
    return re.sub(r"\s|\u200b", "", found[-1].get_attribute("textContent"))


def test_both_chapters_fit_a_phone_in_the_dark(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    for name in ("Convolution", "Stride and padding"):
        open_chapter(page, name)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390, name
