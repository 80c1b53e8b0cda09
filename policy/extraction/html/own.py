"""What each element says of its own: by variables, attributes, its place among its siblings, and animations."""

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Final

from policy.extraction.html.declared import OWN, Declarations, with_variables
from policy.extraction.html.tree import Element

_OUTER_OF_VARIABLES: Final = 40  # elements that are asked for a variable
# Values that depend on the element (CSS Values 5, 7.7 and 9), and those that are not followed.
ASKS: Final = re.compile(r"\battr\(|\bsibling-(?:index|count)\(|\bif\(|\brandom\(|\banchor\(|[\s:,(*/+]--[-\w]{1,80}\(")
_VARIES: Final = re.compile(r"var\(|\battr\(|\bsibling-(?:index|count)\(")
_NOT_FOLLOWED: Final = re.compile(r"\bif\(|\brandom\(|\banchor\(|(?<![-\w])--[-\w]{1,80}\(")
_ATTRIBUTE: Final = re.compile(
    r"\battr\(\s*+([-\w]{1,80})\s*+(?:type\([^()]*+(?:\([^()]*+\))?\)|([a-z%]{1,10}))?([^()]*+)\)"
)
_DIGIT: Final = re.compile(r"\d")
_LONGEST: Final = 40  # characters of an element that may be a piece of a number
_MOST_SIBLINGS: Final = 200

StyleOf = Callable[[Element], Declarations]


def variables_of(
    element: Element, style: Declarations, style_of: StyleOf | None, page: dict[str, str]
) -> Mapping[str, str]:
    """The variables that hold for an element, or for what is written into it: the nearest around it."""
    found = [{name: value for name, value in style.items() if name.startswith("--")}]
    up: Element | None = element
    for _ in range(_OUTER_OF_VARIABLES):
        if up is None or style_of is None:
            break
        found.append(style_of(up))
        up = up.parent
    return ChainMap(*found, page)


def varies(style: Declarations) -> bool:
    """Whether what is declared depends on the element."""
    return any("(" in value and name in OWN and _asks(value) for name, value in style.items())


def _asks(value: str) -> bool:
    return _VARIES.search(value) is not None or _NOT_FOLLOWED.search(value) is not None


def own_values(
    element: Element, style: Declarations, style_of: StyleOf, page: dict[str, str]
) -> tuple[Declarations, bool]:
    """The declarations with what they are for this element, and whether all that may move a number was followed."""
    found, whole = dict(style), True
    variables: Mapping[str, str] | None = None
    for name, said in style.items():
        if name not in OWN or name == "content" or "(" not in said or not _asks(said):
            continue
        value = said
        if "var(" in value:
            if variables is None:
                outer = element.parent
                variables = variables_of(outer, style, style_of, page) if outer is not None else style
            value = with_variables(value, variables)
        if "attr(" in value:
            value = _ATTRIBUTE.sub(lambda match: _attribute(match, element), value)
        if "sibling-" in value:
            at, count = _place(element)
            value = value.replace("sibling-index()", str(at)).replace("sibling-count()", str(count))
        whole = whole and (_NOT_FOLLOWED.search(value) is None or not _may_be_of_a_number(element))
        found[name] = value.strip().lower() if name not in {"quotes", "list-style", "list-style-type"} else value
    return found, whole


def _attribute(match: re.Match[str], element: Element) -> str:
    said = element.attributes.get(match[1].lower())
    return f"{said}{match[2] or ''}" if said is not None else match[3].lstrip(" ,")


def _place(element: Element) -> tuple[int, int]:
    """Among the elements of the same parent, counted from 1, and how many they are."""
    if element.parent is None:
        return 1, 1
    siblings = [child for child in element.parent.children[: 2 * _MOST_SIBLINGS] if isinstance(child, Element)]
    return next((at for at, child in enumerate(siblings, 1) if child is element), 1), len(siblings)


def _may_be_of_a_number(element: Element) -> bool:
    """Whether an element holds little text, with digits in it."""
    text = ""
    waiting: list[Element | str] = [element]
    while waiting and len(text) <= _LONGEST:
        one = waiting.pop()
        if isinstance(one, Element):
            waiting += reversed(one.children[:_LONGEST])
        else:
            text += one.strip()
    return len(text) <= _LONGEST and _DIGIT.search(text) is not None


def animated(style: Declarations, keyframes: Mapping[str, Mapping[bool, Declarations]]) -> Declarations:
    """The declarations with where an animation leaves the element, or holds it (CSS Animations 1, 3)."""
    said = f"{style.get('animation', '')} {style.get('animation-name', '')}"
    found = dict(style)
    for word in re.split(r"[\s,]+", said[:1_000]):
        moments = keyframes.get(word)
        if not moments:
            continue
        begins = "paused" in said or style.get("animation-play-state") == "paused"
        moved = moments.get(begins) or moments.get(not begins, {})
        found.update({name: value for name, value in moved.items() if name in OWN or name.startswith("--")})
    return found
