"""A page taken apart: its elements, and what stands in them."""

from dataclasses import dataclass, field
from typing import Final

NO_ATTRIBUTES: Final[dict[str, str]] = {}  # never written to


class Element:
    """One element. `children` are elements and texts; `number` counts elements from the page's start."""

    __slots__ = ("attributes", "children", "name", "number", "parent", "rest")

    def __init__(
        self, name: str, parent: "Element | None", rest: str, number: int, attributes: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.parent = parent
        self.rest = rest
        self.number = number
        self.attributes = attributes or NO_ATTRIBUTES
        self.children: list[Element | Text] = []


class Comment(str):
    """A comment's text, at its place among the texts."""

    __slots__ = ()


class Unparsed(str):
    """Text of CDATA and the like, which some programs show and others do not."""

    __slots__ = ()


Text = str


@dataclass(slots=True)
class Tree:
    """A page taken apart. `odd`: programs differ on where its tags end; `whole`: nothing was left unread."""

    root: Element
    elements: list[Element] = field(default_factory=list, repr=False)
    sheets: list[str] = field(default_factory=list, repr=False)
    scripts: list[str] = field(default_factory=list, repr=False)
    titles: list[str] = field(default_factory=list, repr=False)
    odd: bool = False
    moved: bool = False  # text stood in a table outside its cells: it is shown above it
    whole: bool = True

    def forget(self) -> None:
        """Let go of it: its elements know each other, and would wait for the garbage collector."""
        for element in self.elements:
            element.parent = None
            element.children = []
        self.elements = []
