"""A page's tree to pieces of text in the order in which they are displayed, hidden ones told from shown ones."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.html.arrangement import (
    BLOCKS,
    BREAK,
    CELL,
    CELLS,
    EDGE,
    MOVED,
    arranged,
    boundary,
    formula_order,
    is_first,
    is_first_cell,
    is_row,
    runs_backwards,
)
from policy.extraction.html.boxes import Boxes, stand_in, stands_alone
from policy.extraction.html.declared import Declarations, Writes
from policy.extraction.html.generated import Counters
from policy.extraction.html.markup import CONDITIONAL
from policy.extraction.html.names import VOID
from policy.extraction.html.styles import INLINE_NAMES, Look, look_of
from policy.extraction.html.stylesheets import Sheets
from policy.extraction.html.styling import NO_STYLE, OLD_STYLE, Styling
from policy.extraction.html.tree import Comment, Element, Tree, Unparsed
from policy.reader.references import unescape

_UNSHOWN: Final = frozenset(
    {
        "template",
        "noframes",
        "noembed",
        "iframe",
        "audio",
        "video",
        "canvas",
        "datalist",
        "rp",
        "rt",
        "head",
        "dialog",
        "param",
        "annotation",  # of formulas, for programs (MathML 4, 5.2)
        "annotation-xml",
        "mphantom",  # takes its place and is not drawn (MathML Core, 3.3.7)
    }
)
FRAMES: Final = frozenset({"img", "image", "iframe", "embed", "object"})  # elements that show another file
_FORM: Final = frozenset({"input", "img", "area", "option", "optgroup", "textarea"})
_MOST_TURNED: Final = 1_000_000  # pieces that are turned around, all in all
# Elements that are more than their children.
_ASKED: Final = _UNSHOWN | _FORM | {"bdo", "li", "details", "mroot", "mmultiscripts"}
_NOT_SIMPLE: Final = _ASKED | FRAMES | VOID | {"q"}
_SIDE_EFFECTS: Final = frozenset(
    {"counter-increment", "counter-reset", "counter-set", "list-style", "list-style-type", "quotes"}
)
_NOT_TYPED: Final = frozenset({"hidden", "checkbox", "radio", "file", "image", "range", "color"})
_PLAIN: Final = re.compile(r"<[^<>]*+>")
_CONDITIONAL: Final = Element(CONDITIONAL, None, "", -1)
_DIGIT: Final = re.compile(r"\d")
_FIRST_LETTER: Final = re.compile(r"\W{0,8}\w")
_NONE_DRAWN: Final[Mapping[int, str]] = {}
_LISTS: Final = frozenset({"ol", "ul", "menu", "dir"})


Piece = tuple[str, Element, bool]  # a text, the innermost element it stands in, whether nobody sees it


@dataclass(slots=True)
class _Frame:
    element: Element
    children: Iterator[Element | str]
    look: Look
    hidden: bool
    absent: bool  # takes no room, so that its neighbours touch
    start: int  # pieces before it
    edge: str  # what ends it
    style: Declarations | None = None  # where something may be written behind it
    written: Writes = field(default_factory=dict)
    turned: bool = False  # the other way round than what it stands in
    leftwards: bool = False
    row: bool = False  # what is in it stands side by side


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of an element that does nothing but hold others, within one that looks so."""

    parent: Look  # kept, so that no other gets its id
    look: Look
    gone: bool
    edge: str


@dataclass(slots=True)
class Display:
    """What is displayed. `others` are lines in another order than the pieces', where programs may differ."""

    pieces: list[Piece] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    screens_matter: bool = False
    whole: bool = True


class Renderer:
    """Goes through a tree once. `screen` is 0 for a desk's and 1 for a phone's.

    `drawn` are the texts of pictures and frames, by the number of their element.
    """

    def __init__(self, tree: Tree, sheets: Sheets, screen: int = 0, drawn: Mapping[int, str] = _NONE_DRAWN) -> None:
        self._drawn = drawn
        self._sheets = sheets
        self._out = Display()
        self._styling = Styling(tree, sheets, screen)
        self._style_of = self._styling.declared_of
        self._counters = Counters(sheets.counter_styles, sheets.variables, self._style_of, self._styling.finished)
        self._boxes = Boxes(self._styling.put)
        self._arranging = self._styling.arranging or any(
            element.name in MOVED or (element.name == "thead" and not is_first(element)) for element in tree.elements
        )
        self._plans: dict[tuple[str, str, int, bool], _Plan] = {}
        self._looks: dict[tuple[int, int, bool], tuple[Look, Declarations, Look]] = {}
        self._turning = _MOST_TURNED
        self._root = tree.root

    def run(self) -> Display:
        """All of the page."""
        out = self._out
        stack: list[_Frame] = []
        asked, relevant = self._sheets.asked | _ASKED, self._sheets.relevant | OLD_STYLE
        if self._drawn:
            asked |= FRAMES
        everyone = self._sheets.everyone
        plain_pictures = "img" not in self._sheets.asked and not self._drawn
        self._enter(self._root, None, stack)
        while stack:
            frame = stack[-1]
            child = next(frame.children, None)
            if child is None:
                self._leave(stack.pop())
            elif type(child) is str:
                out.pieces.append((child, frame.element, frame.hidden))
            elif type(child) is Element:
                if frame.row or everyone or not relevant.isdisjoint(child.attributes):
                    self._enter(child, frame, stack)
                elif child.name not in asked:
                    self._plain(child, frame, stack)
                elif child.name == "img" and plain_pictures:
                    self._form(child, frame.hidden)
                else:
                    self._enter(child, frame, stack)
            elif isinstance(child, Comment):
                self._comment(child)
            elif isinstance(child, Unparsed):
                out.pieces.append((str(child), frame.element, True))
        out.whole = self._sheets.whole and self._counters.whole and self._styling.followed
        out.screens_matter = self._styling.screens_matter
        return out

    def _plain(self, element: Element, outer: _Frame, stack: list[_Frame]) -> None:
        """An element that no style concerns: most of them."""
        name, children, pieces = element.name, element.children, self._out.pieces
        edge = BREAK if name in BLOCKS else ""
        if edge:
            pieces.append((edge, element, outer.absent))
        elif name in CELLS and not is_first_cell(element):
            pieces.append((CELL, element, outer.absent))
        if not children:
            return
        if len(children) == 1 and type(children[0]) is str:
            pieces.append((children[0], element, outer.hidden))
            if edge:
                pieces.append((edge, element, outer.absent))
            return
        if self._arranging:
            children = list(arranged(element, children, NO_STYLE, self._style_of))
        start = len(pieces)
        stack.append(
            _Frame(
                element, iter(children), outer.look, outer.hidden, outer.absent, start, edge, leftwards=outer.leftwards
            )
        )

    def _planned(self, element: Element, outer: _Frame, plan: _Plan, stack: list[_Frame]) -> None:
        """An element like one that was there before."""
        pieces, children, edge = self._out.pieces, element.children, plan.edge
        absent = outer.absent or plan.gone
        hidden = outer.hidden if plan.look is outer.look else plan.look.hidden
        if edge and not (edge == CELL and is_first_cell(element)):
            pieces.append((edge, element, absent))
        end = "" if edge == CELL else edge
        if len(children) == 1 and type(children[0]) is str:
            pieces.append((children[0], element, hidden))
            if end:
                pieces.append((end, element, absent))
        else:
            stack.append(_Frame(element, iter(children), plan.look, hidden, absent, len(pieces), end))

    def _enter(self, element: Element, outer: _Frame | None, stack: list[_Frame]) -> None:
        alike = (element.name, element.rest, id(outer.look), outer.row) if outer is not None else ("", "", 0, False)
        if outer is not None and alike in self._plans:
            self._planned(element, outer, self._plans[alike], stack)
            return
        style, written = self._styling.of(element)
        look, hidden, absent, turned = self._looked(element, style, outer)
        name = element.name
        self._draw(element, hidden)
        if name in _UNSHOWN and not (name == "dialog" and "open" in element.attributes) and not hidden:
            look, hidden, absent = Look(gone=True), True, True
        edge = boundary(element, style, in_row=outer is not None and outer.row)
        pieces = self._out.pieces
        if edge and not (edge == CELL and is_first_cell(element)):
            pieces.append((edge, element, absent))
        start = len(pieces)
        mark, before = self._counters.before(element, style, written, absent=absent)
        alone = self._arranging and bool(written)
        first = before if alone and before[0] and stands_alone(written, "before", style) else None
        mark += "" if first else before[0]
        if mark:
            pieces.append((mark, stand_in(element, "before"), hidden))
        if name in _FORM:
            self._form(element, hidden)
        if name in VOID and not element.children:
            self._behind(element, style, written, hidden)
            return
        children: Sequence[Element | str] = element.children
        last = (
            self._counters.after(element, style, written) if alone and stands_alone(written, "after", style) else None
        )
        if first or last:
            children = self._boxes.around(element, first, children, last)
        if name == "details":
            children = sorted(children, key=lambda child: getattr(child, "name", "") != "summary")
        elif name in {"mroot", "mmultiscripts"}:
            children = formula_order(element, children)
        if self._arranging and len(children) > 1:
            children = arranged(element, children, style, self._style_of)
        if written and not hidden and _hides_first(written, look, element):
            children = _without_first(element, children)
        leftwards = (look.leftwards and not look.override) or "wrap-reverse" in style.get("flex-wrap", "")
        end, row = "" if edge == CELL else edge, is_row(style)
        simple = not (written or turned or leftwards or row or self._arranging or name in _NOT_SIMPLE)
        if simple and outer is not None and self._styling.is_plain(alike[:2]) and _SIDE_EFFECTS.isdisjoint(style):
            self._plans[alike] = _Plan(outer.look, look, style.get("display") == "none", edge)
        frame = _Frame(element, iter(children), look, hidden, absent, start, end)
        frame.turned, frame.leftwards, frame.row = turned, leftwards, row
        if last is None and (written or name == "q"):
            frame.style, frame.written = style, written
        stack.append(frame)

    def _looked(self, element: Element, style: Declarations, outer: _Frame | None) -> tuple[Look, bool, bool, bool]:
        """How an element looks: also whether it is hidden, takes no room, and runs the other way round."""
        parent = look = outer.look if outer is not None else Look()
        hidden = outer.hidden if outer is not None else False
        absent = outer.absent if outer is not None else False
        turned = False
        if style:
            styled = (id(parent), id(style), element.name in INLINE_NAMES)
            known = self._looks.get(styled)
            if known is None:
                known = look_of(parent, style, element), style, parent  # both kept, so that no other gets their ids
                self._looks[styled] = known
            look = known[0]
            if look is not parent:
                hidden = look.hidden
                out_of_flow = hidden and style.get("position") in {"absolute", "fixed"}
                absent = absent or out_of_flow or style.get("display") == "none"
                turned = look.override and (look.leftwards != (parent.leftwards and parent.override))
            turned = turned or ("letter-spacing" in style and runs_backwards(style["letter-spacing"]))
        return look, hidden, absent, turned

    def _behind(self, element: Element, style: Declarations, written: Writes, hidden: bool) -> None:
        """What is written behind an element, now that all that stands in it has counted."""
        text, _ = self._counters.after(element, style, written)
        if text:
            self._out.pieces.append((text, stand_in(element, "after"), hidden))

    def _draw(self, element: Element, hidden: bool) -> None:
        """The text of a picture, or of a page in a frame, where it is one."""
        if element.number in self._drawn:
            beside = EDGE if element.name == "iframe" else ""
            self._out.pieces.append((f"{beside}{self._drawn[element.number]}{beside}", element, hidden))

    def _leave(self, frame: _Frame) -> None:
        pieces = self._out.pieces
        if frame.style is not None:
            self._behind(frame.element, frame.style, frame.written, frame.hidden)
        if frame.turned and self._turning > 0:
            self._turning -= len(pieces) - frame.start
            pieces[frame.start :] = [
                (text[::-1], owner, hidden) for text, owner, hidden in reversed(pieces[frame.start :])
            ]
        elif frame.leftwards and 1 < len(pieces) - frame.start < 200:
            shown = [text for text, _, hidden in pieces[frame.start :] if not hidden]
            if len(shown) > 2 and any(map(_DIGIT.search, shown)):
                self._out.others.append("".join(reversed(shown)).replace(EDGE, ""))
        if frame.edge:
            pieces.append((frame.edge, frame.element, frame.absent))

    def _comment(self, text: str) -> None:
        """A comment; a conditional one is shown by some programs, where it stands."""
        self._out.comments.append(text)
        if text.lstrip()[:3].lower() == "[if":
            inner = text[text.find(">") + 1 :].removesuffix("<![endif]")
            if inner and inner != "<!":
                self._out.pieces.append((_PLAIN.sub("", unescape(inner)), _CONDITIONAL, True))

    def _form(self, element: Element, hidden: bool) -> None:
        """What attributes display."""
        pieces, attributes, name = self._out.pieces, element.attributes, element.name
        if name in {"img", "area"}:
            if attributes.get("alt"):
                pieces.append((attributes["alt"], element, True))  # shown where pictures are not
        elif name == "input":
            kind = attributes.get("type", "").strip().lower()
            value = attributes.get("value") or attributes.get("placeholder", "")
            if kind not in _NOT_TYPED:
                pieces.append((f"{EDGE}{value}{EDGE}", element, hidden))
        elif name in {"option", "optgroup"}:
            if attributes.get("label"):
                pieces.append((attributes["label"], element, hidden))
        elif not element.children and attributes.get("placeholder"):
            pieces.append((attributes["placeholder"], element, hidden))


def _hides_first(written: Writes, look: Look, element: Element) -> bool:
    """Whether a sheet hides an element's first letter."""
    style = written.get("first-letter")
    return look_of(look, style, element).hidden if style else False


def _without_first(element: Element, children: Sequence[Element | str]) -> Sequence[Element | str]:
    """The children with the first letter, and the signs before it, in an element that is not shown."""
    first = children[0] if children else None
    match = _FIRST_LETTER.match(first) if isinstance(first, str) else None
    if match is None or not isinstance(first, str):
        return children
    unshown = Element("template", element, "", -1)
    unshown.children.append(match[0])
    return [unshown, first[match.end() :], *children[1:]]
