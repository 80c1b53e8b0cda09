"""Declarative shadow trees: what a template shows in place of the element around it (HTML, 4.12.3)."""

from typing import Final

from policy.extraction.html.tree import Element, Tree

_ASKING: Final = ("shadowrootmode", "shadowroot")
_DEEPEST: Final = 20
_MOST: Final = 200  # templates of one page


def open_shadows(tree: Tree) -> None:
    """Put what such templates show where it is shown, with the children of their hosts in the slots."""
    found = [
        each for each in tree.elements if each.name == "template" and not each.attributes.keys().isdisjoint(_ASKING)
    ]
    for template in found[:_MOST]:
        host = template.parent
        if host is not None and template in host.children:
            light = [child for child in host.children if child is not template]
            host.children = _filled(template.children, _by_slot(light), host, 0)


def _by_slot(light: "list[Element | str]") -> "dict[str, list[Element | str]]":
    """A host's children by the slot that they go into; the first slot of a name takes them all."""
    found: dict[str, list[Element | str]] = {}
    for child in light:
        name = child.attributes.get("slot", "") if isinstance(child, Element) else ""
        found.setdefault(name, []).append(child)
    return found


def _filled(
    children: "list[Element | str]", slotted: "dict[str, list[Element | str]]", parent: Element, deep: int
) -> "list[Element | str]":
    out: list[Element | str] = []
    for child in children:
        if not isinstance(child, Element):
            out.append(child)
        elif child.name == "slot":
            out += slotted.pop(child.attributes.get("name", ""), []) or child.children
        elif deep < _DEEPEST:
            copy = Element(child.name, parent, child.rest, child.number, child.attributes)
            copy.children = _filled(child.children, slotted, copy, deep + 1)
            out.append(copy)
        else:
            out.append(child)
    return out
