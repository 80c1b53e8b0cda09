"""The text that content streams of a PDF draw: by what a font says its signs mean, and by what they look like."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.pdf.objects import Name, Objects, Stream, unescaped

# A string is taken as far as it goes, closed or not, so that none is looked through twice.
_SHOW: Final = re.compile(
    rb"(?P<text>\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.|\([^()]*+\)?)*+\)?)*+\)?)|(?P<hex><[0-9a-fA-F\s]*>)|/(?P<name>[^\s()<>\[\]{}/%]+)"
    rb"|(?P<number>[-+]?[0-9]*\.?[0-9]+)|(?P<line>T\*|T[dDm](?=[\s\[(</%]|\Z)|'|\"|ET)|(?P<font>Tf)(?=[\s\[(</%]|\Z)",
    re.DOTALL,
)
_MOST_SHOWN: Final = 2_000_000  # signs of one stream
_BFCHAR: Final = re.compile(rb"<([0-9a-fA-F\s]{1,16})>\s*<([0-9a-fA-F\s]{1,64})>")
_BFRANGE: Final = re.compile(
    rb"<([0-9a-fA-F]{1,8})>\s*<([0-9a-fA-F]{1,8})>\s*(?:<([0-9a-fA-F]{1,64})>|\[([^\]]{0,20000})\])"
)
_BLOCK: Final = re.compile(rb"begin(bfchar|bfrange)(.*?)end\1", re.DOTALL)
_PUT: Final = re.compile(rb"dup\s+([0-9]{1,3})\s*/([A-Za-z0-9.]{1,40})\s+put")
_MOST_CODES: Final = 65_536
_PROGRAMS: Final = frozenset({"FontFile", "FontFile2", "FontFile3"})  # without these the viewer has the font
_COLLECTIONS: Final = (b"Japan1", b"GB1", b"CNS1", b"Korea1")  # of Adobe; ASCII comes first in each
_FONT_ROOM: Final = 4 * 1024 * 1024
_MAP_ROOM: Final = 1024 * 1024
_NAMED: Final = {
    "space": " ", "hyphen": "-", "minus": "-", "period": ".", "comma": ",", "slash": "/", "colon": ":", "endash": "-",
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "nbspace": " ", "underscore": "_", "numbersign": "#", "parenleft": "(",
    "parenright": ")", "at": "@", "ampersand": "&", "plus": "+", "equal": "=", "quotesingle": "'",
}  # fmt: skip
_SHOWS: Final = re.compile(rb"[)>\]]\s*T[jJ]")
_WORD: Final = re.compile(r"[A-Za-z]{3,}(?:\.[a-z]+)?\Z")
_UNI: Final = re.compile(r"(?:uni|u)([0-9A-F]{4,6})\Z")
_ALONG: Final = "\x1f"  # where it moves along a line
_MOVES: Final = frozenset({"\n", _ALONG, ""})
_WITHIN_NUMBER: Final = re.compile(f"(?<=[0-9-]){_ALONG}+(?=[0-9-])")
_GAP: Final = -180.0  # thousandths of the size: from here on a gap is a space


@dataclass(slots=True)
class Font:
    """Codes of a font: `said` by its table of meanings, `drawn` by its glyphs. `width`: bytes of a code."""

    width: int = 1
    said: dict[int, str] = field(default_factory=dict)
    drawn: dict[int, str] = field(default_factory=dict)

    @property
    def lies(self) -> bool:
        """Whether a digit is drawn where something else is said, or the other way."""
        return any(
            code in self.said and self.said[code] != sign and (sign.isdigit() or self.said[code].isdigit())
            for code, sign in self.drawn.items()
        )

    def text(self, codes: bytes, *, as_drawn: bool) -> str:
        """The text of a shown string."""
        first, second = (self.drawn, self.said) if as_drawn else (self.said, self.drawn)
        if self.width == 1:
            return "".join(first.get(code) or second.get(code) or chr(code) for code in codes)
        pairs = zip(codes[::2], codes[1::2], strict=False)
        numbers = [high << 8 | low for high, low in pairs]
        return "".join(first.get(code) or second.get(code) or "" for code in numbers)


def read_font(about: "dict[str, object]", objects: Objects) -> Font:
    """From a font's dictionary."""
    font = Font(2 if about.get("Subtype") == "Type0" else 1)
    meanings = objects.get(about.get("ToUnicode"))
    if isinstance(meanings, Stream):
        font.said = _meanings(meanings.data(_MAP_ROOM) or b"")
    if font.width == 2:
        below = objects.get(about.get("DescendantFonts"))
        inner = objects.dictionary(below[0]) if isinstance(below, list) and below else {}
        font.drawn = _by_collection(about, inner, objects)
        return font
    encoding = objects.get(about.get("Encoding"))
    differences = encoding.get("Differences") if isinstance(encoding, dict) else None
    if isinstance(encoding, Name) or (isinstance(encoding, dict) and "BaseEncoding" in encoding):
        font.drawn = {code: chr(code) for code in range(0x20, 0x7F)}
    else:
        font.drawn = _built_in(about, objects)
    code = 0
    listed = objects.get(differences)
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, float):
            code = int(each)
        elif isinstance(each, Name):
            sign = _sign(each)
            if sign:
                font.drawn[code] = sign
            else:
                font.drawn.pop(code, None)
            code += 1
    return font


def _by_collection(about: "dict[str, object]", inner: "dict[str, object]", objects: Objects) -> dict[int, str]:
    """Of a font with two bytes a sign: by its encoding, its characters' collection, or its own table (9.7)."""
    encoding = objects.get(about.get("Encoding"))
    if not isinstance(encoding, Name):
        return {}
    if encoding.startswith("Uni"):  # codes are Unicode (9.7.5.2)
        return {code: chr(code) for code in range(0x20, 0x7F)}
    if not encoding.startswith("Identity"):
        return {}
    if not _PROGRAMS.isdisjoint(objects.dictionary(inner.get("FontDescriptor"))):
        glyphs = _glyphs(inner, objects)
        turned = objects.get(inner.get("CIDToGIDMap"))
        if not isinstance(turned, Stream):
            return glyphs
        table = turned.data(_MAP_ROOM) or b""
        found = (glyphs.get(table[at] << 8 | table[at + 1], "") for at in range(0, len(table) - 1, 2))
        return {number: sign for number, sign in enumerate(found) if sign}
    ordering = objects.get(objects.dictionary(inner.get("CIDSystemInfo")).get("Ordering"))
    return {code - 31: chr(code) for code in range(0x20, 0x7F)} if ordering in _COLLECTIONS else {}


def is_told(about: "dict[str, object]", objects: Objects) -> bool:
    """Whether something says what the signs of a Type 3 font mean, and no sign is a text of its own (9.6.5)."""
    drawings = objects.dictionary(about.get("CharProcs")).values()
    drawn = (objects.get(each) for each in drawings)
    if any(isinstance(each, Stream) and _SHOWS.search(each.data(_MAP_ROOM) or b"") for each in drawn):
        return False
    if isinstance(objects.get(about.get("ToUnicode")), Stream):
        return True
    listed = objects.get(objects.dictionary(about.get("Encoding")).get("Differences"))
    names = [each for each in listed if isinstance(each, Name)] if isinstance(listed, list) else []
    return all(_sign(name) or _WORD.match(name) for name in names)


def _sign(name: str) -> str:
    """The character of a glyph's name; empty where the name tells nothing."""
    name = name.partition(".")[0]
    if name in _NAMED:
        return _NAMED[name]
    match = _UNI.match(name)
    if match:
        code = int(match[1], 16)
        return chr(code) if 0 < code < 0xD800 else ""
    return name if len(name) == 1 else ""


def _meanings(table: bytes) -> dict[int, str]:
    """A table of meanings (9.10.3)."""
    found: dict[int, str] = {}
    for block in _BLOCK.finditer(table):
        if block[1] == b"bfchar":
            for source, target in _BFCHAR.findall(block[2]):
                found[int(b"".join(source.split()), 16)] = _wide(target)
            continue
        for first, last, target, many in _BFRANGE.findall(block[2]):
            low, high = int(first, 16), min(int(last, 16), int(first, 16) + _MOST_CODES)
            if target:
                text = _wide(target)
                for code in range(low, high + 1) if text else ():
                    sign = ord(text[-1]) + code - low
                    if sign <= sys.maxunicode and not 0xD800 <= sign < 0xE000:
                        found[code] = text[:-1] + chr(sign)
            else:
                for code, each in zip(range(low, high + 1), re.findall(rb"<([0-9a-fA-F\s]+)>", many), strict=False):
                    found[code] = _wide(each)
            if len(found) > _MOST_CODES:
                return found
    return found


def _wide(digits: bytes) -> str:
    bare = b"".join(digits.split())
    return bytes.fromhex((bare + b"0" * (-len(bare) % 4)).decode("ascii")).decode("utf-16-be", "replace")


def _built_in(about: "dict[str, object]", objects: Objects) -> dict[int, str]:
    """The encoding in a Type 1 font's own program, and of the standard fonts."""
    described = objects.dictionary(about.get("FontDescriptor"))
    program = objects.get(described.get("FontFile"))
    if isinstance(program, Stream):
        head = (program.data(_FONT_ROOM) or b"")[:65_536]
        signs = {int(code): _sign(name.decode("ascii")) for code, name in _PUT.findall(head)}
        return {code: sign for code, sign in signs.items() if sign}
    standard = about.get("Subtype") in {"Type1", "TrueType"} and _PROGRAMS.isdisjoint(described)
    return {code: chr(code) for code in range(0x20, 0x7F)} if standard else {}


def _glyphs(about: "dict[str, object]", objects: Objects) -> dict[int, str]:
    """Characters by glyph, from the table in an embedded TrueType font."""
    described = objects.dictionary(about.get("FontDescriptor"))
    program = objects.get(described.get("FontFile2"))
    data = program.data(_FONT_ROOM) if isinstance(program, Stream) else None
    if not data:
        return {}
    count = int.from_bytes(data[4:6], "big")
    for number in range(min(count, 64)):
        entry = data[12 + 16 * number : 28 + 16 * number]
        if entry[:4] == b"cmap":
            at = int.from_bytes(entry[8:12], "big")
            return _characters(data[at : at + int.from_bytes(entry[12:16], "big")])
    return {}


def _characters(table: bytes) -> dict[int, str]:
    """A font's table of characters, turned round: formats 4 and 12 of the Unicode platforms."""
    found: dict[int, str] = {}
    for number in range(min(int.from_bytes(table[2:4], "big"), 16)):
        entry = table[4 + 8 * number : 12 + 8 * number]
        platform, kind = int.from_bytes(entry[:2], "big"), int.from_bytes(entry[2:4], "big")
        at = int.from_bytes(entry[4:8], "big")
        if platform == 0 or (platform == 3 and kind in {1, 10}):
            form = int.from_bytes(table[at : at + 2], "big")
            pairs = _segments(table[at:]) if form == 4 else _groups(table[at:]) if form == 12 else ()
            for _, (code, glyph) in zip(range(_MOST_CODES), pairs, strict=False):
                if glyph and 0x20 < code < 0xD800:
                    found.setdefault(glyph, chr(code))
    return found


def _segments(table: bytes) -> Iterable[tuple[int, int]]:
    half = int.from_bytes(table[6:8], "big") // 2

    def word(at: int) -> int:
        return int.from_bytes(table[at : at + 2], "big")

    for number in range(half):
        end, start = word(14 + 2 * number), word(16 + 2 * half + 2 * number)
        delta, where = word(16 + 4 * half + 2 * number), 16 + 6 * half + 2 * number
        offset = word(where)
        for code in range(start, end + 1):
            glyph = (code + delta) & 0xFFFF
            if offset:
                inner = word(where + offset + 2 * (code - start))
                glyph = (inner + delta) & 0xFFFF if inner else 0
            yield code, glyph


def _groups(table: bytes) -> Iterable[tuple[int, int]]:
    for number in range(min(int.from_bytes(table[12:16], "big"), _MOST_CODES)):
        at = 16 + 12 * number
        first, last, glyph = (int.from_bytes(table[at + 4 * each : at + 4 * each + 4], "big") for each in range(3))
        for code in range(first, min(last, first + _MOST_CODES) + 1):
            yield code, glyph + code - first


@dataclass(slots=True)
class _Pen:
    """How high it stands (ISO 32000-1, 9.4.2), in units of the page."""

    number: float = 0.0  # that was read last
    _height: float = 0.0
    _begins: bool = True  # a text object: what it moves by first is a place

    def moved(self, operator: bytes) -> str:
        """What stands in the text for a move: nothing, a line's end, or that it goes along the line."""
        if operator == b"ET":
            self._begins = True
            return ""
        before = self._height
        if operator in (b"T*", b"'", b'"'):
            self._height = -1.0
        elif operator == b"Tm" or self._begins:
            self._height = self.number
        else:
            self._height += self.number
        self._begins = False
        return _ALONG if self._height == before and self._height >= 0 else "\n"


def drawn_text(content: bytes, fonts: dict[str, Font], *, as_drawn: bool) -> str:
    """The strings that a content stream shows, in its order; lines where it moves, but not within a number."""
    out: list[str] = []
    pen = _Pen()
    font = Font()
    name = ""
    shown = 0
    for match in _SHOW.finditer(content):
        kind = match.lastgroup
        if kind == "text":
            out.append(font.text(unescaped(match["text"][1:-1]), as_drawn=as_drawn))
            shown += len(out[-1])
        elif kind == "hex":
            digits = b"".join(match["hex"][1:-1].split())
            out.append(font.text(bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii")), as_drawn=as_drawn))
            shown += len(out[-1])
        elif kind == "name":
            name = match["name"].decode("latin-1")
        elif kind == "font":
            font = fonts.get(name, Font())
        elif kind == "line":
            out.append(pen.moved(match["line"]))
        elif kind == "number":
            pen.number = float(match["number"])
            if out and out[-1] not in _MOVES and pen.number < _GAP:
                out.append(" ")
        if shown > _MOST_SHOWN:
            break
    lines = _WITHIN_NUMBER.sub("", "".join(out)).replace(_ALONG, "\n").split("\n")
    return "\n".join(line for line in lines if line.strip())
