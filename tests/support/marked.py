"""What a template says without marking it for translation: text between tags, and attributes that are read aloud."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes
from jinja2.lexer import Lexer

SPOKEN_ATTRIBUTES = frozenset({"alt", "title", "placeholder", "aria-label", "aria-description", "label"})
MARKS = frozenset({"_", "say", "count"})
_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_WORDS = frozenset({"nbsp", "amp", "SafeBox", "SHA", "UTC"})  # what is the same everywhere


def _is_spoken(attribute: str, value: str) -> bool:
    return attribute in SPOKEN_ATTRIBUTES or (attribute.startswith("data-") and " " in value.strip())


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script")
        self.found += [value for name, value in attrs if value and _is_spoken(name, value)]
        if tag == "input" and dict(attrs).get("type") == "submit":
            self.found.append(dict(attrs).get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def unmarked(path: Path, environment: Environment) -> Iterator[str]:
    """Each piece of text of a template that nobody can translate."""
    source = path.read_text()
    data = "".join(
        value if kind == "data" else "" for _, kind, value in Lexer(environment).tokeniter(source, path.name)
    )
    if path.suffix == ".html":
        texts = _Texts()
        texts.feed(data)
        pieces = texts.found
    else:
        pieces = data.splitlines()
    pieces = [piece for piece in pieces if not piece.strip().startswith("sealgate ")]  # a command to type
    yield from (" ".join(piece.split()) for piece in pieces if set(_WORD.findall(piece)) - _NO_WORDS)
    yield from _spoken_constants(environment.parse(source))


def _is_sentence(text: str) -> bool:
    words = re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", text) or re.match(r"[A-Z][a-z]+\b(?!-)", text)
    return words is not None and not re.fullmatch(r"button( button--[a-z]+)*|UTC|never fetched|not yet sent", text)


def _spoken_constants(tree: nodes.Node, inside: bool = False) -> Iterator[str]:
    """Sentences as string constants outside of the marks: two words or more, or one that begins with a capital."""
    for node in tree.iter_child_nodes():
        if isinstance(node, nodes.Const) and isinstance(node.value, str) and not inside and _is_sentence(node.value):
            yield node.value
        marks = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in MARKS
        yield from _spoken_constants(node, inside or marks)
