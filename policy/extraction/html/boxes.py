"""What style sheets write before and behind an element, as boxes of its own: placed, floating, in another order."""

from collections.abc import Callable, Sequence
from typing import Final

from policy.extraction.html.arrangement import ARRANGING
from policy.extraction.html.declared import Declarations, Writes
from policy.extraction.html.generated import Written
from policy.extraction.html.tree import Element

# What makes a written text more than the begin or the end of its element's.
_PLACES: Final = ARRANGING | {"display", "justify-self", "margin", "margin-left", "unicode-bidi", "letter-spacing"}
_COUNTS: Final = frozenset({"content", "counter-increment", "counter-reset", "counter-set"})
_ENTERED: Final = {"style": ""}  # so that its style is asked for


def stand_in(element: Element, where: str) -> Element:
    """A stand-in for the text that a sheet writes, so that it is a kind of its own."""
    return Element(f"{element.name}::{where}", element, element.rest, element.number)


def stands_alone(written: Writes, where: str, style: Declarations) -> bool:
    """Whether what is written before or behind an element that looks so has a place of its own."""
    if where not in written:
        return False
    display = style.get("display", "")
    return "flex" in display or "grid" in display or not _PLACES.isdisjoint(written[where])


class Boxes:
    """Makes elements of what is written, each with a number that no element of the page has."""

    def __init__(self, put: Callable[[Element, Declarations], None]) -> None:
        """`put` takes their declarations."""
        self._put = put
        self._number = -1_000

    def around(
        self, element: Element, before: Written | None, children: Sequence[Element | str], after: Written | None
    ) -> Sequence[Element | str]:
        """The children, with the boxes that stand before and behind them."""
        first = [self._box(element, "before", before)] if before is not None else []
        last = [self._box(element, "after", after)] if after is not None else []
        return [*first, *children, *last]

    def _box(self, element: Element, where: str, text: Written) -> Element:
        self._number -= 1
        box = Element(f"{element.name}::{where}", element, element.rest, self._number, _ENTERED)
        box.children.append(text[0])
        self._put(box, {name: value for name, value in text[1].items() if name not in _COUNTS})
        return box
