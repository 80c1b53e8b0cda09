# ruff: noqa: E501 (a case to a line)
"""Pages whose markup itself splits a number: entities, comments, odd tags, charsets that contradict, pages in pages."""

import base64
from collections.abc import Iterator
from urllib.parse import quote

from corpus import SSN, Evasion, mail, write
from make_html_styles import noise, page

HTML = "HTML 13"


def evasions() -> Iterator[Evasion]:
    """Entities, tags and comments, charsets, pages elsewhere."""
    for name, (inside, why, at) in MARKUP.items():
        yield Evasion(f"html-markup/{name}", noise(inside), why, at)
    yield from charsets()
    yield from elsewhere()


MARKUP = {
    "decimal-references": ("".join(f"&#{ord(c)};" for c in SSN), "Each character is a reference.", f"{HTML}.1.4"),
    "references-without-semicolon": ("&#53&#51&#54&#45&#x32&#x32&#x2D&#49&#50&#51&#52", "References without their semicolons.", f"{HTML}.2.5.73"),
    "references-with-zeros": ("&#0000000000000000053;36&#x00000000000000002d;22-1234", "References that begin with zeros.", f"{HTML}.2.5.75"),
    "named-references": ("536&hyphen;22&dash;1234", "Dashes by name.", f"{HTML}.5"),
    "references-of-windows": ("536&#150;22&#151;1234", "References to the dashes of Windows-1252.", f"{HTML}.2.5.80"),
    "soft-hyphens": ("5&shy;3&shy;6-2&shy;2-1&#173;2&shy;34", "Soft hyphens between the digits.", "CSS Text 3, 5.3"),
    "zero-width": ("5&#8203;3&zwnj;6&#8288;-2&zwj;2-&#65279;12&#x2063;34", "Characters without width between the digits.", "Unicode 23.2"),
    "word-breaks": ("536<wbr>-2<wbr>2-<wbr>1234", "Places where the line may break.", "HTML 4.5.28"),
    "comments": ("5<!-- 9 -->3<!---->6<!-->-22<!--->-1<!--x--!>234", "Comments, also those that end oddly.", f"{HTML}.2.5.43"),
    "bogus-comments": ("53<?xml 1?>6-<!x>22</ 9>-12<!ELEMENT 7>34", "What is read as a comment.", f"{HTML}.2.5.41"),
    "tags-split": ("<b>5</b><i>3</i><u>6</u>-<span>2</span><font>2</font>-<em>12</em><a>34</a>", "An element for each digit.", "HTML 4.5"),
    "unknown-tags": ("<x>5</x><o:p>3</o:p><blink>6</blink>-<v:f>22</v:f>-<zz-z>1234</zz-z>", "Elements that nobody knows.", "HTML 4.13"),
    "empty-elements": ("5<b></b>3<i></i>6<span></span>-22-<a name=x></a>1234", "Elements with nothing in them.", "HTML 4.5"),
    "greater-in-attribute": ("<a title='9>8'>536</a>-22-<a title=\"a > b\">1234</a>", "A sign that ends a tag stands in an attribute.", f"{HTML}.1.2.3"),
    "quotes-in-tags": ("536<b x=\"'\" y='\"'>-22</b x=\"9\">-1234", "Quotes in quotes, and attributes of an end tag.", f"{HTML}.2.5.32"),
    "slash-attributes": ("536<b/x/y=z/>-22</b/>-1234", "Slashes for blanks in tags.", f"{HTML}.2.5.40"),
    "end-tags-without-start": ("536</b></i>-22</span></x>-1234", "End tags of nothing.", f"{HTML}.2.6.4"),
    "misnested": ("<b>5<i>3</b>6</i>-<u><b>22</u>-12</b>34", "Tags that cross.", f"{HTML}.2.10.1"),
    "ruby": ("5<ruby>3<rp>(</rp><rt style='display:none'>9</rt><rp>)</rp></ruby>6-22-1234", "A note above a digit.", "HTML 4.5.10"),
    "noscript": ("<noscript>536</noscript>-22<noscript>-1234</noscript>", "For readers without scripts, as all mail has.", "HTML 4.12.2"),
    "script-between": ("536<script>9</script>-22<style>9</style>-1234", "Scripts and sheets between the groups.", "HTML 4.12.1"),
    "template-between": ("536<template>9</template>-2<template>8</template>2-1234", "Templates between the digits.", "HTML 4.12.3"),
    "conditional-comments": ("53<!--[if mso]>9<![endif]-->6<!--[if !mso]><!-->-22<!--<![endif]-->-1234", "Conditional comments between the digits.", "Microsoft Outlook"),
    "downlevel-revealed": ("536<![if !mso]>-22<![endif]>-1234", "Conditions that browsers skip and whose text they show.", "Microsoft Outlook"),
    "deleted-and-inserted": ("<ins>536</ins>-22-<ins>1234</ins>", "Marks of an edit.", "HTML 4.7"),
    "sub-and-super": ("536<sup>-</sup>22<sub>-</sub>1234", "Dashes set high and low.", "HTML 4.5.19"),
    "upper-case-tags": ("536<B>-22</b><FONT COLOR=RED>-1234</fOnT>", "Names of tags in any case.", f"{HTML}.1.2"),
    "newlines-in-tags": ("536<b\n\n class\n=\n'a'\n>-22</b\n>-1234", "Line ends within tags.", f"{HTML}.1.2.1"),
    "fullwidth": ("&#65301;３６－２２－１２３４", "Full-width digits and dashes.", "Unicode 18.1"),
    "mathematical": ("&#120787;&#120785;&#120788;-&#120784;&#120784;-&#120783;&#120784;&#120785;&#120786;", "Mathematical digits.", "Unicode 22.2"),
    "bidi-marks": ("536&lrm;-&rlm;22&lrm;-1234", "Marks of direction between the groups.", "UAX #9, 2.6"),
    "combining-marks": ("5&#x332;3&#x332;6&#x332;-2&#x332;2&#x332;-1&#x332;234", "Each digit underlined by a combining mark.", "Unicode 7.9"),
    "math": ("<math><mn>536</mn><mo>-</mo><mn>22</mn><mo>-</mo><mn>1234</mn></math>", "A formula.", "MathML Core 3.2"),
    "label-and-bdi": ("<bdi>536</bdi>-<label>22</label>-<output>1234</output>", "Elements that leave their text as it is.", "HTML 4.5.24"),
}  # fmt: skip


def charsets() -> Iterator[Evasion]:
    """The page's own words on its charset contradict those of the mail."""
    text = f"<html><head><meta charset=us-ascii></head><body><p>Her SSN is {SSN}.</p></body></html>"
    coded = base64.encodebytes(text.encode("utf-16")).strip()
    head = (b"Content-Type: text/html; charset=%s", b"Content-Transfer-Encoding: base64", b"")
    yield Evasion(
        "html-charset/utf-16-with-mark",
        mail(head[0] % b"us-ascii", *head[1:], coded),
        "UTF-16 by its mark, whatever is declared.", "Encoding, 6.1",
    )  # fmt: skip
    yield Evasion(
        "html-charset/utf-16-declared",
        mail(head[0] % b"utf-16le", *head[1:], base64.encodebytes(text.encode("utf-16-le")).strip()),
        "UTF-16 by the mail, ASCII by the page.", "HTML 13.2.3.2",
    )  # fmt: skip
    yield Evasion(
        "html-charset/nul-bytes",
        mail(head[0] % b"utf-8", *head[1:], base64.encodebytes(b"<p>SSN 53\x006-2\x00\x002-12<b>\x0034</b></p>").strip()),
        "Zeros between the digits, which programs drop.", f"{HTML}.2.6.4.7",
    )  # fmt: skip
    yield Evasion(
        "html-charset/xhtml",
        mail(b"Content-Type: application/xhtml+xml", b"",
             b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>',
             b"<p>SSN 5<![CDATA[36]]>-<![CDATA[22]]>-12<b/>34</p></body></html>"),
        "XHTML with CDATA and empty elements.", "XML 1.0, 2.7",
    )  # fmt: skip


def elsewhere() -> Iterator[Evasion]:
    """Pages in attributes and addresses, and elements whose text is no markup."""
    inner = "<p>SSN 5<b>36</b>-22-<i>1234</i></p>"
    yield Evasion(
        "html-elsewhere/srcdoc",
        page(f'<iframe srcdoc="{inner}"></iframe>'),
        "A page in an attribute of a frame.", "HTML 4.8.5",
    )  # fmt: skip
    yield Evasion(
        "html-elsewhere/data-frame",
        page(f'<iframe src="data:text/html;base64,{base64.b64encode(inner.encode()).decode()}"></iframe>'),
        "A page in the address of a frame.", "RFC 2397, 3",
    )  # fmt: skip
    yield Evasion(
        "html-elsewhere/data-object",
        page(f'<object type="text/html" data="data:text/html,{quote(inner)}" width=300 height=90></object>'),
        "A page in the address of an object.", "HTML 4.8.7",
    )  # fmt: skip
    yield Evasion(
        "html-elsewhere/sheet-in-address",
        page("<p>SSN 5<b>9</b>36-2<b>7</b>2-12<b>1</b>34</p>",
             head='<link rel=stylesheet href="data:text/css,b%7Bdisplay:none%7D">'),
        "The style sheet stands in an address.", "HTML 4.6.7.19",
    )  # fmt: skip
    for name, why in (
        ("xmp", "obsolete element for sources"),
        ("listing", "obsolete element for listings"),
        ("pre", "text as it stands"),
    ):
        split = "536-22-1234" if name == "xmp" else "536<b>-22</b>-1234"
        yield Evasion(f"html-elsewhere/{name}", page(f"<p>SSN</p><{name}>{split}</{name}>"), f"An {why}.", "HTML 16.2")
    yield Evasion(
        "html-elsewhere/plaintext",
        page("<p>SSN</p><plaintext>536-22-1234"),
        "All that follows is text.", "HTML 16.2",
    )  # fmt: skip
    yield Evasion(
        "html-elsewhere/base-and-tel",
        page('<base href="tel:"><p>SSN <a href="x">536</a>-<a href="y">22</a>-1234</p>'),
        "Each group is a link.", "HTML 4.2.3",
    )  # fmt: skip
    yield Evasion(
        "html-elsewhere/details",
        page("<details open><summary>SSN</summary>536<b>-22</b>-1234</details>"),
        "In a part that folds.", "HTML 4.11.1",
    )  # fmt: skip


if __name__ == "__main__":
    write(evasions())
