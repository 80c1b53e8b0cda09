"""Numbers that are hidden in two ways at once, of which each alone is undone: digits of another script in boxes of
their own, a page in another charset.
"""

from base64 import b64encode
from io import BytesIO
from zipfile import ZipFile

import pytest

from policy.extraction.extract import extract
from rules.content import Content
from rules.matching import Matcher
from rules.pack import load_builtin

NUMBER = "536-22-1234"
IBAN = "DE89 3704 0044 0532 0130 00"
BOX = '<span style="display:inline-block">{}</span>'


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher([detector for detector in load_builtin() if detector.id in ("iban", "us.ssn")])


def full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in text)


def mathematical(text: str) -> str:
    return "".join(chr(0x1D7D8 + int(sign)) if sign.isdigit() else sign for sign in text)


def in_boxes(text: str) -> str:
    return "".join(BOX.format(sign) if sign.isdigit() else sign for sign in text)


def found(matcher: Matcher, name: str, data: bytes) -> set[str]:
    findings = matcher.scan(extract(name, data)).findings
    return {finding.detector for finding in findings for hit in finding.hits if hit.confidence.value != "low"}


@pytest.mark.parametrize(
    "number",
    [
        in_boxes(full_width(IBAN)),
        in_boxes(mathematical(IBAN)),
        in_boxes(IBAN.replace(" ", "\u2009")),
        in_boxes(IBAN).replace("</span>", "</span>\u2060"),
    ],
    ids=["full-width", "mathematical", "thin spaces", "word joiners"],
)
def test_digits_of_other_scripts_side_by_side_make_a_number(matcher: Matcher, number: str) -> None:
    assert "iban" in found(matcher, "a.html", f"<html><body><p>IBAN: {number}</p></body></html>".encode())


@pytest.mark.parametrize(
    "shown",
    [
        'D<b style="visibility:hidden;position:absolute">3</b>E89 3704 0044 0532 0130 00',
        'DE<b style="visibility:hidden;position:fixed">3</b>89 3704 00<i hidden>7</i>44 0532 0130 00',
        'D<b style="display:none">9</b>E<b style="visibility:hidden;position:absolute">3</b>89 370'
        '<b style="visibility:hidden;position:absolute">3</b>4 0044 0532 0130 00',
    ],
)
def test_what_is_hidden_and_takes_no_room_leaves_no_gap(matcher: Matcher, shown: str) -> None:
    assert "iban" in found(matcher, "a.html", f"<html><body><p>IBAN: {shown}</p></body></html>".encode())


def test_letters_of_a_number_in_boxes_of_their_own(matcher: Matcher) -> None:
    floating = "".join(f'<b style="float:right">{"&nbsp;" if sign == " " else sign}</b>' for sign in reversed(IBAN))
    for page in (f"<div>IBAN:</div><div>{floating}</div>", "IBAN: " + "".join(BOX.format(sign) for sign in IBAN)):
        assert "iban" in found(matcher, "a.html", f"<html><body>{page}</body></html>".encode())


def test_words_before_a_number_are_read_as_displayed(matcher: Matcher) -> None:
    page = 'I<b style="font-size:0">8</b>BAN: ' + in_boxes(IBAN).replace(
        BOX.format(7), f"{BOX.format(7)}<i hidden>7</i>"
    )
    assert "iban" in found(matcher, "a.html", f"<html><body><p>{page}</p></body></html>".encode())


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    "page",
    [
        "Her social security number is <ins>5</ins><ins>3</ins><ins>6</ins>-2<ins>2</ins>-<ins>1</ins>234",
        "<details><summary>x</summary>Her S<!-- x -->SN is 536-22<!-- x -->-1234</details>",
    ],
)
def test_a_page_by_its_name_is_read_as_one_in_every_charset(matcher: Matcher, page: str, charset: str) -> None:
    for name in ("a.html", "a.HTM.", "a.xhtml "):
        assert "us.ssn" in found(matcher, name, page.encode(charset))


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-be", "utf-32"])
def test_tags_in_a_number_make_a_page_in_every_charset(matcher: Matcher, charset: str) -> None:
    assert "us.ssn" in found(matcher, "notes", "Her SSN is <b>5</b>36-2<b>2</b>-1<b>2</b>34".encode(charset))


@pytest.mark.parametrize(
    "drawing",
    [
        '<text>SSN <tspan unicode-bidi="bidi-override" direction="rtl">4321-22-635</tspan></text>',
        '<g direction="rtl"><text direction="ltr">SSN </text><text unicode-bidi="bidi-override">4321-22-635</text></g>',
        "".join(
            f'<text y="9" x="{10 * at}">{sign}</text>' for at, sign in enumerate(f"Her SSN is {NUMBER}") if sign != " "
        ),
    ],
    ids=["backwards", "backwards within", "sign by sign"],
)
def test_texts_of_drawings_are_read_as_they_stand(matcher: Matcher, drawing: str) -> None:
    data = f'<svg xmlns="http://www.w3.org/2000/svg">{drawing}</svg>'.encode()
    assert found(matcher, "a.svg", data) == {"us.ssn"}


CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nNOTE:SSN 53\r\n 6-22-1\r\n 234\r\nEND:VCARD\r\n"
HELD = f"BEGIN:VCARD\r\nKEY;ENCODING=B:{b64encode(f'SSN {NUMBER}'.encode()).decode()}\r\nEND:VCARD\r\n".encode()
PROGRAM = BytesIO()
with ZipFile(PROGRAM, "w") as archive:
    archive.writestr("a.txt", f"SSN {NUMBER}")


def in_page(kind: str, data: bytes) -> Content:
    return extract("a.html", f'<a href="data:{kind};base64,{b64encode(data).decode()}">see</a>'.encode())


def test_a_card_in_an_address_of_a_page_is_read() -> None:
    assert any(f"SSN {NUMBER}" in part.text for part in in_page("text/vcard", CARD).parts)


@pytest.mark.parametrize("data", [HELD, b"MZ" + bytes(200) + PROGRAM.getvalue()], ids=["card", "program"])
def test_a_file_in_what_an_address_of_a_page_holds_is_told(data: bytes) -> None:
    assert any(fact.unreadable for fact in in_page("text/plain", data).files)
