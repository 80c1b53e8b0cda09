"""What the parts of one message lend each other: style sheets, drawings and pages that a page takes from other parts.

Programs put what `cid:` names (RFC 2392), and what stands at a Content-Location (RFC 2557), where the page asks for it.
So such a page is read once more with these parts in `data:` addresses, which are read with it.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urljoin

from policy.reader.mime import Leaf
from policy.reader.references import unescape

_LENT: Final = frozenset({"text/css", "text/html", "application/xhtml+xml", "image/svg+xml"})
_PAGES: Final = ("text/html", "application/xhtml+xml")
_LARGEST: Final = 128 * 1024  # bytes of a part that is lent
_MOST: Final = 64  # parts that are
_MOST_JOINED: Final = 1_000  # addresses of a page that are put together with its own
_LONGEST: Final = 2 << 20  # bytes of a page with what it borrows
_CID: Final = re.compile(rb"cid:([^\"'\s<>(),]{1,300})", re.I)
_ADDRESS: Final = re.compile(rb"(?<=[\"'=(])[ \t]*([^\"'\s<>(),=]{1,300})(?=[\"'\s>)])")
_SVG: Final = re.compile(rb"<svg[\s>]", re.I)


def borrowing(items: Iterable[object]) -> Iterator[Leaf]:
    """The pages of a message that take something from its other parts, with what they take in them."""
    leaves = [item for item in items if isinstance(item, Leaf)]
    lent: dict[str, Leaf] = {}
    for leaf in leaves:
        if leaf.known_as and len(lent) < _MOST and len(leaf.data) <= _LARGEST and _type_of(leaf) in _LENT:
            for name in leaf.known_as:
                lent.setdefault(name, leaf)
    if not lent:
        return
    for leaf in leaves:
        if leaf.media_type in _PAGES:
            data = _with_parts(leaf, lent)
            if data != leaf.data and len(data) <= _LONGEST:
                yield replace(leaf, data=data, is_file=False, media_type="text/html")


def _with_parts(page: Leaf, lent: dict[str, Leaf]) -> bytes:
    room = _LONGEST
    base = next((name for name in page.known_as if "://" in name), "")
    joined: dict[str, Leaf | None] = {}

    def put(match: re.Match[bytes]) -> bytes:
        nonlocal room
        asked = unescape(match[1].decode("utf-8", "replace"))
        part = lent.get(asked) or lent.get(unquote(asked))
        if part is None and base:
            if asked not in joined and len(joined) < _MOST_JOINED:
                joined[asked] = lent.get(_joined(base, asked))
            part = joined.get(asked)
        if part is None or part.data is page.data or len(part.data) > room:
            return match[0]
        room -= 2 * len(part.data)
        return b"data:" + _type_of(part).encode() + b";base64," + b64encode(part.data)

    data = _CID.sub(put, page.data) if b"id:" in page.data.lower() else page.data
    if any("@" not in name for name in lent):  # a location
        data = _ADDRESS.sub(put, data)
    return data


def _joined(base: str, asked: str) -> str:
    """An address as it stands to the page's own (RFC 2557 5)."""
    try:
        return urljoin(base, asked)
    except ValueError:
        return asked


def _type_of(leaf: Leaf) -> str:
    """What it is, by what was said or, of pictures, by its first bytes."""
    if leaf.media_type.startswith("image/") and _SVG.search(leaf.data[:1_000]):
        return "image/svg+xml"
    return leaf.media_type
