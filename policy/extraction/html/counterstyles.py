"""Counter styles of style sheets (CSS Counter Styles 3): what the numbers of lists and counters look like."""

import re
from dataclasses import dataclass
from typing import Final

from policy.extraction.html.selectors import unescape_css

_STRING: Final = re.compile(r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'|([^\s"',;]+)""", re.S)
_QUOTED: Final = re.compile(r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'""", re.S)
_NUMBER: Final = re.compile(r"-?\d{1,9}")
_MOST: Final = 200  # symbols of one style
_LONGEST: Final = 64  # symbols of one number
_SYSTEMS: Final = frozenset({"cyclic", "fixed", "numeric", "alphabetic", "symbolic", "additive"})


@dataclass(frozen=True, slots=True)
class CounterStyle:
    """One style, as far as it writes digits."""

    system: str = "symbolic"
    first: int = 1
    symbols: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()  # of additive symbols
    prefix: str = ""
    suffix: str = ". "
    negative: str = "-"
    pad: tuple[int, str] = (0, "")

    def written(self, number: int) -> str:
        """A number, without prefix and suffix; as it is, where the style has no symbols for it."""
        text = self._symbols(abs(number))
        if text is None:
            return str(number)
        width, sign = self.pad
        text = sign * min(_LONGEST, max(0, width - len(text))) + text
        return f"{self.negative}{text}" if number < 0 and self.system not in {"cyclic", "fixed"} else text

    def _symbols(self, number: int) -> str | None:
        symbols, count = self.symbols, len(self.symbols)
        if not count:
            return None
        match self.system:
            case "cyclic":
                return symbols[(number - 1) % count]
            case "fixed":
                at = number - self.first
                return symbols[at] if 0 <= at < count else None
            case "numeric" if count > 1:
                return _in_base(number, symbols, 0) or symbols[0]
            case "alphabetic" if count > 1:
                return _in_base(number, symbols, 1) or None
            case "additive":
                return self._added(number)
        return symbols[(number - 1) % count] * min(_LONGEST, (number - 1) // count + 1) if number else None

    def _added(self, number: int) -> str | None:
        out = ""
        for weight, symbol in zip(self.weights, self.symbols, strict=False):
            if weight == 0 and number == 0 and not out:
                return symbol
            times = number // weight if weight > 0 else 0
            if times > _LONGEST:
                return None
            out += symbol * times
            number -= weight * times
        return out if number == 0 and out else None


def _in_base(number: int, symbols: tuple[str, ...], below: int) -> str:
    out: list[str] = []
    while number > 0 and len(out) < _LONGEST:
        number, digit = divmod(number - below, len(symbols))
        out.append(symbols[digit])
    return "".join(reversed(out))


def counter_style(body: str) -> CounterStyle:
    """From the declarations of an @counter-style rule."""
    said: dict[str, str] = {}
    for match in re.finditer(r"(?<![a-z-])([a-z-]{1,40})\s{0,9}:((?:\"[^\"]*\"|'[^']*'|[^;\"'])*)", body[:8_000], re.I):
        said[match[1].lower()] = match[2].strip()
    system, _, first = said.get("system", "symbolic").lower().partition(" ")
    start = _NUMBER.search(first)
    symbols = _strings(said.get("symbols", ""))
    weights: tuple[int, ...] = ()
    if system == "additive":
        pairs = [_weighted(one) for one in _outer_commas(said.get("additive-symbols", ""))]
        weights, symbols = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    if system == "extends":
        system, symbols = "numeric", symbols or tuple("0123456789")
    pad = _weighted(said.get("pad", "0"))
    return CounterStyle(
        system if system in _SYSTEMS else "symbolic",
        int(start[0]) if start else 1,
        symbols,
        weights,
        "".join(_strings(said.get("prefix", ""))),
        "".join(_strings(said.get("suffix", '". "'))),
        "".join(_strings(said.get("negative", "-"))[:1]),
        pad,
    )


def inline_style(function: str) -> CounterStyle:
    """From `symbols(fixed "a" "b")`, which Firefox and its kin carry out."""
    inner = function[function.find("(") + 1 :]
    word = inner.split(maxsplit=1)[0].strip("\"'") if inner.split() else ""
    symbols = tuple(unescape_css(match[1] or match[2] or "") for match in _QUOTED.finditer(inner[:8_000]))[:_MOST]
    return CounterStyle(word if word in _SYSTEMS else "symbolic", symbols=symbols, suffix=" ")


def _strings(value: str) -> tuple[str, ...]:
    found = (match[1] or match[2] or match[3] or "" for match in _STRING.finditer(value[:8_000]))
    return tuple(unescape_css(each) for _, each in zip(range(_MOST), found, strict=False))


def _weighted(value: str) -> tuple[int, str]:
    number = _NUMBER.search(_QUOTED.sub("", value))
    symbols = [
        each for each in _strings(value) if not _NUMBER.fullmatch(each) or f'"{each}"' in value or f"'{each}'" in value
    ]
    return (int(number[0]) if number else 0), symbols[0] if symbols else ""


def _outer_commas(value: str) -> list[str]:
    return re.findall(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""", value[:8_000])[:_MOST]
