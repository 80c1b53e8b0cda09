"""HTML as plain text, for readers without it: what stands where `text` is wanted and only html came.

A scanner of its own, because a document tree takes quadratic time for tags nested 100,000 deep. Every step looks ahead
once, and what is not closed ends the text.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy.reader.references import unescape

_TAG: Final = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_BLOCK: Final = re.compile(  # table cells too: one below the other reads better than run together
    r"address|article|aside|blockquote|br|dd|div|dl|dt|fieldset|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre"
    r"|section|table|td|th|tr|ul"
)
_UNSEEN: Final = frozenset({"script", "style", "title", "textarea", "template", "noscript", "iframe", "object", "svg"})


def text_of_html(html: str) -> str:
    """The text that the html shows, block by block, with no more than one blank line between them."""
    lines = [" ".join(line.split()) for line in "".join(_pieces(html)).split("\x00")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _pieces(html: str) -> Iterator[str]:
    """Text between tags; NUL for the end of a block."""
    html = html.replace("\x00", "")
    at = 0
    while (opened := html.find("<", at)) >= 0:
        yield unescape(html[at:opened])
        if html.startswith("<!--", opened):
            end = html.find("-->", opened + 4)
            at = end + 3
        else:
            tag = _TAG.match(html, opened + 1)
            if tag is None and html[opened + 1 : opened + 2] not in ("!", "?", "/"):
                yield "<"  # a sign, not a tag
                at = opened + 1
                continue
            name = tag[1].lower() if tag else ""
            end = _after_tag(html, opened, name)
            at = end + 1
            if _BLOCK.fullmatch(name):
                yield "\x00"
        if end < 0:
            return
    yield unescape(html[at:])


def _after_tag(html: str, opened: int, name: str) -> int:
    """Where the tag's `>` stands; for an element that is not shown, that of its closing tag; -1: nowhere."""
    end = html.find(">", opened)
    if end < 0 or name not in _UNSEEN or html[opened + 1] == "/":
        return end
    closing = re.compile(rf"(?i)</{name}[\s/>]").search(html, end)
    return html.find(">", closing.start()) if closing else -1
