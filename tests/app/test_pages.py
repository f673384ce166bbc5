"""Every page of the registry opens, and says what it must."""

import pytest

from app.navigation import PAGES
from app.services import list_models
from skinmodel.errors import WeightsError
from skinmodel.results import DISCLAIMER


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.title)
def test_page_opens_and_carries_the_disclaimer(open_dashboard, entry):
    at = open_dashboard().switch_page(entry.path).run()
    assert not at.exception
    assert not at.error or entry.title == "About"  # weights may be missing in a checkout
    texts = [*at.markdown, *at.info, *at.caption]
    assert any(DISCLAIMER in text.value for text in texts)
    assert at.title[0].value


def test_addresses_are_unique_and_the_first_page_is_the_default():
    addresses = [entry.url_path for entry in PAGES]
    assert len(set(addresses)) == len(addresses)
    assert [entry.title for entry in PAGES if not entry.url_path] == [PAGES[0].title]


def test_about_shows_the_records_figures_and_runs(open_dashboard, monkeypatch):
    from fakes import make_record

    records = {name: make_record(name) for name in ("cnn", "cnn_sa")}
    monkeypatch.setattr("app.services.list_models", lambda: tuple(records))
    monkeypatch.setattr("app.services.store.find", lambda name: (records[name], None))
    at = open_dashboard().switch_page("views/about.py").run()
    text = "\n".join(m.value for m in at.markdown)
    for name, record in records.items():
        assert record.run_id in text, name
    assert "balanced accuracy 0.250 (0.200 to 0.300)" in text
    assert "macro AUC 0.750 (0.700 to 0.800)" in text
    assert not at.error


def test_about_without_weights_says_so_in_words(open_dashboard, monkeypatch):
    monkeypatch.setattr("app.services.store.list_all", list)
    at = open_dashboard().switch_page("views/about.py").run()
    assert not at.exception
    assert "no weights of any network" in at.error[0].value


def test_networks_of_a_leaky_split_are_not_shown(monkeypatch):
    from fakes import make_record

    class Stored:
        def __init__(self, record):
            self.record = record

    stored = [
        Stored(make_record("cnn_sa")),
        Stored(make_record("cnn")),
        Stored(make_record("cnn_sa_published", leaks=True)),
    ]
    monkeypatch.setattr("app.services.store.list_all", lambda: stored)
    assert list_models() == ("cnn", "cnn_sa")
    monkeypatch.setattr("app.services.store.list_all", lambda: stored[2:])
    with pytest.raises(WeightsError, match="no weights of any network"):
        list_models()
