import errno
import logging

import pytest
from hostile_server import Answer, run_hostile_server

from skinmodel.data.download.fetch import Origin, Partial, fetch
from skinmodel.data.download.http import Patience, Session
from skinmodel.errors import DatasetError

MB = 1 << 20
BODY = b"".join(i.to_bytes(4, "big") for i in range(MB))  # no piece is like another
SIZE = len(BODY)
PATH = "/file.zip"


@pytest.fixture(autouse=True)
def _direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def host():
    with run_hostile_server() as server:
        server.files[PATH] = BODY
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def get(host, tmp_path, waits):
    def run(path=PATH, size=SIZE, answer_seconds=30.0, **patience):
        with Session(answer_seconds) as session:
            how = Patience(**{"sleep": waits.append, "tries": 4, **patience})
            return fetch(host.url + path, tmp_path / "file.zip", session, size, how)

    run.partial = Partial.of(tmp_path / "file.zip")
    return run


def test_a_file_comes_whole_and_is_not_asked_for_twice(host, get, waits):
    partial = get()
    assert partial.path.read_bytes() == BODY
    assert partial.path.name == "file.zip.part"
    get()
    assert host.ranges(PATH) == [None]
    assert host.asked[0].headers["User-Agent"].startswith("skinmodel/")
    assert host.asked[0].headers["Accept-Encoding"] == "identity"
    assert waits == []


def test_a_dropped_connection_is_gone_on_with(host, get, waits):
    host.next(PATH, Answer(cut=MB + 5), Answer(cut=2 * MB))
    assert get().path.read_bytes() == BODY
    first, second, third = host.ranges(PATH)
    assert first is None
    assert second == f"bytes={MB + 5}-"  # all that came is kept
    assert third == f"bytes={3 * MB + 5}-"
    assert host.asked[1].headers["If-Range"].startswith('"')
    assert waits == [1.0, 1.0]  # a new megabyte came in between: patience begins anew


def test_a_host_that_never_gets_on_is_given_up_with_longer_and_longer_waits(host, get, waits):
    host.next(PATH, *[Answer(cut=70_000)] * 4)
    with pytest.raises(DatasetError, match=r"in 4 tries.*kB are kept. Give the same command again"):
        get()
    assert waits == [1.0, 2.0, 4.0]
    assert get().path.read_bytes() == BODY  # the next command goes on
    assert host.ranges(PATH)[-1] == f"bytes={4 * 70_000}-"


def test_a_host_without_ranges_starts_anew_and_never_appends(host, get):
    host.next(PATH, Answer(cut=2 * MB), Answer(ignore_range=True))
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH) == [None, f"bytes={2 * MB}-"]


def test_a_file_that_changed_meanwhile_starts_anew(host, get):
    other = BODY[::-1]
    host.next(PATH, Answer(cut=2 * MB))
    with pytest.raises(DatasetError, match="in 1 tries"):
        get(tries=1)
    host.files[PATH] = other
    assert get().path.read_bytes() == other


def test_a_range_of_a_changed_file_is_not_appended(host, get, waits):
    lie = {"ETag": '"another"', "Content-Range": f"bytes {2 * MB}-{SIZE - 1}/{SIZE}"}
    host.next(PATH, Answer(cut=2 * MB), Answer(headers=lie))
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH) == [None, f"bytes={2 * MB}-", None]


@pytest.mark.parametrize(
    "content_range", [f"bytes 7-{SIZE - 1}/{SIZE}", "bytes", None, "bytes 9-1/*"]
)
def test_a_range_that_was_not_asked_for_is_thrown_away(host, get, content_range):
    wrong = Answer(headers={"Content-Range": content_range})
    host.next(PATH, Answer(cut=2 * MB), wrong)
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH)[-1] is None


def test_a_range_that_cannot_be_had_starts_anew(host, get, tmp_path):
    partial = Partial.of(tmp_path / "file.zip")
    partial.begin(Origin(host.url + PATH, None, None))
    partial.path.write_bytes(BODY + b"more")
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH) == [f"bytes={SIZE + 4}-", None]


def test_bytes_of_another_address_or_of_unknown_origin_are_not_gone_on_with(host, get, tmp_path):
    partial = Partial.of(tmp_path / "file.zip")
    partial.begin(Origin("http://127.0.0.1/other", None, SIZE))
    partial.path.write_bytes(b"x" * MB)
    assert get().path.read_bytes() == BODY
    partial.discard()
    partial.path.write_bytes(b"x" * MB)
    assert get().path.read_bytes() == BODY
    for note in ("", "[]", '{"url": 1}', '{"url": "x", "validator": null, "total": "many"}'):
        (tmp_path / "file.zip.part.json").write_text(note)
        assert get().path.read_bytes() == BODY
    assert host.ranges(PATH) == [None] * 6


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_host_is_tried_again_when_it_asks_to(host, get, waits, status):
    host.next(PATH, Answer(status, {"Retry-After": "30"}), Answer(status))
    assert get().path.read_bytes() == BODY
    assert waits == [30.0, 2.0]


def test_retry_after_may_be_a_date_or_nonsense(host, get, waits):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    host.next(PATH, Answer(503, {"Retry-After": date}), Answer(503, {"Retry-After": "soon"}))
    get()
    assert waits == [1.0, 2.0]


def test_a_host_that_asks_for_hours_is_left_alone(host, get, waits):
    host.next(PATH, Answer(429, {"Retry-After": "7200"}))
    with pytest.raises(DatasetError, match="asks to wait 7,200 s"):
        get()
    assert waits == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_asked_for_once(host, get, status):
    host.next(PATH, Answer(status))
    with pytest.raises(DatasetError, match=f"answered {status}.*--sources"):
        get()
    assert len(host.asked) == 1


def test_a_file_of_another_size_is_refused_before_it_comes(host, get, tmp_path):
    with pytest.raises(DatasetError, match=r"offers 4,194,304 bytes where the release has 5"):
        get(size=5)
    assert Partial.of(tmp_path / "file.zip").size == 0


def test_a_body_without_length_is_held_against_the_known_size(host, get, waits):
    host.next(PATH, Answer(headers={"Content-Length": None}, body=BODY + b"x" * MB))
    assert get().path.read_bytes() == BODY
    assert waits == [1.0]


def test_a_short_body_without_length_is_not_taken_for_whole(host, get):
    host.next(PATH, Answer(headers={"Content-Length": None}, cut=MB))
    assert get().path.read_bytes() == BODY


def test_a_file_of_unknown_length_and_size_is_refused(host, get):
    host.next(PATH, Answer(headers={"Content-Length": None}))
    with pytest.raises(DatasetError, match="does not tell how long"):
        get(size=None)


def test_a_web_page_or_a_packed_answer_is_not_the_file(host, get):
    host.next(PATH, Answer(headers={"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(DatasetError, match="web page"):
        get()
    host.next(PATH, Answer(headers={"Content-Encoding": "gzip"}))
    with pytest.raises(DatasetError, match="packed as gzip"):
        get()


def test_redirects_go_to_the_configured_host_only_unless_to_https(host, get):
    host.next("/moved", Answer(302, {"Location": PATH}))
    assert get("/moved").path.read_bytes() == BODY
    for elsewhere in ("http://localhost:9/x?signature=1", "file:///etc/passwd"):
        host.next("/away", Answer(302, {"Location": elsewhere}))
        with pytest.raises(DatasetError, match="Only an https address") as refused:
            get("/away")
        assert "signature" not in str(refused.value)


def test_a_circle_of_redirects_ends(host, get):
    host.next("/round", *[Answer(302, {"Location": "/round"})] * 20)
    with pytest.raises(DatasetError, match="for good: TooManyRedirects"):
        get("/round")
    assert len(host.asked) == 6


def test_redirects_keep_the_range(host, get):
    host.next("/moved", *[Answer(303, {"Location": PATH})] * 2)
    host.next(PATH, Answer(cut=2 * MB))
    assert get("/moved").path.read_bytes() == BODY
    assert host.ranges(PATH) == [None, f"bytes={2 * MB}-"]


def test_nobody_there_is_tried_again_and_said(tmp_path, waits, caplog):
    caplog.set_level(logging.INFO)
    with run_hostile_server() as gone:
        url = gone.url
    how = Patience(tries=2, sleep=waits.append)
    with Session() as session, pytest.raises(DatasetError, match=r"in 2 tries.*no connection"):
        fetch(f"{url}/x", tmp_path / "x", session, 1, how)
    assert waits == [1.0]
    assert "trying again in 1 s" in caplog.text


def test_a_silent_host_runs_into_the_timeout(host, get, waits):
    host.next(PATH, Answer(cut=MB, stall=True))
    with pytest.raises(DatasetError, match="the host is silent"):
        get(read=0.2, tries=1)
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH)[1] == f"bytes={MB}-"


def test_a_file_larger_than_the_disk_is_refused_once_its_size_is_told(host, get, monkeypatch):
    import skinmodel.data.download.fetch as module

    monkeypatch.setattr(module, "find_free", lambda _: SIZE - 1)
    with pytest.raises(
        DatasetError, match=r"file.zip needs 4.2 MB more in .*, and 4.2 MB are free"
    ):
        get(size=None)
    host.next(PATH, Answer(cut=MB))
    monkeypatch.setattr(module, "find_free", lambda _: SIZE)
    with pytest.raises(DatasetError, match="in 1 tries"):
        get(size=None, tries=1)
    monkeypatch.setattr(module, "find_free", lambda _: SIZE - MB)  # what is kept is not missing
    assert get(size=None).path.read_bytes() == BODY


def test_a_full_disk_keeps_what_came(host, get, monkeypatch, tmp_path):
    import skinmodel.data.download.fetch as module

    class Full:
        def __init__(self, *_args, **_kwargs):
            pass

        def update(self, _count):
            raise OSError(errno.ENOSPC, "No space left on device")

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(module, "tqdm", Full)
        with pytest.raises(OSError, match="No space left"):
            get()
    kept = Partial.of(tmp_path / "file.zip").size
    assert 0 < kept < SIZE
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH) == [None, f"bytes={kept}-"]


def test_the_body_of_a_redirect_is_not_read(host, get):
    endless = Answer(302, {"Location": PATH, "Content-Length": None}, endless=True)
    packed = Answer(302, {"Location": PATH, "Content-Encoding": "gzip", "Content-Length": "9"})
    host.next("/moved", endless, packed)
    for _ in range(2):
        assert get("/moved").path.read_bytes() == BODY
        get.partial.discard()
    assert host.sent < 4 * MB  # what the socket's buffers took before the client hung up


def test_a_host_that_drips_is_given_up_and_what_came_is_kept(host, get):
    host.next(PATH, Answer(drip=0.02))
    with pytest.raises(DatasetError, match=r"the host sends [\d,]+ bytes a second only"):
        get(span=0.2, tries=1)
    kept = get.partial.size
    assert 0 < kept < 1000
    assert get().path.read_bytes() == BODY
    assert host.ranges(PATH)[1] == f"bytes={kept}-"


@pytest.mark.parametrize("head", ["100 Continue", "drips"])
def test_a_head_that_never_ends_is_given_up(host, get, head):
    host.next(PATH, Answer(interim=True) if head == "100 Continue" else Answer(head_drip=0.02))
    with pytest.raises(DatasetError, match=r"in 1 tries; the last: the host is silent"):
        get(tries=1, answer_seconds=0.3)
    assert get(answer_seconds=30).path.read_bytes() == BODY


def test_the_watch_over_the_head_ends_with_it(host, get):
    host.next(PATH, Answer(cut=MB, pause=0.5))
    assert get(answer_seconds=0.2, tries=1).path.read_bytes() == BODY


def test_a_broken_header_tells_the_log_nothing_of_the_query(host, get, caplog):
    url = f"{PATH}?signature=SECRET"
    host.files[url] = BODY
    host.next(url, Answer(raw_header=b"no colon in this line\r\n"))
    with caplog.at_level(logging.DEBUG):
        assert get(url).path.read_bytes() == BODY
    assert "Failed to parse headers" in caplog.text
    assert "SECRET" not in caplog.text
    assert "Traceback" not in caplog.text


def test_what_follows_the_announced_length_is_no_part_of_the_file_or_of_the_next(host, get):
    # RFC 9112, 6.3: an answer ends where Content-Length says; nothing after it is looked at.
    host.next(PATH, Answer(headers={"Content-Length": "5", "Connection": "keep-alive"}))
    assert get(size=None).path.read_bytes() == BODY[:5]
    get.partial.discard()
    assert get(size=None).path.read_bytes() == BODY
