"""Every page of the registry opens, and says what it must."""

from dataclasses import replace

import pytest
from fakes import make_record

from app import services
from app.navigation import PAGES
from app.services import list_models, load_classifiers, read_records
from skinmodel import paths
from skinmodel.errors import WeightsError
from skinmodel.results import DISCLAIMER
from skinmodel.weights import store
from skinmodel.weights.manifest import MANIFEST, write_manifest


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


def test_about_shows_the_records_figures_and_runs(open_dashboard, ship):
    records = [make_record(name) for name in ("cnn", "cnn_sa")]
    ship(*records)
    at = open_dashboard().switch_page("about/page.py").run()
    text = "\n".join(m.value for m in at.markdown)
    for record in records:
        assert record.run_id in text, record.model
    assert "balanced accuracy 0.250 (0.200 to 0.300)" in text
    assert "macro AUC 0.750 (0.700 to 0.800)" in text
    assert not at.error


def test_about_without_weights_says_so_in_words(open_dashboard, ship):
    ship()
    at = open_dashboard().switch_page("about/page.py").run()
    assert not at.exception
    assert "no weights of any network" in at.error[0].value


def test_networks_of_a_leaky_split_are_not_shown(ship):
    leaky = make_record("cnn_sa_published", leaks=True)
    ship(make_record("cnn_sa"), make_record("cnn"), leaky)
    assert list_models() == ("cnn", "cnn_sa")
    ship(leaky)
    with pytest.raises(WeightsError, match="no weights of any network"):
        list_models()


def test_a_users_own_runs_do_not_change_what_is_shown(ship):
    records = (make_record("cnn"), make_record("cnn_sa"))
    ship(*records)
    newer = replace(records[0], run_id="own-newer", created="2026-02-02T00:00:00+00:00")
    write_manifest(paths.home() / "weights", [newer, make_record("cnn_sa_published")])
    assert read_records() == records


def test_an_unreadable_folder_of_own_runs_takes_nothing_down(ship, monkeypatch):
    asked = []

    class Asked:
        """In place of the networks' process."""

        def ask(self, task):
            asked.append(task.network.record.run_id)

    monkeypatch.setattr(services, "get_process", Asked)
    records = (make_record("cnn"), make_record("cnn_sa"))
    ship(*records)
    home = paths.home() / "weights"
    home.mkdir(parents=True)
    (home / MANIFEST).write_text("not JSON")
    with pytest.raises(WeightsError):
        store.list_all()
    assert list(load_classifiers()) == ["cnn", "cnn_sa"]
    assert sorted(asked) == sorted(record.run_id for record in records)
    assert read_records() == records
