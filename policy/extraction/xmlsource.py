"""XML that is no document: its source, and its text with entities written out."""

import html
import re
from collections.abc import Callable
from typing import Final

from policy.extraction.collected import Collected, File
from policy.extraction.text.plain import text_readings
from policy.reader.references import unescape
from rules.content import FileKind

_TAG: Final = re.compile(r"<[^<>]*+>")
_XML_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9_.-]{2,40})""")
# Of a style sheet in the same file, or within the address; another's is not there.
_OWN_SHEET: Final = re.compile(rb"""<\?xml-stylesheet[^>]{0,200}?href\s{0,9}=\s{0,9}["'](?:\#|data:)""")
_REWRITES: Final = b"1999/XSL/Transform"
_STYLED: Final = "XML that a style sheet of its own rewrites, which is not run"
_COMMENT: Final = ("<!--", "-->")
_CDATA: Final = ("<![CDATA[", "]]>")
_ENTITY: Final = re.compile(r"""<!ENTITY\s{1,9}([\w.-]{1,40})\s{1,9}["']([^"'<>]{0,40})["']""")
_REFERENCE: Final = re.compile(r"&([\w.-]{1,40});")
_MOST_ENTITIES: Final = 200
_ENTITIES_DEEP: Final = 4  # entities in entities
_MOST_REFERRING: Final = 1024 * 1024  # characters of a source whose entities are written out
_MOST_WRITTEN: Final = 256 * 1024  # characters that they may add


def read_xml(file: File, kind: FileKind, into: Collected) -> None:
    """The source, and the text without its tags: elements joined and apart."""
    whole = True
    declared = _XML_ENCODING.search(file.data[:512])
    charsets = dict.fromkeys((file.charset, declared[1].decode("ascii") if declared else ""))
    for source in dict.fromkeys(text for charset in charsets for text in text_readings(file.data, charset)):
        into.text(file.place, source, source=True)
        if "&" in source:
            into.text(file.place, unescape(source))  # the values of attributes
        text, complete = _plain_xml(source)
        whole = whole and complete
        into.text(file.place, unescape(_TAG.sub(" ", text)))
        into.text(file.place, unescape(_TAG.sub("", text)))
    reason = "" if whole else "entities that write out more than is read"
    into.fact(file, kind, reason=reason or (_STYLED if _rewrites_itself(file.data) else ""))


def _rewrites_itself(data: bytes) -> bool:
    """Whether it names a style sheet of its own (XSLT 1.0, 2.7) that is no mere CSS."""
    own = _OWN_SHEET.search(data[:8192]) if b"<?xml-stylesheet" in data[:8192] else None
    return own is not None and (_REWRITES in data or b"xsl" in own[0])


def _plain_xml(source: str) -> tuple[str, bool]:
    """Without comments and the marks of CDATA; entities that it declares itself written out, and whether all are."""
    if "<!" not in source:
        return source, True
    own = _declared(source)
    text = _replaced(_replaced(source, _COMMENT, lambda _: ""), _CDATA, html.escape)
    text = _written_out(text, own)
    return text, not any(match[1] in own for match in _REFERENCE.finditer(text))


def with_entities(source: str) -> str:
    """A page with the entities that it declares itself (XML 1.0, 4.2.1) written out."""
    return _written_out(source, _declared(source)) if "<!ENTITY" in source else source


def _declared(source: str) -> dict[str, str]:
    return {match[1]: match[2] for _, match in zip(range(_MOST_ENTITIES), _ENTITY.finditer(source), strict=False)}


def _written_out(text: str, own: dict[str, str]) -> str:
    """With entities and those in them, as far as a limit goes."""
    most = len(text) + _MOST_WRITTEN
    for _ in range(_ENTITIES_DEEP if own else 0):
        if len(text) > _MOST_REFERRING:
            break
        written = _REFERENCE.sub(lambda match: own.get(match[1], match[0]), text)
        if len(written) > most:
            break
        text = written
    return text


def _replaced(source: str, marks: tuple[str, str], by: Callable[[str], str]) -> str:
    """With what `by` gives in place of each piece between two marks; the last one may have no end."""
    begin, end = marks
    pieces: list[str] = []
    done = 0
    while (start := source.find(begin, done)) >= 0:
        inside = start + len(begin)
        stop = source.find(end, inside)
        pieces += [source[done:start], by(source[inside : stop if stop >= 0 else None])]
        done = stop + len(end) if stop >= 0 else len(source)
    return "".join((*pieces, source[done:]))
