"""HTML as displayed, and what lies beneath: hidden text, comments, attributes, scripts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.html.arrangement import EDGE
from policy.extraction.html.beneath import Beneath
from policy.extraction.html.display import Display, Piece, Renderer
from policy.extraction.html.markup import parse
from policy.extraction.html.mixed import number_readings
from policy.extraction.html.quirks import with_folded_names
from policy.extraction.html.scripts import decodes, handlers, is_writing
from policy.extraction.html.shadows import open_shadows
from policy.extraction.html.stylesheets import Sheets
from policy.extraction.html.tree import Tree
from policy.extraction.html.vectors import drawn_lines
from policy.extraction.text.tables import joined_cells, joined_lines
from policy.extraction.xmlsource import with_entities
from policy.reader.charsets import readings
from policy.reader.references import unescape

_NAIVE: Final = re.compile(r"<[^<>]*+>")
_META: Final = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*(?:["']\s*)?([A-Za-z0-9_:.-]{2,40})""", re.I)
_XML_ENCODING: Final = re.compile(rb"""\A[^<]{0,8}<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.-]{2,40})""")
_WITHIN_WORD: Final = re.compile(f"(?<=[a-z]){EDGE}+(?=[a-z])")
_OWN_FONT: Final = re.compile(r"@font-face\s*\{[^{}]{0,4000}?url\(\s*(?:[\"']\s*)?(?:data|cid):", re.I)
_DRAWING: Final = re.compile(r"\s*(?:<[?!][^<>]{0,500}>\s*){0,10}<(?:\w+:)?svg\b", re.I)
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
# Programs that make a page of an XML file, in the file itself (XSL Transformations 1.0, 2.7).
_TRANSFORMS: Final = re.compile(
    r"<\?xml-stylesheet[^>]{0,400}type\s{0,9}=\s{0,9}[\"'](?:text|application)/(?:xml|xsl|xslt\+xml)", re.I
)
_TRANSFORM: Final = "http://www.w3.org/1999/XSL/Transform"
_HEAD: Final = 4_096
_NEAR: Final = 160  # characters kept around what is hidden
_BESIDE_TEXT: Final = frozenset("\n\t ")


@dataclass(frozen=True, slots=True)
class Page:
    """A page read: `shown` are the readings of what is displayed; the others stand beside them."""

    shown: tuple[str, ...] = field(repr=False)
    title: str = field(default="", repr=False)
    attributes: str = field(default="", repr=False)
    comments: str = field(default="", repr=False)
    code: str = field(default="", repr=False)  # scripts and style sheets
    files: tuple[bytes, ...] = field(default=(), repr=False)  # in data: addresses, and no text
    whole: bool = True  # False: more elements or style sheets than are worked through
    own_signs: bool = False  # it brings a font of its own, by which any letter can look like a digit
    writes: bool = False  # a script unpacks something and writes it into the page

    def named(self) -> list[tuple[str, str]]:
        """(label, text) of all that is there, the label empty for what is displayed."""
        pairs = [("", text) for text in self.shown]
        pairs += [("title", self.title), ("attributes", self.attributes)]
        pairs += [("comments", self.comments), ("scripts", self.code)]
        return [(label, text) for label, text in pairs if text and not text.isspace()]


def page_readings(data: bytes, charset: str = "") -> tuple[Page, ...]:
    """Every reading of an HTML file: what was declared outside, what the page itself says, and the usual guesses."""
    found: dict[str, None] = dict.fromkeys(readings(data, charset))
    for match in (_META.search(data[:8192]), _XML_ENCODING.search(data[:512])):
        if match:
            found.update(dict.fromkeys(readings(data, match[1].decode("ascii"))))
    if any("<!ENTITY" in source for source in found):
        found.update(dict.fromkeys(with_entities(source) for source in tuple(found)))
    return tuple(read_page(source) for source in found)


def read_page(source: str, depth: int = 0) -> Page:
    """Read one page from its source. `depth`: pages it lies in."""
    tree = parse(source)
    if decodes(source):
        tree.scripts += handlers(tree)
    beneath = Beneath(tree, source, depth, read_page)
    if "shadowroot" in source:
        open_shadows(tree)
    written = tree.sheets + beneath.sheets
    if written and "<!doctype" not in source[:2_000].lower():
        written = with_folded_names(tree, written)
    sheets = Sheets(written, _varying(tree, source))
    display = Renderer(tree, sheets, drawn=beneath.drawn).run()
    shown = _shown(display, source, tree)
    if display.screens_matter:
        shown.update(_shown(Renderer(tree, sheets, screen=1, drawn=beneath.drawn).run(), source, tree))
    drawings, all_drawn = drawn_lines(tree)
    shown.update(dict.fromkeys((*drawings, *beneath.inner)))
    page = Page(
        tuple(shown),
        "".join(tree.titles),
        "\n".join(dict.fromkeys(beneath.attributes)),
        "\n".join(beneath.comments(display.comments)),
        "\n".join(tree.scripts + tree.sheets),
        tuple(beneath.files),
        tree.whole and sheets.whole and display.whole and all_drawn,
        any(_brings_signs(sheet, source, shown) for sheet in tree.sheets + beneath.sheets),
        is_writing(tree.scripts) or (_TRANSFORMS.search(source[:_HEAD]) is not None and _TRANSFORM in source),
    )
    tree.forget()
    return page


def _varying(tree: Tree, source: str) -> list[str]:
    """The styles of elements that may not say the same for each."""
    if "var(" not in source and "attr(" not in source and "sibling-" not in source:
        return []
    said = [element.attributes["style"] for element in tree.elements if "style" in element.attributes]
    return [style for style in said if "--" in style or "attr(" in style or "sibling-" in style]


def _brings_signs(sheet: str, source: str, shown: Iterable[str]) -> bool:
    """Whether a sheet's font comes with the message. Of a drawing only with signs of no meaning: programs that write
    drawings put the font's common letters in.
    """
    if "@font-face" not in sheet.lower() or _OWN_FONT.search(sheet) is None:
        return False
    return _DRAWING.match(source) is None or any(map(_PRIVATE.search, shown))


def _shown(display: Display, source: str, tree: Tree) -> dict[str, None]:
    """The readings of what is displayed, the likeliest first."""
    pieces = display.pieces
    seen = _tidy("".join([text for text, _, hidden in pieces if not hidden]))
    shown: dict[str, None] = {seen: None}
    shown.update(dict.fromkeys(_hidden(pieces)))
    shown.update(dict.fromkeys(_tidy(text) for text in number_readings(pieces)))
    if tree.odd or tree.moved:
        shown[_tidy(unescape(_NAIVE.sub("", source)))] = None
    for joined in (joined_cells(seen), joined_lines(seen)):
        if joined:
            shown[joined] = None
    for text in display.others:
        shown[_tidy(text)] = None
    return shown


def _hidden(pieces: list[Piece]) -> list[str]:
    """What is hidden, each with what stands around it."""
    spans: list[list[int]] = []
    at = total = 0
    for text, _, hidden in pieces:
        size = len(text)
        if hidden and size and not (size == 1 and text in _BESIDE_TEXT):
            total += size
            if spans and at - spans[-1][1] <= 2 * _NEAR:
                spans[-1][1] = at + size
            else:
                spans.append([at, at + size])
        at += size
    if not spans or not total:
        return []
    every = "".join([text for text, _, _ in pieces])
    if total * 2 > len(every) or len(spans) > 1_000:
        return [_tidy(every)]
    return [_tidy(every[max(0, start - _NEAR) : end + _NEAR]) for start, end in spans]


def _tidy(text: str) -> str:
    """No blank lines, no white space around lines and cells."""
    if EDGE in text:
        text = _WITHIN_WORD.sub("", text).replace(EDGE, " ")
    if "\t" in text:
        text = "\t".join([cell.strip(" \n") for cell in text.split("\t")])
    return "\n".join([line for line in [line.strip(" \r") for line in text.split("\n")] if line])
