"""XML of documents, parsed without entities from outside, and its text."""

import re
from typing import Final

from lxml import etree

from policy.reader.turns import without

BROKEN_XML: Final = (etree.XMLSyntaxError, ValueError)
_ROOT: Final = re.compile(
    rb"\s*(?:<(?:\?[^>]*|!(?:--(?:[^-]|-(?!->))*--|[^>\[]*(?:\[[^\]]*\]\s*)?))>\s*)*<(?:[\w.-]+:)?([\w.-]+)"
)
_HEAD: Final = 4096  # bytes in which the first tag is looked for
_ENTITY: Final = re.compile(rb"""<!ENTITY\s{1,9}([\w.-]{1,40})\s{1,9}(?:"([^"<%]{0,200})"|'([^'<%]{0,200})')\s{0,9}>""")
_REFERENCE: Final = re.compile(rb"&([\w.-]{1,40});")
_NO_COMMENT: Final = re.compile(r"-(?=-|\Z)")  # signs that may not stand so in one
_NO_XML: Final = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MOST_ENTITIES: Final = 200
_MOST_REFERRING: Final = 4 * 1024 * 1024  # bytes of a part whose entities are written out


class Surprise(ValueError):
    """XML that is well made, and that no Office program would write: what it shows is not known."""


def parse_xml(data: bytes, *, mend: bool = False) -> "etree._Element":
    """The root. Raises one of BROKEN_XML. No network, no external entities, no huge trees.

    Entities that the part declares itself are written out, once and within limits. Comments and instructions, which
    part no text that a program shows, are left out; what comments say comes behind everything else. `mend`: what is
    broken is read as far as it goes.
    """
    if b"<!ENTITY" in data[:65536]:
        data = _written_out(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=mend,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    if root is None:  # nothing could be mended
        raise ValueError("no element in it")
    if not mend and next(root.iter(etree.Entity), None) is not None:
        raise Surprise("an entity of which it is not known what it shows")
    if told := remarks(data):
        root.append(etree.Comment(_NO_COMMENT.sub("- ", _NO_XML.sub(" ", told))))
    return root


def remarks(data: bytes) -> str:
    """What the comments of a part say."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = without(data, b"\0")
    found = (piece.partition(b"-->") for piece in data.split(b"<!--")[1:])
    return "\n".join(text.decode("utf-8", "replace") for text, end, _ in found if end)


def _written_out(data: bytes) -> bytes:
    """With the declared entities in place, where these are plain text. Entities of entities stay as they are."""
    if len(data) > _MOST_REFERRING:
        raise Surprise("entities in a large part")
    own = {m[1]: m[2] or m[3] or b"" for _, m in zip(range(_MOST_ENTITIES), _ENTITY.finditer(data), strict=False)}
    plain = {name: value for name, value in own.items() if b"&" not in value}
    start = data.rfind(b"<!ENTITY", 0, 65536)
    return data[:start] + _REFERENCE.sub(lambda match: plain.get(match[1], match[0]), data[start:])


def root_name(data: bytes) -> str:
    """The local name of the first tag; empty where it does not stand near the start, or in no such encoding."""
    head = data[:_HEAD]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[1:2] == b"\0" or head[:1] == b"\0":
        head = head.replace(b"\0", b"").lstrip(b"\xff\xfe")
    match = _ROOT.match(head.removeprefix(b"\xef\xbb\xbf"))
    return match[1].decode("ascii", "replace") if match else ""


def local(element: "etree._Element") -> str:
    """The name without its namespace; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: "etree._Element", name: str) -> str:
    """The value of an attribute in whatever namespace; empty where it has none."""
    found = element.get(name)
    if found is not None:
        return found
    ending = "}" + name
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith(ending)), "")


def loose_text(root: "etree._Element") -> str:
    """Every text and attribute value of a tree, one a line: for parts without a layout of their own."""
    found: list[str] = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            if element.text:
                found.append(element.text)
            if element.tail and not element.tail.isspace():
                found.append(element.tail)
            continue
        if element.text and not element.text.isspace():
            found.append(element.text)
        if element.tail and not element.tail.isspace():
            found.append(element.tail)
        if element.attrib:
            found.extend(text for value in element.attrib.values() if _worth(text := _text(value)))
    return "\n\n".join(found)  # a blank line keeps them apart: nothing goes on from one to the next


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _worth(value: str) -> bool:
    """Attribute values that may tell something: not the names and numbers of markup."""
    return len(value) >= 5 and not value.startswith(("http://schemas.", "http://purl.", "http://www.w3.org", "urn:"))
