"""Numbers that lines, formulas, drawings and scripts show otherwise than they are stored."""

import pytest

from policy.extraction.extract import extract
from policy.extraction.html.page import page_readings, read_page
from policy.extraction.text.plain import text_readings
from rules.normalise import normalise
from tests.unit.policy.test_extraction_hidden import workbook

NUMBER = "536-22-1234"
SVG = "<svg width=300 height=30>{}</svg>"


@pytest.mark.parametrize(
    "text",
    [
        "# SSN 536-\n# 22-1234\n",
        " * SSN 536-22-\n * 1234\n",
        "// SSN 536-22-\r\n// 1234\r\n",
        "-- SSN 536-22-\n-- 1234\n",
        "1  SSN 536-22-\n2  1234\n",
        "| SSN 536-22- | foo |\n| 1234        | bar |\n",
        "Her SSN is 536-      You said so\n22-1234, please      and I agree\n",
    ],
)
def test_a_number_goes_on_behind_the_mark_of_a_line_or_below_its_column(text: str) -> None:
    assert any(NUMBER in reading for reading in text_readings(text.encode()))


@pytest.mark.parametrize(
    "text", ["Seen 3 - 5 times\n* 12 of 14\n", "pages 10-12   and more\n14 of them\n", "# 2024\n# 15\n"]
)
def test_lines_that_break_no_number_have_one_reading(text: str) -> None:
    assert len(list(text_readings(text.encode()))) <= 1


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("QUOTIENT(1072442469,2)", "536221234"),
        ("BITXOR(536221235,1)", "536221234"),
        ("BITLSHIFT(268110617,1)", "536221234"),
        ("SUMPRODUCT(A1:A1,A1)*536221234", "536221234"),
        ("FACT(3)+536221228", "536221234"),
        ("MROUND(536221234.4,1)", "536221234"),
        ("ROUNDUP(536221233.2,0)", "536221234"),
        ("GCD(536221234,1072442468)", "536221234"),
        ("SWITCH(1,2,5,1,536221234)", "536221234"),
        ("IFS(FALSE,1,TRUE,536221234)", "536221234"),
        ("DATE(1980,5,3)", "29344"),
        ("EDATE(DATE(1980,4,3),1)", "29344"),
        ("EOMONTH(DATE(1980,3,9),1)+3", "29344"),
        ('DATEVALUE("1980-05-03")', "29344"),
    ],
)
def test_formulas_that_make_numbers_are_worked_out(formula: str, shown: str) -> None:
    said = formula.replace('"', "&quot;")
    content = extract("a.xlsx", workbook(f'<c r="A1"><v>1</v></c><c r="C1"><f>{said}</f></c>'))
    assert any(shown in part.text.split() for part in content.parts)
    assert not any(fact.unreadable for fact in content.files)


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("AGGREGATE(9,6,536221234)", True),
        ("SERIESSUM(A1,1,0,536221234)", True),
        ("LAMBDA(x,x)(536)", True),
        ("XIRR(A1:A99,B1:B99)", False),
        ("PMT(A10000,B20000,12)", False),
        ("ROW()", False),
    ],
)
def test_a_formula_that_holds_a_number_and_is_not_followed_is_told(formula: str, told: bool) -> None:
    content = extract("a.xlsx", workbook(f'<c r="A1"><v>1</v></c><c r="C1"><f>{formula}</f></c>'))
    assert any(fact.unreadable for fact in content.files) is told


@pytest.mark.parametrize("first", [0x10D40, 0x116D0, 0x11BF0, 0x11F50, 0x16130, 0x16D70, 0x1E4F0, 0x1E5F1])
def test_digits_of_scripts_that_this_python_may_not_know(first: int) -> None:
    told = "".join(chr(first + int(sign)) if sign.isdigit() else sign for sign in NUMBER)
    assert normalise(told).text == NUMBER


@pytest.mark.parametrize("first", [0x10107, 0x102E1, 0x111E1, 0x3220, 0x2680])
def test_numbers_that_begin_with_one(first: int) -> None:
    told = "".join(chr(first + int(sign) - 1) if sign.isdigit() else sign for sign in NUMBER)
    assert normalise(told).text == NUMBER


@pytest.mark.parametrize(
    "page",
    [
        "<math><mroot><mn>-22-1234</mn><mn>536</mn></mroot></math>",
        "<math><mmultiscripts><mn>-22-1234</mn><mprescripts/><mn>536</mn></mmultiscripts></math>",
        SVG.format("<foreignObject x=80>22-1234</foreignObject><foreignObject x=45><p>536-</p></foreignObject>"),
        SVG.format("<text x=0 y=20>22-1234<set attributeName=x to=40 /></text><text x=0 y=20>536-</text>"),
        SVG.format("<text y=20>22-1234<animate attributeName=x values='9;40'/></text><text y=20>536-</text>"),
        SVG.format("<text y=20>22-1234<animateTransform attributeName=transform type=translate to=40 /></text>"
                   "<text y=20>536-</text>"),
        SVG.format("<text y=20>22-1234<animateMotion path='M0 0L40 0'/></text><text y=20>536-</text>"),
    ],
)  # fmt: skip
def test_formulas_and_drawings_as_they_are_drawn(page: str) -> None:
    seen = [text.replace(" ", "") for reading in page_readings(page.encode()) for text in reading.shown]
    assert any(NUMBER in text.split("\n") for text in seen)


def test_scripts_in_attributes_and_programs_of_xml_are_told() -> None:
    page = "<body><img src=x onerror=\"x.innerHTML=atob('U1NOIDUzNi0yMi0xMjM0')\">"
    assert read_page(page).writes
    assert not read_page(page.replace("atob", "say")).writes
    xml = '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><d>{}</d>'
    assert read_page(xml.format('<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform"/>')).writes
    assert not read_page(xml.format("an invoice whose program lies elsewhere")).writes
