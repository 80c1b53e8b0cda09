"""Text of Office XML (WordprocessingML and DrawingML): runs joined, cells apart, tracked changes both ways."""

from typing import Final

from lxml import etree

from policy.extraction.xmltext import local

_DELETED: Final = 1
_INSERTED: Final = 2
_HIDDEN: Final = 4
_FALLBACK: Final = 8
_CHOICE: Final = 16
_FLAGS: Final = {
    "del": _DELETED,
    "moveFrom": _DELETED,
    "ins": _INSERTED,
    "moveTo": _INSERTED,
    "Fallback": _FALLBACK,
    "Choice": _CHOICE,
}
_PARAGRAPHS: Final = frozenset({"p", "si", "comment", "is", "text", "threadedComment", "cm"})
_INLINE: Final = {"noBreakHyphen": "-", "softHyphen": "", "cr": "\n", "br": "\n", "ptab": "\t"}
_SHOWN_ATTRIBUTES: Final = frozenset(
    {
        "descr",
        "title",
        "alt",
        "string",
        "tooltip",
        "displayText",
        "author",
        "prompt",
        "promptTitle",
        "display",
        "sheetName",
    }
)
_SHOWN_VALUES: Final = frozenset(
    {"alias", "tag", "docVar", "default", "helpText", "statusText", "listEntry", "docPartGallery"}
)
# What a reading leaves out: as displayed; with hidden text; before the changes; by an older program; nothing.
_READINGS: Final = (
    _DELETED | _HIDDEN | _FALLBACK,
    _DELETED | _FALLBACK,
    _INSERTED | _HIDDEN | _FALLBACK,
    _DELETED | _HIDDEN | _CHOICE,
    0,
)

_Line = list[tuple[str, int]]


def paragraph_readings(root: "etree._Element") -> tuple[str, ...]:
    """Every reading of one part of a document, the displayed one first, each once."""
    walk = _Walk()
    walk.run(root)
    return walk.readings()


class _Walk:
    """One pass; paragraphs and cells inside each other are kept on stacks."""

    def __init__(self) -> None:
        self._lines: list[list[_Line]] = [[]]  # of the part, then of each open cell
        self._rows: list[list[_Line]] = []  # cells of each open row
        self._open: list[_Line] = []  # open paragraphs
        self._flags: list[int] = [0]
        self._seen = 0
        self._beside: list[str] = []  # alternative texts, field codes, names

    def run(self, root: "etree._Element") -> None:
        """Go through the tree."""
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            name = local(element)
            if event == "start":
                self._start(name, element)
            else:
                self._end(name)

    def readings(self) -> tuple[str, ...]:
        """What was found."""
        while self._open:
            self._lines[0].append(self._open.pop())
        found: dict[str, None] = {}
        for without in _READINGS:
            if without != _READINGS[0] and not self._seen:
                break
            lines = ("".join(text for text, flags in line if not flags & without) for line in self._lines[0])
            found["\n".join(line for line in lines if line.strip())] = None
        found["\n".join(dict.fromkeys(self._beside))] = None
        return tuple(text for text in found if text)

    def _start(self, name: str, element: "etree._Element") -> None:
        self._flags.append(
            self._flags[-1] | _FLAGS.get(name, 0) | (_HIDDEN if name == "r" and _vanishes(element) else 0)
        )
        if name in _PARAGRAPHS:
            self._open.append([])
        elif name == "tr":
            self._rows.append([])
        elif name == "tc":
            self._lines.append([])
        self._attributes(name, element)
        text = element.text
        if name in {"t", "delText"}:
            self._inline(text or "", _DELETED if name == "delText" else 0)
        elif name in _INLINE:
            self._inline(_INLINE[name])
        elif name == "tab" and _within_run(element):
            self._inline("\t")
        elif name == "sym":
            self._inline(_symbol(element))
        elif text and not text.isspace():
            if name == "text":
                self._inline(text)
            else:
                self._beside.append(text)

    def _end(self, name: str) -> None:
        self._flags.pop()
        if name in _PARAGRAPHS and self._open:
            self._lines[-1].append(self._open.pop())
        elif name == "tc" and len(self._lines) > 1:
            cell: _Line = []
            for line in self._lines.pop():
                cell += [*([(" ", 0)] if cell else []), *((text.replace("\n", " "), flags) for text, flags in line)]
            (self._rows[-1] if self._rows else self._lines[-1]).append(cell)
        elif name == "tr" and self._rows:
            row: _Line = []
            for number, cell in enumerate(self._rows.pop()):
                row += [*([("\t", 0)] if number else []), *cell]
            self._lines[-1].append(row)

    def _inline(self, text: str, flags: int = 0) -> None:
        flags |= self._flags[-1]
        self._seen |= flags
        if self._open:
            self._open[-1].append((text, flags))
        else:
            self._lines[-1].append([(text, flags)])

    def _attributes(self, name: str, element: "etree._Element") -> None:
        if not element.attrib:
            return
        for key, value in element.attrib.items():
            short = str(key).rpartition("}")[2]
            shown = short in _SHOWN_ATTRIBUTES or (short == "val" and name in _SHOWN_VALUES)
            if shown and value and str(value) != "0":
                self._beside.append(str(value))


def _vanishes(run: "etree._Element") -> bool:
    for child in run:
        if local(child) == "rPr":
            for mark in child:
                if local(mark) in {"vanish", "webHidden"}:
                    values = [str(value) for value in mark.attrib.values()]
                    return not values or values[0] not in {"0", "false", "off"}
            return False
    return False


def _within_run(element: "etree._Element") -> bool:
    parent = element.getparent()
    return parent is not None and local(parent) == "r"


def _symbol(element: "etree._Element") -> str:
    for key, value in element.attrib.items():
        if str(key).endswith("char"):
            try:
                code = int(str(value), 16)
            except ValueError:
                return ""
            return chr(code - 0xF000 if code >= 0xF000 else code)
    return ""
