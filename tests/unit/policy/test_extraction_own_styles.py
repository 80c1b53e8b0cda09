"""Pages whose order and texts come of what each element says by itself: as Chromium shows them."""

import pytest

from policy.extraction.html.lengths import length
from policy.extraction.html.page import page_readings, read_page

NUMBER = "536-22-1234"
GROUPS = ("536-", "22-", "1234")
PLACED = ".f{position:relative;display:inline-block;width:200px;height:1em}.f b{position:absolute}"
ITEMS = ".f{display:inline-flex}"


def seen(page: str) -> list[str]:
    """Each reading of what is displayed, whole and by its lines, without blanks."""
    texts = [text.replace(" ", "") for reading in page_readings(page.encode()) for text in reading.shown]
    return [line for text in texts for line in (*text.split("\n"), text.replace("\n", ""))]


def shuffled(css: str, said: str, *, order: tuple[int, int, int] = (2, 0, 1), by: int = 1) -> str:
    """The groups of the number in another order, each with what it says; `%d` is its place times `by`."""
    groups = [f"<b {said.replace('%d', str(at * by))}>{GROUPS[at]}</b>" for at in order]
    return f"<style>{css}</style><span class=f>{''.join(groups)}</span>"


@pytest.mark.parametrize(
    "page",
    [
        shuffled(ITEMS + ".f b{order:var(--o)}", "style='--o:%d'"),
        shuffled(ITEMS + ".f b{order:var(--o)}.a0{--o:1}.a1{--o:2}.a2{--o:3}", "class=a%d"),
        shuffled(ITEMS + ".f b{order:calc(var(--o)*-1)}", "style='--o:-%d'"),
        shuffled(ITEMS, "style='order:calc(10 - (9 - %d))'"),
        shuffled(ITEMS + ".f b{order:attr(data-o type(<number>))}", "data-o=%d"),
        shuffled(ITEMS + ".f b{order:calc(9 - sibling-index())}", "", order=(2, 1, 0)),
        shuffled(ITEMS + "".join(f"@keyframes k{n}{{from,to{{order:{n}}}}}" for n in range(3)),
                 "style='animation:k%d 9s infinite'"),
        shuffled(PLACED + ".f b{left:calc(var(--i)*40px)}", "style='--i:%d'"),
        shuffled(PLACED + ".f b{translate:var(--x)}", "style='--x:%dpx'", by=40),
        shuffled(PLACED + ".f b{left:attr(data-o px)}", "data-o=%d", by=40),
        shuffled(PLACED, "style='left:min(300px,%dpx)'", by=40),
        shuffled(PLACED, "style='left:%dlh'", by=2),
        shuffled(PLACED, "style='left:%ddvw'", by=5),
        shuffled(PLACED, "style='left:%de1px'", by=4),
        shuffled(PLACED, "style='inset-inline:%dpx auto'", by=40),
        shuffled(PLACED, "style='margin-inline:%dpx 0'", by=40),
        shuffled(PLACED, "style='left:0;margin-left:%dpx'", by=40),
        shuffled(PLACED, "style='left:0;padding-inline-start:%dpx'", by=40),
        shuffled(PLACED, "style='left:0;border-left:%dpx solid transparent'", by=40),
        shuffled(PLACED, "style='left:0;transform:translateX(calc(%d*40px))'"),
        shuffled(PLACED, "style='left:0;transform:matrix3d(1,0,0,0,0,1,0,0,0,0,1,0,%d,0,0,1)'", by=40),
        shuffled(PLACED, "style='left:0;offset-path:path(\"M30 10H300\");offset-distance:%dpx'", by=40),
        shuffled(".f{display:inline-block}b{float:inline-end}", "", order=(2, 1, 0)),
        shuffled(".f{display:inline-flex;flex-wrap:wrap-reverse;width:50px}b{width:50px}", "", order=(2, 1, 0)),
        shuffled(".f{display:inline-grid;grid-template-columns:auto auto auto}.f b{grid-row:1}.a0{grid-column:span 1/2}"
                 ".a1{grid-column:span 1/3}.a2{grid-column:span 1/4}", "class=a%d"),
        "<p style='display:inline-grid'><b style='grid-area:1/1;justify-self:end'>22-1234</b>"
        "<b style='grid-area:1/1'>536-</b></p>",
        "<p style='display:inline-grid;grid-auto-flow:column;grid-template-rows:repeat(2,auto)'>"
        + "".join(f"<b>{sign}</b><b>x</b>" for sign in NUMBER).replace("<b>x</b>", "<b></b>"),
        "<table><tr><td>22-1234</tr><thead><tr><td>536-</tr></thead></table>",
    ],
)  # fmt: skip
def test_elements_stand_where_each_of_them_says(page: str) -> None:
    assert NUMBER in seen(page)


@pytest.mark.parametrize(
    ("css", "body"),
    [
        (".x::before{content:'22-1234';float:right}.x{display:inline-block}", "536-"),
        (".x::before{content:'22-1234';position:absolute;left:40px}.x{position:relative}", "536-"),
        (".x::after{content:'536-';position:absolute;left:0}.x{position:relative;padding-left:40px}", "22-1234"),
        (".x::before{content:'22-1234';order:2}.x{display:inline-flex}", "536-"),
        (".x::before{content:'1234'}.x::after{content:'536-'}.x{display:inline-flex;flex-flow:row-reverse}", "22-"),
        (".x::before{content:'22-1234';grid-column:2}.x{display:inline-grid}", "<i style='grid-column:1'>536-"),
        (".x::before{content:'22-1234';display:table-footer-group}.x{display:inline-table}", "536-"),
        (".x::before{content:'4321-22-635';unicode-bidi:bidi-override;direction:rtl;display:inline-block}", ""),
        ("@keyframes a{from,to{content:'536-'}}.x::before{content:'';animation:a 9s infinite}", "22-1234"),
        ("@keyframes a{to{--t:'536-'}}.x{animation:a .1s forwards}.x::before{content:var(--t)}", "22-1234"),
        ("i{counter-increment:a 536}.x::after{content:counter(a) '-22-1234'}", "<i></i>"),
    ],
)  # fmt: skip
def test_what_a_sheet_writes_has_a_place_of_its_own(css: str, body: str) -> None:
    assert NUMBER in seen(f"<style>{css}</style><b class=x>{body}</b>")


@pytest.mark.parametrize(
    "group",
    [
        "@media (pointer:coarse)", "@media (orientation:portrait)", "@media (max-aspect-ratio:1/2)",
        "@media (1px < width < 10px)", "@supports not (display:grid)", "@supports selector(:foo(x))",
        "@supports (foo:bar)", "@container style(--q:1)", "@scope (.nosuch)", "@starting-style", "@layer a",
        "@-moz-document url-prefix()",
    ],
)  # fmt: skip
def test_rules_of_a_group_that_does_not_hold_write_nothing(group: str) -> None:
    right = ".x::before{content:'536-'}.y::before{content:'22-1234'}"
    wrong = ".x::before{content:'000-'}.y::before{content:'0-999'}"
    assert NUMBER in seen(f"<style>{right}{group}{{{wrong}}}</style><b class=x></b><b class=y></b>")
    assert seen(f"<style>{right}@media screen{{{wrong}}}</style><b class=x></b><b class=y></b>") == ["000-0-999"] * 2


@pytest.mark.parametrize(
    ("holds", "fails", "element"),
    [
        ("b:lang(en)", "b:lang(de)", "<b lang=en-US></b>"),
        ("b:dir(ltr)", "b:dir(rtl)", "<b></b>"),
        ("b:has(:valid)", "b:has(:invalid)", "<b><input value='' placeholder=''></b>"),
        ("b.K", "b.zz", "<b class=k></b>"),
        (".K#L", "b#zz", "<b class=k id=L></b>"),
    ],
)
def test_selectors_by_language_state_and_small_letters(holds: str, fails: str, element: str) -> None:
    css = f"{holds}::before{{content:'536-22-'}}{fails}::before{{content:'000-00-'}}"
    assert NUMBER in seen(f"<style>{css}</style>{element}1234")


def test_names_of_classes_are_as_written_where_a_page_says_its_type() -> None:
    page = "<!doctype html><style>.K{display:none}</style>536<b class=k>-22-</b>1234"
    assert read_page(page).shown[0] == NUMBER


def test_places_that_are_not_followed_are_told() -> None:
    rule = ITEMS + ".f b{order:%s}"
    for value in ("if(style(--o:1): 1; else: 2)", "--f(2)", "random(1,9)"):
        assert not read_page(shuffled(rule % value, "")).whole
    assert read_page(f"<style>{rule % 'if(style(--o:1): 1; else: 2)'}</style><p class=f><b>Read more</b>").whole
    many = "<b style='--o:1'>1</b>" * 20_001
    assert not read_page(f"<style>b{{order:var(--o)}}i{{--o:2}}</style>{many}").whole


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        ("calc(3 * (2px + 1em))", 54.0),
        ("clamp(1px, 50px, 3px)", 3.0),
        ("round(up, 2.4px, 1px)", 2.0),
        ("calc(100% - 20px)", 1260.0),
        ("calc(1px/0)", 1.0),
        ("expression(document)", None),
        ("calc(" * 20 + "1px", 1.0),
        ("auto", None),
    ],
)
def test_lengths_are_worked_out(value: str, pixels: float | None) -> None:
    assert length(value, 16.0) == pixels


def test_an_attribute_of_blanks_is_looked_at_once() -> None:
    assert "here" in seen(f"<style>b{{order:attr(a{' ' * 300_000}x}}</style><b>here</b>")
