"""Names of HTML's elements, by what the parser does with them (HTML 13.2.6)."""

from typing import Final

VOID: Final = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "source", "param", "track",
     "bgsound", "keygen", "basefont", "frame"}
)  # fmt: skip
# Elements that end no other and hold nothing.
ALONE: Final = frozenset({"br", "img", "wbr", "area", "embed", "source", "track"})
# Elements that end no other and hold anything.
PLAIN: Final = frozenset(
    {"a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "label", "mark", "nobr", "s", "small",
     "span", "strike", "strong", "sub", "sup", "tt", "u", "o:p"}
)  # fmt: skip
ENDS_P: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "fieldset",
        "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu",
        "nav", "ol", "p", "pre", "section", "table", "ul", "xmp", "plaintext", "listing", "summary", "li", "dt", "dd",
    }
)  # fmt: skip
_ROWS: Final = frozenset({"td", "th", "tr", "tbody", "thead", "tfoot", "caption"})
# What ends when another begins, and where the search for it stops.
ENDS: Final[dict[str, frozenset[str]]] = {
    "li": frozenset({"li"}), "dt": frozenset({"dt", "dd"}), "dd": frozenset({"dt", "dd"}),
    "option": frozenset({"option"}), "optgroup": frozenset({"option", "optgroup"}), "rt": frozenset({"rt", "rp"}),
    "rp": frozenset({"rt", "rp"}), "td": frozenset({"td", "th", "caption"}),
    "th": frozenset({"td", "th", "caption"}), "tr": frozenset({"td", "th", "tr", "caption"}),
    "tbody": _ROWS, "thead": _ROWS, "tfoot": _ROWS, "caption": _ROWS,
}  # fmt: skip
FENCES: Final = frozenset({"table", "ul", "ol", "dl", "select", "html", "template", "svg", "object", "button", "ruby"})
P_FENCES: Final = frozenset({"td", "th", "table", "caption", "html", "template", "svg", "object", "button"})
TABLES: Final = frozenset({"table", "tbody", "thead", "tfoot", "tr"})
IN_TABLES: Final = frozenset(
    {"caption", "colgroup", "col", "tbody", "thead", "tfoot", "tr", "td", "th", "style", "script", "template", "table",
     "form"}
)  # fmt: skip
WHOLE: Final = frozenset({"html", "head", "body"})
IN_HEAD: Final = frozenset(
    {"title", "style", "script", "meta", "link", "base", "basefont", "bgsound", "template", "noscript", "object"}
)
PRE: Final = frozenset({"pre", "listing"})
