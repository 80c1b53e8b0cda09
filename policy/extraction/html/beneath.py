"""What a page carries beside its text: attributes, pages in attributes and addresses, style sheets by address."""

import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol
from urllib.parse import unquote, unquote_to_bytes

import re2

from policy.extraction.html.display import FRAMES
from policy.extraction.html.scripts import unpacked_scripts
from policy.extraction.html.tree import Element, Tree
from policy.reader.charsets import decode, readings
from policy.reader.references import unescape

_DATA_HEAD: Final = r"data:([a-z]+/[a-z0-9.+-]+)?([^,<>\"'()\s]{0,100}),"
_DATA_URI: Final = re.compile(
    rf"""(?:(?<=")\s*{_DATA_HEAD}([^"]+)|(?<=')\s*{_DATA_HEAD}([^']+)|{_DATA_HEAD}([^\"'<>()]+))""", re.I
)
_DATA_WHOLE: Final = re.compile(rf"[\s\0]*{_DATA_HEAD}(.+)", re.I | re.S)  # of an attribute that is nothing else
_DATA_CHARSET: Final = re.compile(r"charset=([A-Za-z0-9_.:-]{2,40})", re.I)
_MOST_ADDRESSES: Final = 200  # data: addresses read in one page
_SHOWN: Final = {name: place for place, name in enumerate((
    "alt", "title", "placeholder", "aria-label", "aria-description", "aria-valuetext", "aria-roledescription", "label",
    "summary", "standby", "datetime", "value", "content", "prompt", "abbr", "download",
    "string",  # of a text along a path (VML)
))}  # fmt: skip
_LINKS: Final = {name: place for place, name in enumerate((
    "href", "src", "action", "formaction", "cite", "xlink:href", "background", "poster", "longdesc",
))}  # fmt: skip
_INTERESTING: Final = frozenset({*_SHOWN, *_LINKS, "srcdoc"})
_SCHEME: Final = "data:"
_READ_HERE: Final = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml", "application/xhtml+xml"})
_CONTACT: Final = ("mailto:", "tel:", "sms:", "callto:", "skype:", "javascript:", "facetime:", "whatsapp:", "geo:")
_TELLING: Final = re2.compile(
    r"(?i)ssn|social|card|ccnum|\bcc\b|\bpan\b|iban|mrn|dob|birth|acc(?:oun)?t|npi|patient|member|passport|tax|licen[cs]e"
    r"|passw|pwd|[0-9]{2,5}(?:[-. ][0-9]{2,6}){2,}"
)
_NO_TEXT: Final = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_DRAWING: Final = ("text-overflow", "hyphenate-character", "text-emphasis")
_MAY_DRAW: Final = re.compile(
    r"(?i)(?:text-overflow|hyphenate-character|text-emphasis(?:-style)?)\s*:[^;{}\"'&]{0,40}[\"'&]"
)
_DRAWS: Final = re.compile(
    r"""(?i)(?:text-overflow|hyphenate-character|text-emphasis(?:-style)?)\s*:[^;{}"']{0,40}(["'])([^"'\n]{1,80})\1"""
)
_DEEPEST: Final = 3
_LONGEST_DRAWN: Final = 80
_MOST_COMMENTS: Final = 500  # read as pages; more are taken as they stand
_LONGEST_LINK: Final = 8_000


class _Page(Protocol):
    @property
    def files(self) -> tuple[bytes, ...]: ...

    def named(self) -> list[tuple[str, str]]: ...


class Beneath:
    """Goes through the elements' attributes. `source` made the tree; `read` reads a page within this one."""

    def __init__(self, tree: Tree, source: str, depth: int, read: Callable[[str, int], _Page]) -> None:
        self._depth = depth
        self._read = read
        self._addresses = 0
        self.attributes: list[str] = []
        self.inner: list[str] = []
        self.files: list[bytes] = []
        self.sheets: list[str] = []  # style sheets that lie in addresses
        self.drawn: dict[int, str] = {}  # short texts of pictures and frames, by the number of their element
        self._links: set[str] = set()
        self._seen = ""  # what the page in the last address shows
        lower = source.lower()
        self._has_addresses = _SCHEME in lower
        self._has_data = "data-" in lower
        for element in tree.elements:
            if element.attributes and not _INTERESTING.isdisjoint(element.attributes):
                self._element(element)
            if self._has_data or self._has_addresses:
                self._values(element.attributes, element)
        for text in (*tree.scripts, *tree.sheets):
            if "data:" in text:
                self._addresses_in(text)
        if any(name in lower for name in _DRAWING) and _MAY_DRAW.search(source):
            self.attributes += _drawn_signs([*tree.sheets, *(one.attributes.get("style", "") for one in tree.elements)])
        for data in unpacked_scripts(tree.scripts) if depth < _DEEPEST else ():
            self._unpacked(data)

    def _unpacked(self, data: bytes) -> None:
        """What a script holds packed: a file, or a text that it writes into the page."""
        if _NO_TEXT.search(data[:_LONGEST_LINK]):
            self.files.append(data)
            return
        for text in readings(data):
            told = self._read(text, self._depth + 1).named() if "<" in text else [("", text)]
            self.inner += [each for _, each in told]

    def comments(self, texts: list[str]) -> list[str]:
        """Comments as they would be read as pages."""
        found: list[str] = []
        for text in texts:
            inner = text
            if "<" in text and self._depth < _DEEPEST and len(found) < _MOST_COMMENTS:
                start = text.find(">") + 1 if text.lstrip().startswith("[if") else 0
                inner = "\n".join(part for _, part in self._read(text[start:], self._depth + 1).named())
            if text.strip(" -\r\n"):
                found.append(unescape(inner))
        return found

    def _element(self, element: Element) -> None:
        attributes = element.attributes
        for name in _in_order(_SHOWN, attributes):
            self.attributes.append(attributes[name])
        for name in _in_order(_LINKS, attributes):
            link = attributes[name]
            if link not in self._links:
                self._links.add(link)
                self._link(link)
        if "srcdoc" in attributes and self._depth < _DEEPEST:
            told = self._read(attributes["srcdoc"], self._depth + 1).named()
            self.inner += [text for _, text in told]
            self._draw(element, _shown_of(told))

    def _draw(self, element: Element, text: str) -> None:
        """What stands in a picture or a frame of the page, where it is short enough to be a piece of a line."""
        if text and len(text) <= _LONGEST_DRAWN and element.name in FRAMES:
            self.drawn[element.number] = " ".join(text.split())

    def _values(self, attributes: dict[str, str], element: Element) -> None:
        """Values that scripts and programs read, and addresses that hold what they stand for."""
        for name, value in attributes.items():
            if len(value) > 8:
                if name.startswith("data-") and _TELLING.search(f"{name}={value[:_LONGEST_LINK]}"):
                    self.attributes.append(f"{name[5:]}={value}")
                if self._depth < _DEEPEST and "data:" in value[:200].lower():
                    if whole := _DATA_WHOLE.match(value):
                        self._address(whole.groups())
                        self._draw(element, self._seen)
                    else:
                        self._addresses_in(value)

    def _link(self, link: str) -> None:
        """What an address says to a person: whom to call, and the pieces of its query that name what they are."""
        link = link.strip()
        if link[:12].lower().startswith(_CONTACT):
            self.attributes.append(decode(unquote_to_bytes(link)))
            return
        _, mark, query = link[:_LONGEST_LINK].partition("?")
        if not mark:
            _, mark, query = link[:_LONGEST_LINK].partition("#")
        if not mark or link[:5].lower() == "data:":
            return
        for pair in query.replace(";", "&").split("&"):
            told = unquote(pair.replace("+", " ")) if "%" in pair or "+" in pair else pair
            if _TELLING.search(told):
                self.attributes.append(told)

    def _addresses_in(self, text: str) -> None:
        """What lies in data: addresses: pages, texts and style sheets are read, other files handed on."""
        for match in _DATA_URI.finditer(text):
            at = 3 * ((match.lastindex or 3) // 3 - 1)
            if not self._address(match.groups()[at : at + 3]):
                return

    def _address(self, said: Sequence[str | None]) -> bool:
        """One address: its type, what follows the type, and the data. False once there were too many."""
        self._addresses += 1
        self._seen = ""
        if self._depth >= _DEEPEST or self._addresses > _MOST_ADDRESSES:
            return False
        kind, parameters = (said[0] or "text/plain").lower(), said[1] or ""
        data = _data_of(parameters, said[2] or "")
        if kind == "text/css":
            self.sheets.append(decode(data))
        if kind.startswith("text/") or kind.endswith(("xml", "json", "javascript")):
            charset = _DATA_CHARSET.search(parameters)
            for source in readings(data, charset[1] if charset else ""):
                page = self._read(source, self._depth + 1)
                told = page.named()
                self.inner += [text for _, text in told]
                self._seen = self._seen or _shown_of(told)
                self.files += page.files
            if kind not in _READ_HERE:
                self.files.append(data)
        elif data:
            self.files.append(data)
        return True


def _in_order(names: dict[str, int], attributes: dict[str, str]) -> Iterable[str]:
    """Those of the names that have a value, in their order."""
    found = [name for name in attributes if name in names and attributes[name]]
    return sorted(found, key=names.__getitem__) if len(found) > 1 else found


def _drawn_signs(styles: Sequence[str]) -> list[str]:
    """What styles draw in place of what has no room, at the ends of lines, or one sign above each character."""
    found = [match[2] for text in styles for match in _DRAWS.finditer(text)]
    return [*found, "".join(found)] if len(found) > 1 else found


def _shown_of(told: Sequence[tuple[str, str]]) -> str:
    """Of what a page holds the first reading of what is displayed."""
    return next((text for label, text in told if not label), "")


def _data_of(parameters: str, text: str) -> bytes:
    """The bytes of a data: address (RFC 2397); none where they are broken."""
    data = unquote_to_bytes(text.encode("utf-8", "replace"))
    if "base64" not in parameters.lower():
        return data
    try:
        return binascii.a2b_base64(data + b"===")
    except binascii.Error:
        return b""
