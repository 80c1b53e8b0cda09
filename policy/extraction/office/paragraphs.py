"""Text of Office XML (WordprocessingML and DrawingML): runs joined, cells apart, tracked changes both ways."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.office.bindings import Store
from policy.extraction.office.bullets import Bullets
from policy.extraction.office.fields import unasked
from policy.extraction.office.wordshown import SHOWN
from policy.extraction.office.wordstyles import Counters, WordStyles, drawn_look, list_of, look_of
from policy.extraction.text.pieces import (
    BOUND,
    CACHED,
    CHOICE,
    DELETED,
    FALLBACK,
    FIELD,
    HIDDEN,
    INSERTED,
    RUBY,
    Line,
    Reading,
    readings_of,
)
from policy.extraction.xmltext import attribute, local

_FLAGS: Final = {
    "del": DELETED,
    "moveFrom": DELETED,
    "ins": INSERTED,
    "moveTo": INSERTED,
    "Fallback": FALLBACK,
    "Choice": CHOICE,
    "rt": RUBY,
}
_PARAGRAPHS: Final = frozenset({"p", "si", "comment", "is", "text", "threadedComment", "cm"})
_INLINE: Final = {"noBreakHyphen": "-", "softHyphen": "", "cr": "\n", "br": "\n", "ptab": "\t"}
_RUNS: Final = frozenset({"r", "fld"})
_TEXTS: Final = frozenset({"t", "delText", "instrText", "delInstrText"})
_SEEN: Final = (
    "tbl", "tblPr", "bidiVisual", "tr", "tc", "tab", "sym", "r", "fld", "fldChar", "sdt", "bdo", "dir",
    "lastRenderedPageBreak",
    *_FLAGS, *_PARAGRAPHS, *_INLINE, *_TEXTS, *SHOWN,
)  # fmt: skip
_NAMES: Final = frozenset(_SEEN)
_ALL_TEXT: Final = etree.XPath("string(/)")
_LEFT: Final = etree.XPath(
    "//*[not(contains('|t|delText|instrText|delInstrText|text|', concat('|', local-name(), '|')))]"
    "/text()[string-length(normalize-space()) > 0]"
)
_PRIVATE: Final = {
    code: chr(code - 0xF000) for code in (*range(0xF020, 0xF080), *range(0xF0A0, 0xF100))
}  # how symbol fonts are stored
_CIRCLED: Final = {**{0x80 + n: str(n) for n in range(11)}, **{0x8B + n: str(n) for n in range(11)}}  # of Wingdings
_MOST_FIELDS: Final = 200  # fields within each other
_PRIVATE_SIGN: Final = re.compile("[\uf020-\uf07f\uf0a0-\uf0ff]")


@dataclass(slots=True)
class Around:
    """What a part's text depends on beside itself."""

    styles: WordStyles = field(default_factory=WordStyles)
    store: Store = field(default_factory=Store)


def paragraph_readings(root: "etree._Element", around: Around | None = None) -> list[Reading]:
    """Every reading of one part of a document, the displayed one first, each once; last what stands beside it."""
    walk = _Walk(around or Around())
    walk.run(root)
    beside = walk.beside
    if len(str(_ALL_TEXT(root))) != walk.taken:
        left = _LEFT(root)
        beside += [str(text).strip() for text in left] if isinstance(left, list) else []
    found = readings_of(walk.lines())
    said = "\n\n".join(dict.fromkeys(text for text in beside if text))
    return [*found, *([Reading(said)] if said else [])]


@dataclass(slots=True)
class _Field:
    """A field that is open: its instruction, until its result begins."""

    instruction: list[str] = field(default_factory=list)
    in_result: bool = False
    has_result: bool = False


class _Walk:
    """One pass; paragraphs and cells inside each other are kept on stacks."""

    def __init__(self, around: Around) -> None:
        self.beside: list[str] = []  # alternative texts, field codes, names
        self.taken = 0  # characters of the part's text that were met
        self._around = around
        self._counters = Counters(around.styles)
        self._lines: list[list[Line]] = [[]]  # of the part, then of each open cell
        self._rows: list[list[Line]] = []  # cells of each open row
        self._open: list[Line] = []  # open paragraphs
        self._flags: list[int] = [0]
        self._style: list[int] = []  # flags of the open paragraphs' styles
        self._look = ""
        self._fields: list[_Field] = []
        self._paragraphs = self._tables = self._page = 0
        self._row_numbers: list[int] = []
        self._bullets = Bullets()
        self._leftwards: list[bool] = []  # whether the cells of each open table run so
        self._turned: list[str] = []  # how open overrides of the direction end

    def run(self, root: "etree._Element") -> None:
        """Go through the tree."""
        flags = self._flags
        occur = {element.tag for element in root.iter("*")}
        names = {tag: name for tag in occur if (name := tag.rpartition("}")[2]) in _NAMES}
        for event, element in etree.iterwalk(root, events=("start", "end"), tag=tuple(names) or ("-",)):
            name = names[element.tag]
            if event == "start":
                flags.append(flags[-1] | _FLAGS.get(name, 0))
                self._start(name, element)
            else:
                flags.pop()
                self._end(name)

    def lines(self) -> list[Line]:
        """What was found."""
        while self._open:
            self._lines[0].append(self._open.pop())
        return self._lines[0]

    def _start(self, name: str, element: "etree._Element") -> None:
        if name == "t":
            text = element.text or ""
            self.taken += len(text)
            self._inline(text, 0)
        elif name in _RUNS:
            self._run(element)
        elif name in _PARAGRAPHS:
            self._paragraph(name, element)
        elif name in _INLINE:
            page = name == "br" and attribute(element, "type") == "page"
            self._page += page and self._page > 0
            self._inline(_INLINE[name], 0)
        elif name in _STARTS:
            _STARTS[name](self, element)
        if name in SHOWN and element.attrib:
            for key in SHOWN[name]:
                value = attribute(element, key)
                if value and value != "0":
                    self.beside.append(value)

    def _end(self, name: str) -> None:
        if name in _RUNS:
            self._look = ""
        elif name in _PARAGRAPHS:
            if self._open:
                line = self._open.pop()
                if line.is_leftwards and len(line.pieces) > 1:
                    line.other = line.shown(leftwards=True)
                self._lines[-1].append(line)
                self._style.pop()
        elif name == "tc":
            if len(self._lines) > 1:
                self._end_cell()
        elif name == "tr":
            if self._rows:
                self._end_row()
        elif name == "tbl" and self._row_numbers:
            self._row_numbers.pop()
            self._leftwards.pop()
        elif name in {"bdo", "dir"} and self._turned:
            self._inline(self._turned.pop(), 0)

    def _end_cell(self) -> None:
        cell = Line()
        for line in self._lines.pop():
            cell.pieces += [*([(" ", line.end, "")] if cell.pieces else []), *line.pieces]
        cell.pieces = [(text.replace("\n", " "), flags, look) for text, flags, look in cell.pieces]
        if self._rows:
            self._rows[-1].append(cell)
        else:
            self._lines[-1].append(cell)

    def _end_row(self) -> None:
        row = Line()
        cells = self._rows.pop()
        for number, cell in enumerate(cells):
            row.pieces += [*([("\t", 0, "")] if number else []), *cell.pieces]
        if self._row_numbers:
            if self._leftwards[-1]:
                row.other = "\t".join(cell.shown() for cell in reversed(cells))
            self._row_numbers[-1] += 1
            row.mark = f"{self._on_page()}table {self._tables}, row {self._row_numbers[-1]}"
        self._lines[-1].append(row)

    def _on_page(self) -> str:
        return f"page {self._page}, " if self._page else ""

    def _inline(self, text: str, flags: int) -> None:
        flags |= self._flags[-1]
        if self._fields:
            if not all(each.in_result for each in self._fields):
                flags |= FIELD
            elif text:
                for each in self._fields:
                    each.has_result = True
        if not text.isascii() and _PRIVATE_SIGN.search(text):
            text = text.translate(_PRIVATE)
        if self._open:
            self._open[-1].pieces.append((text, flags | self._style[-1], self._look))
        else:
            self._lines[-1].append(Line([(text, flags, self._look)]))

    def _paragraph(self, name: str, element: "etree._Element") -> None:
        line, flags = Line(), 0
        self._open.append(line)
        if name == "p":
            self._paragraphs += 1
            line.mark = f"{self._on_page()}paragraph {self._paragraphs}"
            properties = next(iter(element), None)
            if properties is not None and local(properties) == "pPr":
                flags = self._properties(properties, line)
        self._style.append(flags)
        if name == "text" and element.text and not element.text.isspace():
            self.taken += len(element.text)
            self._inline(element.text, 0)  # a comment of a slide, or of a cell in its newer form

    def _properties(self, properties: "etree._Element", line: Line) -> int:
        """The flags of a paragraph's style; its number in a list is written in front."""
        styles = self._around.styles
        style, listed = "", None
        for child in properties:
            name = local(child)
            if name == "bidi" and attribute(child, "val") not in {"0", "false"}:
                line.is_leftwards = True
            elif name == "pStyle":
                style = attribute(child, "val")
            elif name == "numPr":
                listed = list_of(properties)
            elif name in {"buAutoNum", "buChar"}:
                sign = self._bullets.label(child, properties.get("lvl", "0"))
                line.pieces += [(sign, 0, "")] if sign else []
            elif name == "rPr":  # of the mark at the paragraph's end
                for mark in child:
                    kind = local(mark)
                    line.end |= (
                        HIDDEN if kind in {"vanish", "specVanish"} else _FLAGS.get(kind, 0) & (DELETED | INSERTED)
                    )
        listed = listed or styles.lists.get(style)
        if listed and styles.levels:
            label, suffix = self._counters.label(*listed)
            if label:
                line.pieces.append((label + suffix, 0, ""))
                if suffix and sum(char.isdigit() for char in label) > 2:
                    line.pieces[-1:] = [(label, 0, ""), (suffix, 0, "suffix")]
        return styles.flags.get(style, 0)

    def _run(self, element: "etree._Element") -> None:
        if not len(element):
            return
        properties = element[0]
        attributes = properties.keys()
        if not attributes and not len(properties):
            return
        if local(properties) == "rPr":
            if attributes:
                flags, self._look = drawn_look(properties)
            else:
                flags, self._look = look_of(properties, self._around.styles)
                if not self._look and len(properties):
                    flags, self._look = drawn_look(properties)
            self._flags[-1] |= flags

    def _text(self, element: "etree._Element") -> None:
        """Deleted text; the instruction of a field, which may lie in several runs."""
        name = local(element)
        text = element.text or ""
        self.taken += len(text)
        self._inline(text, (DELETED if name.startswith("del") else 0) | (FIELD if "nstr" in name else 0))
        if "nstr" in name:
            if self._fields:
                self._fields[-1].instruction.append(text)
            else:
                self.beside.append(text)

    def _field(self, element: "etree._Element") -> None:
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            if len(self._fields) < _MOST_FIELDS:
                self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            self._fields[-1].in_result = True
        elif kind == "end" and self._fields:
            done = self._fields.pop()
            said = "".join(done.instruction)
            self.beside.append(said)
            if self._fields and not self._fields[-1].in_result:
                self._fields[-1].instruction.append(said)
            if not done.has_result or said.lstrip()[:3].upper() == "EQ ":
                self._inline(unasked(said), 0)

    def _tab(self, element: "etree._Element") -> None:
        parent = element.getparent()
        if parent is not None and local(parent) == "r":
            self._inline("\t", 0)

    def _symbol(self, element: "etree._Element") -> None:
        try:
            code = int(attribute(element, "char"), 16)
        except ValueError:
            return
        font = attribute(element, "font").lower()
        code = code - 0xF000 if 0xF000 <= code < 0xF080 or 0xF0A0 <= code <= 0xF0FF else code
        sign = _CIRCLED.get(code, "") if font == "wingdings" else ""
        if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000:
            self._inline(sign or chr(code), 0)

    def _bound(self, element: "etree._Element") -> None:
        """A control whose text is kept elsewhere: as it is there, and as it was saved here."""
        for child in element.iterchildren("{*}sdtPr"):
            for binding in child.iterchildren("{*}dataBinding"):
                value = self._around.store.value(attribute(binding, "storeItemID"), attribute(binding, "xpath"))
                if value is not None and value != "".join(t.text or "" for t in element.iter("{*}t")):
                    self._inline(value, BOUND)
                    self._flags[-1] |= CACHED

    def _turn(self, element: "etree._Element") -> None:
        right = attribute(element, "val") == "rtl"
        override = local(element) == "bdo"
        self._inline(("\u202e" if right else "\u202d") if override else ("\u202b" if right else "\u202a"), 0)
        self._turned.append("\u202c")

    def _result(self, element: "etree._Element") -> None:
        """A field in one element: where it has no result, what it would be."""
        if next(element.iter("{*}t"), None) is None:
            self._inline(unasked(attribute(element, "instr")), 0)

    def _table(self, _: "etree._Element") -> None:
        self._tables += 1
        self._row_numbers.append(0)
        self._leftwards.append(False)

    def _turned_table(self, element: "etree._Element") -> None:
        if self._leftwards and attribute(element, "val") not in {"0", "false"}:
            self._leftwards[-1] = True

    def _turned_by_itself(self, element: "etree._Element") -> None:
        if self._leftwards and element.get("rtl") in {"1", "true"}:
            self._leftwards[-1] = True

    def _row(self, _: "etree._Element") -> None:
        self._rows.append([])

    def _cell(self, _: "etree._Element") -> None:
        self._lines.append([])

    def _next_page(self, _: "etree._Element") -> None:
        self._page = max(2, self._page + 1)


_STARTS: Final[dict[str, Callable[[_Walk, "etree._Element"], None]]] = {
    "delText": _Walk._text,
    "instrText": _Walk._text,
    "delInstrText": _Walk._text,
    "fldChar": _Walk._field,
    "tab": _Walk._tab,
    "sym": _Walk._symbol,
    "sdt": _Walk._bound,
    "bdo": _Walk._turn,
    "dir": _Walk._turn,
    "fldSimple": _Walk._result,
    "tbl": _Walk._table,
    "bidiVisual": _Walk._turned_table,
    "tblPr": _Walk._turned_by_itself,
    "tr": _Walk._row,
    "tc": _Walk._cell,
    "lastRenderedPageBreak": _Walk._next_page,
}
