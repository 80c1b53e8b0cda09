"""Style sheets as browsers apply them: what is hidden, in which order boxes stand, and what sheets write."""

import pytest

from policy.extraction.html.colours import NOTHING, alike, colour
from policy.extraction.html.conditions import media
from policy.extraction.html.markup import parse
from policy.extraction.html.page import read_page
from policy.extraction.html.stylesheets import Sheets
from policy.extraction.html.styling import Styling


def shown(body: str, css: str = "") -> str:
    return read_page(f"<style>{css}</style><body>{body}").shown[0]


@pytest.mark.parametrize(
    ("css", "body"),
    [
        (".h{display:none}", "a<b class='x h'>z</b>b"),
        ("#i{display:none}", "a<b id=i>z</b>b"),
        ("p>b{display:none}", "<p>a<b>z</b><i>b</i></p>"),
        ("p b b{display:none}", "<p>a<b>b<b>z</b></b></p>"),
        ("i+b{display:none}", "a<i></i><b>z</b><b>b</b>"),
        ("i~b{display:none}", "a<b>b</b><i></i><u></u><b>z</b>"),
        ("b:nth-child(2){display:none}", "<p><b>a</b><b>z</b><b>b</b></p>"),
        ("b:nth-child(odd of .x){display:none}", "<p><b>a</b><b class=x>z</b><b class=x>b</b></p>"),
        ("b:nth-last-child(-n+1){display:none}", "<p><b>a</b><b>b</b><b>z</b></p>"),
        ("b:first-of-type{display:none}", "<p><i>a</i><b>z</b><b>b</b></p>"),
        ("b:only-child{display:none}", "<p>a<b>z</b></p><p>b<b></b><b></b></p>"),
        ("b:not(.x,.y){display:none}", "<b class=x>a</b><b>z</b><b class=y>b</b>"),
        ("u:has(> b){display:none}", "<u>a</u><u><b>z</b></u>b"),
        ("b:is(.h,.g){display:none}", "a<b class=g>z</b>b"),
        ("[data-x='1' i]{display:none}", "a<b data-x=1>z</b>b"),
        ("[lang|=en]{display:none}", "a<b lang=en-US>z</b><b lang=eng>b</b>"),
        ("[title*=q]{display:none}", "a<b title=aqb>z</b>b"),
        ("[title$=q]{display:none}", "a<b title=aq>z</b>b"),
        ("[rel~=q]{display:none}", "a<b rel='p q'>z</b>b"),
        ("b:empty+u{display:none}", "a<b></b><u>z</u>b"),
        (".o{.h{display:none}}", "<p class=o>a<b class=h>z</b></p>b<b class=h></b>"),
        (".o{&.h{display:none}}", "a<b class='o h'>z</b><b class=o>b</b>"),
        ("@media screen{.h{display:none}}@media print{.s{display:none}}", "a<b class=h>z</b><b class=s>b</b>"),
        ("@media(max-width:2000px){.h{display:none}}", "a<b class=h>z</b>b"),
        ("@supports(display:flex){.h{display:none}}", "a<b class=h>z</b>b"),
        (".h{visibility:hidden}.h b{visibility:visible}", "<i class=h>z<b>a</b></i>b"),
        (".h{font-size:0}.h b{font-size:9px}", "<i class=h>z<b>a</b></i>b"),
        ("b{display:inline!important}.h{display:none!important}b{display:inline}", "a<b class=h>z</b>b"),
        ("*{color:#fff}i,p{color:#000}", "<p><i>a</i><b>z</b>b</p>"),
        (":root{--n:none}b{display:var(--n)}", "a<b>z</b>b"),
        ("b{display:var(--m,none)}", "a<b>z</b>b"),
        ("b{width:0;height:0;overflow:hidden;display:inline-block}", "a<b>z</b>b"),
        ("b{position:absolute;left:calc(-10px - 900em)}", "a<b>z</b>b"),
        ("b{filter:opacity(0%)}", "a<b>z</b>b"),
        ("b{transform:translateX(-9999px)}", "a<b>z</b>b"),
        ("b{background:hsl(0,0%,0%);color:rgb(0 0 0)}", "a<b>z</b>b"),
        ("b{clip:rect(1px,1px,1px,1px);position:fixed}", "a<b>z</b>b"),
        ("b{clip-path:polygon(0 0, 0px 0%,0 0)}", "a<b>z</b>b"),
    ],
)
def test_what_a_sheet_hides_is_not_shown(css: str, body: str) -> None:
    text = shown(body, css)
    assert "z" not in text
    assert "".join(text.split()) == "ab"


@pytest.mark.parametrize(
    "style",
    [
        "color:#fff;background:#000",
        "color:white;background:url(x.png)",
        "color:transparent;text-shadow:0 0 0 #000",
        "opacity:.5",
        "font-size:11px",
        "height:0",
        "text-indent:-1em",
        "clip-path:circle(50%)",
        "clip-path:polygon(0 0, 100% 0, 0 9px)",
        "clip-path:polygon(" + "00 " * 60 + "x)",  # read in every way it takes longer than the sun will shine
        "clip-path:circle(" + "0" * 100_000 + "x)",
        "transform:scale(" + "0" * 100_000 + "x)",
        "transform:matrix(" + "0" * 100_000 + "x)",
        "transform:scale(" + " " * 100_000 + "x)",
        "position:absolute;left:40px",
        "transform:rotate(90deg) scale(1.5)",
        "max-height:0;overflow:visible",
        "color:#999",
    ],
)
def test_what_is_seen_is_shown(style: str) -> None:
    assert shown(f'<b style="{style}">here</b>') == "here"


@pytest.mark.parametrize("sheet", ["@font-face{src:url(", "@font-face{src:url('"])
def test_a_sheet_of_blanks_is_looked_at_once(sheet: str) -> None:
    assert shown(f"<style>{sheet}{' ' * 300_000}x)}}</style>here") == "here"


def test_what_a_sheet_writes_is_read_in_one_way() -> None:
    sheet = "".join(f"b.c{number}::before{{content:attr({'-' * 3900}}}" for number in range(20))  # a minute each
    assert "here" in shown(f"<style>{sheet}</style>" + "".join(f"<b class=c{n}>here</b>" for n in range(20)))


@pytest.mark.parametrize(
    "body",
    [
        '<div style="display:flex"><b style="order:2">b</b><b style="order:1">a</b></div>',
        '<div style="display:flex;flex-flow:row-reverse"><b>b</b><b>a</b></div>',
        '<div style="display:grid"><b style="grid-column:2">b</b><b style="grid-column:1">a</b></div>',
        '<b style="float:right">b</b><b style="float:right">a</b>',
        'b<b style="float:left">a</b>',
        '<b style="position:absolute;left:80px">b</b><b style="position:absolute;left:20px">a</b>',
        "<bdo dir=rtl>b<i>a</i></bdo>",
        '<p style="direction:rtl;unicode-bidi:bidi-override">b<bdo dir=ltr>a</bdo></p>',
        "<table><tr dir=rtl><td>b<td>a</table>",
        "<table>a<tr><td>b</table>",
    ],
)
def test_boxes_stand_in_the_order_in_which_they_are_seen(body: str) -> None:
    assert "".join(shown(body).split()) == "ab"


@pytest.mark.parametrize(
    ("css", "body", "text"),
    [
        ("b::before{content:'x' attr(title) \"y\"}", "<b title=t>z</b>", "xtyz"),
        ("p{counter-reset:n 4}b{counter-increment:n 2}b:after{content:counter(n)}", "<p><b>a</b><b>b</b></p>", "a6b8"),
        ("b::after{content:'a' / 'said'}", "<b></b>", "a"),
        ("b::before{content:none}", "<b>a</b>", "a"),
        ("li{list-style-type:'x '}", "<li>a", "xa"),
        ("", "<ol start=7><li>a<li>b<li value=3>c</ol>", "7.a8.b3.c"),
        ("", "<ol><li>a<li>b</ol>", "ab"),
        ("", "<input value=a><input placeholder=b><input type=hidden value=z>", "ab"),
        ("", "<select><optgroup label=a><option label=b></select>", "ab"),
    ],
)
def test_what_is_written(css: str, body: str, text: str) -> None:
    assert "".join(shown(body, css).split()) == text


def test_a_phone_may_show_what_a_desk_does_not() -> None:
    css = "@media(max-width:480px){.d{display:none}}@media(min-width:481px){.p{display:none}}"
    texts = read_page(f"<style>{css}</style>SSN 5<b class=d>9</b><b class=p>3</b>6-22-1234").shown
    assert any("536-22-1234" in text for text in texts)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("all", (True, True)),
        ("print", (False, False)),
        ("not print", (True, True)),
        ("screen and (max-width: 600px)", (False, True)),
        ("(width >= 40em)", (True, False)),
        ("print, (min-width:900px)", (True, False)),
        ("(prefers-color-scheme: dark)", (False, True)),
        ("(min-width:1.2.3px)", (True, True)),
    ],
)
def test_media_queries(query: str, holds: tuple[bool, bool]) -> None:
    assert media(query) == holds


def test_colours_are_read_in_every_spelling_and_compared() -> None:
    assert colour("#FFF".lower()) == colour("white") == colour("rgb(100%,100%,100%)") == colour("hsl(10 0% 100%)")
    assert colour("lightgrey") == colour("lightgray") == (211, 211, 211)
    assert colour("rgba(1,2,3,0)") == colour("#ffffff00") == colour("transparent") == NOTHING
    assert colour("#12345") is colour("nocolour") is None
    assert alike((255, 255, 255), (250, 240, 250))
    assert not alike((255, 255, 255), (200, 200, 200))


def test_past_its_budget_a_page_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.extraction.html.stylesheets._WORK", 500)
    sheet = "".join(f"*:nth-child({n}n) > *{{display:none}}" for n in range(1, 50))
    page = read_page(f"<style>{sheet}</style>" + "<i>5</i>" * 50 + "536-22-1234")
    assert not page.whole
    assert any("536-22-1234" in text for text in page.shown)


def test_an_ordinary_newsletter_is_read_once() -> None:
    css = "body{font:14px Arial;color:#333}td{padding:3px}.b{background:#000;color:#fff}.f{float:left}"
    body = "<div class=f>Price 12.50</div><div class=f>Total 1200</div><table><tr><td class=b>SSN<td>no</table>"
    page = read_page(f"<html><head><style>{css}</style></head><body>{body}<p>Call <b>55</b>-<i>0100</i></p>")
    assert len(page.shown) == 1
    assert page.shown[0].splitlines() == ["Price 12.50  Total 1200", "SSN\tno", "Call 55-0100"]


def test_what_is_written_into_an_element_is_put_together_once() -> None:
    """Not for each element and each time that it is asked: of 640 KB of such sheets that took 44 s."""
    tree = parse('<style>b::first-letter{font-size:0}b::before{content:"1";color:red!important}</style><b>x5</b>' * 300)
    styling = Styling(tree, Sheets(tree.sheets), 0)
    written = {id(styling.of(element)[1]): styling.of(element)[1] for element in tree.elements if element.name == "b"}
    assert list(written.values()) == [
        {"first-letter": {"font-size": "0"}, "before": {"content": '"1"', "color": "red"}}
    ]
