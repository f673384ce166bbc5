"""What a session has sent is given up once it was opened, and what that leaves behind."""

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest, local_script_runner


@pytest.fixture
def held(monkeypatch):
    """The files the server holds, as a server holds them: from one run to the next."""
    manager = MemoryUploadedFileManager("/mock/upload")
    monkeypatch.setattr(local_script_runner, "MemoryUploadedFileManager", lambda _: manager)
    return lambda: [file for files in manager.file_storage.values() for file in files.values()]


@pytest.fixture
def name_again(monkeypatch):
    """Run a page again as a browser has it run: the file is named, its bytes are not sent."""

    def run(at):
        with monkeypatch.context() as patch:
            patch.setattr(AppTest, "_register_uploaded_files", lambda *_: None)
            return at.run()

    return run


def send(at, data, name="lesion.png"):
    return at.file_uploader[0].set_value((name, data, "image/png")).run()


def test_the_server_gives_up_a_file_that_was_opened(open_dashboard, picture_bytes, held):
    at = send(open_dashboard(), picture_bytes)
    assert at.session_state["picture"] is not None
    assert held() == []
    assert at.file_uploader[0].value.getvalue() == b""  # nor does the widget hold it


def test_a_refused_file_is_given_up_too(open_dashboard, picture_bytes, held):
    at = send(open_dashboard(), picture_bytes[:500])
    assert at.error
    assert held() == []


@pytest.mark.parametrize("part", [None, 500])
def test_a_file_named_again_changes_nothing(open_dashboard, picture_bytes, held, name_again, part):
    at = send(open_dashboard(), picture_bytes[:part])
    before, errors = at.session_state["picture"], [error.value for error in at.error]
    at = name_again(at)
    assert not at.exception
    assert at.session_state["picture"] is before
    assert [error.value for error in at.error] == errors


def test_a_file_that_went_before_it_was_opened_is_asked_for_again(
    open_dashboard, picture_bytes, name_again
):
    at = open_dashboard()
    at.file_uploader[0].set_value(("lesion.png", picture_bytes, "image/png"))
    at = name_again(at)
    assert "Choose it again" in at.error[0].value
    assert send(at, picture_bytes).session_state["picture"] is not None


def test_the_lessons_give_their_file_up(open_dashboard, picture_bytes, held, name_again):
    at = open_dashboard().switch_page("learn/page.py").run()
    at.pills(key="learn-source").set_value("Upload").run()
    at = send(at, picture_bytes)
    before = at.session_state["learn-uploaded"]
    assert held() == []
    at = name_again(at)
    assert not at.exception
    assert at.session_state["learn-uploaded"] is before


def test_a_sessions_pictures_are_one_click_back_until_they_are_forgotten(
    open_dashboard, picture_bytes, photo, encode_image
):
    at = send(open_dashboard(), picture_bytes)
    first = at.session_state["picture"]
    at = send(at, encode_image(photo[::-1]))
    assert at.session_state["picture"].sha256 != first.sha256
    at.button(key=f"history-UPLOAD-{first.key}").click().run()
    assert at.session_state["picture"] is first
    [clear] = [button for button in at.button if button.label == "Clear picture"]
    clear.click().run()
    kept = [analysis.picture.sha256 for analysis in at.session_state["analyses"].values()]
    assert first.sha256 not in kept
    assert len(kept) == 1


def test_all_of_a_sessions_pictures_can_be_forgotten_at_once(
    open_dashboard, picture_bytes, photo, encode_image
):
    at = send(send(open_dashboard(), picture_bytes), encode_image(photo[::-1]))
    [forget] = [button for button in at.button if button.label == "Forget all pictures"]
    forget.click().run()
    assert not at.session_state["analyses"]
    assert at.session_state["picture"] is None


def test_an_error_names_its_file_and_the_last_files_error_is_gone(open_dashboard, picture_bytes):
    at = send(open_dashboard(), picture_bytes[:500], "broken.png")
    assert [e.proto.title for e in at.error] == ["'broken.png' cannot be used"]
    at = send(at, b"no picture", "other.png")
    assert [e.proto.title for e in at.error] == ["'other.png' cannot be used"]
    at = send(at, picture_bytes, "good.png")
    assert not at.error
