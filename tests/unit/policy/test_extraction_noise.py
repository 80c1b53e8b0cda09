"""A number on a page is read although digits that nobody sees stand within it, or a style sheet writes it."""

import base64
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from policy.extraction.extract import extract
from policy.extraction.html.page import page_readings
from rules.content import FileKind

NUMBER = "536-22-1234"
NOISE = [
    '5<i style="display:n\\6fne">9</i>36-22-1234',
    '5<i style="font:0/0 a">9</i>36-22-1234',
    '5<i style="font-size:calc(0px)">9</i>36-22-1234',
    '5<i style="color:#fefefe">9</i>36-22-1234',
    '5<i style="position:absolute;left:-99em">9</i>36-22-1234',
    '5<i style="clip-path:circle(0)">9</i>36-<b style="zoom:0">7</b>22-1234',
    "<style>[x]{display:none}</style>5<i x>9</i>36-2<i x>8</i>2-1234",
    "<style>i[title=q]{display:none}</style>5<i title=q>9</i>36-22-1234",
    "5<del>9</del>36-22-1234",
    "5<rt>9</rt>36-22-1234",
    "5<iframe>9</iframe>36-22-1234",
    "5<canvas>9</canvas>36-22-1234",
    "5<object>9</object>36-22-1234",
    "5<noscript>9</noscript>36-22-1234",
]


def texts(source: str) -> Iterator[str]:
    return (text for page in page_readings(source.encode()) for text in page.shown)


@pytest.mark.parametrize("source", NOISE)
def test_noise_within_a_number(source: str) -> None:
    assert any(NUMBER in text for text in texts(f"<p>SSN {source}</p>"))


def test_ordinary_pages_have_one_reading() -> None:
    assert len(list(texts("<p>Invoice <b>12</b>-<i>13</i>, <span class=a>5</span> pieces at <b>10</b> each"))) == 1


@pytest.mark.parametrize(
    "source",
    [
        '<style>.a::before{content:"536-22-"}</style><b class=a>1234</b>',
        '<style>#a:before{content:"\\35\\33 6-22-1234"}</style><b id=a></b>',
        "<style>" + "".join(f'.c{i}:after{{content:"{c}"}}' for i, c in enumerate(NUMBER)) + "</style>"
        + "".join(f"<b class=c{i}></b>" for i in range(len(NUMBER))),
    ],
)  # fmt: skip
def test_what_a_style_sheet_writes(source: str) -> None:
    assert any(NUMBER in text for text in texts(source))


INNER = "<svg><text>5<tspan>36</tspan>-22-1234</text></svg>"


@pytest.mark.parametrize(
    "address",
    [
        f"data:image/svg+xml,{quote(INNER)}",
        f"data:image/svg+xml;base64,{base64.b64encode(INNER.encode()).decode()}",
        f"data:text/html;charset=utf-16le;base64,{base64.b64encode(INNER.encode('utf-16-le')).decode()}",
    ],
)
@pytest.mark.parametrize(
    "source",
    ['<img src="{}">', '<meta http-equiv=refresh content="0;url={}">', '<style>@import url("{}")</style>',
     '<p style="background:url({})">', '<video poster="{}">', '<source srcset="{}">'],
)  # fmt: skip
def test_pages_in_addresses(source: str, address: str) -> None:
    assert any(NUMBER in text for text in texts(source.format(address)))


def test_a_document_in_an_address_is_told() -> None:
    address = base64.b64encode(b"%PDF-1.7 and so on").decode()
    page = f'<html><body><a href="data:application/pdf;base64,{address}">papers</a>'
    files = extract("a.html", page.encode()).files
    assert [(fact.kind, fact.unreadable) for fact in files] == [(FileKind.HTML, False), (FileKind.PDF, True)]


@pytest.mark.parametrize(
    "data",
    [
        b"SSN 5<b>36</b>-22-1234",
        b'<?xml version="1.0"?><a>5<![CDATA[36]]>-22-<![CDATA[12]]>34</a>',
        b'<?xml version="1.0"?><a>5<!-- > -->36-22-1234</a>',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "536-22">]><a>&b;-1234</a>',
        b'<?xml version="1.0" encoding="utf-7"?><a>+ADUAMwA2--22-1234</a>',
    ],
)
def test_marks_within_a_number_in_any_text(data: bytes) -> None:
    assert any(NUMBER in part.text for part in extract("a.txt", data).parts)
