"""The source of a page to a tree of elements, as loosely as mail programs read it."""

import re
from collections import defaultdict
from itertools import islice
from typing import Final, TypeAlias

from policy.extraction.html.names import (
    ALONE,
    ENDS,
    ENDS_P,
    FENCES,
    IN_HEAD,
    IN_TABLES,
    P_FENCES,
    PLAIN,
    PRE,
    TABLES,
    VOID,
    WHOLE,
)
from policy.extraction.html.tree import NO_ATTRIBUTES, Comment, Element, Text, Tree, Unparsed
from policy.reader.references import unescape

# Attributes as HTML's tokenizer reads them: a quote counts only behind an equals sign.
_ATTRIBUTE: Final = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""
_TAG: Final = re.compile(
    rf"<(?:(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<rest>(?:[\s/]++|{_ATTRIBUTE})*+)(?P<end>>|\Z)"
    r"|(?P<other>[!?/][^>]*+(?:>|\Z)))"
)
_COMMENT: Final = "<!--"
_NO_COMMENT: Final = re.compile("-?>")  # right behind that it is a whole comment, and an empty one
_COMMENT_END: Final = re.compile("--!?>")
_CDATA: Final = "![CDATA["
_CDATA_END: Final = "]]>"
_NAMED: Final = re.compile(
    r"""([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|([^\s>"'][^\s>]*+)))?+"""
)
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_RAW_END: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.I)
    for name in ("script", "style", "title", "textarea", "xmp", "noembed", "noframes", "iframe")
}
_RAW: Final = frozenset((*_RAW_END, "plaintext"))
_ALIKE: Final = 200  # characters of a tag that may be like others
_FURTHEST: Final = 64  # open elements looked at for one that ends
_DEEPEST: Final = 20_000  # open elements; what is opened within is read in the innermost
_MOST_ELEMENTS: Final = 250_000

# What a tag does: it closes an element; it is none, but a comment or a declaration; it begins an element that ends no
# other and holds anything, one that holds nothing, or any other.
_CLOSES, _OTHER, _HOLDS, _STANDS, _ANY = range(5)
_Tag: TypeAlias = tuple[int, str, str, dict[str, str]]  # what it is, a name, the rest of it, and its attributes


def _folded(text: str) -> str:
    """A space in place of each run of white space."""
    for sign in "\n\r\t\f":
        if sign in text:
            text = text.replace(sign, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def parse(source: str) -> Tree:
    """The tree of a page; linear in its length."""
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        root = Element("html", None, "", 0)
        self._head = Element("head", root, "", 1)
        self._body = Element("body", root, "", 2)
        root.children += [self._head, self._body]
        self._tree = Tree(root, [root, self._head, self._body])
        self._stack = [self._body]
        self._known: dict[str, dict[str, str]] = {}
        self._texts: dict[str, str] = {}  # what stands between tags is most often nothing but a line's end
        self._begun = False  # what belongs into a head goes there until the body begins
        self._open: defaultdict[str, int] = defaultdict(int, body=1)
        self._unopened: defaultdict[str, int] = defaultdict(int)
        self._pre = 0

    def run(self) -> Tree:
        source, tree, stack, is_open = self._source, self._tree, self._stack, self._open
        match_tag, find, elements = _TAG.match, source.find, tree.elements
        known: dict[str, _Tag] = {}  # most tags of a page are like others of it
        at, greater = 0, -1
        less = find("<")
        while less >= 0:
            if greater < less:
                greater = (find(">", less) + 1 or len(source) + 1) - 1
            stop = greater + 1
            tag = known.get(source[less:stop]) if stop - less < _ALIKE else None
            if tag is None:
                match = match_tag(source, less)
                if match is None:  # a lone "<" is text
                    less = find("<", less + 1)
                    continue
                stop, tag = match.end(), self._tag(match)
                known[match[0]] = tag
            if less > at:
                self._text(source[at:less])
            what, name, rest, attributes = tag
            at = stop
            top = stack[-1]
            if what is _CLOSES:
                if name in PLAIN and top.name == name:  # the commonest, and the same as what follows
                    stack.pop()
                    is_open[name] -= 1
                else:
                    self._close(name)
                less = find("<", at)
                continue
            if what is _OTHER:
                at = self._markup(rest, less, at)
            elif what is not _ANY and self._begun and top.name not in TABLES and len(stack) < _DEEPEST:
                element = Element(name, top, rest, len(elements), attributes)  # likewise
                elements.append(element)
                top.children.append(element)
                if what is _HOLDS and not (rest[-1:] == "/" and (is_open["svg"] or is_open["math"])):
                    stack.append(element)
                    is_open[name] += 1
            else:
                element = self._start(name, rest)
                if element.name in _RAW:
                    at = self._raw(element, at)
            if len(elements) > _MOST_ELEMENTS:
                tree.whole, tree.odd = False, True
                break
            less = find("<", at)
        if at < len(source):
            self._text(source[at:])
        return tree

    def _tag(self, match: re.Match[str]) -> "_Tag":
        close, name, rest, end, other = match.groups()
        if name is None:
            return _OTHER, "", other or "", NO_ATTRIBUTES
        name, rest = name.lower(), rest or ""
        if close:
            return _CLOSES, name, rest, NO_ATTRIBUTES
        if not end:
            self._tree.odd = True
        attributes = self._attributes(rest) if rest and not rest.isspace() else NO_ATTRIBUTES
        return _HOLDS if name in PLAIN else _STANDS if name in ALONE else _ANY, name, rest, attributes

    def _text(self, raw: str) -> None:
        top = self._stack[-1]
        text = self._texts.get(raw) if not self._pre else unescape(raw)
        if text is None:
            text = self._texts[raw] = _folded(unescape(raw) if "&" in raw else raw)
        if top.name in TABLES and not text.isspace():
            self._before_table(text)
            return
        if not self._begun and not text.isspace():
            self._begun = True
        top.children.append(text)

    def _before_table(self, thing: "Element | Text") -> bool:
        """What stands in a table but in no cell is shown above it (HTML 13.2.6.1)."""
        for table in reversed(self._stack[-_FURTHEST:]):
            if table.name == "table" and table.parent is not None:
                siblings = table.parent.children
                siblings.insert(_last_index(siblings, table), thing)
                self._tree.moved = True
                if isinstance(thing, Element):
                    thing.parent = table.parent
                return True
        top = self._stack[-1]
        top.children.append(thing)
        return False

    def _markup(self, other: str, start: int, end: int) -> int:
        """Comments, declarations, instructions and CDATA; returns where to go on."""
        if other.startswith("!--"):
            return self._comment(start + len(_COMMENT))
        if other.startswith(_CDATA):
            if self._open["svg"] or self._open["math"]:
                inner = start + 1 + len(_CDATA)
                stop = self._source.find(_CDATA_END, inner)
                self._stack[-1].children.append(self._source[inner : stop if stop >= 0 else None])
                return stop + len(_CDATA_END) if stop >= 0 else len(self._source)
            self._stack[-1].children.append(Unparsed(other[8:].removesuffix(">").removesuffix("]]")))
            self._tree.odd = True
        elif other.startswith("![if"):
            self._start(CONDITIONAL, "")
        elif other.startswith("![endif"):
            self._close(CONDITIONAL)
        elif other[:1] != "!" and len(other) > 2:
            self._stack[-1].children.append(Comment(other[1:].removesuffix(">")))
        return end

    def _comment(self, start: int) -> int:
        """A comment whose text begins there; returns where to go on."""
        empty = _NO_COMMENT.match(self._source, start)
        if empty is not None:
            return empty.end()
        found = _COMMENT_END.search(self._source, start)
        stop, end = found.span() if found is not None else (len(self._source),) * 2
        text = self._source[start:stop]
        if text and not text.isspace():
            self._stack[-1].children.append(Comment(text))
            self._conditional(text)
        return end

    def _conditional(self, comment: str) -> None:
        """`<!--[if !mso]><!-->` and its end: what stands between is for all programs but some."""
        if comment.startswith("[if") and comment.endswith(("<!", "-->", "]>")):
            self._start(CONDITIONAL, "")
        elif "<![endif]" in comment[:12]:
            self._close(CONDITIONAL)

    def _start(self, name: str, rest: str) -> Element:
        stack, elements = self._stack, self._tree.elements
        if not self._begun or name in WHOLE:
            known = self._around(name, rest)
            if known is not None:
                return known
        if name in ENDS_P and self._open["p"]:
            self._end_one_of(_P, P_FENCES)
        ends = ENDS.get(name)
        if ends is not None:
            self._end_all_of(ends)
        top = stack[-1]
        element = Element(name, top, rest, len(elements))
        if rest and not rest.isspace():
            element.attributes = self._attributes(rest)
        elements.append(element)
        if not self._begun and top is self._body:
            element.parent = self._head
            self._head.children.append(element)
        elif top.name in TABLES and name not in IN_TABLES and not (name == "input" and "hidden" in rest):
            self._before_table(element)
        else:
            top.children.append(element)
        if (name in VOID and (rest or name != "param")) or (
            rest and rest[-1] == "/" and (self._open["svg"] or self._open["math"])
        ):
            return element
        if len(stack) < _DEEPEST:
            stack.append(element)
            self._open[name] += 1
            if name in PRE:
                self._pre += 1
        else:
            self._unopened[name] += 1
        return element

    def _around(self, name: str, rest: str) -> Element | None:
        """The elements that each page has once; None for all others, the first of which begins the body."""
        if name in WHOLE:
            element = {"html": self._tree.root, "head": self._head, "body": self._body}[name]
            if rest:
                element.rest = element.rest or rest
                element.attributes = {**self._attributes(rest), **element.attributes}
            self._begun = self._begun or name == "body"
            return element
        if name not in IN_HEAD:
            self._begun = True
        return None

    def _attributes(self, rest: str) -> dict[str, str]:
        """Elements with the same source share them: nobody may write to them."""
        known = self._known.get(rest)
        if known is not None:
            return known
        found: dict[str, str] = {}
        odd = ">" in rest or "<" in rest
        for key, double, single, bare in _NAMED.findall(rest):
            value = double or single or bare
            if odd and (">" in value or "<" in value):
                self._tree.odd = True  # a simpler reader ends the tag here
            if "&" in value:
                value = unescape(value)
            found.setdefault(key.lower(), value)
        self._known[rest] = found
        return found

    def _close(self, name: str) -> None:
        if self._unopened[name]:
            self._unopened[name] -= 1
            return
        if not self._open[name] or name == "body":
            if name == "br":
                self._start("br", "")
            elif name == "p":
                self._stack[-1].children.append("\n")
            return
        self._pop_to(name)

    def _pop_to(self, name: str) -> None:
        while len(self._stack) > 1:
            gone = self._stack.pop().name
            self._open[gone] -= 1
            if gone in PRE:
                self._pre -= 1
            if gone == name:
                return

    def _end_one_of(self, names: frozenset[str], fences: frozenset[str]) -> bool:
        for element in islice(reversed(self._stack), _FURTHEST):
            if element.name in names:
                self._pop_to(element.name)
                return True
            if element.name in fences:
                return False
        return False

    def _end_all_of(self, names: frozenset[str]) -> None:
        open_now = self._open
        for name in names:
            if open_now[name]:
                while self._end_one_of(names, FENCES):
                    pass
                return

    def _raw(self, element: Element, at: int) -> int:
        """Elements whose content holds no tags; returns where they end."""
        name = element.name
        if name == "title" and self._open["svg"]:
            return at
        if name == "plaintext":
            element.children.append(self._source[at:])
            return len(self._source)
        end = _RAW_END[name].search(self._source, at)
        stop = end.start() if end else len(self._source)
        text = self._source[at:stop]
        if name == "script":
            self._tree.scripts.append(text)
        elif name == "style":
            self._tree.sheets.append(unescape(text) if self._open["svg"] else text)  # there it is text like any other
        elif name == "title":
            self._tree.titles.append(_SPACE.sub(" ", unescape(text)))
        elif name == "iframe":
            element.children.append(Unparsed(text))
        else:
            element.children.append(unescape(text) if name == "textarea" else text)
        if end is None:
            self._tree.odd = True
        return stop


CONDITIONAL: Final = "[if]"  # stands for what is between two conditional comments
_P: Final = frozenset({"p"})


def _last_index(things: "list[Element | Text]", wanted: Element) -> int:
    for place in range(len(things) - 1, max(-1, len(things) - 50), -1):
        if things[place] is wanted:
            return place
    return len(things)
