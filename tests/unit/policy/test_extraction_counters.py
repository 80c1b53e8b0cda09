"""What style sheets write into a page; and what stands in odd charsets, odd parts, and over several texts."""

import pytest

from policy.extraction.html.counterstyles import counter_style, inline_style
from policy.extraction.html.generated import written_texts
from policy.extraction.html.page import read_page
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


@pytest.mark.parametrize(
    "page",
    [
        "<style>.n::after{content:var(--d)}</style>" + "".join(f"<b class=n style='--d:\"{d}\"'></b>" for d in NUMBER),
        "<style>.n::before{content:var(--a)}.a{--a:'536-'}.b{--a:'22-1234'}</style><b class='n a'></b><b class='n b'/>",
        "<style>:root{--a:'7'}#o{--a:'536-22-'}.n::before{content:var(--a) var(--z,'1234')}</style><p id=o><b class=n>",
        "<style>b::first-letter{font-size:0}</style><b>9536-</b><b>(722-</b><b>x1234</b>",
        "<iframe src='data:text/html,<p>536-%3Cb%3E22</b>-1234'></iframe>",
        """<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><text>53%36-22-1234</text></svg>">""",
        """<style>p{background:url("data:image/svg+xml,<svg xmlns='x'><text>536-22-1234</text></svg>")}</style>""",
    ],
)
def test_what_a_page_writes_for_itself_is_read(page: str) -> None:
    assert any(NUMBER in text for text in read_page(page).shown)


def test_a_page_with_a_font_of_its_own_is_told() -> None:
    font = "@font-face{font-family:z;src:url(data:font/woff2;base64,d09GMg)}"
    drawing = "<svg xmlns='http://www.w3.org/2000/svg'><style>%s</style><text>%s</text></svg>"
    assert read_page(f"<style>{font}</style>\ue005\ue003").own_signs
    assert not read_page("<style>@font-face{src:url(https://example.com/a.woff)}</style>x").own_signs
    assert not read_page(drawing % (font, "x")).own_signs
    assert read_page(drawing % (font, "\ue001")).own_signs
    mail = f"Content-Type: text/html\r\n\r\n<style>{font}</style><p>qwe\r\n".encode()
    assert [fact.unreadable for fact in read_message(mail).content.files] == [True]


def test_a_sheet_apart_from_its_page_gives_what_it_writes() -> None:
    assert written_texts(""".n::after{content:"536-22-" '12' "34"}.m{content:none}""") == NUMBER


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
