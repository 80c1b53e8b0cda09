"""Files that admins write, with random mistakes in them: any value in any place, keys taken away, twice or misspelt."""

import copy
import json
import math
import random
from collections.abc import Iterator
from typing import Any, Final

Place = tuple[str | int, ...]

_PLAIN: Final = (None, True, False, 0, -1, 1, 2**63, 10**200, 1.5, math.nan, math.inf, 1e308)
_SHAPES: Final = ([], [None], [[]], [{}], [""], ["a", "a"], {}, {"": ""}, {"a": {"b": []}}, {"\0": 1}, ["x"] * 300)
_TEXTS: Final = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "a\nb",
        "x" * 5000,
        "é",
        "💥",
        "\u202e",
        "\u200b",
        "\x85",
        "\ufeff",
        "\uffff",
        "٣",
        "%",
        "{",
    ),
    *(
        "*",
        "*.",
        "**",
        "*.*",
        "?",
        "[",
        "[a",
        "~nouser/x",
        "~",
        "/",
        ".",
        "/dev/null",
        "nothere",
        "n" * 300,
        "a/" * 3000,
    ),
    *(
        "xn--",
        "xn--a.example",
        "straße.example",
        "a@b",
        "a@b.example",
        "@",
        "a@b@c",
        "a\0@b.example",
        "<>",
        "*@*",
        "ours",
    ),
    *("0 days", "-1 day", "1 day", "1e9 days", "99999999999 weeks", "10 MB", "0 MB", "99999999999999 TB", "> 1e400"),
    *("1.2.3.4", "999.9.9.9", "::1", "fe80::1%x", "[::1]:99999", "host:٢٥", ":25", "10.0.0.1/8", "10.0.0.0/33"),
    *("https://[", "https://a:b", "https://é.example", "file:%00", "file:///", "postgresql://[", "syslog://[::"),
    *("(", "\\", "(a+)+$", "a{99999}", "(?P<x>", "(?=a)", "\\p{Foo}", "[z-a]", ".*" * 300, "x{0}", "|", "$", "--", "…"),
    *("(" * 600 + "a" + ")" * 600, "(a|" * 600 + "b" + ")" * 600, "_", "\u200d", "\u0301"),
    *("2026-05-09T20:30:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "24:00", "٠٨:٠٠", "localtime"),
    *(
        "A===",
        "====",
        "éééé",
        "QQ==",
        "medical_terms",
        "other_numbers",
        "relay",
        "hold",
        "high",
        "luhn",
        "iban",
        "sender",
        "= nan",
        "> 10",
        "<= 0",
    ),
)
VALUES: Final = (*_PLAIN, *_SHAPES, *_TEXTS)


def mistaken(rng: random.Random, good: Any) -> Any:
    """A copy of what a good file says, with a mistake or a few."""
    data = copy.deepcopy(good)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = [place for place in _places(data) if place]
        if places:
            _spoil(rng, data, places)
    return data


def _spoil(rng: random.Random, data: Any, places: list[Place]) -> None:
    place = rng.choice(places)
    around, last = _at(data, place[:-1]), place[-1]
    how = rng.randrange(20)
    if how < 14:
        around[last] = copy.deepcopy(rng.choice(VALUES))
    elif how < 16:
        del around[last]
    elif how < 17 and isinstance(around, dict):
        around[rng.choice((*_TEXTS, f"{last}s"))] = around.pop(last)
    elif how < 18 and isinstance(around, list):
        around.append(copy.deepcopy(around[last]))
    else:
        around[last] = copy.deepcopy(_at(data, rng.choice(places)))


def _places(data: Any, at: Place = ()) -> Iterator[Place]:
    yield at
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _places(value, (*at, key))


def _at(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step]
    return data


def written(value: Any, indent: int = 0) -> str:
    """As YAML, each entry on a line of its own."""
    gap = "\n" + " " * (indent + 1)
    if isinstance(value, dict) and value:
        inside = f",{gap}".join(f"{_quoted(key)}: {written(entry, indent + 1)}" for key, entry in value.items())
        return f"{{{gap}{inside}}}"
    if isinstance(value, list) and value:
        return f"[{gap}" + f",{gap}".join(written(entry, indent + 1) for entry in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text) if text.isascii() or max(text) <= "\uffff" else json.dumps(text, ensure_ascii=False)
