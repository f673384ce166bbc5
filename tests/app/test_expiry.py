import asyncio
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from app import expiry
from app.expiry import forget_ended_sessions, shut_down_expired
from app.services.uploads import FORGOTTEN
from app.shared import content


class Session:
    def __init__(self, name, ended):
        self.id, self.ended = name, ended

    def shutdown(self):
        self.ended.append(self.id)


@pytest.fixture
def ended():
    return []


def store(ended, seconds):
    """Two sessions that were put away so many seconds ago; they may come back for 120."""
    storage, clock = MemorySessionStorage(), [0.0]
    storage._cache = TTLCache(maxsize=128, ttl=storage._cache._ttl, timer=lambda: clock[0])
    for name in ("a", "b"):
        storage._cache[name] = SimpleNamespace(session=Session(name, ended))
    clock[0] = float(seconds)
    return storage


def test_sessions_whose_time_is_over_are_shut_down_without_another_visitor(ended):
    assert shut_down_expired(store(ended, 121)) == 2
    assert sorted(ended) == ["a", "b"]


def test_a_session_that_may_come_back_is_left_alone(ended):
    storage = store(ended, 119)
    assert shut_down_expired(storage) == 0
    assert ended == []
    assert storage.get("a")


def test_the_server_looks_of_itself_and_gives_memory_back(ended, monkeypatch):
    manager = SimpleNamespace(_session_storage=store(ended, 121))
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=manager))
    monkeypatch.setattr(expiry, "SECONDS", 0.0)

    async def run():
        given_back = asyncio.Event()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(expiry, "give_back", lambda: loop.call_soon_threadsafe(given_back.set))
        async with forget_ended_sessions(None):
            await asyncio.wait_for(given_back.wait(), 10)

    asyncio.run(run())
    assert sorted(ended) == ["a", "b"]


def test_readers_are_told_how_long_a_picture_stays():
    longest = MemorySessionStorage()._cache.ttl + expiry.SECONDS
    assert longest == 2.25 * 60
    assert "about two and a quarter minutes after" in FORGOTTEN
    assert "about two and a quarter minutes after you close" in content.read_content("about")
