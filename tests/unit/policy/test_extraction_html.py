"""HTML is read as displayed, and what lies beneath is read too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.extraction.html.page import page_readings, read_page

NUMBER = "536-22-1234"


@pytest.mark.parametrize(
    "source",
    [
        "<p>536<b>-22</b>-1234",
        "<p>536<!-- x -->-22-12<span></span>34</p>",
        "536&#45;22&#x2d;12&#51;4",
        "<span style='display:none'>99</span>536<i style='font-size:0px'>7</i>-22-1234",
        "<style>.x, p .y{DISPLAY : none !important}</style>536<i class='a x'>0</i>-22<i class=y>9</i>-1234",
        "536<i hidden>0</i>-22-1234",
        "536<script>var x = 1</script>-22-1234",
        "536<style>p{}</style>-22-1234",
        "<p style='display:none'>junk<p>536-22-1234",
        "<div style='display:none'>SSN 536-22-1234</div>",
        '<b x=a">536-22-1234</b><b y=b">',
        "<a title='a>b'>536-22-1234</a>",
        "<b 536-22-1234",
        "<img alt='536-22-1234'>",
        "536<img alt='-22'>-1234",
        "<input value='536-22-1234'>",
        "<input type=hidden value='536-22-1234'>",
        "<textarea>536-22-1234</textarea>",
        "<title>536-22-1234</title>",
        "<script>ssn = '536-22-1234'</script>",
        "<!-- 536-22-1234 -->",
        "<!--[if mso]><p>536<b>-22</b>-1234</p><![endif]-->",
        "536<!--[if mso]>-22<![endif]-->-1234",
        "<a href='mailto:536-22-1234@example.com'>write</a>",
        "<a href='tel:536%2D22-1234'>call</a>",
        "<iframe srcdoc='&lt;p&gt;536&lt;b&gt;-22-1234'></iframe>",
        "<img src='data:text/html;base64,NTM2LTIyLTEyMzQ='>",
        "<bdo dir=rtl>4321-22-635</bdo>",
        "<noscript>536-22-1234</noscript>",
        "<plaintext>536-22-1234",
        "<table><tr><td>SSN<td>536-22-1234</table>",
        "<p>a < b 536-22-1234",
        "<template>536-22-1234</template>",
        "<svg><text>536<tspan>-22</tspan>-1234</text></svg>",
        "<xmp>536-22-1234</xmp>",
        "<![CDATA[536-22-1234]]>536-22-1234",
        "<pre>\n536-22-1234\n</pre>",
        "536<wbr>-22-1234",
    ],
)
def test_the_number_is_seen(source: str) -> None:
    assert any(NUMBER in text for _, text in read_page(source).named())


def test_digits_in_cells_of_a_form_are_joined() -> None:
    row = "".join(f"<td>{digit}</td>" for digit in "536221234")
    assert "SSN 536221234" in "\n".join(read_page(f"<table><tr><td>SSN</td>{row}</tr></table>").shown)


def test_cells_and_blocks_stand_apart() -> None:
    page = read_page("<table><tr><td><p>536</p></td><td>22</td></tr><tr><td>1234</td></tr></table><p>a</p><p>b</p>")
    assert page.shown[0] == "536\t22\n1234\na\nb"


def test_an_ordinary_page_has_one_reading() -> None:
    assert read_page("<html><body><p>Hello <b>you</b></p>\n<p>there</p></body></html>").shown == ("Hello you\nthere",)


def test_the_page_names_its_own_charset() -> None:
    (first, *_) = page_readings("<meta charset=utf-8><p>naïve".encode())
    assert first.shown == ("naïve",)
    pages = page_readings("<meta charset='cp037'>".encode("cp037") + "536-22-1234".encode("cp037"), "cp037")
    assert any(NUMBER in page.shown[0] for page in pages)
    hidden = b"<meta http-equiv=content-type content='text/html; charset=utf-7'><p>+ADUAMwA2-\xc3-22-1234"
    assert any(NUMBER in page.shown[0].replace("Ã", "").replace("\ufffd", "") for page in page_readings(hidden))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "<b", "</", "<!--", "-->", "<style>", "</style>", "'", '"', "=", "&#", "<td>", "x", " "]
        ),
        max_size=60,
    )
)
def test_no_page_raises(pieces: list[str]) -> None:
    assert read_page("".join(pieces)).named() is not None


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=80))
def test_escaped_text_comes_back(text: str) -> None:
    escaped = "".join(f"&#{ord(sign)};" for sign in text)
    shown = "".join(read_page(f"<p>{escaped}</p>").shown[:1])
    assert "".join(shown.split()) == "".join(text.split()) or any(128 <= ord(sign) < 160 for sign in text)


@pytest.mark.parametrize(
    "tag", ['<p data-ssn="536-22-1234">', '<p DATA-SSN="536-22-1234">', "<P Data-Ssn=536-22-1234 >"]
)
def test_values_kept_for_scripts_are_read_however_their_names_are_written(tag: str) -> None:
    assert "ssn=536-22-1234" in read_page(f"{tag}no number here").attributes


def test_tags_alike_are_taken_alike_wherever_they_stand() -> None:
    again = '<b>5</b><br><img alt="3"><td>6</td>'
    page = read_page(f"<pre>a\n  {again}</pre><p>b\n  {again}<svg><b/>c</svg><table>{again}</table>{again}")
    assert page.shown[0] == "a\n5\n6\nb 5\n6c\n5\n6\n5\n6"
