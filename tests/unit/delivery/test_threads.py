"""Pools of threads where no more threads are to be had."""

import threading
from collections.abc import Iterator

import pytest

from delivery.threads import Threads


@pytest.fixture
def pool() -> Iterator[Threads]:
    with Threads(4) as made:
        yield made


def _none_left(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_the_threads_that_are_there_do_the_work(pool: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> bool:
        begun.set()
        return go_on.wait(60)

    first = pool.submit(wait)
    assert begun.wait(60)
    monkeypatch.setattr(threading.Thread, "start", _none_left)
    later = [pool.submit(int, text) for text in ("7", "8")]
    go_on.set()
    assert first.result(60)
    assert [one.result(60) for one in later] == [7, 8]


def test_what_could_not_be_begun_is_never_done(pool: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _none_left)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            pool.submit(done.append, "refused")
    pool.submit(done.append, "taken").result(60)
    assert done == ["taken"]
