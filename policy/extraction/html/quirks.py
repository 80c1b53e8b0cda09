"""Pages without a doctype: classes and ids are the same in capitals and in small letters (Selectors 4, 6.6 and 6.7)."""

import re
from typing import Final

from policy.extraction.html.tree import Tree

_NAME: Final = re.compile(r"(?<=[.#])[-_a-zA-Z][-\w]{0,80}")


def with_folded_names(tree: Tree, sheets: list[str]) -> list[str]:
    """The sheets, with the names of classes and ids in small letters where that makes them hold for more elements,
    and the elements' names likewise.
    """
    asked = {name for sheet in sheets for name in _NAME.findall(sheet)}
    folded = {name.lower() for name in asked}
    said = {element.attributes.get(name, "") for element in tree.elements if element.attributes for name in _NAMED}
    used = {one for names in said for one in names.split()}
    if not any(one not in asked and one.lower() in folded for one in used):
        return sheets
    for element in tree.elements:
        for name in _NAMED:
            if name in element.attributes:
                element.attributes = {**element.attributes, name: element.attributes[name].lower()}
    return [_NAME.sub(lambda match: match[0].lower(), sheet) for sheet in sheets]


_NAMED: Final = ("class", "id")
