"""XML of documents, parsed without entities from outside, and its text."""

from typing import Final

from lxml import etree

BROKEN_XML: Final = (etree.XMLSyntaxError, ValueError)


def parse_xml(data: bytes) -> "etree._Element":
    """The root. Raises one of BROKEN_XML. No network, no external entities, no huge trees."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, recover=False, load_dtd=False, remove_comments=False
    )
    return etree.fromstring(data, parser)


def local(element: "etree._Element") -> str:
    """The name without its namespace; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def loose_text(root: "etree._Element") -> str:
    """Every text and attribute value of a tree, one a line: for parts without a layout of their own."""
    found: list[str] = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            if element.text:
                found.append(element.text)
            continue
        if element.text and not element.text.isspace():
            found.append(element.text)
        if element.tail and not element.tail.isspace():
            found.append(element.tail)
        found.extend(_text(value) for value in element.attrib.values() if _worth(_text(value)))
    return "\n".join(found)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _worth(value: str) -> bool:
    """Attribute values that may tell something: not the names and numbers of markup."""
    return len(value) >= 5 and not value.startswith(("http://schemas.", "http://purl.", "http://www.w3.org", "urn:"))
