"""HTML as displayed, and what lies beneath: hidden text, comments, attributes, scripts."""

import binascii
import html
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from policy.extraction.layers import Layers
from policy.extraction.styles import Hidden, hidden_by_sheets, hides
from policy.extraction.tables import joined_cells
from policy.reader.charsets import decode, readings

# Attributes as HTML's tokenizer reads them: a quote counts only behind an equals sign.
_ATTRIBUTE: Final = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""
_TAG: Final = re.compile(
    rf"<(?:(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<rest>(?:[\s/]++|{_ATTRIBUTE})*+)(?P<end>>|\Z)"
    r"|!--(?P<comment>-?>|[^-]*+(?:-(?!-!?>)[^-]*+)*+(?:--!?>|\Z))|[!?/][^>]*+(?:>|\Z))"
)
_NAMED: Final = re.compile(
    r"""([^\s/>=][^\s/>=]*+)\s*+=\s*+(?:"([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|([^\s>"'][^\s>]*+))"""
)
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_NAIVE: Final = re.compile(r"<[^<>]*+>")
_META: Final = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.I)
_XML_ENCODING: Final = re.compile(rb"""\A[^<]{0,8}<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.-]{2,40})""")
_DATA_URI: Final = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)?([^,<>\"'()\s]{0,100}),([^\"'<>()]+)", re.I)
_DATA_CHARSET: Final = re.compile(r"charset=([A-Za-z0-9_.:-]{2,40})", re.I)
_MOST_ADDRESSES: Final = 200  # data: addresses read in one page
_RAW_END: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.I) for name in ("script", "style", "title", "textarea", "xmp")
}
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dialog",
        "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "legend", "main", "menu", "nav", "ol", "option", "p",
        "pre", "section", "select", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "body", "html",
        "head",
    }
)  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
# Shown by programs that do not know the element, or beside the text it stands in; else not.
_UNSHOWN: Final = frozenset(
    {"template", "noframes", "noembed", "iframe", "audio", "video", "canvas", "datalist", "rp", "rt"}
)
_VOID: Final = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "source", "param"}
)
_SELF_CLOSING: Final = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})  # a second one ends the first
_SHOWN: Final = (
    "alt",
    "title",
    "placeholder",
    "aria-label",
    "aria-description",
    "label",
    "summary",
    "standby",
    "datetime",
    "value",
    "content",
    "prompt",
)
_CONTACT: Final = ("mailto:", "tel:", "sms:", "callto:", "skype:")
_DEEPEST: Final = 3
_MOST_COMMENTS: Final = 500  # read as pages; more are taken as they stand


@dataclass(frozen=True, slots=True)
class Page:
    """A page read: `shown` are the readings of what is displayed; the others stand beside them."""

    shown: tuple[str, ...] = field(repr=False)
    title: str = field(default="", repr=False)
    attributes: str = field(default="", repr=False)
    comments: str = field(default="", repr=False)
    code: str = field(default="", repr=False)  # scripts and style sheets
    files: tuple[bytes, ...] = field(default=(), repr=False)  # in data: addresses, and no text

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
    return tuple(read_page(source) for source in found)


def read_page(source: str, depth: int = 0) -> Page:
    """Read one page from its source."""
    walk = _Walk(source, hidden_by_sheets(source), depth)
    walk.run()
    return walk.page()


class _Walk:
    """Goes through the tags once; `seen` is what is displayed, `every` has the hidden text too."""

    def __init__(self, source: str, hidden: Hidden, depth: int) -> None:
        self._source = source
        self._hidden = hidden
        self._depth = depth
        self._seen: list[str] = []
        self._every: list[str] = []
        self._differ = False
        self._title: list[str] = []
        self._attributes: list[str] = []
        self._comments: list[str] = []
        self._code: list[str] = []
        self._inner: list[str] = []
        self._files: list[bytes] = []
        self._addresses = 0
        self._layers = Layers()
        self._hiding: list[str] = []  # names of open elements, from the hidden one inwards, of its own name only
        self._pre = 0
        self._cells = 0
        self._odd = False
        self._reversed = False

    def run(self) -> None:
        """From the first character to the last."""
        source = self._source
        at = 0
        for_text = source.find("<")
        while for_text >= 0:
            match = _TAG.match(source, for_text)
            if match is None:  # a lone "<" is text
                for_text = source.find("<", for_text + 1)
                continue
            if for_text > at:
                self._text(source[at:for_text])
            at = self._token(match)
            for_text = source.find("<", at)
        if at < len(source):
            self._text(source[at:])

    def page(self) -> Page:
        """What was found."""
        shown = {_tidy("".join(self._seen)): None}
        if self._differ:
            shown[_tidy("".join(self._every))] = None
        if self._odd:
            shown[_tidy(html.unescape(_NAIVE.sub("", self._source)))] = None
        for text in list(shown):
            if "\t" in text and (joined := joined_cells(text)):
                shown[joined] = None
        if self._reversed or "\u202e" in self._source:
            shown["\n".join(line[::-1] for line in next(iter(shown)).split("\n"))] = None
        shown.update(dict.fromkeys(_tidy(text) for text in self._layers.readings()))
        shown.update(dict.fromkeys(self._inner))
        return Page(
            tuple(shown),
            "".join(self._title),
            "\n".join(dict.fromkeys(self._attributes)),
            "\n".join(self._comments),
            "\n".join(self._code),
            tuple(self._files),
        )

    def _text(self, raw: str) -> None:
        text = html.unescape(raw) if "&" in raw else raw
        if not self._pre:
            text = _SPACE.sub(" ", text)
        self._emit(text)

    def _emit(self, text: str) -> None:
        self._every.append(text)
        if self._hiding:
            self._differ = True
        else:
            self._seen.append(text)
            self._layers.add(text)

    def _token(self, match: re.Match[str]) -> int:
        """One tag or comment; returns where to go on."""
        if match["comment"] is not None:
            self._comment(match["comment"])
            return match.end()
        if match["name"] is None:
            if match[0].startswith("<![CDATA["):  # text in XHTML and drawings, a comment elsewhere
                self._every.append(match[0][9:].removesuffix(">").removesuffix("]]"))
                self._differ = True
            return match.end()
        name = match["name"].lower()
        if match["close"]:
            self._close(name)
            return match.end()
        rest = match["rest"]
        if not match["end"]:
            self._odd = True
        attributes = self._attributes_of(rest) if "=" in rest else {}
        self._open(name, attributes, rest)
        if name in _RAW_END:
            return self._raw(name, match.end())
        if name == "plaintext":
            self._emit(self._source[match.end() :])
            return len(self._source)
        return match.end()

    def _raw(self, name: str, at: int) -> int:
        """Elements whose content holds no tags."""
        end = _RAW_END[name].search(self._source, at)
        stop = end.start() if end else len(self._source)
        text = self._source[at:stop]
        if name in {"script", "style"}:
            self._code.append(text)
            if "data:" in text:
                self._addresses_in(text)
        elif name == "title":
            self._title.append(_SPACE.sub(" ", html.unescape(text)))
        else:
            self._emit(html.unescape(text) if name == "textarea" else text)
        if end is None:
            self._odd = True
        return stop

    def _open(self, name: str, attributes: dict[str, str], rest: str) -> None:
        self._layout(name, opening=True)
        if name == "bdo" or "bidi-override" in rest or "rtl" in rest:
            self._reversed = True
        if name == "pre":
            self._pre += 1
        if name == "input" and attributes.get("type", "").lower() != "hidden":
            before = "" if self._every and self._every[-1].endswith(" ") else " "
            self._emit(f"{before}{attributes.get('value', '')} ")
        elif name in {"img", "area"} and attributes.get("alt"):
            self._every.append(attributes["alt"])
            self._differ = True
        if name in _VOID:
            return
        if name not in _BLOCKS:
            self._layers.open(name, rest)
        if generated := self._hidden.before(name, attributes):
            self._emit(generated)
        if self._hiding:
            if name != self._hiding[0]:
                return
            if name not in _SELF_CLOSING:
                self._hiding.append(name)
                return
            self._hiding.clear()
        if (
            name in _UNSHOWN
            or (name == "dialog" and "open" not in rest)
            or (rest and self._is_hidden(name, attributes, rest))
            or name in self._hidden.tags
        ):
            self._hiding.append(name)

    def _close(self, name: str) -> None:
        self._layout(name, opening=False)
        if name == "pre" and self._pre:
            self._pre -= 1
        self._layers.close(name)
        if self._hiding and (name == self._hiding[0] or name in {"body", "html"}):
            self._hiding.pop()

    def _layout(self, name: str, *, opening: bool) -> None:
        if name in _BLOCKS:
            self._seen.append("\n")
            self._every.append("\n")
            self._layers.add("\n")
            if name in {"tr", "table"}:
                self._cells = 0
            if self._hiding and opening and self._hiding[0] == "p" and name != "br":
                self._hiding.clear()  # a block ends a paragraph
        elif name in _CELLS and opening:
            if self._cells:
                self._seen.append("\t")
                self._every.append("\t")
                self._layers.add("\t")
            self._cells += 1

    def _is_hidden(self, name: str, attributes: dict[str, str], rest: str) -> bool:
        style = attributes.get("style")
        if style and hides(style):
            return True
        if name == "font" and attributes.get("color", "").lower() in {"white", "#ffffff", "#fff"}:
            return True
        if "hidden" in rest and re.search(r"(?:^|\s)hidden(?=[\s=/]|$)", rest):
            return True
        if not self._hidden:
            return False
        classes = attributes.get("class", "").split()
        return attributes.get("id", "") in self._hidden.ids or any(one in self._hidden.classes for one in classes)

    def _attributes_of(self, rest: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for match in _NAMED.finditer(rest):
            value = match[2] or match[3] or match[4] or ""
            if ">" in value or "<" in value:
                self._odd = True  # a simpler reader ends the tag here
            found.setdefault(match[1].lower(), html.unescape(value) if "&" in value else value)
        for name in _SHOWN:
            if found.get(name):
                self._attributes.append(found[name])
        link = found.get("href", "").strip()
        if link[:8].lower().startswith(_CONTACT):
            self._attributes.append(decode(unquote_to_bytes(link)))
        self._embedded(found)
        return found

    def _embedded(self, attributes: dict[str, str]) -> None:
        """Pages inside attributes: srcdoc, and data: addresses."""
        if self._depth >= _DEEPEST:
            return
        if "srcdoc" in attributes:
            self._inner += [text for _, text in read_page(attributes["srcdoc"], self._depth + 1).named()]
        for value in attributes.values():
            if "data:" in value[:200].lower():
                self._addresses_in(value)

    def _addresses_in(self, text: str) -> None:
        """What lies in data: addresses: pages and texts are read, other files handed on."""
        for match in _DATA_URI.finditer(text):
            self._addresses += 1
            if self._depth >= _DEEPEST or self._addresses > _MOST_ADDRESSES:
                return
            data = _data_of(match)
            kind = (match[1] or "text/plain").lower()
            if kind.startswith("text/") or kind.endswith(("xml", "json", "javascript")):
                charset = _DATA_CHARSET.search(match[2])
                for source in readings(data, charset[1] if charset else ""):
                    page = read_page(source, self._depth + 1)
                    self._inner += [text for _, text in page.named()]
                    self._files += page.files
            elif data:
                self._files.append(data)

    def _comment(self, comment: str) -> None:
        text = comment.removesuffix(">").removesuffix("!").removesuffix("--")
        if not text.strip(" -\r\n"):
            return
        inner = text
        if "<" in text and self._depth < _DEEPEST and len(self._comments) < _MOST_COMMENTS:
            start = text.find(">") + 1 if text.lstrip().startswith("[if") else 0
            inner = "\n".join(part for _, part in read_page(text[start:], self._depth + 1).named())
        self._comments.append(html.unescape(inner))
        if text.lstrip()[:3].lower() == "[if":
            self._every.append(inner.removesuffix("\n"))
            self._differ = True


def _data_of(match: re.Match[str]) -> bytes:
    """The bytes of a data: address (RFC 2397); none where they are broken."""
    data = unquote_to_bytes(match[3])
    if "base64" not in match[2].lower():
        return data
    try:
        return binascii.a2b_base64(data + b"===")
    except binascii.Error:
        return b""


def _tidy(text: str) -> str:
    """No blank lines, no white space around lines and cells."""
    text = "\t".join(cell.strip(" \n") for cell in text.split("\t"))
    lines = (line.strip(" \r") for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
