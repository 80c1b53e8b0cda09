"""Controls of a Word document whose text lies in another part: which part, and where in it."""

import re
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.xmltext import BROKEN_XML, attribute, local, parse_xml

_STEP: Final = re.compile(r"/(@?)(?:[\w.-]+:)?([\w.-]+|\*)(?:\[(\d{1,6})\])?")
_CORE: Final = "{6C3C8BC8-F283-45AE-878A-BAB7291924A1}"
_EXTENDED: Final = "{6668398D-A668-4E3E-A5EB-62B293D839F1}"
_MOST_ASKED: Final = 2_000  # controls of one document
_MOST_LOOKED: Final = 2_000_000  # elements passed on the way to their values


@dataclass(slots=True)
class Store:
    """The data parts of a document by their id."""

    parts: dict[str, "etree._Element"] = field(default_factory=dict)
    _asked: int = 0
    _looked: int = 0

    def value(self, store: str, path: str) -> str | None:
        """The text at a path such as `/ns0:person[1]/ns0:number[1]`; None where there is none."""
        self._asked += 1
        if self._asked > _MOST_ASKED or self._looked > _MOST_LOOKED:
            return None
        if store:
            root = self.parts.get(store.upper())
            return None if root is None else self._at(root, path)
        found = (self._at(root, path) for root in self.parts.values())
        return next((text for text in found if text is not None), None)

    def _at(self, root: "etree._Element", path: str) -> str | None:
        steps = _STEP.findall(path)
        if not steps or "".join(match[0] for match in _STEP.finditer(path)) != path.strip():
            return None
        here: etree._Element | None = None
        for sign, name, number in steps:
            if sign:
                return attribute(root if here is None else here, name)
            wanted = int(number or 1)
            below = [root] if here is None else list(here)
            self._looked += len(below)
            alike = [each for each in below if name == "*" or local(each) == name]
            if not 0 < wanted <= len(alike):
                return None
            here = alike[wanted - 1]
        return "".join(str(text) for text in here.itertext()) if here is not None else None


def read_store(parts: dict[str, bytes], folder: str = "customxml/") -> Store:
    """From the parts of a document: `customXml/item1.xml` with its `itemProps1.xml`, and the document's properties."""
    store = Store()
    for name, data in parts.items():
        low = name.lower()
        item = re.fullmatch(re.escape(folder) + r"itemprops(\d*)\.xml", low)
        kind = {"docprops/core.xml": _CORE, "docprops/app.xml": _EXTENDED}.get(low, "")
        try:
            if item:
                kind = attribute(parse_xml(data), "itemID").upper()
            held = next((each for each in parts if item and each.lower() == f"{folder}item{item[1]}.xml"), name)
            if (kind and held != name) or kind in {_CORE, _EXTENDED}:
                store.parts[kind] = parse_xml(parts[held])
        except BROKEN_XML:
            continue
    return store
