"""What is remembered of content: found again by the same content only, sealed, bounded."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.remembered import Name, Remembered

ROOM = 100_000


def test_the_same_content_finds_it_and_no_other() -> None:
    kept = Remembered(ROOM)
    kept.put(kept.name([b"one", b"two"]), b"result")
    assert kept.get(kept.name([b"one", b"two"])) == b"result"
    assert kept.get(kept.name([b"onetwo"])) is None
    assert kept.get(kept.name([b"one", b"tw", b"o"])) is None
    assert kept.get(kept.name([b"two", b"one"])) is None
    assert kept.get(kept.name([b"one"])) is None


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_names_are_the_same_for_the_same_pieces_only(one: list[bytes], other: list[bytes]) -> None:
    kept = Remembered(ROOM)
    assert (kept.name(one) == kept.name(other)) == (one == other)


def test_another_process_has_other_names() -> None:
    assert Remembered(ROOM).name([b"one"]) != Remembered(ROOM).name([b"one"])


def test_what_is_kept_shows_neither_content_nor_result() -> None:
    kept = Remembered(ROOM)
    name = kept.name([b"the patient's letter"])
    kept.put(name, b"found 536-22-1234")
    held = pickle.dumps((kept._kept, kept._salt))
    assert b"536-22-1234" not in held
    assert b"letter" not in held
    assert name.key not in held
    assert "key" not in repr(name)


def test_without_the_key_or_under_another_name_it_is_not_opened() -> None:
    kept = Remembered(ROOM)
    name = kept.name([b"one"])
    kept.put(name, b"result")
    assert kept.get(Name(name.place, bytes(32))) is None
    (result,) = kept._kept.values()
    other = kept.name([b"other"])
    kept._kept[other.place] = result
    assert kept.get(Name(other.place, name.key)) is None


def test_the_latest_asked_for_stay() -> None:
    kept = Remembered(ROOM)
    names = [kept.name([str(number).encode()]) for number in range(40)]
    for name in names:
        kept.put(name, bytes(4000))
        assert kept.get(names[0]) == bytes(4000)
    assert kept.get(names[1]) is None
    assert kept.get(names[-1]) == bytes(4000)
    assert sum(len(sealed) for sealed, _ in kept._kept.values()) <= ROOM


def test_a_result_put_twice_takes_its_room_once() -> None:
    kept = Remembered(ROOM)
    name, other = kept.name([b"one"]), kept.name([b"other"])
    kept.put(other, b"other")
    for _ in range(100):
        kept.put(name, bytes(10_000))
    assert kept.get(other) == b"other"


def test_what_is_large_for_the_room_is_not_kept() -> None:
    kept = Remembered(ROOM)
    name, other = kept.name([b"one"]), kept.name([b"other"])
    kept.put(other, b"other")
    kept.put(name, bytes(ROOM // 2))
    assert kept.get(name) is None
    assert kept.get(other) == b"other"


def test_after_its_time_it_is_forgotten_however_often_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("keys.remembered.time.monotonic", lambda: now)
    kept = Remembered(ROOM, seconds=60)
    name = kept.name([b"one"])
    kept.put(name, b"result")
    for _ in range(6):
        assert kept.get(name) == b"result"
        now += 10
    assert kept.get(name) is None
    assert not kept._kept
    assert kept._taken == 0


def test_threads_share_it() -> None:
    kept = Remembered(ROOM)

    def work(number: int) -> bool:
        content = [str(number % 50).encode()]
        found = kept.get(kept.name(content))
        kept.put(kept.name(content), content[0] * 500)
        return found is None or found == content[0] * 500

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(2000)))
    assert kept._taken == sum(len(sealed) + 400 for sealed, _ in kept._kept.values()) <= ROOM
