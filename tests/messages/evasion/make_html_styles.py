# ruff: noqa: E501 (a case to a line)
"""Pages whose style sheets and styles hide digits among those of a number, as recipients' programs display them."""

from collections.abc import Iterator

from corpus import Evasion, mail, write

CSS2 = "CSS 2.2"


def page(body: str, css: str = "", head: str = "") -> bytes:
    """A message that is one page."""
    style = f"<style>{css}</style>" if css else ""
    text = f"<!DOCTYPE html><html><head><meta charset=utf-8>{head}{style}</head><body>\n{body}\n</body></html>"
    return mail(b"Content-Type: text/html; charset=utf-8", b"", text.encode())


def noise(inside: str, css: str = "") -> bytes:
    """A paragraph with the number in it, written as `inside`."""
    return page(f"<p>Her SSN is {inside}, please file it.</p>", css)


def mixed(hidden: str, shown: str) -> str:
    """The number's digits in elements that are shown, and others between them in elements that are not."""
    return "".join(f"{shown.format(d)}{hidden.format('9730518642'[n % 10])}" for n, d in enumerate("536-22-1234"))


STYLES = {
    "display-none": ('<span style="display:none">{}</span>', "display: none", f"{CSS2} 9.2.4"),
    "visibility-hidden": ('<span style="position:absolute;visibility:hidden">{}</span>', "visibility: hidden, out of the flow", f"{CSS2} 11.2"),
    "opacity-zero": ('<span style="position:absolute;opacity:0.0">{}</span>', "opacity: 0", "CSS Color 4, 3"),
    "font-size-zero": ('<span style="font-size:0">{}</span>', "font-size: 0", "CSS Fonts 4, 2.5"),
    "font-shorthand": ('<span style="font:0px/1 serif">{}</span>', "a size of nothing in the font shorthand", "CSS Fonts 4, 2.7"),
    "colour-of-ground": ('<span style="position:absolute;color:#fefefe">{}</span>', "text in the colour of the page", "CSS Color 4, 3.1"),
    "off-screen": ('<span style="position:absolute;left:-9999px">{}</span>', "moved off the page", f"{CSS2} 9.3.2"),
    "off-screen-em": ('<span style="position:absolute;top:-300em">{}</span>', "moved above the page", f"{CSS2} 9.3.2"),
    "clip-rect": ('<span style="position:absolute;clip:rect(0 0 0 0)">{}</span>', "clipped to nothing", f"{CSS2} 11.1.2"),
    "clip-path": ('<span style="position:absolute;clip-path:inset(100%)">{}</span>', "clipped by a path", "CSS Masking 1, 5"),
    "height-zero": ('<span style="display:inline-block;height:0;width:0;overflow:hidden">{}</span>', "a box without size", f"{CSS2} 11.1.1"),
    "max-height": ('<span style="float:left;max-height:0;max-width:0;overflow:hidden">{}</span>', "a box of no height", f"{CSS2} 10.7"),
    "scale-zero": ('<span style="position:absolute;transform:scale(0)">{}</span>', "scaled to nothing", "CSS Transforms 1, 12"),
    "text-indent": ('<span style="position:absolute;text-indent:-5000px">{}</span>', "indented off the page", "CSS Text 3, 8.1"),
    "escaped-value": ('<span style="d\\69 splay:n\\6f ne">{}</span>', "escapes in the property and its value", "CSS Syntax 3, 4.3.7"),
    "comment-in-style": ('<span style="display/**/:/* x */none">{}</span>', "comments in the declaration", "CSS Syntax 3, 4.3.2"),
    "entities-in-style": ('<span style="display&#58;n&#111;ne">{}</span>', "character references in the style attribute", "HTML 13.1.2.3"),
    "hidden-attribute": ("<span hidden>{}</span>", "the hidden attribute", "HTML 6.1"),
    "transparent": ('<span style="position:absolute;color:rgba(0,0,0,0)">{}</span>', "a colour that lets everything through", "CSS Color 4, 4.1"),
}  # fmt: skip
SHEETS = {
    "nth-child": ("p b:nth-child(2n){display:none}", "<b>{}</b>", "<b>{}</b>", "every second element of the same kind", "Selectors 4, 13.3.1"),
    "nth-of-type": ("b:nth-last-of-type(2n+1){display:none}", "<b>{}</b>", "<b>{}</b>", "counted from the end", "Selectors 4, 13.4.2"),
    "sibling": ("i+b{display:none}", "<b>{}</b>", "<i>{}</i>", "by what stands before", "Selectors 4, 15.3"),
    "child": (".o>b>b{display:none}", "<b><b>{}</b></b>", "<b>{}</b>", "a child of a child", "Selectors 4, 15.2"),
    "attribute": ('[data-a^="q"]{display:none}', "<b data-a=qx>{}</b>", "<b data-a=x>{}</b>", "by an attribute's beginning", "Selectors 4, 6.2"),
    "not": ("p b:not(.s){display:none}", "<b>{}</b>", "<b class=s>{}</b>", "all but those of a class", "Selectors 4, 4.3"),
    "is-where": (":is(.x,.h):where(b){display:none}", "<b class='a h'>{}</b>", "<b class=a>{}</b>", "one of several", "Selectors 4, 4.2"),
    "important": (".h{display:none!important}", "<b class=h style='display:inline'>{}</b>", "<b>{}</b>", "a rule that beats the style attribute", "CSS Cascade 4, 6.4"),
    "specificity": ("#p b.s{display:inline}p b{display:none}", "<b>{}</b>", "<b class=s>{}</b>", "the stronger rule stands first", "Selectors 4, 17"),
    "media": ("@media screen and (min-width:1px),print{.h{display:none}}", "<b class=h>{}</b>", "<b>{}</b>", "a rule for screens of any width", "Media Queries 4, 2"),
    "media-never": (".h{display:none}@media not all{.h{display:inline}}", "<b class=h>{}</b>", "<b>{}</b>", "shown again where no screen is", "Media Queries 4, 2.2"),
    "escaped-class": ("b.\\68 x{display:none}", "<b class=hx>{}</b>", "<b class=sx>{}</b>", "an escape in the selector", "CSS Syntax 3, 4.3.7"),
    "comment-in-sheet": ("b/*.s*/.h/**/{/*}*/display:none}", "<b class=h>{}</b>", "<b class=s>{}</b>", "comments within the rule", "CSS Syntax 3, 4.3.2"),
    "string-with-brace": ('p::after{content:"}"}b.h{display:none}', "<b class=h>{}</b>", "<b class=s>{}</b>", "a brace in a string", "CSS Syntax 3, 4.3.5"),
    "visibility-inherited": (".o{visibility:hidden;font-size:0}.s{visibility:visible;font-size:16px}", "{}", "<b class=s>{}</b>", "hidden around, shown within", f"{CSS2} 11.2"),
    "variable": (":root{--x:none}b.h{display:var(--x)}", "<b class=h>{}</b>", "<b class=s>{}</b>", "the value stands in a variable", "CSS Variables 1, 3"),
    "universal-child": (".o>*{display:none}.o>b{display:inline}", "<i>{}</i>", "<b>{}</b>", "all children, but one kind", "Selectors 4, 5.2"),
    "last-child": ("u b:last-child{display:none}", "<b>{}</b></u>", "<u><b>{}</b>", "the last child of each", "Selectors 4, 13.3.2"),
}  # fmt: skip


def evasions() -> Iterator[Evasion]:
    """Noise by styles, by rules, and the ground it stands on."""
    for name, (hidden, why, at) in STYLES.items():
        yield Evasion(
            f"html-hidden/{name}", noise(mixed(hidden, "{}")), f"Digits between those of the number, with {why}.", at
        )
    for name, (css, hidden, shown, why, at) in SHEETS.items():
        raw = page(f"<p id=p>Her SSN is <span class=o>{mixed(hidden, shown)}</span>, please file it.</p>", css)
        yield Evasion(f"html-sheets/{name}", raw, f"A style sheet hides digits between those of the number: {why}.", at)
    yield Evasion(
        "html-hidden/colour-of-cell",
        page(f'<table><tr><td bgcolor="#336699"><font color=white>SSN {mixed("<font color=#336699>{}</font>", "{}")}</font></table>'
             .replace("<font color=#336699>", '<font color="#336699" style="position:absolute">')),
        "Digits in the colour of the cell they stand in; the number is white, as the page.",
        "HTML 15.3.11",
    )  # fmt: skip
    yield Evasion(
        "html-hidden/white-on-dark",
        page('<div style="background:#000;color:#fff">SSN 53<i></i>6-22<!-- -->-1234</div>'),
        "The number is white, on a ground that is not.",
        "CSS Backgrounds 3, 2.2",
    )
    yield Evasion(
        "html-hidden/everything-else-hidden",
        page('<div style="font-size:0;color:#fff">12<span style="font-size:14px;color:#000">SSN 536-2</span>77'
             '<span style="font-size:14px;color:#000">2-1234</span>31</div>'),
        "The page's size of nothing is undone where the number stands.",
        "CSS Fonts 4, 2.5",
    )  # fmt: skip


if __name__ == "__main__":
    write(evasions())
