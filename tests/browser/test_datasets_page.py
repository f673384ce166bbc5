"""A trainee reads the counts, filters them by keyboard and saves them, in a real browser."""

import pandas as pd
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from app.datasets.page import SECTIONS
from app.datasets.wording import NO_BREAK
from skinmodel.data.counts.tables import HAM10000, read_counts
from skinmodel.results import DISCLAIMER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WITHOUT_CHARTS = ("Pictures", "The diagnoses", "Data cards")


@pytest.fixture
def page(browser, address):
    browser.get(f"{address}/datasets")
    wait(browser, lambda d: "Images of each diagnosis" in text_of(d))
    return browser


def wait(driver, condition, seconds=30.0):
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.2, ignored_exceptions=ignored)
    return waiting.until(condition)


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text.replace(NO_BREAK, " ")


def open_section(driver, name):
    tabs = driver.find_elements(By.CSS_SELECTOR, "[role=tab]")
    [tab] = [t for t in tabs if t.get_attribute("textContent").strip() == name]
    driver.execute_script("arguments[0].click()", tab)
    wait(
        driver,
        lambda d: (
            tab.get_attribute("aria-selected") == "true"
            and d.find_elements(By.CSS_SELECTOR, "[role=tabpanel] [data-testid=stElementContainer]")
            and not d.find_elements(By.CSS_SELECTOR, "[data-stale=true]")
        ),
    )


def count(rows):
    return f"{rows['images'].sum():,}"


def test_what_is_shown_is_saved_with_its_source_and_filtered_by_keyboard(page, tmp_path):
    save_chart_and_table(page, tmp_path / "downloads")
    filter_by_keyboard(page)


def save_button_of_the_first_chart(driver):
    """Not the first button on the page: on a slow machine a later chart may be drawn before."""
    charts = driver.find_elements(By.CSS_SELECTOR, "[data-testid=stPlotlyChart]")
    return charts[0].find_element(By.CSS_SELECTOR, ".modebar-btn") if len(charts) > 1 else None


def save_chart_and_table(page, downloads):
    button = wait(page, save_button_of_the_first_chart)
    button.send_keys(Keys.ENTER)
    [chart] = wait(page, lambda _: list(downloads.glob("*.svg")))
    drawn = chart.read_text(encoding="utf-8").replace(NO_BREAK, " ")
    assert "6,705 (66.9 %)" in drawn
    assert DISCLAIMER in drawn
    page.find_element(By.CSS_SELECTOR, ".stDownloadButton button").click()
    [file] = wait(page, lambda _: list(downloads.glob("*.csv")))
    table = pd.read_csv(file).set_index("diagnosis")
    assert table.loc["nv", "isic2019_images"] == 12_875
    assert set(table["disclaimer"]) == {DISCLAIMER}


def filter_by_keyboard(page):
    open_section(page, "People and sites")
    rows = read_counts().of(HAM10000)
    wait(page, lambda d: len(d.find_elements(By.CSS_SELECTOR, ".js-plotly-plot")) == 5)
    for name, typed in (("diagnosis", "melanoma"), ("sex", "male")):
        field = f".st-key-people-{name}-ham10000 input"
        box = wait(page, lambda d, f=field: d.find_element(By.CSS_SELECTOR, f))
        box.send_keys(typed, Keys.ENTER, Keys.ESCAPE)
        rows = rows[rows[name] == {"melanoma": "mel"}.get(typed, typed)]
        wait(page, lambda d: f"{count(rows)} (" in text_of(d))  # noqa: B023
    assert "mel; male." in text_of(page)


def test_every_section_fits_a_phone_in_the_dark(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    for name in SECTIONS:
        open_section(page, name)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390, name
        assert not page.find_elements(By.CSS_SELECTOR, ".stException"), name
        if name not in WITHOUT_CHARTS:
            wait(page, lambda d: d.find_elements(By.CSS_SELECTOR, ".annotation-text"))
        wait(page, no_note_is_cut_off)


def no_note_is_cut_off(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('.stPlotlyChart')].every(chart => "
        "[...chart.querySelectorAll('.annotation-text')].every(text => "
        "text.getBoundingClientRect().right <= chart.getBoundingClientRect().right + 1 && "
        "text.getBoundingClientRect().bottom <= chart.getBoundingClientRect().bottom + 1))"
    )
