import threading

import numpy as np
import pytest

from skinmodel.imaging import images
from skinmodel.imaging.images import Budget, give_back


def test_no_more_is_lent_than_there_is():
    budget, lock, used, peaks = Budget(100), threading.Lock(), [0], []

    def work(size):
        with budget.borrow(size):
            with lock:
                used[0] += size
                peaks.append(used[0])
            with lock:
                used[0] -= size

    threads = [threading.Thread(target=work, args=(10 + n % 7 * 9,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(peaks) == 60
    assert max(peaks) <= 100


def test_more_than_there_is_waits_for_all_of_it_and_small_ones_do_not_overtake():
    budget, order, started = Budget(100), [], threading.Event()

    def work(name, size):
        started.set()
        with budget.borrow(size):
            order.append(name)

    threads = []
    with budget.borrow(40):
        for name, size in (("huge", 1000), ("small", 10)):
            started.clear()
            threads.append(threading.Thread(target=work, args=(name, size)))
            threads[-1].start()
            started.wait(10)
            while len(budget._queue) < len(threads):  # until it stands in the queue
                threads[-1].join(0.001)
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == ["huge", "small"]


def test_a_failure_gives_its_share_back():
    budget = Budget(100)
    with pytest.raises(KeyError), budget.borrow(100):
        raise KeyError
    with budget.borrow(100):
        pass


def test_every_picture_takes_its_turn_and_large_ones_leave_no_memory_behind(
    monkeypatch, encode_image
):
    trimmed = []
    monkeypatch.setattr(images, "give_back", lambda: trimmed.append(budget._used))
    budget = Budget(1)
    monkeypatch.setattr(images, "BUDGET", budget)
    for side, times in ((500, 0), (2100, 1)):
        for kind in ("JPEG", "PNG"):
            trimmed.clear()
            images.decode(encode_image(np.zeros((side, side, 3), np.uint8), kind))
            assert trimmed == [1] * times  # while nobody else decodes


def test_memory_is_given_back_wherever_the_library_can():
    give_back()
