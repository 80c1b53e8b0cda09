"""The text of a PDF's page as PDFium gives it, and as it lies on the page."""

import ctypes
import math
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pypdfium2 import raw

from policy.extraction.pdf.covered import Ground
from policy.extraction.text.pieces import without_kinds

_NUMBER: Final = re.compile(r"[0-9](?:[^0-9]{0,6}[0-9])+")
_BROKEN: Final = re.compile(r"(?<=[0-9-])\r?\n(?=[0-9-])")  # where what is left out stood on a line of its own
_DIGITS: Final = frozenset("0123456789-")
_FEWEST: Final = 7  # digits of a page from which on their places are looked at
_MOST_LOOKED: Final = 20_000  # signs of a page whose places are asked for
LONGEST_PAGE: Final = 8_000  # signs of a page that is put together anew
_SAME_LINE: Final = 0.35  # of a sign's height
_JOINED: Final = 0.45  # of a sign's width: the widest gap within a word
_WIDEST_STEP: Final = 60.0  # points between the signs of one number
_UNEVEN: Final = 0.3  # of the first step
_LONGEST_COLUMN: Final = 200
_UNSEEN: Final = frozenset({"invisible", "off the page", "clipped", "covered"})
_INVISIBLE: Final = frozenset({raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP})


@dataclass(frozen=True, slots=True)
class Sign:
    """A character where it stands: its box, and its line (higher is further up)."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    angle: int = 0  # degrees of its line, against the clock

    @property
    def middle(self) -> float:
        """How far up it stands."""
        return (self.bottom + self.top) / 2

    @property
    def width(self) -> float:
        """At least a little."""
        return max(0.1, self.right - self.left)


def page_text(text_page: Any) -> str:
    """In the order of the page's content."""
    text: str = text_page.get_text_range()
    return text.replace("\ufffe", "-").replace("\u0002", "-")


def placed_readings(text_page: Any, text: str, size: tuple[float, float], *, layered: bool = False) -> list[str]:
    """Other texts of a page: by place, where that differs in its numbers; without signs that look different in them.

    `layered`: forms of the file may be on layers.
    """
    spans = [match.span() for match in _NUMBER.finditer(text)]
    count = sum(end - start for start, end in spans)
    single = sum(sign.isdigit() for sign in text)
    if single < _FEWEST or text_page.count_chars() > 1_000_000:
        return []
    found = _by_looks(text_page, text, spans, size, layered) if count <= _MOST_LOOKED else []
    if single > _MOST_LOOKED:
        return found
    signs = signs_of(text_page, [at for at, sign in enumerate(text) if sign in _DIGITS])
    lines = lines_of(signs)
    tokens = [token for line in lines for token in line.split() if len(token) > 1]
    odd = [token for token in tokens if token not in text]
    if odd:
        whole = lines_of(signs_of(text_page, range(len(text)))) if len(text) <= LONGEST_PAGE else lines
        found.append("\n".join(line for at, line in enumerate(whole) if _holds(whole[at : at + 2], odd)))
    found += _turned(text_page, text, signs)
    found += _columns(signs)
    found += [number for number in _combs(signs) if number not in text]
    return found


def _holds(lines: list[str], tokens: list[str]) -> bool:
    """Whether a line, or the one below it, holds one of the tokens."""
    return any(token in line for line in lines for token in tokens)


def signs_of(text_page: Any, places: Iterable[int]) -> list[Sign]:
    """The characters of a page at some places of its text, but for white space."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found: list[Sign] = []
    page = text_page.raw
    for place in places:
        number = raw.FPDFText_GetCharIndexFromTextIndex(page, place)
        if number < 0 or not raw.FPDFText_GetCharBox(page, number, left, right, bottom, top):
            continue
        code = raw.FPDFText_GetUnicode(page, number)
        if code in {0xFFFE, 2}:
            code = 0x2D
        if 0x20 < code < 0x110000 and not 0xD800 <= code < 0xE000:
            angle = round(math.degrees(raw.FPDFText_GetCharAngle(page, number))) % 360
            found.append(Sign(chr(code), left.value, right.value, bottom.value, top.value, angle))
    return found


def lines_of(signs: list[Sign]) -> list[str]:
    """Signs side by side, lines from the top; a gap is a space."""
    height = _height(signs)
    texts: list[str] = []
    for row in _rows(signs, height):
        out: list[str] = []
        last: Sign | None = None
        for sign in row:
            if last is not None and sign.left - last.right > _JOINED * max(sign.width, last.width, height / 2):
                out.append(" ")
            out.append(sign.text)
            last = sign
        texts.append("".join(out))
    return texts


def _rows(signs: list[Sign], height: float) -> list[list[Sign]]:
    """Signs of one line together, from the left; lines from the top."""
    rows: list[list[Sign]] = []
    for sign in sorted(signs, key=lambda each: -each.middle):
        if rows and abs(rows[-1][0].middle - sign.middle) <= _SAME_LINE * max(1.0, height):
            rows[-1].append(sign)
        else:
            rows.append([sign])
    for row in rows:
        row.sort(key=lambda each: each.left)
    return rows


def _turned(text_page: Any, text: str, digits: list[Sign]) -> list[str]:
    """Lines that run another way than from left to right, each way for itself."""
    if not any(sign.angle for sign in digits) or len(text) > LONGEST_PAGE:
        return []
    ways: dict[int, list[Sign]] = {}
    for sign in signs_of(text_page, range(len(text))):
        ways.setdefault(sign.angle, []).append(sign)
    found: list[str] = []
    for upright in ([_upright(sign) for sign in signs] for angle, signs in ways.items() if angle):
        found.append("\n".join(lines_of(upright)))
        found += _combs([sign for sign in upright if sign.text in _DIGITS])
    return found


def _upright(sign: Sign) -> Sign:
    """Where it would stand if its line ran from left to right."""
    turn = math.radians(sign.angle)
    across, up = (sign.left + sign.right) / 2, sign.middle
    x = across * math.cos(turn) + up * math.sin(turn)
    y = up * math.cos(turn) - across * math.sin(turn)
    wide, high = sign.right - sign.left, sign.top - sign.bottom
    if abs(math.sin(turn)) > abs(math.cos(turn)):
        wide, high = high, wide
    return Sign(sign.text, x - wide / 2, x + wide / 2, y - high / 2, y + high / 2)


def _height(signs: list[Sign]) -> float:
    heights = sorted(sign.top - sign.bottom for sign in signs if sign.text.isdigit())
    return heights[len(heights) // 2] if heights else 8.0


def _combs(signs: list[Sign]) -> list[str]:
    """Numbers whose signs stand at even distances, as in the boxes of a form."""
    found: list[str] = []
    for row in _rows(signs, _height(signs)):
        run: list[Sign] = []
        for sign in row:
            pitch = run[1].left - run[0].left if len(run) > 1 else 0.0
            step = sign.left - run[-1].left if run else 0.0
            if run and (not 0.5 < step < _WIDEST_STEP or (pitch and abs(step - pitch) > _UNEVEN * pitch)):
                found.append("".join(each.text for each in run))
                run = run[-1:] if 0.5 < step < _WIDEST_STEP else []
            run.append(sign)
        found.append("".join(each.text for each in run))
    return [text for text in found if sum(sign.isdigit() for sign in text) >= _FEWEST and len(text) <= _LONGEST_COLUMN]


def _columns(signs: list[Sign]) -> list[str]:
    """Numbers written downwards, a digit below the other."""
    stacks: list[list[Sign]] = []
    for sign in sorted(signs, key=lambda each: each.left):
        if stacks and sign.left - stacks[-1][0].left <= max(3.0, stacks[-1][0].width / 2):
            stacks[-1].append(sign)
        else:
            stacks.append([sign])
    found: list[str] = []
    for stack in stacks:
        column: list[Sign] = []
        for sign in sorted(stack, key=lambda each: -each.middle):
            if column and not 0.1 < column[-1].middle - sign.middle < 4 * max(sign.top - sign.bottom, 6.0):
                found.append("".join(each.text for each in column))
                column = []
            column.append(sign)
        found.append("".join(each.text for each in column))
    return [text for text in found if len(text) <= _LONGEST_COLUMN and sum(sign.isdigit() for sign in text) >= 9]


def _by_looks(
    text_page: Any, text: str, spans: list[tuple[int, int]], size: tuple[float, float], layered: bool
) -> list[str]:
    """Without signs that are drawn otherwise than most: invisible, in another colour or size, off the page."""
    looks: dict[int, str] = {}
    known: dict[int, str] = {}
    page = text_page.raw
    ground = Ground(text_page.page.raw, layered=layered)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    for start, end in spans:
        for place in range(start, end):
            number = raw.FPDFText_GetCharIndexFromTextIndex(page, place)
            if number < 0:
                continue
            drawn = raw.FPDFText_GetTextObject(page, number)
            if not drawn:  # a line's end, which the program put in: it goes with the sign before it
                looks[place] = looks.get(place - 1, "")
                continue
            address = ctypes.addressof(drawn.contents)
            look = known.get(address)
            if look is None:
                look = known[address] = _look(drawn, ground)
            if raw.FPDFText_GetCharBox(page, number, left, right, bottom, top):
                across, up = (left.value + right.value) / 2, (bottom.value + top.value) / 2
                look = ground.hides(drawn, across, up) or look
                inside = -1 <= across <= size[0] + 1 and -1 <= up <= size[1] + 1
                look = look if inside else "off the page"
            looks[place] = look
    kinds = Counter(looks.values())
    if len(kinds) < 2:
        return []
    usual = next((look for look, _ in kinds.most_common() if look not in _UNSEEN), "")
    pieces: list[tuple[str, str]] = []
    for place, sign in enumerate(text):
        look = looks.get(place, usual)
        look = "" if look == usual else look
        if pieces and pieces[-1][1] == look:
            pieces[-1] = (pieces[-1][0] + sign, look)
        else:
            pieces.append((sign, look))
    found = [_BROKEN.sub("", reading) for reading in without_kinds(pieces)]
    if not _UNSEEN.isdisjoint(kinds):
        found.append("".join(sign for place, sign in enumerate(text) if looks.get(place) not in _UNSEEN))
    return found


def _look(drawn: Any, ground: Ground) -> str:
    mode = raw.FPDFTextObj_GetTextRenderMode(drawn)
    if mode in _INVISIBLE:
        return "invisible"
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFPageObj_GetFillColor(drawn, red, green, blue, alpha)
    if alpha.value < 8:
        return "invisible"
    size = ctypes.c_float()
    raw.FPDFTextObj_GetFontSize(drawn, size)
    return f"{mode} {red.value} {green.value} {blue.value} {size.value:.1f} {ground.layer(drawn)}"


def gray_png(pixels: bytes, width: int, height: int, stride: int) -> bytes:
    """A picture of one byte a pixel, as a file."""
    rows = b"".join(b"\0" + pixels[row * stride : row * stride + width] for row in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
