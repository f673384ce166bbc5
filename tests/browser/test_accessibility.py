"""axe-core finds nothing serious or moderate on any page, in either theme."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from server import serve

from app.navigation import PAGES
from skinmodel.drawings.draw import draw_lesion

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
GRAVE = {"moderate", "serious", "critical"}
ASK = """const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}}).then(found => done(
  found.violations.map(v => [v.impact, v.id, v.nodes[0].target.join(' ')])));"""
SCHEME = "return getComputedStyle(document.querySelector('.stApp')).colorScheme"
SETTLED = (
    "return !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]') && "
    "!!document.querySelector('.stMain h1')"
)


def wait(driver, condition, seconds=60):
    ignored = [StaleElementReferenceException]
    return WebDriverWait(driver, seconds, 0.2, ignored).until(condition)


def audit(driver, script, where):
    """Return what axe finds in both themes, without what it calls minor."""
    found = []
    for theme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        wait(driver, lambda d, theme=theme: theme in d.execute_script(SCHEME))
        driver.execute_script(f"window.axe || (() => {{{script}}})()")
        found += [(where, theme, *one) for one in driver.execute_async_script(ASK, RULES)]
    return [one for one in found if one[2] in GRAVE]


def test_no_page_has_a_grave_fault_in_either_theme(browser, tmp_path):
    spec = find_spec("axe_playwright_python")
    assert spec is not None, "pip install --no-deps -r tests/requirements-no-deps.txt"
    script = (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    browser.set_script_timeout(60)
    file = tmp_path / "lesion.jpg"
    Image.fromarray(draw_lesion("mel", seed=5)).save(file)
    found = []
    with serve("tests/browser/bare_dashboard.py", tmp_path) as address:
        for entry in PAGES:
            browser.get(f"{address}/{entry.url_path}")
            wait(browser, lambda d: d.execute_script(SETTLED))
            found += audit(browser, script, entry.title)
        browser.get(address)
        wait(browser, lambda d: d.find_elements(By.CSS_SELECTOR, "input[type=file]"))
        browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
        wait(browser, lambda d: d.find_elements(By.CSS_SELECTOR, ".st-key-verdict h2"))
        found += audit(browser, script, "a result")
        browser.get("about:blank")
    assert found == []
