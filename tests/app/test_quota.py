"""One session cannot fill the server's memory with uploads."""

import asyncio
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit import net_util, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from app import quota
from app.quota import LIMIT, SURROUNDINGS, UploadQuota
from skinmodel.imaging.images import MAX_BYTES

SIZE = MAX_BYTES + SURROUNDINGS
FIT = LIMIT // SIZE


@pytest.fixture
def manager(monkeypatch):
    manager = MemoryUploadedFileManager("/_stcore/upload_file")
    instance = SimpleNamespace(uploaded_file_mgr=manager)
    monkeypatch.setattr(runtime, "get_instance", lambda: instance)
    monkeypatch.setattr(quota, "POOL", 0)
    return manager


def put(manager, session, name, size=MAX_BYTES):
    manager.add_file(session, UploadedFileRec(name, f"{name}.jpg", "image/jpeg", bytes(size)))


def held(manager, session="a"):
    return list(manager.file_storage[session])


class Server:
    """Uploads through the quota; each is on its way until it is let go."""

    def __init__(self, manager):
        self.app, self.manager = UploadQuota(self.receive), manager
        self.going = asyncio.Event()
        self.going.set()

    async def receive(self, scope, _receive, send):
        await self.going.wait()
        _, session, name = scope["path"].rsplit("/", 2)
        put(self.manager, session, name)
        await send({"type": "http.response.start", "status": 204})

    async def upload(self, name, session="a", length=b"%d" % (MAX_BYTES + 300), base=""):
        sent = []

        async def send(message):
            sent.append(message)

        headers = [] if length is None else [(b"content-length", length)]
        path = f"{base}/_stcore/upload_file/{session}/{name}"
        scope = {"type": "http", "method": "PUT", "path": path, "headers": headers}
        await self.app(scope, None, send)
        self.said = b"".join(message.get("body", b"") for message in sent).decode()
        return sent[0]["status"]


@pytest.mark.parametrize("length", [b"%d" % MAX_BYTES, None, b"x"])
@pytest.mark.parametrize("base", ["", "/skin"])
def test_the_oldest_upload_of_a_session_goes_where_a_new_one_finds_no_room(manager, length, base):
    async def run():
        server = Server(manager)
        for number in range(12):
            assert await server.upload(f"f{number}", length=length, base=base) == 204
            assert sum(len(f.data) for f in manager.file_storage["a"].values()) <= LIMIT

    put(manager, "b", "other")
    asyncio.run(run())
    assert held(manager) == [f"f{n}" for n in range(12)][-FIT:]
    assert held(manager, "b") == ["other"]


def test_many_small_files_are_bounded_too_and_a_batch_of_usual_pictures_fits(manager):
    for number in range(1200):
        quota.make_room(manager, "a", quota.LEAST)
        put(manager, "a", f"f{number}", 1)
    assert len(held(manager)) == LIMIT // quota.LEAST > 200


def test_a_long_name_counts(manager):
    quota.make_room(manager, "a", SURROUNDINGS)
    manager.add_file("a", UploadedFileRec("x", "n" * 2 * LIMIT, "image/jpeg", b""))
    quota.make_room(manager, "a", 1)
    assert held(manager) == []


def test_what_others_leave_of_the_pool_may_be_used_by_one(manager, monkeypatch):
    monkeypatch.setattr(quota, "POOL", 2 * SIZE)

    async def run():
        server = Server(manager)
        for number in range(12):
            assert await server.upload(f"f{number}") == 204
        assert held(manager) == [f"f{n}" for n in range(12)][-(FIT + 2) :]
        for number in range(12):  # the pool is taken: this one has its own share
            assert await server.upload(f"g{number}", session="b") == 204
        assert held(manager, "b") == [f"g{n}" for n in range(12)][-FIT:]
        assert len(held(manager)) == FIT + 2

    asyncio.run(run())


def test_uploads_on_their_way_count_and_what_is_too_much_is_refused_in_words(manager):
    async def run():
        server = Server(manager)
        server.going.clear()
        put(manager, "a", "old")
        coming = [asyncio.create_task(server.upload(f"f{n}")) for n in range(FIT)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(server.upload("more"), 10) == 413
        assert "more than 60 MB at once" in server.said
        server.going.set()
        assert await asyncio.gather(*coming) == [204] * FIT
        assert held(manager) == [f"f{n}" for n in range(FIT)]  # "old" had to go
        assert await server.upload("later") == 204  # what has arrived is no longer on its way

    asyncio.run(run())


def test_an_upload_that_fails_leaves_its_room(manager):
    async def fail(scope, receive, send):
        raise OSError("broken off")

    async def run():
        server = Server(manager)
        receive, server.app._app = server.app._app, fail
        for _ in range(2 * FIT):
            with pytest.raises(OSError, match="broken off"):
                await server.upload("f")
        server.app._app = receive
        assert await server.upload("f") == 204

    asyncio.run(run())


def test_other_requests_pass(manager):
    async def run(**scope):
        passed = []

        async def app(*_):
            passed.append(True)

        await UploadQuota(app)({"headers": [], **scope}, None, None)
        assert passed

    put(manager, "a", "kept")
    for scope in (
        {"type": "lifespan"},
        {"type": "websocket", "path": "/_stcore/stream"},
        {"type": "http", "method": "GET", "path": "/"},
        {"type": "http", "method": "DELETE", "path": "/_stcore/upload_file/a/kept"},
    ):
        asyncio.run(run(**scope))
    assert held(manager) == ["kept"]


def test_the_server_stands_behind_the_quota(monkeypatch):
    monkeypatch.setattr(net_util, "get_external_ip", None)  # is set anew, and back
    main = runpy.run_path(str(Path(quota.__file__).with_name("main.py")), run_name="main")
    assert UploadQuota in [entry.cls for entry in main["server"]._user_middleware]
