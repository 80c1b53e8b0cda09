"""What style sheets write into a page; and what stands in odd charsets, odd parts, and over several texts."""

import pytest

from policy.extraction.counterstyles import counter_style, inline_style
from policy.extraction.html import read_page
from policy.extraction.message import read_message
from policy.reader.charsets import readings
from policy.reader.mime import Leaf, read_mime
from policy.reader.words import header_readings
from rules.content import Part

NUMBER = "536-22-1234"


@pytest.mark.parametrize(
    ("body", "number", "text"),
    [
        ("system: fixed 3; symbols: 'x' '536'", 4, "536"),
        ("system: fixed; symbols: 'x'", 4, "4"),
        ("system: cyclic; symbols: a b", 4, "b"),
        ("system: numeric; symbols: '9' '5' '3' '6'", 27, "536"),
        ("system: alphabetic; symbols: '5' '3'", 5, "35"),
        ("symbols: '5'", 3, "555"),
        ("system: additive; additive-symbols: 10 '5', 1 '3', 0 'z'", 12, "533"),
        ("system: additive; additive-symbols: 10 '5', 0 'z'", 0, "z"),
        ("system: additive; additive-symbols: 10 '5'", 3, "3"),
        ("system: extends decimal; pad: 4 '0'; negative: '~'", -7, "~0007"),
        ("", 3, "3"),
    ],
)
def test_counter_styles(body: str, number: int, text: str) -> None:
    assert counter_style(body).written(number) == text


def test_a_style_where_it_is_used() -> None:
    style = inline_style('symbols(cyclic "536" "22")')
    assert [style.written(number) for number in (1, 2, 3)] == ["536", "22", "536"]
    assert inline_style("symbols()").written(2) == "2"


_FIXED = "@counter-style x{system:fixed %s;symbols:'%s';prefix:'536-';suffix:'-1234'}"


@pytest.mark.parametrize(
    "page",
    [
        f"<style>{_FIXED % (1, 22)}ol{{list-style:x}}</style><ol><li></ol>",
        "<ol style='list-style:symbols(fixed \"536-22-1234\")'><li></ol>",
        "<ul style='list-style-type:\"536-\"'><li>22-1234</ul>",
        "<style>li::marker{content:'536-'}</style><li>22-1234",
        f"<style>{_FIXED % (5, 4)}b::before{{counter-reset:n 5;content:'536-22-123' counter(n, x)}}</style><b></b>",
        "<style>b::before{counter-reset:n 2 m 2;content:'536-2' counter(m) '-1' counter(n) '34'}</style><b></b>",
        "<style>q{quotes:'536-22-' '1234'}</style><q></q>",
        "<style>b::after{content:attr(data-a string,'-22-')}</style>536<b></b>1234",
        "<details open>536-22-<summary>SSN</summary>1234</details>",
        "<p><b style='position:relative;left:3ch'>-22-1234</b><b style='position:relative;left:-8ch'>536</b>",
    ],
)
def test_what_a_page_writes(page: str) -> None:
    assert any(NUMBER in text for text in read_page(page).shown)


def test_counters_with_zeros_in_front() -> None:
    page = "<style>b::before{counter-reset:n 4;content:counter(n,decimal-leading-zero)}</style><b></b>"
    assert "04" in read_page(page).shown


def test_fullwidth_digits_in_the_charsets_of_east_asia() -> None:
    text = "番号 ５３６-２２"
    for name in ("gb18030", "cp932", "big5", "euc_kr", "hz"):
        coded = "５３６-２２".encode(name)
        for declared in ("", "us-ascii", "utf-8"):
            assert any("５３６-２２" in one for one in readings(coded, declared)), (name, declared)
    assert readings(text.encode(), "utf-8") == (text,)
    assert "５３６-22" in header_readings(b"\x1b$B#5#3#6\x1b(B-22")


def test_halves_of_characters_are_no_text_and_break_no_page() -> None:
    page = b"<p>+2AA-</p><iframe src='data:text/html,+2AA-x'></iframe>"
    for charset in ("utf-7", "", "us-ascii"):
        for text in readings(page, charset):
            text.encode()
            read_page(text)
    assert any(NUMBER in text for text in read_page("<iframe src='data:text/html,\ud800536-22-1234'></iframe>").shown)


def test_a_part_that_only_some_programs_see() -> None:
    inner = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nNTM2LTIyLTEyMzQ=\r\n"
    mail = b"Content-Type: multipart/mixed; boundary=a\r\n\r\nx\r\n\r\n" + inner + b"--a\r\n\r\nhi\r\n--a--\r\n"
    assert any(isinstance(item, Leaf) and item.data.strip() == NUMBER.encode() for item in read_mime(mail).items)


def test_a_number_over_three_texts() -> None:
    parts = b"".join(b"--a\r\n\r\n%b\r\n" % text for text in (b"SSN 536", b"-22-", b"1234"))
    mail = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + parts + b"--a--\r\n"
    assert any(NUMBER in part.text for part in read_message(mail).content.parts if isinstance(part, Part))
