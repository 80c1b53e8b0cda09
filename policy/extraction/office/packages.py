"""The parts of an Office document (OPC): which is which, by what they are, and whose they are, by their links."""

import posixpath
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from policy.extraction.xmltext import BROKEN_XML, local, parse_xml

# Parts that hold nothing a person reads, by their first tag, wherever they lie.
SILENT_ROOTS: Final = frozenset(
    {"Types", "theme", "fonts", "webSettings", "tblStyleLst", "calcChain", "presentationPr", "viewPr", "Signature",
     "SignatureTime", "colorsDef", "layoutDef", "styleDef", "chartStyle", "colorStyle", "encryption"}
)  # fmt: skip
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:")
_NAMED: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), label)
    for pattern, label in (
        (r"word/document\d*\.xml", ""),
        (r"ppt/slides/slide(\d+)\.xml", "slide {}"),
        (r"ppt/notesslides/notesslide(\d+)\.xml", "notes {}"),
        (r"ppt/(?:slidemasters|slidelayouts|handoutmasters|notesmasters)/.*", "master"),
        (r".*/header\d*\.xml", "header"),
        (r".*/footer\d*\.xml", "footer"),
        (r".*/footnotes\.xml", "footnotes"),
        (r".*/endnotes\.xml", "endnotes"),
        (r".*comment.*\.xml", "comments"),
        (r".*/(?:people|commentauthors|authors|persons/.*)\.xml", "authors"),
        (r"word/numbering\.xml", "list labels"),
        (r"word/styles.*\.xml", "styles"),
        (r"word/settings\.xml", "settings"),
        (r"word/glossary/.*", "building blocks"),
        (r"docprops/.*", "properties"),
        (r"customxml/.*", "data"),
        (r".*/charts?(?:ex)?/.*|.*/chart(?:ex)?\d*\.xml", "chart"),
        (r".*/diagrams/.*", "diagram"),
        (r".*/drawings?/.*", "drawing"),
        (r".*/pivotcache/.*", "pivot cache"),
        (r".*/pivottables/.*", "pivot table"),
        (r".*/tables/.*", "table"),
        (r".*/externallinks/.*", "links to other workbooks"),
        (r".*/connections\.xml", "connections"),
        (r"xl/workbook\.xml", "names"),
        (r".*\.rels", "links"),
        (r".*/tags/.*", "tags"),
    )
)


@dataclass(frozen=True, slots=True)
class Link:
    """One relationship: its id and kind (the last word of its type), and where it leads."""

    key: str
    kind: str
    target: str = field(repr=False)  # the name of a part; an address, where it is external
    external: bool = False


def read_links(parts: dict[str, bytes]) -> dict[str, list[Link]]:
    """The links of each part, by its name."""
    found: dict[str, list[Link]] = {}
    known = {name.lower(): name for name in parts}
    for name, data in parts.items():
        folder, _, last = name.rpartition("/_rels/") if "/_rels/" in name else ("", "", name.removeprefix("_rels/"))
        if not name.lower().endswith(".rels"):
            continue
        try:
            root = parse_xml(data)
        except BROKEN_XML:
            continue
        links = found.setdefault(f"{folder}/{last[:-5]}".lstrip("/"), [])
        for each in root:
            if local(each) == "Relationship":
                target = each.get("Target", "")
                external = each.get("TargetMode", "").lower() == "external" or bool(_SCHEME.match(target))
                if not external:
                    target = unquote(target.partition("#")[0])
                    whole = target if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
                    target = known.get(whole.lstrip("/").lower(), whole.lstrip("/"))
                links.append(Link(each.get("Id", ""), each.get("Type", "").rpartition("/")[2], target, external))
    return found


def owners(links: dict[str, list[Link]]) -> dict[str, str]:
    """The part that each part belongs to: the comments of a sheet, the notes of a slide."""
    found: dict[str, str] = {}
    for owner, each in links.items():
        for link in each:
            if not link.external and link.kind not in {"slide", "slideLayout", "slideMaster", "worksheet"}:
                found.setdefault(link.target, owner)
    return found


def label_of(name: str) -> str:
    """What a person calls a part; its own name where there is no better one."""
    low = name.lower()
    for pattern, label in _NAMED:
        match = pattern.fullmatch(low)
        if match:
            return label.format(*match.groups())
    return low
