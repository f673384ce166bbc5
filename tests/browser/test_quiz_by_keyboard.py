"""A trainee answers ten questions with the keyboard alone, in a real browser."""

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

QUESTIONS = 10
NETWORK_SECONDS = 120  # generous: a busy machine loads TensorFlow slowly
MOST_TABS = 60


def wait(driver, condition, seconds=NETWORK_SECONDS):
    ignored = [StaleElementReferenceException, NoSuchElementException]
    waiting = WebDriverWait(driver, seconds, poll_frequency=0.1, ignored_exceptions=ignored)
    return waiting.until(condition)


def text_of(driver):
    return driver.find_element(By.CSS_SELECTOR, ".stMain").text


def press(driver, key):
    """Press a key as a person does: whatever has the focus gets it."""
    ActionChains(driver).send_keys(key).perform()


def focused(driver):
    """Return what has the focus: kind, and the words of it."""
    return driver.execute_script(
        "const e = document.activeElement;"
        "return [e.type || e.tagName, (e.innerText || e.getAttribute('aria-label') || '').trim()]"
    )


def tab_to(driver, condition):
    """Press Tab until what has the focus meets the condition."""
    for _ in range(MOST_TABS):
        press(driver, Keys.TAB)
        if condition(*focused(driver)):
            return
    pytest.fail(f"the keyboard does not reach it; the last in focus was {focused(driver)}")


def push(driver, label):
    tab_to(driver, lambda _, words: words == label)
    press(driver, Keys.ENTER)


def holds_focus(key):
    """Return a condition: the focus is on a container of that key, or in it."""
    script = "return document.activeElement.closest('.st-key-' + arguments[0]) !== null"
    return lambda driver: driver.execute_script(script, key)


def test_ten_questions_by_keyboard_alone(browser, address):
    browser.get(f"{address}/quiz")
    wait(browser, lambda d: "Start" in text_of(d))
    push(browser, "Start")
    for number in range(1, QUESTIONS + 1):
        heading = f"Question {number} of {QUESTIONS}"
        wait(browser, lambda d, heading=heading: heading in text_of(d) and "sure" in text_of(d))
        assert "It is" not in text_of(browser)
        wait(browser, holds_focus(f"quiz-answer-{number}"))
        press(browser, str(1 + number % 7))
        wait(browser, lambda d: "The networks on this picture" in text_of(d))
        wait(browser, holds_focus(f"quiz-next-{number - 1}"))
        press(browser, Keys.ENTER)
    wait(browser, lambda d: "The quiz is over" in text_of(d))
    assert "Save the answers (CSV)" in text_of(browser)
