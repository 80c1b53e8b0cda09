"""Which declarations win for each element of a page, on one screen."""

from typing import Final

from policy.extraction.html.arrangement import is_arranging
from policy.extraction.html.declared import Declarations, Writes, declarations
from policy.extraction.html.names import WHOLE
from policy.extraction.html.own import animated, own_values, varies
from policy.extraction.html.styles import attributes_as_style
from policy.extraction.html.stylesheets import Sheets
from policy.extraction.html.tree import Element, Tree

OLD_STYLE: Final = frozenset(
    {"color", "bgcolor", "hidden", "dir", "text", "background", "popover", "direction", "unicode-bidi"}
)
NO_STYLE: Final[Declarations] = {}
_UNSTYLED: Final[tuple[Declarations, Writes]] = (NO_STYLE, {})
# What screens may differ in without showing anything else: sizes matter where something is cut off.
_SIZES: Final = frozenset(
    {"height", "letter-spacing", "line-height", "max-height", "max-width", "white-space", "width", "zoom"}
)
_CLIPS: Final = frozenset({"overflow", "overflow-x", "overflow-y"})

_Alike = tuple[tuple[int, ...], str | None, tuple[tuple[str, str], ...]]

_MOST_OWN: Final = 20_000  # elements of one page whose declarations are worked out for each


class Styling:
    """Asks the style sheets and the elements themselves. `screen` is 0 for a desk's and 1 for a phone's."""

    def __init__(self, tree: Tree, sheets: Sheets, screen: int) -> None:
        self._sheets = sheets
        self._screen = screen
        self.screens_matter = False
        self._left = _MOST_OWN
        self.followed = True  # whatever may have moved a number
        moments = (moment for moments in sheets.keyframes.values() for moment in moments.values())
        # Whether something may stand in another order than it is written.
        self.arranging = any(is_arranging(rule.plain) or is_arranging(rule.important) for rule in sheets.rules)
        self.arranging = self.arranging or any(map(is_arranging, moments))
        self._inline: dict[str, tuple[Declarations, Declarations]] = {}
        self._styles: dict[int, tuple[Declarations, Writes]] = {}
        self._of_source: dict[tuple[str, str], tuple[Declarations, Writes] | None] = {}  # as tags are written
        # By the rules that hold, the inline style, and what attributes of old say: the same for most cells of a page.
        self._alike: dict[_Alike, tuple[Declarations, Writes]] = {}
        for element in tree.elements:
            if element.attributes:
                if "style" in element.attributes:
                    self._declared(element.attributes["style"])
                if "dir" in element.attributes:
                    self.arranging = True

    def put(self, element: Element, style: Declarations) -> None:
        """The declarations of an element that the page does not have."""
        self._styles[element.number] = style, {}

    def is_plain(self, source: tuple[str, str]) -> bool:
        """Whether all elements that are written so have the same declarations, and some."""
        return bool(self._of_source.get(source))

    def declared_of(self, element: Element) -> Declarations:
        """The declarations that win for an element."""
        return self.of(element)[0]

    def finished(self, element: Element, style: Declarations) -> Declarations:
        """What becomes of declarations for one element: where it is moved, what variables and attributes say."""
        if self._sheets.keyframes and ("animation" in style or "animation-name" in style):
            style = animated(style, self._sheets.keyframes)
        if self._sheets.own and varies(style):
            self._left -= 1
            if self._left < 0:
                self.followed = False
                return style
            style, whole = own_values(element, style, self.declared_of, self._sheets.variables)
            self.followed = self.followed and whole
        return style

    def of(self, element: Element) -> tuple[Declarations, Writes]:
        """The declarations that win for an element, and those of what a sheet writes into it."""
        source = element.name, element.rest
        known = self._of_source.get(source) or self._styles.get(element.number)
        if known is not None:
            return known
        style, written = self._style(element)
        result = self.finished(element, style), written
        if source not in self._of_source:
            sheets = self._sheets
            unlike = element.name in WHOLE or sheets.is_placed(element) or (sheets.own and varies(style))
            self._of_source[source] = None if unlike else result
        self._styles[element.number] = result
        return result

    def _style(self, element: Element) -> tuple[Declarations, Writes]:
        attributes = element.attributes
        rules = self._sheets.of(element) if self._sheets.rules else []
        inline = attributes.get("style") if attributes else None
        old = bool(attributes) and not OLD_STYLE.isdisjoint(attributes)
        if not rules and not inline and not old and element.name != "bdo":
            return _UNSTYLED
        style = attributes_as_style(element) if old or element.name == "bdo" else {}
        alike = (tuple([rule.order for rule in rules]), inline, tuple(style.items()) if style else ())
        same = self._alike.get(alike)
        if same is not None:
            return same
        written: Writes = {}
        pressing: Writes = {}
        important: list[Declarations] = []
        differing: set[str] = set()
        for rule in rules:
            if rule.screens[0] != rule.screens[1]:
                differing.update(rule.plain, rule.important, ("content",) if rule.selector.writes else ())
            if not rule.screens[self._screen]:
                continue
            if rule.selector.writes:
                written.setdefault(rule.selector.writes, {}).update(rule.plain)
                if rule.important:
                    pressing.setdefault(rule.selector.writes, {}).update(rule.important)
                continue
            style.update(rule.plain)
            if rule.important:
                important.append(rule.important)
        if inline:
            plain, urgent = self._declared(inline)
            style.update(plain)
            important.append(urgent)
        for one in important:
            style.update(one)
        for where, one in pressing.items():
            written[where].update(one)
        if not _SIZES.issuperset(differing) or (differing and not _CLIPS.isdisjoint(style)):
            self.screens_matter = True
        result = style, written
        self._alike[alike] = result
        return result

    def _declared(self, inline: str) -> tuple[Declarations, Declarations]:
        known = self._inline.get(inline)
        if known is None:
            known = declarations(inline, self._sheets.variables, kept=self._sheets.kept)
            self._inline[inline] = known
            self.arranging = self.arranging or is_arranging(known[0]) or is_arranging(known[1])
        return known
