"""The quick looks that spare slow ones never say no where a slow one finds something."""

import random

from policy.extraction import spelling
from policy.extraction.tables import joined_columns, joined_lines

PIECES = (
    *("5", "36", "536", "1234", "22", "-", ",", ";", "|", "\"", " ", "\n", "\r\n", "\t", "\u00a0", "\u2009", "\x85"),
    *("[", "]", "five", "three", "SIX", "two", "oh", "nine", "dash", ".", "/", "*", "_", "word", '": "', "\x0b", "é"),
)  # fmt: skip


def numbers(rng: random.Random) -> str:
    """Something like a number in cells, lines or words, mostly."""
    kind = rng.randrange(4)
    if kind == 0:
        gap = rng.choice((",", " , ", '","', ";\u00a0", "|", ",\n"))
        return gap.join(rng.choice((("536", "22", "1234"), ("4111", "1111", "1111", "1111"), tuple("536221234"))))
    if kind == 1:
        return rng.choice(("\n", "\r\n")).join(rng.choice(("536221234", "536-22-1234")))
    if kind == 2:
        gap = rng.choice((" ", ", ", "-", "\u2009", ".\n"))
        return gap.join(rng.choice(("five", "Three", "six", "oh", "NINE")) for _ in range(9))
    return "".join(rng.choices(PIECES, k=9))


def test_no_look_is_spared_that_would_find() -> None:
    rng = random.Random(1)
    found = [0, 0, 0]
    for _ in range(700):
        text = "".join(rng.choice((numbers(rng), rng.choice(PIECES))) for _ in range(rng.randrange(1, 7)))
        data = text.encode()
        looks = (
            (spelling._MAY_BE_ROWS, bool(joined_columns(text))),
            (spelling._MAY_BE_LINES, bool(joined_lines(text))),
            (spelling._MAY_BE_WORDS, any(spelling._HAS_WORD.search(m[0]) for m in spelling._SPELLED.finditer(text))),
        )
        for place, (gate, finds) in enumerate(looks):
            found[place] += finds
            assert not finds or gate.search(data) is not None, text
    assert min(found) > 10
