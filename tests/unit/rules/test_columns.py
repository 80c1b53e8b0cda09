"""A column's header speaks for its cells, however far above them it stands, and for no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.budget import Budget
from rules.columns import Columns
from rules.finding import Confidence
from rules.matching import Matcher

pytestmark = pytest.mark.slow  # many texts, or many processes: they wait for make test

LINES = 5_000


def sure(matcher: Matcher, text: str, detector: str) -> set[str]:
    """The values that are medium or surer."""
    return {v for f in matcher.scan_text(text) if f.detector == detector for v in f.values(Confidence.MEDIUM)}


def numbers(count: int = LINES) -> list[str]:
    made = (str(501_010_001 + 10_007 * n) for n in range(2 * count))
    return [number for number in made if number[3:5] != "00" and number[5:] != "0000"][:count]


@pytest.mark.parametrize("sign", [",", ";", "\t", " | "])
@pytest.mark.parametrize("label", ["SSN", '"SSN"', "Social Security Number", "emp_ssn"])
def test_bare_numbers_below_their_label(matcher: Matcher, sign: str, label: str) -> None:
    rows = [sign.join(("id", "name", label, "city"))]
    rows += [sign.join((str(n), '"Doe, Jo"', number, "Springfield")) for n, number in enumerate(numbers())]
    found = sure(matcher, "\n".join(rows), "us.ssn")
    assert len(found) == LINES


def test_a_column_of_its_own(matcher: Matcher) -> None:
    assert len(sure(matcher, "SSN\n" + "\n".join(numbers()), "us.ssn")) == LINES


def test_lines_that_are_almost_drawn_are_looked_at_once(matcher: Matcher) -> None:
    drawn = "|".join("-" * 1300 for _ in range(3)) + "x"  # in every way that dashes can be shared out: a minute a line
    rows = [line for number in numbers(50) for line in (f"1 | {number} | Springfield", drawn)]
    assert len(sure(matcher, "\n".join(["id | SSN | city", *rows]), "us.ssn")) == 50


def test_titles_gaps_and_quotes(matcher: Matcher) -> None:
    body = "\n".join(f'"{number}",Jo,"A, B"' for number in numbers(60))
    text = f"Staff,confidential,all\nSSN,Name,Place\n{body}\n\nsubtotal\n" + body.replace('"5', '"4')
    assert len(sure(matcher, text, "us.ssn")) >= 110


def test_each_of_two_tables_has_its_own_header(matcher: Matcher) -> None:
    one = "Name\tMedicare number\tCity\nJo\t5273670041\tSpringfield\nJane\t-\tShelbyville\n"
    other = "Name\tSSN\tCity\nJo\t501010001\tSpringfield\nJane\t501020008\tShelbyville\n"
    assert sure(matcher, f"{one}\n{other}", "us.ssn") == {"501010001", "501020008"}
    doubled = "\n".join(f"{line}\n" for line in other.splitlines())  # every line is set off: one table
    assert sure(matcher, doubled, "us.ssn") == {"501010001", "501020008"}


def test_a_question_about_what_stands_below_a_table_hides_none_of_it() -> None:
    rows = [f"n\t{number}\t1879189381" for number in numbers(12)]
    data = "\n".join(["Name\tSSN\tAccount", *rows, "", "Huizen", "", "4063 7715", ""]).encode()
    columns = Columns(data, Budget())
    below, last = data.index(b"4063"), data.index(rows[-1][2:11].encode())
    assert columns.header(below, below + 9) != b"SSN"
    assert columns.header(last, last + 9) == b"SSN"


@pytest.mark.parametrize("label", ["order no", "article", "phone", "part number", "amount"])
def test_another_column_is_none(matcher: Matcher, label: str) -> None:
    padding = "\n".join(f"{number},xxxxxxxxxxxxxxxxx,y" for number in range(100, 140))
    rows = "\n".join(f"12,{number},n/a" for number in numbers(300))
    assert sure(matcher, f"name,{label},SSN\n{padding}\n{rows}", "us.ssn") == set()


def test_prose_is_no_table(matcher: Matcher) -> None:
    prose = "Please find my tax id, the form, and more below.\n" + "We met, talked, and left.\n" * 30
    assert sure(matcher, prose + "The parcel, 536221234, came.\n", "us.ssn") == set()
    assert sure(matcher, "SSN\n\nis short.\n" + "A line of prose.\n" * 30 + "536221234\n", "us.ssn") == set()


def test_the_label_of_the_cell(matcher: Matcher) -> None:
    data = b"a,SSN\nx,y\n1,5362\n" + b"1,536221234\n" * 3
    columns = Columns(data, Budget())
    place = data.rindex(b"536221234")
    assert columns.header(place, place + 9) == b"SSN\ny"
    assert columns.header(place, place + 8) == b""
    assert columns.header(0, 1) == b""


@given(st.text(alphabet='aSN15 ,;|\t"\n=', max_size=200), st.integers(0, 200), st.integers(1, 12))
def test_nothing_breaks_it(text: str, start: int, size: int) -> None:
    budget = Budget()
    assert Columns(text.encode(), budget).header(start, start + size) is not None
    assert budget.left >= Budget().left - 3 * (text.count("\n") + 1)


ALIGNED = """
Name              MRN         Place
Jo Doe            00412345    Springfield
Al Roe            00412346    Shelbyville
"""
BARS = "| Name | MRN |\n| --- | --- |\n| Jo Doe | 00412345 |\n| Al Roe | 00412346 |\n"


@pytest.mark.parametrize("text", [ALIGNED, BARS, ALIGNED.replace("    ", "\t")])
def test_tables_as_people_type_them(matcher: Matcher, text: str) -> None:
    assert sure(matcher, text, "medical.mrn") == {"00412345", "00412346"}
    assert sure(matcher, text.replace("MRN", "Qty"), "medical.mrn") == set()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("name,SIN,city\nJane Doe,259 712 966,Springfield", b"SIN"),
        ("name,pwd,city\nJane Doe,Kitty84!,Springfield", b"pwd"),
        ("| Name | Passwd |\n| --- | --- |\n| Jane | abcdefg |\n", b"Passwd"),
        ("name,ICD-10,address1\nJane Doe,E11.9,Main\nJohn Roe,250 11 22,Elm\n", b"ICD-10"),
    ],
)
def test_rows_with_short_numbers_or_none(text: str, label: bytes) -> None:
    data = text.encode()
    value = next(v for v in (b"259 712 966", b"Kitty84!", b"abcdefg", b"250 11 22") if v in data)
    place = data.index(value)
    assert label in Columns(data, Budget()).header(place, place + len(value))


def test_a_field_is_named_by_its_place(matcher: Matcher) -> None:
    text = "MSH|^~\\&|LAB|H|EHR|H|20240311||ADT^A01|7|P|2.5\n"
    text += "PID|1||00412345^^^H^MR||DOE^JO||19600102|F|||||||||||536221234\n"
    assert sure(matcher, text, "us.ssn") == {"536221234"}


def test_many_values_are_found_as_fast_as_few() -> None:
    rows = b"a,SSN\n" + b"1,536221234\n" * 20_000
    budget = Budget()
    columns = Columns(rows, budget)
    for place in range(rows.index(b"536"), len(rows), 12):
        assert columns.header(place, place + 9) == b"SSN"
    assert budget.left > Budget().left - 3 * 20_010
