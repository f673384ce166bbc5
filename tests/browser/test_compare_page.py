"""A reviewer compares two networks, chooses a cell and sees its images, in a real browser."""

import numpy as np
import pandas as pd
import pytest
from drawn_dashboard import IMAGES_A_CLASS
from factories import write_drawn_ham10000
from measured import write_evaluation
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from server import require_networks, serve

from app import services
from app.compare.page import SECTIONS
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.comparison import compare_evaluations, write_comparison
from skinmodel.evaluation.predictions import PROBABILITIES, read_predictions
from skinmodel.evaluation.report import PREDICTIONS, find_evaluations
from skinmodel.results import DISCLAIMER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = "[class*=st-key-matrix-{}] .scatterlayer path.point"
CASES = ".st-key-cases"
NETWORK_SECONDS = 120  # generous: a busy machine loads TensorFlow slowly


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Drawn data and both default runs measured on them: folder of data, folder of results."""
    require_networks()
    folder = tmp_path_factory.mktemp("drawn")
    data, results = write_drawn_ham10000(folder / "data"), folder / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ham10000, "CLASS_COUNTS", dict.fromkeys(CODES, IMAGES_A_CLASS))
        patch.setattr(ham10000, "IMAGE_COUNT", IMAGES_A_CLASS * len(CODES))
        index = load_evaluation_set("ham10000:test", data).index
    for record in services.read_records():
        if record.model not in services.list_default_models():
            continue
        write_evaluation(results, record.run_id, record.model, index, seed=len(record.model))
    write_comparison(results, compare_evaluations(*find_evaluations(results)))
    return data, results


@pytest.fixture(scope="session")
def compare_address(drawn, tmp_path_factory):
    data, results = map(str, drawn)
    folder = tmp_path_factory.mktemp("compare-server")
    script = "tests/browser/drawn_dashboard.py"
    with serve(script, folder, SKINMODEL_DATA=data, DRAWN_RESULTS=results) as address:
        yield f"{address}/compare"


@pytest.fixture
def page(browser, compare_address):
    browser.get(compare_address)
    wait(browser, lambda d: "Headline figures" in text_of(d))
    return browser


def wait(driver, condition, seconds=30.0):
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.2, ignored_exceptions=ignored)
    return waiting.until(condition)


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text


def open_section(driver, name):
    tabs = driver.find_elements(By.CSS_SELECTOR, "[role=tab]")
    [tab] = [t for t in tabs if t.get_attribute("textContent").strip() == name]
    driver.execute_script("arguments[0].click()", tab)
    # The one section that is computed is the one on show.
    wait(
        driver,
        lambda d: (
            d.find_elements(By.CSS_SELECTOR, "[role=tabpanel] h2")
            and tab.get_attribute("aria-selected") == "true"
            and not d.find_elements(By.CSS_SELECTOR, "[data-stale=true]")
        ),
    )


def choose_by_click(driver, slot, truth, prediction):
    open_section(driver, "Confusion")
    number = CODES.index(truth) * len(CODES) + CODES.index(prediction)
    points = wait(
        driver, lambda d: len(p := d.find_elements(By.CSS_SELECTOR, CELLS.format(slot))) == 49 and p
    )
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", points[24])
    ActionChains(driver).move_to_element(points[number]).pause(0.3).click().perform()
    wait(driver, lambda d: d.find_elements(By.CSS_SELECTOR, CASES))


def images_in_cell(results, model, truth, prediction):
    record = next(r for r in services.read_records() if r.model == model)
    table = read_predictions(results / record.run_id / "ham10000-test" / PREDICTIONS)
    said = np.array(CODES)[table[list(PROBABILITIES)].to_numpy().argmax(axis=1)]
    return table[(table["truth"] == truth) & (said == prediction)].sort_values(
        f"p_{prediction}", ascending=False, kind="stable"
    )


def listed(driver):
    lines = driver.find_element(By.CSS_SELECTOR, CASES).text.splitlines()
    return [line.split(" · ")[0] for line in lines if " · truth: " in line]


def shown_alts(driver):
    """Return the texts of the pictures that have arrived, in their order on the page."""
    found = driver.find_elements(By.CSS_SELECTOR, f"{CASES} .stImage img")
    widths = driver.execute_script("return arguments[0].map(i => i.naturalWidth)", found)
    return [i.get_attribute("alt") for i, width in zip(found, widths, strict=True) if width]


def a_mistake(results, model):
    """Return a truth and a prediction that differ and have images."""
    return next(
        (t, p) for t in CODES for p in CODES if t != p and len(images_in_cell(results, model, t, p))
    )


def test_a_click_on_a_cell_shows_its_images_and_where_the_networks_looked(page, drawn):
    _, results = drawn
    truth, prediction = a_mistake(results, "cnn_sa")
    choose_by_click(page, "second", truth, prediction)
    expected = list(images_in_cell(results, "cnn_sa", truth, prediction)["image_id"])[:6]
    wait(page, lambda d: listed(d) == expected)
    wait(page, lambda d: shown_alts(d) == [f"Photograph {name}." for name in expected])
    # The same choice stands in the boxes, where a keyboard reaches it.
    chosen = page.find_element(By.CSS_SELECTOR, ".st-key-cell-prediction input")
    assert f"({prediction})" in chosen.get_attribute("value")
    # A cell of the other matrix, then the first again: no chart may swallow the second click.
    choose_by_click(page, "first", "nv", "nv")
    first = list(images_in_cell(results, "cnn", "nv", "nv")["image_id"])[:6]
    wait(page, lambda d: listed(d) == first)
    choose_by_click(page, "second", truth, prediction)
    wait(page, lambda d: listed(d) == expected)
    page.find_element(By.CSS_SELECTOR, ".st-key-cases-overlays label").click()
    wait(page, lambda d: len(shown_alts(d)) == 3 * len(expected), NETWORK_SECONDS)
    assert any("CNN-SA, Soft attention" in alt for alt in shown_alts(page))
    assert page.execute_script("return document.documentElement.scrollWidth") <= 1280
    # Opened by its own address, a page is first asked for its server; Streamlit then finds it.
    missing = [e["message"] for e in page.get_log("browser") if "404" in e["message"]]
    assert not [message for message in missing if "/compare/_stcore/" not in message]


def test_a_cell_can_be_chosen_with_the_keyboard_alone(page, drawn):
    _, results = drawn
    open_section(page, "Confusion")
    for key in ("truth", "prediction"):
        box = wait(
            page,
            lambda d, k=key: d.find_element(By.CSS_SELECTOR, f".st-key-cell-{k} input"),
        )
        box.send_keys("Melanocytic")
        box.send_keys(Keys.ENTER)
        wait(
            page,
            lambda d, k=key: (
                "(nv)"
                in d.find_element(By.CSS_SELECTOR, f".st-key-cell-{k} input").get_attribute("value")
            ),
        )
    expected = list(images_in_cell(results, "cnn", "nv", "nv")["image_id"])[:6]
    wait(page, lambda d: listed(d) == expected)


def test_a_chart_and_a_table_are_saved_with_their_source(page, tmp_path):
    downloads = tmp_path / "downloads"
    button = wait(page, lambda d: d.find_element(By.CSS_SELECTOR, ".modebar-btn"))
    assert button.tag_name == "button"
    button.send_keys(Keys.ENTER)
    [chart] = wait(page, lambda _: list(downloads.glob("*.svg")))
    drawing = chart.read_text(encoding="utf-8")
    assert chart.name.startswith("skinmodel-ham10000-test-")
    for record in services.read_records():
        if record.model not in services.list_default_models():
            continue
        assert record.run_id in drawing
    assert DISCLAIMER in drawing
    page.find_element(By.CSS_SELECTOR, ".stDownloadButton button").click()
    [saved] = wait(page, lambda _: list(downloads.glob("*.csv")))
    table = pd.read_csv(saved)
    assert set(table["disclaimer"]) == {DISCLAIMER}
    assert table.loc[0, "figure"] == "accuracy"


def test_every_section_fits_a_phone_in_the_dark(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    for name in SECTIONS:
        open_section(page, name)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390, name
        wait(page, no_note_is_cut_off)


def no_note_is_cut_off(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('.stPlotlyChart')].every(chart => "
        "[...chart.querySelectorAll('.annotation-text')].every(text => "
        "text.getBoundingClientRect().right <= chart.getBoundingClientRect().right + 1 && "
        "text.getBoundingClientRect().bottom <= chart.getBoundingClientRect().bottom + 1))"
    )
