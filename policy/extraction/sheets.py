"""Sheets of a workbook (SpreadsheetML): cells as displayed and as stored, in blocks a person can find."""

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from io import BytesIO
from typing import Final

from lxml import etree

from policy.extraction.tables import joined_cells
from policy.extraction.xmltext import local, loose_text, parse_xml

_BLOCK: Final = 4_000  # characters of one part of a sheet
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})\Z")
_ZEROS: Final = re.compile(r"[0#?]+")
_PLAIN_FORMAT: Final = re.compile(r"(?:[0#?\-/. ()]|\\.|\"[^\"]*\"|_.)+\Z")
_CONDITION: Final = re.compile(r"\[[^\]]*\]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_MANY_DIGITS: Final = re.compile(r"(?:\d[ -]?){5}")


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of one sheet: `Salaries (hidden) > A1:F40`."""

    place: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(slots=True)
class Book:
    """What sheets share."""

    strings: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)  # number format by cell style
    names: dict[str, str] = field(default_factory=dict)  # part name -> sheet name


def read_book(parts: dict[str, bytes]) -> Book:
    """Shared strings, formats and sheet names from the workbook's parts. Raises one of BROKEN_XML."""
    book = Book()
    for name, data in parts.items():
        low = name.lower()
        if low.endswith("sharedstrings.xml") or (low.startswith("xl/") and b"<sst" in data[:1024]):
            book.strings = [_rich_text(item) for item in parse_xml(data) if local(item) == "si"]
        elif low.endswith("styles.xml"):
            book.formats = _formats(parse_xml(data))
    workbook = next((data for name, data in parts.items() if name.lower().endswith("xl/workbook.xml")), None)
    links = next((data for name, data in parts.items() if name.lower().endswith("workbook.xml.rels")), None)
    if workbook and links:
        targets = {link.get("Id", ""): link.get("Target", "") for link in parse_xml(links)}
        for sheet in parse_xml(workbook).iter("{*}sheet"):
            link = next((str(value) for key, value in sheet.attrib.items() if str(key).endswith("}id")), "")
            hidden = " (hidden)" if sheet.get("state", "visible") != "visible" else ""
            target = targets.get(link, "").lstrip("/")
            book.names[target if target.startswith("xl/") else f"xl/{target}"] = sheet.get("name", "") + hidden
    return book


def read_sheet(data: bytes, title: str, book: Book) -> list[Block]:
    """All rows of one sheet, then what stands around them. Raises one of BROKEN_XML."""
    blocks: list[Block] = []
    gather = _Gather(title)
    events = etree.iterparse(
        BytesIO(data), events=("end",), tag=("{*}row",), resolve_entities=False, no_network=True, huge_tree=False
    )
    for _, row in events:
        gather.row(row, book)
        row.clear()
        while row.getprevious() is not None:
            parent = row.getparent()
            assert parent is not None
            del parent[0]
        if gather.size > _BLOCK:
            blocks += gather.flush()
    blocks += gather.flush()
    around = loose_text(events.root) if events.root is not None else ""
    if around.strip():
        blocks.append(Block(f"{title} > around the cells", around))
    return blocks


class _Gather:
    """Rows until a block is full."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._heads: dict[str, str] = {}
        self._lines: list[str] = []
        self._labelled: list[str] = []
        self._formulas: list[str] = []
        self._first = ""
        self._last = ""
        self.size = 0

    def row(self, row: "etree._Element", book: Book) -> None:
        """Add one row."""
        cells: list[tuple[str, str]] = []
        for number, cell in enumerate(row):
            shown, stored, formula = _cell(cell, book)
            if '"' in formula:
                self._formulas.append(formula)
            if not shown and not stored:
                continue
            match = _REFERENCE.match(cell.get("r", ""))
            column = match[1] if match else _column(number)
            reference = f"{column}{match[2] if match else row.get('r', '?')}"
            self._first = self._first or reference
            self._last = reference
            cells.append((column, shown if shown == stored or not stored else f"{shown} {stored}"))
        if not cells:
            return
        self._label(cells)
        line = "\t".join(text.replace("\n", " ").replace("\t", " ") for _, text in cells)
        self._lines.append(line)
        self.size += len(line)

    def _label(self, cells: list[tuple[str, str]]) -> None:
        """Numbers together with the heading of their column, which stands far above them."""
        if any(_MANY_DIGITS.search(text) for _, text in cells):
            for column, text in cells:
                if column in self._heads and _MANY_DIGITS.search(text):
                    self._labelled.append(f"{self._heads[column]}: {text}")
        else:
            heads = {column: text[:80] for column, text in cells if _LETTERS.search(text)}
            if len(heads) > 1 or not self._heads:
                self._heads.update(heads)

    def flush(self) -> list[Block]:
        """The block so far."""
        if not self._lines and not self._formulas:
            return []
        place = f"{self._title} > {self._first}:{self._last}" if self._first else self._title
        text = "\n".join(self._lines)
        found = [text, "\n".join(self._labelled), joined_cells(text), "\n".join(self._formulas)]
        self._lines, self._labelled, self._formulas = [], [], []
        self._first = self._last = ""
        self.size = 0
        return [Block(place, part) for part in found if part]


def _cell(cell: "etree._Element", book: Book) -> tuple[str, str, str]:
    """A cell as displayed, as stored, and its formula."""
    value = formula = inline = ""
    for child in cell:
        name = local(child)
        if name == "v":
            value = child.text or ""
        elif name == "f":
            formula = child.text or ""
        elif name == "is":
            inline = _rich_text(child)
    kind = cell.get("t", "n")
    if kind == "s":
        index = int(value) if value.isdecimal() and len(value) < 9 else -1
        text = book.strings[index] if 0 <= index < len(book.strings) else value
        return text, text, formula
    if kind != "n" or inline:
        return inline or value, inline or value, formula
    stored = _plain_number(value)
    style = cell.get("s", "")
    shown = stored
    if style.isdecimal() and len(style) < 6 and int(style) < len(book.formats):
        shown = _displayed(stored, book.formats[int(style)])
    return shown, stored, formula


def _plain_number(value: str) -> str:
    """Without an exponent, so that long numbers show their digits."""
    if "E" not in value and "e" not in value:
        return value
    try:
        number = Decimal(value)
        return format(number, "f") if abs(number.adjusted()) < 40 else value
    except InvalidOperation:
        return value


def _displayed(value: str, code: str) -> str:
    """A whole number in a format of zeros and signs, such as 000-00-0000."""
    digits = value.removeprefix("-")
    code = _CONDITION.sub("", code.partition(";")[0])
    if not digits.isdecimal() or not code or not _PLAIN_FORMAT.match(code):
        return value
    literal = re.sub(r"_.", " ", code.replace("\\", "").replace('"', ""))
    places = sum(len(run) for run in _ZEROS.findall(literal))
    signs = set(literal) - set("0#?")
    if places < 4 or not signs or "." in signs:
        return digits.zfill(places) if set(literal) == {"0"} else value
    out: list[str] = []
    padded = digits.zfill(literal.count("0"))
    left = list(padded)
    for sign in reversed(literal):
        if sign in "0#?":
            if left:
                out.append(left.pop())
        else:
            out.append(sign)
    return "".join(left) + "".join(reversed(out)).strip()


def _formats(styles: "etree._Element") -> list[str]:
    codes = {item.get("numFmtId", ""): item.get("formatCode", "") for item in styles.iter("{*}numFmt")}
    formats: list[str] = []
    for group in styles.iter("{*}cellXfs"):
        formats += [codes.get(item.get("numFmtId", ""), "") for item in group if isinstance(item.tag, str)]
    return formats


def _rich_text(item: "etree._Element") -> str:
    """Runs joined; readings aids (rPh) left out."""
    return "".join(
        node.text or "" for node in item.iter("{*}t") if (up := node.getparent()) is None or local(up) != "rPh"
    )


def _column(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
