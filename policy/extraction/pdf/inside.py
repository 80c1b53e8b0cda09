"""What lies in a PDF beside the text of its pages: texts of all objects, scripts, data, files, earlier versions."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from policy.extraction.html.scripts import unpacked_scripts
from policy.extraction.pdf.drawn import Font, drawn_text, is_told, read_font
from policy.extraction.pdf.objects import Objects, Reference, Stream, read_objects, text_of
from policy.extraction.pdf.placed import placed_text
from policy.extraction.pdf.repeated import draws_too_often
from policy.extraction.xmltext import BROKEN_XML, loose_text, parse_xml
from policy.reader.references import unescape

# Entries whose strings are no words: keys, digests, tables, colours, default looks.
_SILENT: Final = frozenset(
    {"ID", "O", "U", "OE", "UE", "Perms", "CharSet", "CIDSet", "Cert", "CheckSum", "Panose", "DA", "Registry", "Lang",
     "Ordering", "ByteRange", "Length", "D", "Producer", "Creator", "ModDate", "CreationDate", "M", "Differences"}
)  # fmt: skip
_LABELS: Final = (
    ("JS", "scripts"),
    ("URI", "links"),
    ("ActualText", "replaced text"),
    ("Alt", "alternative texts"),
    ("E", "alternative texts"),
)
_CODE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_JOINED: Final = re.compile(r"""["']\s*\+\s*["']""")
_DRAWS: Final = re.compile(rb"(?:\A|[\s)>\]])(?:T[jJdDfm*]|BT|Do|re|[ml]|cm|BI|gs|sh)(?=\s|\Z)")
_SHOWS: Final = re.compile(rb"T[jJ*]|'|\"")
_ACTUAL: Final = re.compile(rb"/(?:ActualText|Alt|E)\s*(\((?:[^()\\]++|\\.)*+\)|<[0-9a-fA-F\s]*+>)", re.DOTALL)
_PRINTED: Final = bytes(range(32, 127)) + b"\t\r\n"
_RICH: Final = frozenset({"RC", "RV", "RCC"})  # texts that are marked up (ISO 32000-1, 12.7.3.4)
_TAG: Final = re.compile(r"<[^<>]*>")
_NO_WORDS: Final = frozenset({"Length1", "Length2", "FunctionType", "CMapName"})
_FILES: Final = (b"PK\x03\x04", b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")
_ROOM: Final = 64 * 1024 * 1024
_STREAM_ROOM: Final = 16 * 1024 * 1024
_MOST_TEXTS: Final = 50_000
_MOST_FONTS: Final = 500
_DEEPEST: Final = 40


@dataclass(slots=True)
class Inside:
    """Texts by what they are; files; whether all was looked at, and could be unpacked."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)
    whole: bool = True
    is_cut: bool = False  # the file ends within a stream
    broken: bool = False  # a page's content is not what its filters say
    left: int = _ROOM  # for pages that are read by their glyphs
    drawn_fonts: bool = False  # there are fonts whose signs are drawn by the file itself (Type 3)
    repeats: bool = False  # its forms draw each other too often for a page to be worked through
    layered_forms: bool = False  # there are forms that say of themselves that they are on a layer
    untold: bool = False  # and nothing says what some of them mean
    # For pages of which nothing is shown to us, since other programs mend a file in other ways: adds what they say by
    # their own contents, and tells whether that is anything.
    draw_pages: Callable[[], bool] = lambda: False

    def add(self, label: str, text: str) -> None:
        """One more text."""
        if text.strip() and len(self.texts.setdefault(label, [])) < _MOST_TEXTS:
            self.texts[label].append(text)


def read_inside(data: bytes, room: int) -> Inside:
    """Everything that is written in the file, reached or not."""
    room = min(room, _ROOM)
    objects = read_objects(data, room)
    inside = Inside(whole=objects.whole, is_cut=objects.is_cut, repeats=draws_too_often(objects))
    _strings(objects.loose, "", inside, 0)
    fonts = _Fonts(objects)
    paged = _paged(objects, inside)
    for value in objects.by_number.values():
        room = _object(value, inside, fonts, paged, room)
    for value in objects.earlier:
        room = _object(value, inside, fonts, set(), room)
    pages = [value for value in objects.by_number.values() if isinstance(value, dict) and value.get("Type") == "Page"]
    for page in pages:
        _as_drawn(page, inside, fonts)
    inside.draw_pages = partial(_all_drawn, pages, inside, fonts)
    inside.whole = inside.whole and room > 0
    inside.texts = {label: list(dict.fromkeys(texts)) for label, texts in inside.texts.items()}
    return inside


class _Fonts:
    """The fonts of a document, each read once; those of a page by the names it gives them."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._known: dict[int, Font] = {}

    def named(self, resources: object) -> dict[str, Font]:
        """The fonts that resources name."""
        below = self.objects.dictionary(self.objects.dictionary(resources).get("Font"))
        found: dict[str, Font] = {}
        for name, value in list(below.items())[:_MOST_FONTS]:
            key = value.number if isinstance(value, Reference) else id(value)
            if key not in self._known and len(self._known) < _MOST_FONTS:
                try:
                    self._known[key] = read_font(self.objects.dictionary(value), self.objects)
                except (ValueError, IndexError, TypeError, OverflowError):
                    self._known[key] = Font()
            found[name] = self._known.get(key, Font())
        return found


def _paged(objects: Objects, inside: Inside) -> set[int]:
    """The streams that are the content of pages as they are now: their text is read elsewhere. What is none is told."""
    found: set[int] = set()
    for value in objects.by_number.values():
        if isinstance(value, dict) and value.get("Type") == "Page":
            contents = value.get("Contents")
            below = objects.get(contents)
            for each in below if isinstance(below, list) else [contents]:
                stream = objects.get(each)
                if isinstance(stream, Stream):
                    found.add(id(stream))
                elif stream is not None:
                    inside.broken = True
    return found


def _object(value: object, inside: Inside, fonts: _Fonts, paged: set[int], room: int) -> int:
    """One object of the file; what is left of the room for unpacked streams."""
    if isinstance(value, Stream):
        if room > 0 and value.about.get("Type") not in {"XRef", "ObjStm"}:
            room -= _stream(value, inside, fonts, id(value) in paged, min(room, _STREAM_ROOM))
        _strings(value.about, "", inside, 0)
        return room
    if isinstance(value, dict) and value.get("Subtype") == "Type3":
        inside.drawn_fonts = True
        inside.untold = inside.untold or not is_told(value, fonts.objects)
    _strings(value, "", inside, 0)
    return room


def _strings(value: object, key: str, inside: Inside, depth: int) -> None:
    """The texts of an object, by the entry that they stand in."""
    if isinstance(value, bytes):
        text = text_of(value)
        if key == "JS":
            text = _script(text)
        elif key in _RICH and "<" in text:
            text = f"{unescape(_TAG.sub('', text))}\n{text}"
        readable = text.isprintable() or sum(sign.isprintable() or sign in "\r\n\t" for sign in text) > 0.9 * len(text)
        if len(text) > 2 and readable:
            inside.add(next((label for entry, label in _LABELS if entry == key), "objects"), text)
    elif isinstance(value, list) and depth < _DEEPEST:
        for each in value:
            _strings(each, key, inside, depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for name, each in value.items():
            if name == "CI" and isinstance(each, dict):
                _columns(each, inside)
            elif name not in _SILENT and isinstance(each, bytes | list | dict):
                _strings(each, name, inside, depth + 1)


def _columns(shown: "dict[str, object]", inside: Inside) -> None:
    """What a portfolio's list of files shows beside each: its columns have names of the file's own (7.11.6)."""
    for value in shown.values():
        told = value.get("D") if isinstance(value, dict) else value
        if isinstance(told, bytes):
            inside.add("list of files", text_of(told))


def _stream(stream: Stream, inside: Inside, fonts: _Fonts, is_page: bool, room: int) -> int:
    """One stream; how much it came to."""
    about = stream.about
    kind = about.get("Subtype")
    is_file = about.get("Type") == "EmbeddedFile"
    if not (is_file or is_page or "PatternType" in about) and _has_no_words(about, kind):
        return 0
    data = stream.data(room)
    if data is None:
        inside.broken |= is_page  # packed in a way that no page's content is
        return 0
    if is_page and (stream.is_broken or _is_garbage(data)):  # programs go on with it in ways of their own
        inside.broken, is_page = True, False
    if kind == "Form" and "OC" in about:
        inside.layered_forms = True
    if is_file or data.startswith(_FILES):
        inside.files.append(data)
    elif data.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")[:1] == b"<" and not data.lstrip().startswith(b"<<"):
        _markup(data, inside)
    elif b"Tj" in data or b"TJ" in data or (b"BT" in data and _SHOWS.search(data)):
        for match in _ACTUAL.finditer(data):
            value = match[1][1:-1] if match[1][:1] == b"(" else bytes.fromhex(_even(match[1][1:-1]))
            inside.add("replaced text", text_of(value))
        if not is_page:
            _drawing(data, fonts.named(about.get("Resources")), inside)
    elif b"begincmap" not in data[:4096] and len(data.translate(None, _PRINTED)) * 10 < len(data):
        inside.add("scripts", _script(data.decode("utf-8", "replace")))
    elif data[:2] in (b"\xfe\xff", b"\xff\xfe"):
        inside.add("scripts", text_of(data))
    return len(data) + 64


def _drawing(content: bytes, named: dict[str, Font], inside: Inside) -> None:
    """What is drawn beside pages, in its order; where its numbers stand otherwise, also by place."""
    for as_drawn in (False, True) if any(font.lies for font in named.values()) else (False,):
        label = "as drawn" if as_drawn else "other drawings"
        text = drawn_text(content, named, as_drawn=as_drawn)
        inside.add(label, text)
        inside.add(label, placed_text(content, named, text, as_drawn=as_drawn))


def _script(text: str) -> str:
    """A script, also with texts that are put together in it written as one, and what stands packed in it."""
    packed = [each.decode("utf-8", "replace") for each in unpacked_scripts([text])]
    return "\n".join(dict.fromkeys((text, _JOINED.sub("", text), _written(text), *packed)))


def _written(text: str) -> str:
    """With signs that are written by their codes."""
    return _CODE.sub(lambda code: chr(int(code[1] or code[2], 16)), text)


def _has_no_words(about: "dict[str, object]", kind: object) -> bool:
    """Pictures, fonts and their tables, functions."""
    if kind in {"Image", "Type1C", "CIDFontType0C", "OpenType"}:
        return True
    return kind != "Form" and not _NO_WORDS.isdisjoint(about)


def _is_garbage(content: bytes) -> bool:
    """A page's content in which nothing is drawn: it was not unpacked."""
    strange = len(content.translate(None, _PRINTED))
    return strange * 4 > len(content) and not _DRAWS.search(content)


def _even(digits: bytes) -> str:
    bare = b"".join(digits.split()).decode("ascii")
    return bare + "0" * (len(bare) & 1)


def _markup(data: bytes, inside: Inside) -> None:
    """Metadata and forms: XML, told as far as it goes."""
    try:
        inside.add("data", loose_text(parse_xml(data, mend=True)))
    except BROKEN_XML:
        inside.add("data", re.sub(r"<[^<>]*>", "\n", data.decode("utf-8", "replace")))


def _as_drawn(page: "dict[str, object]", inside: Inside, fonts: _Fonts, *, always: bool = False) -> None:
    """A page whose fonts draw other signs than they say, or that replaces its text: by its glyphs."""
    objects = fonts.objects
    resources = page.get("Resources")
    up = page
    for _ in range(16):
        if resources is not None:
            break
        up = objects.dictionary(up.get("Parent"))
        resources = up.get("Resources")
    named = fonts.named(resources)
    lies = any(font.lies for font in named.values())
    if lies or always or "replaced text" in inside.texts:
        _draw(page, inside, objects, named, as_drawn=lies)


def _all_drawn(pages: "list[dict[str, object]]", inside: Inside, fonts: _Fonts) -> bool:
    before = len(inside.texts.get("as drawn", ()))
    for page in pages:
        _as_drawn(page, inside, fonts, always=True)
    return len(inside.texts.get("as drawn", ())) > before


def _draw(
    page: "dict[str, object]", inside: Inside, objects: Objects, named: dict[str, Font], *, as_drawn: bool
) -> None:
    if inside.left <= 0:
        inside.whole = False
        return
    contents = objects.get(page.get("Contents"))
    streams = contents if isinstance(contents, list) else [contents]
    found = [each for each in map(objects.get, streams) if isinstance(each, Stream)]
    data = b"\n".join(each.data(min(_STREAM_ROOM, inside.left)) or b"" for each in found)
    inside.left -= len(data) + sum(len(each.raw) for each in found)
    inside.add("as drawn", drawn_text(data, named, as_drawn=as_drawn))
    if as_drawn:
        inside.add("as said", drawn_text(data, named, as_drawn=False))
