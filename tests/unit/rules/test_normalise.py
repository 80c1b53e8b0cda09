"""One spelling for every digit, dash and space."""

import random
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rules import normalise as module
from rules.normalise import _SLICE, normalise

ODD = "".join(
    [
        "\u00a0\u2009\u202f\u3000\u2028\x85\x0b\x00\x1b\u00ad\u200b\u200c\u200d\u2060\ufeff\u202e\u2066\ufe0f\u20e3",
        "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d\ufe63\u2043",
        "５٣३𝟗①²½№ﬁ\u0301\u0332\u0308\u3099\u1160\u2800\U000e0041ñäßжλ中文가か\u2019€😀",
    ]
)
TEXTS = st.text(alphabet=st.sampled_from("0123456789- \n\r\tabcXYZ.,:" + ODD), max_size=200) | st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 536-22-1234\n", "plain text, 536-22-1234\n"),
        ("５３６－２２－１２３４", "536-22-1234"),
        ("٥٣٦ ३४ 𝟗", "536 34 9"),
        ("536\u201122\u20131234", "536-22-1234"),
        ("536\ue00022§1234", "536-22-1234"),
        ("536᛫22\u0f0b1234, 536।22׳1234", "536-22-1234, 536-22-1234"),
        ("1\u066c234\u066c567, 10°20, 3×4, § 12", "1\u066c234\u066c567, 10°20, 3×4, § 12"),
        ("\U0001ccf5\U0001ccf3\U0001ccf6", "536"),
        ("⠢⠒⠖⠤⠆⠆⠤⠂⠆⠒⠲ ⠑⠉⠋⠤⠃⠃⠤⠁⠃⠉⠙ ⠼⠢⠒⠖", "536-22-1234 536-22-1234 536"),
        ("⠉⠁⠋⠑ ⠠⠃⠑⠁⠙⠓⠑⠁⠙⠊⠝⠛", "⠉⠁⠋⠑ ⠠⠃⠑⠁⠙⠓⠑⠁⠙⠊⠝⠛"),
        ("4111\u00a01111\u202f1111\u20091111", "4111 1111 1111 1111"),
        ("5\u200b3\u00ad6\u2060-\ufeff2\u200d2\u202e", "536-22"),
        ("5\ufe0f\u20e33\ufe0f\u20e3", "53"),
        ("5\u03326\u0332 -\u0336", "56 -"),
        ("a\x00b\x1bc", "abc"),
        ("Zu\u0308rich", "Z\u00fcrich"),
        ("e\u0301", "\u00e9"),
        ("a\u2028b\x85c", "a\nb\nc"),
        ("536-22-\n1234", "536-22-1234"),
        ("536-22-\r\n1234", "536-22-1234"),
        ("4111 1111 \n1111", "4111 1111 1111"),
        ("1\n2\n3", "1\n2\n3"),
        ("a\r\nb\rc", "a\nb\rc"),
        ("x" * 60 + " 4111\n1111", "x" * 60 + " 4111 1111"),
        ("\ud800 1", "? 1"),
        ("\u2776\u2777 ❸", "12 3"),
        ("536\u00b722\u2022 1234", "536-22- 1234"),
        ("536\u250022\u30fc1234", "536-22-1234"),
        ("a \u00b7 b\u2022", "a \u00b7 b\u2022"),
        ("536-22-=\n1234", "536-22-1234"),
        ("536-22-=\r\n1234 =\nx", "536-22-1234 =\nx"),
        ("\u2474\u2489\U0001f103 \u24ff\u24ea\u24f5 \U0001d7d7", "122 001 9"),
        ("5\u03363\u03366\u0336-\u03362", "536-2"),
        ("S\u0336S\u0332N\u20dd e\u0336", "SSN e"),
        ("536\U0001f53922\u27a11234 5\u00d73 5\u20ac3", "536-22-1234 5\u00d73 5\u20ac3"),
        ("12\n3", "12\n3"),
        ("SSN: ___536-22-1234__ Date: ____", "SSN:    536-22-1234   Date: ____"),
        ("Född ___1980\u201104\u201102__.", "Född    1980-04-02  ."),
        ("__init__ a1__b 5_6 -__9", "__init__ a1__b 5_6 -__9"),
        ("", ""),
    ],
)
def test_one_spelling(text: str, expected: str) -> None:
    assert normalise(text).text == expected


@given(TEXTS)
@example("ä" + "\u200b" * 3 + "1-\n2 \n3")
@example("5\u200b-\n\u200b6")
def test_what_comes_out(text: str) -> None:
    normal = normalise(text)
    assert normal.data == normal.text.encode()  # so it is valid UTF-8, which the engine relies on
    for char in normal.text:
        assert unicodedata.category(char) not in ("Cf", "Cs", "Zs", "Pd", "Nd") or char.isascii()
        assert char in "\t\n\r\f" or unicodedata.category(char) != "Cc" or char == "\x7f"


@given(TEXTS)
def test_twice_is_once_where_no_line_is_joined(text: str) -> None:
    once = normalise(text).text
    assume("\n" not in once)
    assert normalise(once).text == once


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_ascii_without_line_breaks_stays(text: str) -> None:
    assume("__" not in text)  # the line of a form
    normal = normalise(text)
    assert normal.text == text
    assert normal.data == text.encode()


@pytest.mark.parametrize(
    "flood", ["\u0332\u0301\u0316\u0345", "5\u200b", "\ufdfa", "\u1100\u1161\u11a8", "\u0e01\u0e38\u0e48"]
)
def test_no_flood_grows_or_stalls(flood: str) -> None:
    """Sorting a hundred thousand marks upon one letter, by their square, would take minutes."""
    text = "a" + flood * 50_000
    assert len(normalise(text).text) <= len(text)


@pytest.mark.parametrize("shift", range(8))
def test_a_number_is_whole_where_a_long_text_is_cut(shift: int) -> None:
    number = "\uff15\u0332\u200b3\u03326\u0332\u200b-22-1234"
    text = "ä " + "x" * (_SLICE - 10 + shift) + number + "\u00e4" + "y" * _SLICE + number
    assert normalise(text).text.count("536-22-1234") == 2


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_long_text_is_worked_at_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(size)
    signs = ("1", "36", "-", " ", "\n", "\r\n", "\r", "=\n", "word " * 12, *ODD, "\u2022", "\ud800")
    texts = ["".join(rng.choices(signs[:9] if n % 3 else signs, k=rng.randrange(25))) for n in range(150)]
    whole = [normalise(text) for text in texts]
    monkeypatch.setattr(module, "_PER_CALL", size)
    for text, expected in zip(texts, whole, strict=True):
        monkeypatch.setattr(module, "_SLICE", size if text.isascii() else _SLICE)
        found = normalise(text)
        assert found.data == expected.data, text
        traced, asked = found.origin(text), expected.origin(text)
        assert [traced(place) for place in range(len(found.text))] == [asked(n) for n in range(len(found.text))], text


@pytest.mark.parametrize("slice_size", [1, 3, 5, 8, 1 << 15])
def test_a_soft_break_is_seen_wherever_two_looks_at_a_text_meet(
    monkeypatch: pytest.MonkeyPatch, slice_size: int
) -> None:
    monkeypatch.setattr("rules.normalise._SLICE", slice_size)
    assert normalise("SSN 536-=\r\n22-1=\n234\n").data == b"SSN 536-22-1234\n"
    assert normalise("QUJD\r\nQQ==\r\n12\r\n").data == b"QUJD\nQQ==\n12\n"
