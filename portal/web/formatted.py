"""What a mail's HTML becomes: quiet markup in our own page, or, in a sandboxed frame, the mail as it was formatted.

Three things hold each other up: the sanitiser (nh3), the content security policy, and for the frame the sandbox. HTML
that would cost more than it is worth (a bomb of nested tags) is not formatted at all: the text is shown instead.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import lxml.html
import nh3
from lxml.etree import LxmlError
from markupsafe import Markup, escape

from delivery.safebox.inplace import content_id_of
from keys.tokens import new_token

_LONGEST: Final = 1024 * 1024  # characters of HTML
_FEW_TAGS: Final = 1000  # so few cannot be a bomb, however they are nested
_MOST_WORK: Final = 400_000  # formatting elements that a parser may have to repeat, over the whole mail
_MOST_DEPTH: Final = 5_000_000  # sum of the depths of all elements


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_REPEATED: Final = _set("a b big code em font i nobr s small strike strong tt u")

_TEXT_TAGS: Final = _set(
    "a abbr b blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd "
    "li mark ol p pre q rp rt ruby s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul "
    "var wbr"
)
_FRAME_TAGS: Final = _TEXT_TAGS | _set(
    "article aside center figcaption figure font footer header main nav section style"
)
_DROPPED_WHOLE: Final = {
    "script",
    "title",
    "noscript",
    "template",
    "textarea",
    "select",
    "object",
    "iframe",
    "math",
    "svg",
}
_LOOKS: Final = _set(
    "align alt bgcolor border cellpadding cellspacing class color dir face height lang size style title valign width"
)
_HEADING: Final = re.compile(r"(</?)h[12](?=[ >])")  # of the page itself: those of a letter stand below them
# An address without a host is of no use in a mail. In our page it would lead into the portal, in a sender's words.
_LEADS_OUT: Final = re.compile(r"\s*(?:https?://|mailto:|tel:)", re.IGNORECASE)
# Linear: two runs of blanks side by side, of any length, would take hours for a megabyte of them.
_REMOTE: Final = re.compile(
    r"(?:src|background)\s*=\s*(?:[\"']\s*)?https?:|url\(\s*(?:[\"']\s*)?https?:", re.IGNORECASE
)
_URL: Final = re.compile(r"\bhttps?://[^\s<>\"'()\[\]{}]+[^\s<>\"'()\[\]{}.,;:!?]", re.IGNORECASE)


def text_markup(text: str) -> Markup:
    """Plain text as paragraphs, its line ends kept, its web addresses to be followed."""
    paragraphs = re.split(r"\n[ \t]*\n+", text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    return Markup("\n").join(
        Markup("<p>{}</p>").format(_lines(paragraph)) for paragraph in paragraphs if paragraph.strip()
    )


def _lines(paragraph: str) -> Markup:
    return Markup("<br>").join(_linked(line) for line in paragraph.split("\n"))


def _linked(line: str) -> Markup:
    pieces: list[Markup] = []
    at = 0
    for found in _URL.finditer(line):
        link = Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(found[0], found[0])
        pieces += [escape(line[at : found.start()]), link]
        at = found.end()
    return Markup("").join([*pieces, escape(line[at:])])


def page_markup(html: str, picture: Callable[[str], str | None]) -> Markup | None:
    """HTML as part of our page: its structure, not its looks. None: it is too much.

    `picture` gives the path of a picture that came with the mail, by content id. What lies elsewhere is left out.
    """
    tame = _tame(html)
    if tame is None:
        return None

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            wanted = content_id_of(value)
            return picture(wanted) if wanted else None
        return value if attribute != "href" or _LEADS_OUT.match(value) else None

    cleaned = nh3.clean(
        tame,
        tags=set(_TEXT_TAGS),
        clean_content_tags=_DROPPED_WHOLE | {"style"},
        attributes={
            "a": {"href"},
            "img": {"src", "alt"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan", "scope"},
            "ol": {"start"},
            "*": {"dir", "lang"},
        },
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Markup(_HEADING.sub(r"\1h3", cleaned))  # noqa: S704 - nh3 has just cleaned it


@dataclass(frozen=True, slots=True)
class Formatted:
    """A mail for the frame, in pieces: markup, then the id of a document whose picture stands there, and so on."""

    pieces: tuple[str, ...] = field(repr=False)
    pictures: tuple[str, ...]  # one less than the pieces
    has_remote: bool  # it asks for pictures from the internet


def frame_markup(html: str, pictures: Mapping[str, str], *, remote: bool) -> Formatted | None:
    """HTML as it was formatted. None: it is too much.

    `pictures`: content id -> (document id). Their bytes go into the frame itself, since a sandboxed frame has no cookie
    to fetch them with. `remote`: leave the pictures from the internet in.
    """
    tame = _tame(html)
    if tame is None:
        return None
    mark = f"sealgate-{new_token(80)}"
    seen: list[str] = []
    elsewhere = False

    def keep(tag: str, attribute: str, value: str) -> str | None:
        nonlocal elsewhere
        if attribute != "src":
            return value if attribute != "href" or _LEADS_OUT.match(value) else None
        wanted = content_id_of(value)
        if wanted is None:
            elsewhere = True
            return value if remote and value.lower().startswith(("https:", "http:")) else None
        document = pictures.get(wanted)
        if document is None:
            return None
        seen.append(document)
        return f"{mark}-{len(seen) - 1}."

    cleaned = nh3.clean(
        tame,
        tags=set(_FRAME_TAGS),
        clean_content_tags=_DROPPED_WHOLE,
        attributes={
            "*": set(_LOOKS),
            "a": {"href"},
            "img": {"src"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan", "scope"},
            "ol": {"start", "type"},
        },
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    # Where the cleaner moved or dropped a picture, the marks that stand in its output are what counts.
    split = re.split(rf"{mark}-(\d+)\.", cleaned)
    return Formatted(tuple(split[::2]), tuple(seen[int(number)] for number in split[1::2]), elsewhere)


def _tame(html: str) -> str | None:
    """The HTML itself, or a form of it whose cost is known; None: it would cost too much.

    HTML5 makes parsers repeat open formatting elements in every block, and nh3 takes time by depth: a megabyte of tags
    can grow to gigabytes. With few tags neither matters. With many, libxml2 (which repeats nothing, and goes 256 deep
    at most) builds a tree, on which the cost can be counted.
    """
    if len(html) > _LONGEST:
        return None
    if html.count("<") <= _FEW_TAGS:
        return html
    parser = lxml.html.HTMLParser(no_network=True, recover=True)
    try:
        tree = lxml.html.document_fromstring(html, parser=parser)
    except (LxmlError, ValueError):
        return None
    if parser.error_log.filter_from_fatals():
        return None  # it goes deeper than that: libxml2 stopped reading, and half a letter is worse than none
    return lxml.html.tostring(tree, encoding="unicode") if _costs_little(tree) else None


def _costs_little(tree: lxml.html.HtmlElement) -> bool:
    work = depths = 0
    waiting = [(tree, 0, 0)]
    while waiting:
        element, depth, repeated = waiting.pop()
        work += repeated
        depths += depth
        if work > _MOST_WORK or depths > _MOST_DEPTH:
            return False
        more = repeated + (element.tag in _REPEATED)
        waiting += [(child, depth + 1, more) for child in element]
    return True


def has_remote_pictures(html: str) -> bool:
    """Does it ask for pictures from the internet? A guess at a glance: the frame decides."""
    return _REMOTE.search(html) is not None
