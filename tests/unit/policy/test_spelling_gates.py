"""The quick looks that spare slow ones never say no where a slow one finds something."""

import random
import re
from itertools import pairwise

import pytest
import re2

from policy.extraction.text import spelling, tables
from policy.extraction.text.around import of_places, places
from policy.extraction.text.codes import coded_numbers
from policy.extraction.text.gates import Gate
from policy.extraction.text.tables import downward_columns, joined_cells, joined_columns, joined_lines
from rules import turns

PIECES = (
    *("5", "36", "536", "1234", "22", "-", ",", ";", "|", "\"", " ", "\n", "\r\n", "\t", "\u00a0", "\u2009", "\x85"),
    *("\n> ", '"', "'", '-" "', "'-", "%\n", "](x)", "\\b{"),
    *("[", "]", "five", "three", "SIX", "two", "oh", "nine", "dash", ".", "/", "*", "_", "word", '": "', "\x0b", "é"),
)  # fmt: skip


JOINS = ("-\n> ", "\r\n>> ", "-' '", '"\u2009+ "-', "-\\\n ", "%\n", "**-", " _", "\\textbf{", "](x) ", "$ - ")


def numbers(rng: random.Random) -> str:
    """Something like a number in cells, lines or words, mostly."""
    kind = rng.randrange(10)
    if kind == 9:
        return rng.choice(
            ("536-\n# 22-1234\n", "536-22-\r\n2. 1234", "\n| 536- | a |\n| 22-1234 |\n", "536-   so it is\n22-1234")
        )
    if kind == 8:
        return rng.choice(("\n536-2\t2-1234\n", "\n536\t22\t1234\n", "\n5\t3\t6\t-\t2\t2\n"))
    if kind == 5:
        line = rng.choice(("{},7{}", "{} | 12", "x\t{}", "a;{};b"))
        return "\n" + rng.choice(("\n", "\r\n")).join(line.format(sign, "") for sign in "536221234") + "\n"
    if kind == 6:
        return rng.choice((" ", ", ", ":")).join(f"{ord(sign):02x}" for sign in "536-22-1234")
    if kind == 7:
        return (
            f"536-22-{rng.choice(('', ' '))}{rng.choice((chr(10), chr(13) + chr(10)))}{' ' * rng.randrange(1, 9)}1234"
        )
    if kind == 0:
        gap = rng.choice((",", " , ", '","', ";\u00a0", "|", ",\n"))
        return gap.join(rng.choice((("536", "22", "1234"), ("4111", "1111", "1111", "1111"), tuple("536221234"))))
    if kind == 1:
        return rng.choice(("\n", "\r\n")).join(rng.choice(("536221234", "536-22-1234")))
    if kind == 2:
        gap = rng.choice((" ", ", ", "-", "\u2009", ".\n"))
        return gap.join(rng.choice(("five", "Three", "six", "oh", "NINE")) for _ in range(9))
    if kind == 3:
        return rng.choice(JOINS).join(rng.choices(("536", "22", "1234", "4111"), k=4))
    return "".join(rng.choices(PIECES, k=9))


def is_marked(match: re.Match[str]) -> bool:
    number = spelling._MARKS.sub("", match[0])
    return number != match[0] and len(spelling._DIGIT.findall(number)) >= spelling._LEAST


def is_number(said: str) -> bool:
    return re.search("[0-9-]{7}", said) is not None


def test_what_is_left_out_is_left_out_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    texts = ["".join(rng.choices(("5", "36-", "\n> ", "-'+'", "22", " ", "%\n"), k=20)) for _ in range(200)]
    expected = [spelling._QUOTED.sub("", text) for text in texts], [spelling._PARTED.sub("", text) for text in texts]
    monkeypatch.setattr(turns, "_PER_CALL", 7)
    assert [spelling._without(spelling._QUOTED, text) for text in texts] == expected[0] != texts
    assert [spelling._without(spelling._PARTED, text) for text in texts] == expected[1] != texts
    marked = ["".join(rng.choices(PIECES, k=60)) for _ in range(100)]
    for text in marked:
        whole = [match.span() for match in spelling._MARKED.finditer(text)]
        assert [match.span() for match in turns.finditer_in_turns(spelling._MARKED, text)] == whole


def test_no_look_is_spared_that_would_find() -> None:
    rng = random.Random(1)
    found = [0] * 11
    for _ in range(700):
        text = "".join(rng.choice((numbers(rng), rng.choice(PIECES))) for _ in range(rng.randrange(1, 7)))
        data = text.encode()
        looks = (
            (spelling._MAY_BE_ROWS, bool(joined_columns(text, text))),
            (tables._MAY_BE_DOWNWARDS, bool(joined_lines(text))),
            (tables._MAY_BE_CELLS, bool(joined_cells(text))),
            (spelling._MAY_BE_QUOTED, spelling._QUOTED.search(text) is not None),
            (spelling._MAY_BE_PARTED, spelling._PARTED.search(text) is not None),
            (spelling._MAY_BE_BROKEN, spelling._BROKEN.search(text) is not None),
            (spelling._MAY_BE_MARKED, any(map(is_marked, spelling._MARKED.finditer(text)))),
            (spelling._MAY_BE_DOWNWARDS, bool(downward_columns(text))),
            (spelling._MAY_BE_CODES, any(is_number(said) for _, _, said in coded_numbers(text))),
            (spelling._MAY_BE_SET_IN, spelling._SET_IN.search(text) is not None),
            (spelling._MAY_BE_WORDS, any(spelling._HAS_WORD.search(m[0]) for m in spelling._SPELLED.finditer(text))),
        )
        for place, (gate, finds) in enumerate(looks):
            found[place] += finds
            assert not finds or gate.search(data), text
    assert min(found) > 10


def test_both_engines_of_a_gate_say_the_same() -> None:
    rng = random.Random(4)
    gates = [gate for gate in (*vars(spelling).values(), *vars(tables).values()) if isinstance(gate, Gate)]
    assert len(gates) == 10
    said: set[tuple[int, bool]] = set()
    for _ in range(700):
        text = "".join(rng.choice((numbers(rng), rng.choice(PIECES))) for _ in range(rng.randrange(1, 7)))
        data = text.encode("ascii", "ignore")
        for place, gate in enumerate(gates):
            said.add((place, gate.search(data)))
            assert gate.search(data) == (gate._slow.search(data) is not None), data
    assert len(said) == 2 * len(gates)


def test_amounts_at_the_beginning_of_lines_are_no_column() -> None:
    assert not spelling._MAY_BE_DOWNWARDS.search(b"paid\n1,250.00 in May\n1,310.00 in June\n2,250.00 in July\n" * 20)
    assert spelling._MAY_BE_DOWNWARDS.search(
        b"no\n" + b"".join(b"%d,x\n" % digit for digit in (5, 3, 6, 2, 2, 1, 2, 3, 4))
    )


# Numbers as they are written, as they are to be read, and what stands around them in a long text.
WRITTEN = (
    ("536**-**22-1234", "536-22-1234"),
    ("five three six two two one two three four", "536221234"),
    ("35 33 36 2d 32 32 2d 31 32 33 34", "536-22-1234"),
    ("(536) (22) (1234)", "536221234"),
    ("536-\n> 22-1234", "536-22-1234"),
    ("&#53;&#51;&#54;-22-1234", "536-22-1234"),
    ("\\char53\\char51\\char54-22-1234", "536-22-1234"),
    ("5x\x083y\x086z\x08-22-1234".replace("5x\x083y\x086z\x08", "x\x085y\x083z\x086"), "536-22-1234"),
    ("536-22-\n        1234", "536-22-1234"),
    ("[5, 3, 6, 2, 2, 1, 2, 3, 4]", "536221234"),
    ('"536-" + "22-1234"', "536-22-1234"),
    ("\n" + "\n".join("536221234") + "\n", "536221234"),
    ("**536** **22** **1234**", "536 22 1234"),
    ("**536** - **22** - **1234**", "536 - 22 - 1234"),
    ("536 | 22 | 1234", "536221234"),
    ("[\n        536,\n        22,\n        1234\n    ]", "536221234"),
    ('{"social_security_number_area": "536", "social_security_number_group": "22", "a_number": "1234"}', "536221234"),
    ("[536](https://example.com/" + "x" * 60 + ")-[22](b)-[1234](c)", "536-22-1234"),
    ("536-  \n> 22-1234", "536-22-1234"),
    ("536\\ 22\\ 1234", "5362212"),
    ("&#0000053;&#0000051;&#0000054;-22-1234", "536-22-1234"),
    ("536-\x1b]0;" + "t" * 2000 + "\x0722-1234", "536-22-1234"),
    ("\n" + "".join(f"{sign},{'x' * 700}\n" for sign in "536221234"), "536221234"),  # rows longer than what is kept
)


@pytest.mark.parametrize(("written", "read"), WRITTEN)
@pytest.mark.parametrize("word", ["review ", "prüfen "])
def test_a_number_is_read_wherever_it_stands_in_a_long_text(written: str, read: str, word: str) -> None:
    around = word * 20_000
    for before in (0, 5_000, len(around)):
        text = f"{around[:before]}SSN {written} and {around[before:]}"
        readings = list(spelling.spelled_readings(text, text.encode()))
        with_word = [reading for reading in readings if read in reading and "SSN" in reading[: reading.index(read)]]
        assert with_word or any(read in reading for reading in readings if "\n" in written), before
        assert sum(map(len, readings)) < len(text) / 4  # the rest of the text is not given again


def test_columns_of_a_long_text_are_named_by_its_first_line() -> None:
    rows = "".join(f"{at % 900 + 100},word\n" for at in range(4_000))
    text = f"ssn,middle,last\n{rows}536,22,1234\n{rows}"
    assert any(
        "ssn" in reading and "536221234" in reading for reading in spelling.spelled_readings(text, text.encode())
    )


def test_places_hold_all_that_matches_with_what_is_near() -> None:
    rng, pattern = random.Random(5), re2.compile("x+y")
    partly = 0
    for _ in range(200):
        data = bytearray(b"a\xc3\xb6 " * rng.randrange(1, 20_000))
        for _ in range(rng.randrange(9)):
            at = rng.randrange(len(data))
            data[at:at] = b"x" * rng.randrange(1, 60) + b"y"
        spans = places(pattern, bytes(data))
        assert all(before[1] < after[0] for before, after in pairwise(spans))
        partly += bool(spans) and spans != ((0, len(data)),)
        for match in pattern.finditer(bytes(data)):
            start, end = max(0, match.start() - 300), min(len(data), match.end() + 300)
            assert any(first <= start and end <= last for first, last in spans)
        text, own = of_places(data.decode("utf-8", "ignore"), bytes(data), spans)
        assert own == text.encode() or spans == ((0, len(data)),)
        assert text.count("y") == data.count(b"y")
    assert partly > 50
