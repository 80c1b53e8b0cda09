"""Numbers that drawings, frames, other parts of the message, boxes and shadow trees put together."""

from base64 import b64encode

import pytest
from lxml import etree

from policy.extraction.html.page import page_readings, read_page
from policy.extraction.message import read_message
from policy.extraction.office.boxes import lines_of_drawing, lines_of_sheet, lines_of_word
from policy.extraction.text.plain import text_readings

NUMBER = "536-22-1234"
PLACES = [(10, "4"), (0, "5"), (9, "3"), (1, "3"), (8, "2"), (2, "6"), (7, "1"), (3, "-"), (6, "-"), (4, "2"), (5, "2")]


def drawing(text: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><text y="15">{text}</text></svg>'


def address(kind: str, text: str) -> str:
    return f"data:{kind};base64,{b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "page",
    [
        "<svg>" + "".join(f'<text x="{10 * at}" y="20">{sign}</text>' for at, sign in PLACES) + "</svg>",
        "<svg>" + "".join(f'<g transform="translate({10 * at} 5)"><text>{sign}</text></g>' for at, sign in PLACES),
        f'<svg><text y="9" x="{" ".join(str(10 * at) for at, _ in PLACES)}">{"".join(sign for _, sign in PLACES)}',
        '<svg><defs><text id=a>536-</text></defs><text x=60 y=9>1234</text><use href="#a" x=10 y=9 />'
        "<text x=36 y=9>22-</text></svg>",
        "<svg><text x=80 y=9 text-anchor=end>536-22</text><text x=80 y=9>-1234</text></svg>",
        '<svg><g transform="rotate(180)"><text x=-20 y=-9 style="fill:none">77</text></g><text y=9>536-</text>'
        '<text y=9 transform="matrix(1 0 0 1 40 0)">22-<tspan dx=1>1234</tspan></text></svg>',
        "".join(f'<img src="{address("image/svg+xml", drawing(sign))}">' for sign in NUMBER),
        '<iframe srcdoc="536-22"></iframe><iframe srcdoc="-1234"></iframe>',
        "<div><template shadowrootmode=open>536-<b><slot name=b></slot></b><slot></slot></template>1234"
        "<i slot=b>22-</i></div>",
        "<style>.g{display:grid;grid-template-areas:'a b c'}</style><p class=g><i style='grid-area:c'>-1234</i>"
        "<i style='grid-area:b'>-22</i><i style='grid-area:a'>536</i></p>",
        "<style>b{counter-reset:a calc(4*9 + 600 - 100)}b::after{content:counter(a) '-22-1234'}</style><b></b>",
        "<style>b{--k:536;counter-reset:a var(--k)}b::after{content:counter(a) '-22-1234'}</style><b></b>",
    ],
)
def test_a_page_shows_it(page: str) -> None:
    seen = [text.replace(" ", "") for text in read_page(page).shown]
    assert any(NUMBER in text for text in seen), seen


def test_the_foot_of_a_table_stands_below() -> None:
    shown = read_page("<table><tfoot><tr><td>1234<tbody><tr><td>536-22-</table>").shown
    assert shown[0] == "536-22-\n1234"


def test_the_caption_of_a_table_stands_above_or_below() -> None:
    assert read_page("<table><tr><td>22-1234<caption>536-</table>").shown[0] == "536-\n22-1234"
    assert read_page("<table><caption>536-<tr><td>22-<td>1234</table>").shown[0].startswith("536-\n22-")
    below = "<table><caption style='caption-side:bottom'>1234</caption><tr><td>536-22-</table>"
    assert read_page(below).shown[0] == "536-22-\n1234"


@pytest.mark.parametrize(
    "page",
    [
        "<style>@property --n{syntax:'<integer>';initial-value:536}.a{counter-reset:k var(--n)}"
        ".a::after{content:counter(k) '-22-1234'}</style><b class=a></b>",
        "<style>input:placeholder-shown+i::after{content:'22-1234'}</style>536-<input placeholder=a hidden><i></i>",
        "<style>input:optional+i::after{content:'22-1234'}</style>536-<input hidden><i></i>",
    ],
)
def test_what_sheets_know_of_variables_and_fields(page: str) -> None:
    assert "536-22-1234" in read_page(page).shown[0]


def test_entities_of_a_page_are_written_out() -> None:
    page = b'<!DOCTYPE html [<!ENTITY a "536-22"><!ENTITY b "&a;-1234">]><html><body>&b;</body></html>'
    assert any(NUMBER in text for reading in page_readings(page) for text in reading.shown)


def related(page: str, *parts: tuple[str, str, str]) -> bytes:
    lines = [
        "MIME-Version: 1.0",
        "Content-Type: multipart/related; boundary=b",
        "",
        "--b",
        "Content-Type: text/html",
        "",
    ]
    lines.append(page)
    for kind, name, body in parts:
        lines += ["--b", f"Content-Type: {kind}", name, "", body]
    return "\r\n".join([*lines, "--b--", ""]).encode()


@pytest.mark.parametrize(
    "raw",
    [
        related(
            '<link rel=stylesheet href="cid:s&#64;x"><b>-22-</b>',
            ("text/css", "Content-ID: <s@x>", "b::before{content:'536'}b::after{content:'1234'}"),
        ),
        related(
            '<link rel=stylesheet href="s.css"><b>-22-</b>',
            ("text/css", "Content-Location: s.css", "b::before{content:'536'}b::after{content:'1234'}"),
        ),
        related(
            '<link rel=stylesheet href="s.css"><b>-22-</b>',
            (
                "text/css",
                "Content-Location: http://x.example/a/s.css",
                "b::before{content:'536'}b::after{content:'1234'}",
            ),
        ).replace(b"text/html", b"text/html\r\nContent-Location: http://x.example/a/page.html", 1),
        related(
            '<img src="cid:a@x"><img src="cid:b@x">',
            ("image/svg+xml", "Content-ID: <a@x>", drawing("536-22")),
            ("image/png", "Content-ID: <b@x>", drawing("-1234")),
        ),
    ],
)
def test_a_page_borrows_from_other_parts(raw: bytes) -> None:
    parts = read_message(raw).content.parts
    assert any(NUMBER in part.text for part in parts), [part.text for part in parts]


def test_boxes_stand_where_they_stand() -> None:
    word = '<w:body xmlns:w="w" xmlns:wp="p">' + "".join(
        f'<w:p><w:pPr><w:framePr w:x="{100 * at}" w:y="5"/></w:pPr><w:r><w:t>{sign}</w:t></w:r></w:p>'
        for at, sign in PLACES
    )
    anchors = "".join(
        f"<wp:anchor><wp:positionH><wp:posOffset>{at}00000</wp:posOffset></wp:positionH><wp:positionV><wp:posOffset>9"
        f"</wp:posOffset></wp:positionV><w:t>{sign}</w:t></wp:anchor>"
        for at, sign in PLACES
    )
    assert lines_of_word(etree.fromstring(f"{word}</w:body>")).replace(" ", "") == NUMBER
    anchored = etree.fromstring(f'<w:body xmlns:w="w" xmlns:wp="p">{anchors}</w:body>')
    assert lines_of_word(anchored).replace(" ", "") == NUMBER
    sheet = "".join(
        f"<oneCellAnchor><from><col>{at}</col><colOff>0</colOff><row>1</row><rowOff>0</rowOff></from><t>{sign}</t></oneCellAnchor>"
        for at, sign in PLACES
    )
    assert lines_of_sheet(etree.fromstring(f"<wsDr>{sheet}</wsDr>")).replace(" ", "") == NUMBER
    frames = "".join(f'<frame x="{at}.5cm" y="3cm" height="1cm"><p>{sign}</p></frame>' for at, sign in PLACES)
    assert lines_of_drawing(etree.fromstring(f"<text>{frames}</text>")).replace(" ", "") == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "> SSN 536-\r\n> 22-1234",
        'a = "536-"\n  "22-"\n  "1234"',
        "a = '536-'+'22-'+'1234'",
        '["536-","22-","1234"]',
        'a: "536-\\\n  22-\\\n  1234"',
        "536&#45;22&ndash;1234",
        "fünf drei sechs minus zwei zwei minus eins zwei drei vier",
        "cinco tres seis guion dos dos guion uno dos tres cuatro",
    ],
)
def test_a_text_shows_it(text: str) -> None:
    seen = [reading.replace("\u2013", "-").replace("\n", "") for reading in text_readings(text.encode())]
    assert any(NUMBER in reading for reading in seen), seen
