"""What the sheets of a workbook share (SpreadsheetML): texts, formats, names, and cells that formulas ask for."""

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from lxml import etree

from policy.extraction.cells.format import BUILTIN_FORMATS
from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value
from policy.extraction.office.packages import Link
from policy.extraction.text.pieces import without_kinds
from policy.extraction.xmltext import BROKEN_XML, attribute, local, parse_xml

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})\Z")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MOST_KEPT: Final = 200_000  # cells kept for formulas, of one sheet
_MOST_SHEETS_KEPT: Final = 20
_MANY_DIGITS: Final = re.compile(r"\d.*\d", re.DOTALL)


@dataclass(slots=True)
class Book:
    """What sheets share."""

    strings: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)  # number format by cell style
    conditional: list[str] = field(default_factory=list)  # number format by style of a condition
    names: dict[str, str] = field(default_factory=dict)  # part name -> sheet name, with what is said of it
    sheets: dict[str, bytes] = field(default_factory=dict)  # sheet name -> its part
    defined: dict[str, str] = field(default_factory=dict)
    beside: list[str] = field(default_factory=list)  # reading aids, other readings of shared texts
    from_1904: bool = False
    lost: bool = False  # formulas that make texts, without a result, are not followed
    calculator: Calculator = field(init=False)
    _asked: bytearray = field(default_factory=bytearray)  # by number of a shared text: whether a cell has it
    _kept: dict[str, dict[tuple[int, int], Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calculator = Calculator(self)

    @property
    def short(self) -> bool:
        """Whether some formulas were not worked out: too many, or none that is followed."""
        return self.calculator.is_spent or self.lost

    def value(self, sheet: str, column: int, row: int) -> Value | None:
        """A cell's value for a formula; the formula itself, with its `=`, where it has no result."""
        if sheet not in self._kept:
            data = self.sheets.get(sheet)
            full = data is None or len(self._kept) >= _MOST_SHEETS_KEPT
            self._kept[sheet] = {} if full or data is None else self._load(data)
        return self._kept[sheet].get((column, row))

    def named(self, name: str) -> str:
        """The formula of a defined name."""
        return self.defined.get(name.lower(), "")

    def _load(self, data: bytes) -> dict[tuple[int, int], Value]:
        cells: dict[tuple[int, int], Value] = {}
        try:
            for _, cell in _each(data, "{*}c"):
                place = place_of(cell.get("r", ""))
                if place and len(cells) < _MOST_KEPT:
                    value = self._value(cell)
                    if value != "":
                        cells[place[0] + 1, place[1] + 1] = value
                cell.clear()
        except BROKEN_XML:
            pass
        return cells

    def _value(self, cell: "etree._Element") -> Value:
        said = {local(child): child for child in cell}
        value = said["v"].text or "" if "v" in said else ""
        kind = cell.get("t", "n")
        if not value and "f" in said:
            return f"={said['f'].text or ''}"
        if kind == "s":
            return self.shared(value)
        if kind == "inlineStr":
            return rich_text(said["is"]) if "is" in said else ""
        if kind == "n" and value:
            try:
                return float(value)
            except ValueError:
                return value
        return value

    def shared(self, index: str) -> str:
        """A shared text by its number; the number itself where there is no such text."""
        at = int(index) if index.isascii() and index.isdigit() and len(index) < 9 else -1
        if not 0 <= at < len(self.strings):
            return index
        if not self._asked:
            self._asked = bytearray(len(self.strings))
        self._asked[at] = 1
        return self.strings[at]

    def left_over(self) -> str:
        """Shared texts that stand in no cell: what was deleted, or a damaged file's."""
        asked = self._asked or bytes(len(self.strings))
        return "\n".join(text for text, is_asked in zip(self.strings, asked, strict=True) if not is_asked)


def read_book(parts: dict[str, bytes], roots: dict[str, str], links: dict[str, list[Link]]) -> Book:
    """From a workbook's parts, by their first tags. Raises one of BROKEN_XML."""
    book = Book()
    for name, root in roots.items():
        if root == "sst":
            _strings(parts[name], book)
        elif root == "styleSheet":
            _formats(parse_xml(parts[name]), book)
    for name, root in roots.items():
        if root == "workbook":
            _workbook(parse_xml(parts[name]), links.get(name, []), parts, book)
    return book


def _workbook(root: "etree._Element", links: list[Link], parts: dict[str, bytes], book: Book) -> None:
    targets = {link.key: link.target for link in links}
    for element in root.iter("{*}workbookPr"):
        book.from_1904 = element.get("date1904", "0") in {"1", "true"}
    for sheet in root.iter("{*}sheet"):
        target = targets.get(attribute(sheet, "id"), "")
        name = sheet.get("name", "")
        state = sheet.get("state", "visible")
        book.names[target] = name + (" (hidden)" if state != "visible" else "")
        if target in parts:
            book.sheets[name] = parts[target]
    for element in root.iter("{*}definedName"):
        book.defined[element.get("name", "").lower()] = (element.text or "")[:2000]


def _strings(data: bytes, book: Book) -> None:
    """Shared texts, one at a time: there may be a million of them."""
    for _, item in _each(data, "{*}si"):
        book.strings.append(rich_text(item, book.beside))
        item.clear()
        parent = item.getparent()
        if parent is not None and parent[0] is not item:
            del parent[0]


def _each(data: bytes, tag: str) -> "etree.iterparse":
    """Elements of one name as they end, without the comments and instructions that stand in them."""
    return etree.iterparse(
        BytesIO(data), tag=(tag,), resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip


def _formats(styles: "etree._Element", book: Book) -> None:
    codes = {item.get("numFmtId", ""): item.get("formatCode", "") for item in styles.iter("{*}numFmt")}
    for number, code in BUILTIN_FORMATS.items():
        codes.setdefault(str(number), code)
    for group in styles.iter("{*}cellXfs"):
        book.formats += [codes.get(item.get("numFmtId", ""), "") for item in group if isinstance(item.tag, str)]
    for group in styles.iter("{*}dxfs"):
        for item in group:
            forms = [form.get("formatCode", "") for form in item.iterchildren("{*}numFmt")]
            book.conditional.append(forms[0] if forms else "")


def rich_text(item: "etree._Element", beside: list[str] | None = None) -> str:
    """Runs joined. Reading aids (rPh), and other readings where runs look different within a number, go beside."""
    if len(item) == 1 and local(item[0]) == "t":
        return unescaped(item[0].text or "")
    pieces: list[tuple[str, str]] = []
    for child in item:
        name = local(child)
        if name == "t":
            pieces.append((child.text or "", ""))
        elif name == "r":
            text = "".join(t.text or "" for t in child.iterchildren("{*}t"))
            looks = [
                f"{local(each)}={sorted(each.attrib.items())}" for rpr in child.iterchildren("{*}rPr") for each in rpr
            ]
            pieces.append((text, "|".join(looks)))
        elif name == "rPh" and beside is not None:
            beside.append("".join(t.text or "" for t in child.iterchildren("{*}t")))
    text = unescaped("".join(text for text, _ in pieces))
    if beside is not None and len(pieces) > 2 and _MANY_DIGITS.search(text):
        beside += without_kinds([piece for piece in pieces if piece[0]])
    return text


def unescaped(text: str) -> str:
    """Characters written by their numbers, `_x0035_` (ECMA-376 22.9.2.19)."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def place_of(reference: str) -> tuple[int, int] | None:
    """`B7` as column and row, both from 0."""
    match = _REFERENCE.match(reference)
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return column - 1, int(match[2]) - 1
