"""What styles and lists of a Word document add to its text: hidden styles, numbers in front of paragraphs."""

import re
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.text.pieces import FAINT, HIDDEN
from policy.extraction.xmltext import attribute, local

_OFF: Final = frozenset({"0", "false", "off"})
_DEEPEST: Final = 20  # styles based on each other
_LEVEL: Final = re.compile(r"%([1-9])")
_MOST_COUNTED: Final = 1_000_000_000
_TINY: Final = 4  # half-points
_PALE: Final = re.compile(r"(?:[Ff][0-9A-Fa-f]){3}\Z")
_ROMAN: Final = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
                 (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_UNSAID: Final = frozenset({"noProof", "lang", "rFonts", "rPrChange", "kern", "bCs", "iCs", "szCs"})


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list."""

    start: int
    form: str
    text: str
    suffix: str  # what stands behind the label


@dataclass(slots=True)
class WordStyles:
    """Flags by style; the list and level by paragraph style; levels by list."""

    flags: dict[str, int] = field(default_factory=dict)
    lists: dict[str, tuple[str, int]] = field(default_factory=dict)
    levels: dict[str, dict[int, Level]] = field(default_factory=dict)  # by list (numId)
    kin: dict[str, str] = field(default_factory=dict)  # lists that count together: numId -> abstract list


def read_styles(root: "etree._Element", into: WordStyles) -> None:
    """The styles part: what hides text, and what numbers paragraphs."""
    based: dict[str, str] = {}
    own: dict[str, int] = {}
    for style in root.iterchildren("{*}style"):
        name = attribute(style, "styleId")
        for child in style:
            kind = local(child)
            if kind == "basedOn":
                based[name] = attribute(child, "val")
            elif kind == "rPr":
                own[name] = look_of(child, into)[0]
            elif kind == "pPr":
                listed = list_of(child)
                if listed:
                    into.lists[name] = listed
    for name in {*own, *based}:
        up, flags = name, 0
        for _ in range(_DEEPEST):
            flags |= own.get(up, 0)
            if name not in into.lists and up in into.lists:
                into.lists[name] = into.lists[up]
            if up not in based:
                break
            up = based[up]
        if flags:
            into.flags[name] = flags


def read_numbering(root: "etree._Element", into: WordStyles) -> None:
    """The numbering part."""
    abstract: dict[str, dict[int, Level]] = {}
    for each in root.iterchildren("{*}abstractNum"):
        abstract[attribute(each, "abstractNumId")] = dict(map(_level, each.iterchildren("{*}lvl")))
    for each in root.iterchildren("{*}num"):
        number = attribute(each, "numId")
        kin = next((attribute(child, "val") for child in each.iterchildren("{*}abstractNumId")), "")
        levels = dict(abstract.get(kin, {}))
        for change in each.iterchildren("{*}lvlOverride"):
            at = _number(attribute(change, "ilvl"))
            for child in change:
                if local(child) == "lvl":
                    levels[at] = _level(child)[1]
                elif local(child) == "startOverride" and at in levels:
                    old = levels[at]
                    levels[at] = Level(_number(attribute(child, "val")), old.form, old.text, old.suffix)
                kin = f"{kin} {number}"  # a list that begins anew counts alone
        into.levels[number] = levels
        into.kin[number] = kin


def _level(lvl: "etree._Element") -> tuple[int, Level]:
    said = {local(child): attribute(child, "val") for child in lvl}
    suffix = {"nothing": "", "space": " "}.get(said.get("suff", "tab"), "\t")
    level = Level(_number(said.get("start", "0")), said.get("numFmt", "decimal"), said.get("lvlText", ""), suffix)
    return _number(attribute(lvl, "ilvl")), level


def list_of(properties: "etree._Element") -> tuple[str, int] | None:
    """The list and level that a paragraph's properties name."""
    for child in properties:
        if local(child) == "numPr":
            said = {local(each): attribute(each, "val") for each in child}
            return said.get("numId", ""), _number(said.get("ilvl", "0"))
    return None


class Counters:
    """The numbers of lists, as a program counts them from the start of a part."""

    def __init__(self, styles: WordStyles) -> None:
        self._styles = styles
        self._at: dict[str, dict[int, int]] = {}

    def label(self, number: str, level: int) -> tuple[str, str]:
        """The label of the next paragraph in that list, and what stands behind it."""
        levels = self._styles.levels.get(number)
        if not levels or level not in levels:
            return "", ""
        at = self._at.setdefault(self._styles.kin[number], {})
        at[level] = at[level] + 1 if level in at else levels[level].start
        for deeper in [each for each in at if each > level]:
            del at[deeper]
        rule = levels[level]
        if rule.form == "bullet" and not any(char.isalnum() for char in rule.text):
            return "", ""

        def shown(match: re.Match[str]) -> str:
            place = int(match[1]) - 1
            if place not in levels:
                return ""
            return counted(at.get(place, levels[place].start), levels[place].form)

        return _LEVEL.sub(shown, rule.text), rule.suffix


def counted(number: int, form: str) -> str:
    """A number in the form that a list asks for."""
    match form:
        case "none":
            return ""
        case "decimalZero":
            return f"{number:02}"
        case "lowerRoman" | "upperRoman" if 0 < number < 5000:
            roman = _roman(number)
            return roman.upper() if form == "upperRoman" else roman
        case "lowerLetter" | "upperLetter" if 0 < number < 5000:
            letter = chr(97 + (number - 1) % 26) * ((number - 1) // 26 + 1)
            return letter.upper() if form == "upperLetter" else letter
    return str(number)


def _roman(number: int) -> str:
    out = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        out += letters * count
    return out


def look_of(properties: "etree._Element", styles: WordStyles) -> tuple[int, str]:
    """Flags of a run's properties (WordprocessingML), and how it looks, as a key."""
    flags = 0
    look: list[str] = []
    ink = paper = ""
    for child in properties:
        name = local(child)
        if name in _UNSAID:
            continue
        value = attribute(child, "val")
        look.append(f"{name}={value}")
        if name in {"vanish", "specVanish"}:
            flags |= 0 if value in _OFF else HIDDEN
        elif name == "rStyle":
            flags |= styles.flags.get(value, 0)
        elif name == "color":
            ink = value.lower()
            shade = attribute(child, "themeColor")
            look.append(shade)
            flags |= FAINT if _PALE.match(value) or shade in {"background1", "background2", "light1"} else 0
        elif (name == "sz" and 0 < _number(value) <= _TINY) or (name == "w" and 0 < _number(value) < 10):
            flags |= FAINT
        elif name in {"highlight", "shd"}:
            paper = (attribute(child, "fill") or value).lower()
        elif name in {"effectLst", "textFill"}:
            look.append(str(len(child)))
    if ink and ink == paper:
        flags |= FAINT
    return flags, "|".join(look)


def drawn_look(properties: "etree._Element") -> tuple[int, str]:
    """The same of DrawingML: in attributes and fills."""
    size = _number(properties.get("sz", ""))
    flags = FAINT if 0 < size <= 50 * _TINY else 0
    look = [
        f"{key!s}={value!s}"
        for key, value in properties.attrib.items()
        if key not in {"lang", "dirty", "err", "altLang"}
    ]
    for child in properties:
        name = local(child)
        look.append(name)
        if name == "noFill":
            flags |= FAINT
        elif name == "solidFill":
            for colour in child.iter("{*}srgbClr", "{*}schemeClr", "{*}alpha", "{*}prstClr"):
                value = colour.get("val", "")
                look.append(value)
                clear = local(colour) == "alpha" and 0 <= _number(value) < 5000 and value != ""
                flags |= FAINT if clear or _PALE.match(value) or value in {"bg1", "lt1", "white"} else 0
    return flags, "|".join(str(each) for each in look)


def _number(value: str) -> int:
    bare = value.removeprefix("-")
    if not bare.isascii() or not bare.isdigit() or len(bare) > 9:
        return 0
    return max(-_MOST_COUNTED, min(_MOST_COUNTED, int(value)))
