"""Which elements of a page a style sheet hides."""

import re
from dataclasses import dataclass, field
from typing import Final

_SHEET: Final = re.compile(r"<style[^>]*+>([^<]*+(?:<(?!/style)[^<]*+)*+)", re.I)
_COMMENT: Final = re.compile(r"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)")
_SIMPLE: Final = re.compile(r"([.#]?)([a-zA-Z0-9_-]++)")
_SPACE: Final = re.compile(r"\s+")
_HIDING: Final = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|(?<![a-z-])font(?:-size)?:(?:[^;]{0,40}?(?<![\d.]))?(?:0(?:px|pt|em|rem|%)?|[0-2](?:\.\d+)?(?:px|pt)|0?\.\d+em)(?![\d.a-z%])"
    r"|opacity:(?:0?\.0\d*|0)(?![\d.])|color:transparent|max-(?:height|width):0(?![\d.])"
    r"|(?<![a-z-])(?:height|width|line-height):0(?![\d.])"
    r"|(?:left|top|right|text-indent|margin-left|margin-top):-\d{3,}|clip(?:-path)?:(?:rect|inset)"
    r"|(?<![a-z-])color:(?:#fff(?:fff)?(?![0-9a-f])|white|rgba?\(255,255,255|rgba\([^)]*,0\))|transform:scale\(0|content-visibility:hidden"
)  # fmt: skip
_CONTENT: Final = re.compile(r"""(?<![a-zA-Z-])content\s*+:\s*+((?:"[^"]*+"|'[^']*+'|\s++)+)""", re.I)
_QUOTED: Final = re.compile(r""""([^"]*+)"|'([^']*+)'""")
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|([^0-9a-fA-F\n]))")
_MOST_SHEET: Final = 512 * 1024


def hides(style: str) -> bool:
    """Whether declarations hide their element, or make its text too small or too pale to see."""
    if ":" not in style:
        return False
    if "\\" in style:
        style = _ESCAPE.sub(_unescaped, style)
    return _HIDING.search(_SPACE.sub("", _COMMENT.sub("", style)).lower()) is not None


def _unescaped(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0x110000 else "\ufffd"


@dataclass(frozen=True, slots=True)
class Hidden:
    """Names whose elements are hidden, as loosely as a reader of selectors may be: the last simple one counts."""

    tags: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    ids: frozenset[str] = field(default=frozenset())
    generated: dict[str, str] = field(default_factory=dict, repr=False)  # by selector: text that the sheet writes

    def __bool__(self) -> bool:
        return bool(self.tags or self.classes or self.ids)

    def before(self, name: str, attributes: dict[str, str]) -> str:
        """What a sheet writes into an element (`::before`, `::after`)."""
        if not self.generated:
            return ""
        keys = [name, f"#{attributes.get('id', '')}", *(f".{one}" for one in attributes.get("class", "").split()[:20])]
        return "".join(self.generated.get(key, "") for key in keys)


def hidden_by_sheets(source: str) -> Hidden:
    """Read every style element of a page."""
    if "<style" not in source and "<STYLE" not in source and "<Style" not in source:
        return Hidden()
    found: dict[str, set[str]] = {"": set(), ".": set(), "#": set()}
    generated: dict[str, str] = {}
    for sheet in _SHEET.finditer(source):
        for rule in _COMMENT.sub("", sheet[1][:_MOST_SHEET]).split("}"):
            selectors, brace, declarations = rule.rpartition("{")
            written = _generated(declarations) if brace else ""
            if not brace or not (written or hides(declarations)):
                continue
            for selector in selectors.rpartition("{")[2].split(","):
                last = selector.split()[-1:] or [""]
                names = _SIMPLE.findall(last[0].partition(":")[0])
                for mark, name in names[-1:]:
                    key = name if mark else name.lower()
                    if written:
                        generated[mark + key] = written
                    else:
                        found[mark].add(key)
    tags = frozenset(found[""]) - {"body", "html"}
    return Hidden(tags, frozenset(found["."]), frozenset(found["#"]), generated)


def _generated(declarations: str) -> str:
    """The text of a `content` declaration."""
    match = _CONTENT.search(declarations) if "content" in declarations.lower() else None
    if match is None:
        return ""
    return "".join(_ESCAPE.sub(_unescaped, one[0] or one[1]) for one in _QUOTED.findall(match[1]))
