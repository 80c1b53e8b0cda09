"""Pictures that a mail's html shows in their place (RFC 2392): parts of the letter, and none of its documents."""

import re
from typing import Final
from urllib.parse import unquote

from policy.reader.references import unescape

# What a browser shows without running anything: no SVG, which may hold script.
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

# Linear on whatever comes. It only counts: the letter lists every document that its own markup does not show.
_SOURCES: Final = re.compile(r"src\s{0,20}=\s{0,20}[\"']?\s{0,20}cid:([^\"'\s>]{1,1000})", re.IGNORECASE)


def content_id_of(url: str) -> str | None:
    """The content id that a `cid:` address names, without brackets; None: it is another address."""
    bare = url.strip()
    return unquote(bare[4:]).strip("<>") if bare[:4].lower() == "cid:" else None


def shown_in_place(html: str) -> frozenset[str]:
    """The content ids of the pictures that html shows."""
    return frozenset(unquote(unescape(found)).strip("<>") for found in _SOURCES.findall(html))
