"""The compiled database: kept, taken again, and made anew where what was kept is of no use."""

import pytest

from rules.engine import Engine, Expression, Mode
from rules.matching import Matcher
from rules.pack import load_builtin


class MemoryCache:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.asked: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.asked.append(key)
        return self.kept.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.kept[key] = value


def ends(engine: Engine, data: bytes) -> list[tuple[int, int]]:
    return sorted((event >> 40, event & ((1 << 40) - 1)) for block in engine.ends(data) for event in block)


@pytest.mark.slow  # compiles everything, twice
def test_what_was_kept_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    detectors = load_builtin()
    text = "SSN 536-22-1234, card 4716 3791 4202 1968"
    expected = Matcher(detectors, cache).scan_text(text)
    assert cache.kept

    def fail(engine: Engine) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Engine, "_compile", fail)
    assert Matcher(detectors, cache).scan_text(text) == expected


def test_modes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    first = Engine([Expression(r"(?U)ab{1,3}"), Expression(r"\d{3}")], cache)
    second = Engine([Expression(r"(?U)ab{1,3}"), Expression(r"\d{3}")], cache)
    assert first.modes == second.modes == (Mode.ALONE, Mode.EXACT)
    assert ends(first, b"ab 1234") == ends(second, b"ab 1234") == [(1, 6), (1, 7)]


def test_other_patterns_have_another_key() -> None:
    cache = MemoryCache()
    Engine([Expression(r"\d{3}")], cache)
    Engine([Expression(r"\d{3}", caseless=True)], cache)
    Engine([Expression(r"\d{4}")], cache)
    assert len(set(cache.asked)) == 3


@pytest.mark.parametrize("garbage", [b"", b"\0\0\0\x02[]", b'\0\0\0\x09["exact"]', b"\xff" * 100, b"\0\0\0\x04nope"])
def test_garbage_is_compiled_anew(garbage: bytes) -> None:
    cache = MemoryCache()
    Engine([Expression(r"\d{3}")], cache)
    key = cache.asked[0]
    cache.kept[key] = garbage
    assert ends(Engine([Expression(r"\d{3}")], cache), b"123") == [(0, 3)]
    assert cache.kept[key] != garbage


def test_all_ends_are_given() -> None:
    engine = Engine([Expression(r"\d{2,4}"), Expression("x", caseless=True)], None)
    assert ends(engine, b"1234X") == [(0, 2), (0, 3), (0, 4), (1, 5)]
    assert ends(engine, b"") == []
