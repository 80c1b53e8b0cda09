"""Pages that write, place or borrow what they show, in ways that are met seldom."""

import random
from base64 import b64encode
from collections.abc import Iterator

from corpus import SSN, Evasion, mail, write

SPACE = 'xmlns="http://www.w3.org/2000/svg"'
PLACED = [(sign, 10 + 10 * place) for place, sign in enumerate(SSN)]
MIXED = random.Random(3).sample(PLACED, len(PLACED))
JUNK = "536<i class=x>77</i>-22-<i class=x>9</i>1234"
GONE = ".x{display:none}"


def _drawing(body: str) -> str:
    return f'<svg {SPACE} width="400" height="40">{body}</svg>'


def _packed(media_type: str, text: str) -> str:
    return f"data:{media_type};base64,{b64encode(text.encode()).decode()}"


WHOLE = _drawing(f'<text y="20">{SSN}</text>')
PICTURE = _packed("image/svg+xml", WHOLE)


def drawings() -> Iterator[tuple[str, str, str]]:
    """SVG and MathML."""
    places = " ".join(str(x) for _, x in MIXED)
    yield (
        "svg-list-of-places",
        _drawing(f'<text y="20" x="{places}">{"".join(s for s, _ in MIXED)}</text>'),
        "SVG 2, 11.2",
    )
    moved = "".join(f'<text transform="translate({x},20)">{sign}</text>' for sign, x in MIXED)
    yield "svg-moved", _drawing(moved), "SVG 2, 8.5"
    groups = "".join(f'<g transform="translate({x} 0)"><text y="20">{sign}</text></g>' for sign, x in MIXED)
    yield "svg-groups", _drawing(groups), "SVG 2, 5.2"
    yield "svg-as-picture", f'<img alt="" src="{PICTURE}">', "SVG 2, 12.3"
    quoted = WHOLE.replace('"', "'").replace("536", "5%336").replace("<", "%3C").replace(">", "%3E")
    yield "svg-percent", f'<img alt="" src="data:image/svg+xml,{quoted}">', "RFC 2397"
    yield "svg-written", f'<style>b::after{{content:url("{PICTURE}")}}</style><b></b>', "CSS Content 3, 2"
    digits = "".join(f"<mn>{sign}</mn>" if sign != "-" else "<mo>-</mo>" for sign in SSN)
    yield "math-digits", f"<math>{digits}</math>", "MathML Core, 3.2"
    row = "<mrow><mtext>536</mtext><mo>&#8722;</mo><mtext>22</mtext><mo>&#x2212;</mo><mtext>1234</mtext></mrow>"
    yield "math-row", f"<math>{row}</math>", "MathML Core, 3.3"


def written() -> Iterator[tuple[str, str, str]]:
    """What style sheets write and hide."""
    digits = "".join(f"<b class=n style=\"--d:'{sign}'\"></b>" for sign in SSN)
    yield "variable-of-each", f"<style>.n::after{{content:var(--d)}}</style>{digits}", "CSS Variables 1, 3"
    rules = ".n::before{content:var(--a)}.a{--a:'536-'}.b{--a:'22-'}.c{--a:'1234'}"
    yield (
        "variable-of-class",
        f"<style>{rules}</style><b class='n a'></b><b class='n b'></b><b class='n c'></b>",
        "CSS Variables 1, 3",
    )
    rules = f".n::before{{content:var(--a)}}#o{{--a:'{SSN}'}}:root{{--a:'77'}}"
    yield "variable-inherited", f"<style>{rules}</style><span id=o><i><b class=n></b></i></span>", "CSS Variables 1, 2"
    yield (
        "variable-otherwise",
        f"<style>.n::before{{content:var(--z,'{SSN}')}}</style><b class=n></b>",
        "CSS Variables 1, 3",
    )
    first = "".join(f'<span style="display:inline-block">9{sign}</span>' for sign in SSN)
    yield "first-letters", f"<style>span::first-letter{{font-size:0}}</style>{first}", "CSS Pseudo 4, 2.2"
    counted = (
        "<style>.n{counter-reset:a 536 b 22 c 1234}.n::after{content:counter(a) '-' counter(b) '-' counter(c)}</style>"
    )
    yield "counters-set", f"{counted}<b class=n></b>", "CSS Lists 3, 4"
    raised = "body{counter-reset:a 500}.n{counter-increment:a 36}.n::after{content:counter(a) '-22-1234'}"
    yield "counter-raised", f"<style>{raised}</style><b class=n></b>", "CSS Lists 3, 4"
    named = "[data-q]::before{content:attr(data-q) attr(data-r)}"
    yield "two-attributes", f'<style>{named}</style><b data-q="536-22" data-r="-1234"></b>', "CSS Values 4, 7"
    yield "sheet-nested", f"<style>p{{& .x{{display:none}}}}</style>{JUNK}", "CSS Nesting 1"
    yield "sheet-layer", f"<style>@layer a{{{GONE}}}</style>{JUNK}", "CSS Cascade 5, 6.4"
    yield (
        "sheet-has",
        "<style>i:has(u){display:none}</style>" + JUNK.replace("77", "<u>7</u>").replace("9<", "<u>9</u><"),
        "Selectors 4, 4.5",
    )
    yield (
        "sheet-imported",
        f'<style>@import url("data:text/css,{GONE.replace("{", "%7B").replace("}", "%7D")}");</style>{JUNK}',
        "CSS Cascade 5, 2",
    )
    yield "sheet-font-zero", f"<style>.x{{font:0/0 a}}</style>{JUNK}", "CSS Fonts 4, 2.7"


def placed() -> Iterator[tuple[str, str, str]]:
    """Boxes, cells, fields and references."""
    areas = ".g{display:inline-grid;grid-template-areas:'a b c'}"
    cells = "".join(
        f'<i style="grid-area:{area}">{text}</i>' for area, text in (("c", "-1234"), ("b", "-22"), ("a", "536"))
    )
    yield "grid-areas", f"<style>{areas}</style><span class=g>{cells}</span>", "CSS Grid 1, 7.3"
    wide = (
        "<table cellspacing=0><tr><td colspan=2>SSN</td></tr><tr><td>536-</td><td rowspan=2>22-1234</td></tr></table>"
    )
    yield "columns-spanned", wide, "HTML 5.3, 4.9.9"
    yield "in-a-button", "<button>536-</button><output>22-</output><label>1234</label>", "HTML 5.3, 4.10"
    yield "digits-mixed", "\u096b\u09696-\uff12\uff12-\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2", "UAX 44, 5.7.3"
    yield "references-mixed", "&#x35&#51&#x00036;-&#x32;2&hyphen;&#x31;&#050;&#51;&#52;", "HTML 5.3, 13.5"


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, body, at in (*drawings(), *written(), *placed()):
        raw = mail(b"Content-Type: text/html; charset=utf-8", b"", f"<p>Her SSN is {body}</p>".encode())
        yield Evasion(f"pages/{name}", raw, name.replace("-", " "), at)
    font = "<style>@font-face{font-family:z;src:url(data:font/woff2;base64,d09GMgABAAAAAAAA)}p{font-family:z}</style>"
    raw = mail(b"Content-Type: text/html; charset=utf-8", b"", f"{font}<p>Her SSN is qwertyuio</p>".encode())
    yield Evasion(
        "pages/font-of-its-own", raw, "letters that a font draws as digits", "CSS Fonts 4, 4.3", {"unreadable": 1}
    )


if __name__ == "__main__":
    write(evasions())
