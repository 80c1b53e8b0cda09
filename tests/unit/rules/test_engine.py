"""The compiled database: kept, taken again, and made anew where what was kept is of no use."""

import pytest

from rules.engine import BLOCK, Bundle, Engine, Expression, Mode
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


def test_pieces_are_looked_at_together_and_apart() -> None:
    """As pieces alone, which begin a line each: no match across two, none that ends where a piece does in the text."""
    engine = Engine([Expression(r"\d{3}"), Expression(r"^x\d", lines=True)])
    data = b"123456 x7 89 " * 3
    spans = [(0, 5), (7, 13), (14, 18), (20, len(data))]
    found = sorted(event & ((1 << 40) - 1) for block in engine.ends_within(data, spans) for event in block)
    assert found == [3, 4, 9, 17, 22, 29, 30, 31, 32]


def test_a_long_piece_is_looked_at_block_by_block() -> None:
    engine = Engine([Expression(r"\d{3}")])
    data = b"x" * 50 + b"1234" + b"x" * BLOCK + b"5678" + b"x" * 50
    spans = [(10, len(data) - 10)]
    found = sorted(event & ((1 << 40) - 1) for block in engine.ends_within(data, spans) for event in block)
    assert found == [53, 54, BLOCK + 57, BLOCK + 58]


def test_many_databases_are_kept_as_one() -> None:
    cache = MemoryCache()
    for _ in range(2):
        bundle = Bundle(cache, "all")
        engines = [Engine([Expression(rf"{letter}\d")], bundle) for letter in "ab"]
        bundle.close()
    assert len(cache.kept) == 1
    assert [ends(engine, b"a1 b22") for engine in engines] == [[(0, 2)], [(0, 5)]]


@pytest.mark.parametrize("garbage", [b"", b"x", b"key 9\nshort", b"key x\n", b"\xff 1\nx"])
def test_a_spoilt_bundle_is_made_anew(garbage: bytes) -> None:
    cache = MemoryCache()
    Bundle(cache, "all").close()
    cache.get = lambda key: garbage  # type: ignore[method-assign]  # what lies there
    bundle = Bundle(cache, "all")
    assert ends(Engine([Expression(r"\d{3}")], bundle), b"123") == [(0, 3)]
    bundle.close()
    assert len(cache.kept) == 1
