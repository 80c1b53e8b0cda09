"""What the styles of an OpenDocument file say of its text: what they hide, and what they number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.office.wordstyles import Level, counted
from policy.extraction.opendocument.formats import read_formats
from policy.extraction.text.pieces import FAINT, HIDDEN
from policy.extraction.xmltext import attribute, local

_PALE: Final = re.compile(r"#(?:[Ff][0-9A-Fa-f]){3}\Z")
_SIZE: Final = re.compile(r"(\d{1,5}(?:\.\d{1,6})?)(pt|mm|cm|in|px|pc|%)\Z")
_POINTS: Final = {"pt": 1.0, "mm": 2.83, "cm": 28.3, "in": 72.0, "px": 0.75, "pc": 12.0, "%": 0.12}
_TINY: Final = 2.0  # points
_DEEPEST: Final = 20
_DIGIT: Final = re.compile("[0-9]")
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_SHOWN_BY: Final = {"keyword": "keywords"}  # a property whose field has another name
_FORMS: Final = {
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
    "": "none",
}
_LOOKS: Final = ("color", "font-size", "display", "background-color", "text-scale", "text-position", "font-weight",
                 "font-style", "text-underline-style", "text-line-through-style", "opacity", "font-name")  # fmt: skip


@dataclass(slots=True)
class OdfStyles:
    """Flags and looks by style; hidden tables, columns and slides; levels by list."""

    flags: dict[str, int] = field(default_factory=dict)
    looks: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    lists: dict[str, dict[int, Level]] = field(default_factory=dict)
    list_of: dict[str, str] = field(default_factory=dict)  # of a paragraph style
    codes: dict[str, str] = field(default_factory=dict)  # of a cell's style: how it shows its value
    leftwards: set[str] = field(default_factory=set)  # tables that run from the right
    fields: dict[str, str] = field(default_factory=dict)  # what the document's properties say, for fields that show it


def read_odf_styles(roots: Iterable["etree._Element"]) -> OdfStyles:
    """From all trees of a document."""
    styles = OdfStyles()
    based: dict[str, str] = {}
    roots = list(roots)
    formats = {name: code for root in roots for name, code in read_formats(root)}
    for root in roots:
        for meta in root.iter("{*}meta"):
            if meta.tag.startswith(_OFFICE):
                styles.fields.update(_told(meta))
        for style in root.iter("{*}style"):
            _style(style, attribute(style, "name"), styles, based)
        for each in root.iter("{*}list-style", "{*}outline-style"):
            name = attribute(each, "name") if local(each) == "list-style" else "outline"
            styles.lists[name] = dict(_level(level) for level in each if "level" in local(level))
    for name in [*based]:
        up = name
        for _ in range(_DEEPEST):
            up = based.get(up, "")
            if not up:
                break
            if up in styles.flags:
                styles.flags[name] = styles.flags.get(name, 0) | styles.flags[up]
            if up in styles.codes:
                styles.codes.setdefault(name, styles.codes[up])
            if up in styles.list_of:
                styles.list_of.setdefault(name, styles.list_of[up])
    styles.codes = {name: formats[code] for name, code in styles.codes.items() if code in formats}
    return styles


def _told(meta: "etree._Element") -> Iterable[tuple[str, str]]:
    """The document's properties by the fields that show them; its own by their names."""
    for each in meta:
        kind, text = local(each), each.text or ""
        yield (f"user-defined {attribute(each, 'name')}" if kind == "user-defined" else _SHOWN_BY.get(kind, kind)), text


def _style(style: "etree._Element", name: str, styles: OdfStyles, based: dict[str, str]) -> None:
    if parent := attribute(style, "parent-style-name"):
        based[name] = parent
    if listed := attribute(style, "list-style-name"):
        styles.list_of[name] = listed
    if code := attribute(style, "data-style-name"):
        styles.codes[name] = code
    for properties in style:
        kind = local(properties)
        if attribute(properties, "writing-mode").startswith("rl"):
            styles.leftwards.add(name)
        if kind == "text-properties":
            said = {str(key).rpartition("}")[2]: str(value) for key, value in properties.attrib.items()}
            styles.looks[name] = "|".join(f"{key}={said[key]}" for key in _LOOKS if key in said)
            flags = HIDDEN if said.get("display") == "none" else 0
            tiny = 0 < _points(said.get("font-size", "")) <= _TINY or 0 < _points(said.get("text-scale", "")) < 1.2
            same = said.get("color", "-") == said.get("background-color", "")
            auto = said.get("use-window-font-color") == "true"  # then LibreOffice writes an opacity of nothing
            clear = (not auto and said.get("opacity", "") in {"0%", "1%", "2%"}) or _clear(said)
            flags |= FAINT if tiny or same or clear or _PALE.match(said.get("color", "")) else 0
            if flags:
                styles.flags[name] = flags
        elif attribute(properties, "display") == "false" or attribute(properties, "visibility") == "hidden":
            styles.hidden.add(name)


def _clear(said: dict[str, str]) -> bool:
    return said.get("char-transparency", "").startswith(("9", "100")) or said.get("text-position", "").endswith(" 1%")


def _points(size: str) -> float:
    match = _SIZE.match(size)
    return float(match[1]) * _POINTS[match[2]] if match else 0.0


def _level(level: "etree._Element") -> tuple[int, Level]:
    number = _whole(attribute(level, "level"), 1) - 1
    if "bullet" in local(level) or "image" in local(level):
        sign = f"{attribute(level, 'num-prefix')}{attribute(level, 'bullet-char')}{attribute(level, 'num-suffix')}"
        return number, Level(1, "none", sign.replace("%", "%%") if _DIGIT.search(sign) else "", "")
    above = max(1, min(number + 1, _whole(attribute(level, "display-levels"), 1)))
    counters = ".".join(f"%{each + 1}" for each in range(number + 1 - above, number + 1))
    prefix, suffix = attribute(level, "num-prefix"), attribute(level, "num-suffix")
    form = _FORMS.get(attribute(level, "num-format"), "decimal")
    text = (
        attribute(level, "num-list-format")
        or f"{prefix.replace('%', '%%')}{counters if form != 'none' else ''}{suffix}"
    )
    text = re.sub(r"%(\d+)%", r"%\1", text)
    follows = next((attribute(each, "label-followed-by") for each in level.iter("{*}list-level-label-alignment")), "")
    behind = {"nothing": "", "space": " "}.get(follows, "\t")
    return number, Level(_whole(attribute(level, "start-value"), 1), form, text, behind)


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


class OdfLists:
    """Counts the items of lists inside each other."""

    def __init__(self, styles: OdfStyles) -> None:
        self._styles = styles
        self._open: list[str] = []
        self._at: list[dict[int, int]] = []
        self._waiting = False
        self._deeper = 0
        self._start: int | None = None
        self._headings: dict[int, int] = {}
        self._last: dict[str, dict[int, int]] = {}

    def open(self, element: "etree._Element") -> None:
        """A list begins."""
        outer = self._open[-1] if self._open else ""
        name = attribute(element, "style-name") or outer
        goes_on = bool(attribute(element, "continue-list")) or attribute(element, "continue-numbering") == "true"
        kept = self._last.get(name, {}) if goes_on else {}
        self._at.append(self._at[-1] if self._at else kept)
        if len(self._at) > 1:
            for deeper in [level for level in self._at[-1] if level >= len(self._open)]:
                del self._at[-1][deeper]
        self._open.append(name)

    def close(self) -> None:
        """It ends."""
        self._deeper = 0
        if self._open:
            self._last[self._open.pop()] = self._at.pop()

    def numbered(self, element: "etree._Element") -> None:
        """A paragraph that is an item without a list around it; `close` ends it."""
        name = attribute(element, "style-name")
        self._open.append(name)
        self._at.append(self._last.get(name, {}))
        self._deeper = _whole(attribute(element, "level"), 1) - 1
        self.item(element)

    def item(self, element: "etree._Element") -> None:
        """The next paragraph gets a label."""
        start = attribute(element, "start-value")
        self._start = _whole(start, 1) if start else None
        self._waiting = True

    def heading(self, element: "etree._Element") -> str:
        """In front of a heading that stands in no list (`text:outline-style`)."""
        level = _whole(attribute(element, "outline-level"), 1) - 1
        for deeper in [each for each in self._headings if each > level]:
            del self._headings[deeper]
        return self._label(self._styles.lists.get("outline"), self._headings, level) if not self._open else ""

    def label(self, style: str) -> str:
        """In front of a paragraph; empty where it has none."""
        if not self._waiting or not self._open:
            return ""
        self._waiting = False
        levels = self._styles.lists.get(self._open[-1] or self._styles.list_of.get(style, ""))
        return self._label(levels, self._at[-1], len(self._open) - 1 + self._deeper)

    def _label(self, levels: dict[int, Level] | None, at: dict[int, int], level: int) -> str:
        if not levels or level not in levels:
            return ""
        rule = levels[level]
        at[level] = at[level] + 1 if level in at else rule.start
        if self._start is not None:
            at[level], self._start = self._start, None

        def number(match: re.Match[str]) -> str:
            place = int(match[1]) - 1
            if place < 0 or place not in levels:
                return "%" if not place + 1 else ""
            return counted(at.get(place, levels[place].start), levels[place].form)

        text = re.sub(r"%([1-9])", number, rule.text).replace("%%", "%")
        return text + rule.suffix if text else ""
