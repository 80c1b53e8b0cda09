"""Numbers whose pieces a page's styles put in their places, as Chromium displays them."""

import pytest

from policy.extraction.html.page import page_readings, read_page

NUMBER = "536-22-1234"
BACKWARDS = "".join(f"<i style='display:inline-block;{{}}'>{sign}</i>" for sign in reversed(NUMBER))


@pytest.mark.parametrize(
    "page",
    [
        "<p><span style='margin-left:7ch'>1234</span><span style='margin-left:-11ch'>536-22-</span></p>",
        "<p><b style='margin:0 0 0 7ch'>1234</b><b style='margin:0 0 0 -11ch'>536-22-</b></p>",
        "<p><b style='margin-inline-start:7ch'>1234</b><b style='margin-inline-start:-11ch'>536-22-</b></p>",
        "<p>536-2<b style='position:absolute;margin-left:-9999px'>7</b>2-1234</p>",
        "<div><b style='position:absolute;inset:0 auto auto 7ch'>1234</b>"
        "<b style='position:absolute;inset:0 auto auto 0'>536-22-</b></div>",
        "<div><b style='position:absolute;inset-inline-start:7ch'>1234</b>"
        "<b style='position:absolute;inset-inline-start:0'>536-22-</b></div>",
        "<p>536-2<b style='position:fixed;inset:-999px auto'>7</b>2-1234</p>",
        "<p><b style='display:inline-block;transform:matrix(1,0,0,1,42,0)'>1234</b>"
        "<b style='display:inline-block;transform:matrix(1,0,0,1,-24,0)'>536-22-</b></p>",
        "<div style='display:-webkit-flex'><b style='-webkit-order:3'>1234</b><b style='-webkit-order:1'>536-</b>"
        "<b style='-webkit-order:2'>22-</b></div>",
        "<div style='display:inline-grid;grid-template-columns:[a] auto [b x] auto [c] auto'>"
        "<b style='grid-column:c;grid-row:1'>1234</b><b style='grid-column:a;grid-row:1'>536-</b>"
        "<b style='grid-column:x;grid-row:1'>22-</b></div>",
        "<div style='display:inline-grid;grid-template-columns:auto auto auto'><b style='grid-column-end:4'>1234</b>"
        "<b style='grid-column-end:2'>536-</b><b style='grid-column-end:3'>22-</b></div>",
        "<div dir=rtl><b style='display:inline-block' dir=ltr>1234</b> <b style='display:inline-block' dir=ltr>22-</b> "
        "<b style='display:inline-block' dir=ltr>536-</b></div>",
        f"<p style='transform:scaleX(-1)'>{BACKWARDS.format(*['transform:scaleX(-1)'] * 11)}</p>",
        f"<p style='rotate:180deg'>{BACKWARDS.format(*['rotate:180deg'] * 11)}</p>",
        "<div style='writing-mode:vertical-rl'>" + "".join(f"<div>{sign}</div>" for sign in reversed(NUMBER)),
        "<math><semantics><mn>536-22-1234</mn><annotation>77</annotation></semantics></math>",
        "<fieldset><b>22-1234</b><legend style='display:inline'>536-</legend></fieldset>",
        "<p style='padding-left:20em;letter-spacing:-24px'>4321-22-635</p>",
        "<p style='letter-spacing:-1.5em'>4321-22-635</p>",
        "<p><b style='position:absolute;text-indent:80px'>1234</b><b style='position:absolute'>536-22-</b></p>",
        "<table cellspacing=0><tr><td>536-2<td hidden>7<td>2-1234</table>",
    ],
)
def test_a_page_shows_it(page: str) -> None:
    seen = [text.replace(" ", "") for reading in page_readings(page.encode()) for text in reading.shown]
    lines = [line for text in seen for line in (*text.split("\n"), text.replace("\n", ""))]
    assert NUMBER in lines, seen


@pytest.mark.parametrize(
    "page",
    [
        "<p><b style='margin-left:-2px'>536-</b><b style='margin:0 -2px'>22-</b><b>1234</b></p>",
        "<div style='display:-webkit-box;-webkit-box-direction:reverse'><b>536-</b><b>22-</b><b>1234</b></div>",
        "<div style='writing-mode:vertical-rl'><b>536-</b><b>22-</b><b>1234</b></div>",
        "<div dir=rtl style='inset:;margin:;scale:1'>536-22-1234</div>",
        "<div style='display:grid;grid-template-columns:[a'><b style='grid-column:a'>536-22-1234</b></div>",
    ],
)
def test_what_moves_nothing_keeps_the_order(page: str) -> None:
    assert any(NUMBER in text.replace(" ", "") for text in read_page(page).shown)


def test_cells_of_a_table_are_no_number_by_chance() -> None:
    shown = read_page("<table><tr><td>536-2<td>2025<tr><td>10<td>2-1234</table>").shown
    assert not any(NUMBER in text for text in shown)
