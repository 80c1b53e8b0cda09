"""Slides: what stands in front of paragraphs, and tables that run from the right."""

from io import BytesIO
from zipfile import ZipFile

import pytest

from policy.extraction.extract import extract

SPACES = 'xmlns:a="a" xmlns:p="p"'
NUMBER = "536-22-1234"


def slide(body: str) -> str:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("ppt/slides/slide1.xml", f"<p:sld {SPACES}>{body}</p:sld>")
    return "\n".join(part.text for part in extract("a.pptx", out.getvalue()).parts)


def numbered(text: str, kind: str = "arabicPlain", start: str = 'startAt="536"', level: str = "") -> str:
    return f'<a:p><a:pPr {level}><a:buAutoNum type="{kind}" {start}/></a:pPr><a:r><a:t>{text}</a:t></a:r></a:p>'


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (numbered("-22-1234"), NUMBER),
        (numbered("a", start='startAt="535"') + numbered("-22-1234", start='startAt="535"'), NUMBER),
        (numbered("a", start="") + numbered("b", start="", level='lvl="1"') + numbered("c", start=""), "1a\n1b\n2c"),
        (numbered("a", "alphaUcPeriod", ""), "A.a"),
        (numbered("a", "romanLcParenBoth", 'startAt="4"'), "(iv)a"),
        ('<a:p><a:pPr><a:buChar char="5"/></a:pPr><a:r><a:t>36-22-1234</a:t></a:r></a:p>', NUMBER),
        ('<a:p><a:pPr><a:buChar char="x"/></a:pPr><a:r><a:t>36</a:t></a:r></a:p>', "36"),
    ],
    ids=["number", "the next", "levels", "letter", "roman", "sign", "another sign"],
)
def test_what_stands_in_front_of_a_paragraph(body: str, shown: str) -> None:
    assert shown in slide(body)


def test_a_bullet_that_is_no_digit_is_left_out() -> None:
    assert "x" not in slide('<a:p><a:pPr><a:buChar char="x"/></a:pPr><a:r><a:t>36</a:t></a:r></a:p>')


def test_a_table_that_runs_from_the_right() -> None:
    cells = "".join(f"<a:tc><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:tc>" for text in ("1234", "22", "536", "SSN"))
    table = "<a:tbl><a:tblPr {}/><a:tr>" + cells + "</a:tr></a:tbl>"
    assert "536221234" in slide(table.format('rtl="1"'))
    assert "536221234" not in slide(table.format(""))
