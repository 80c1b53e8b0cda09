# ruff: noqa: E501 (a case to a line)
"""Pages whose styles put a number's pieces in an order that is not the source's, or write them themselves."""

from collections.abc import Iterator

from corpus import Evasion, write
from make_html_styles import noise, page

FLEX = "CSS Flexbox 1"
LISTS = "CSS Lists 3"


def evasions() -> Iterator[Evasion]:
    """Order, cells, written text, and form fields."""
    yield from order()
    yield from cells()
    yield from written()
    yield from fields()


def order() -> Iterator[Evasion]:
    """Boxes in another order than they are written in."""

    def box(text: str, style: str) -> str:
        return f'<div style="{style}">{text}</div>'

    yield Evasion(
        "html-order/flex-order",
        page('<div style="display:flex"><div>SSN&nbsp;</div>' + box("1234", "order:3") + box("536", "order:1") + box("-22-", "order:2") + "</div>"),
        "The pieces of the number are put in order by the style.", f"{FLEX}, 5.4",
    )  # fmt: skip
    yield Evasion(
        "html-order/row-reverse",
        page('<p>SSN</p><div style="display:flex;flex-direction:row-reverse;justify-content:flex-end">'
             "<b>1234</b><b>22-</b><b>536-</b></div>"),
        "A row that runs from right to left.", f"{FLEX}, 5.1",
    )  # fmt: skip
    yield Evasion(
        "html-order/float-right",
        page('<div style="width:200px">' + "".join(box(x, "float:right") for x in ("1234", "22-", "536-", "SSN&nbsp;")) + "</div>"),
        "Floating to the right, the first stands last.", "CSS 2.2 9.5.1",
    )  # fmt: skip
    yield Evasion(
        "html-order/absolute",
        page('<div style="position:relative;height:30px;font:16px monospace">SSN '
             '<b style="position:absolute;left:120px">22-</b><b style="position:absolute;left:152px">1234</b>'
             '<b style="position:absolute;left:80px">536-</b></div>'),
        "Each piece is put at its place across the line.", "CSS 2.2 9.3.2",
    )  # fmt: skip
    yield Evasion(
        "html-order/float-left",
        page("<p>SSN</p>" + "".join(box(digit, "float:left") for digit in "536-22-1234")),
        "A box for each digit, floating side by side.", "CSS 2.2 9.5",
    )  # fmt: skip
    yield Evasion(
        "html-order/inline-blocks",
        page("<p>SSN " + "".join(f'<span style="display:inline-block;width:9px">{d}</span>' for d in "536-22-1234") + "</p>"),
        "A box for each digit in the line.", "CSS 2.2 9.2.2",
    )  # fmt: skip
    yield Evasion(
        "html-order/table-cells-by-style",
        page('<div style="display:table"><div style="display:table-row">' + "".join(box(d, "display:table-cell") for d in ("SSN ", *"536-22-1234")) + "</div></div>"),
        "Boxes that are cells by style.", "CSS 2.2 17.2",
    )  # fmt: skip
    yield Evasion(
        "html-order/grid-columns",
        page('<div style="display:grid;grid-template-columns:40px 44px 32px 44px;font:16px monospace">'
             '<b style="grid-column:4;grid-row:1">1234</b><b style="grid-column:2;grid-row:1">536-</b>'
             '<b style="grid-column:1;grid-row:1">SSN</b><b style="grid-column:3;grid-row:1">22-</b></div>'),
        "A grid's columns filled out of order.", "CSS Grid 1, 8.3",
    )  # fmt: skip
    yield Evasion(
        "html-order/bdo",
        noise("<bdo dir=rtl>4321-22-635</bdo>"),
        "Written backwards and turned by an element.", "HTML 4.5.25",
    )  # fmt: skip
    yield Evasion(
        "html-order/bidi-override",
        noise('<span class=r>4321-<i>22</i>-635</span>', ".r{unicode-bidi:bidi-override;direction:rtl}"),
        "Written backwards and turned by a style sheet.", "CSS Writing Modes 4, 2.4",
    )  # fmt: skip
    yield Evasion(
        "html-order/override-character",
        noise("&#x202e;4321-<b>22</b>-635&#x202c;"),
        "Written backwards behind a right-to-left override.", "UAX #9, 2.2",
    )  # fmt: skip
    yield Evasion(
        "html-order/text-before-table",
        page("<p>SSN</p><table><tr><td>-22-1234</td></tr>536</table>"),
        "Text in a table but in no cell is shown above it.", "HTML 13.2.6.1", value="536-22-1234",
    )  # fmt: skip


def cells() -> Iterator[Evasion]:
    """Numbers in the cells of tables."""
    digits = "536221234"
    row = "".join(f"<td>{digit}</td>" for digit in digits)
    yield Evasion(
        "html-cells/digit-a-cell",
        page(f"<table border=1><tr><td>SSN</td>{row}</tr></table>"),
        "A cell for each digit, as forms have it.", "HTML 4.9", value=digits,
    )  # fmt: skip
    yield Evasion(
        "html-cells/groups-and-dashes",
        page("<table><tr><td>SSN<td>536<td>-<td>22<td>-<td>1234</table>"),
        "Groups and dashes in cells of their own, without end tags.", "HTML 13.1.2.4",
    )  # fmt: skip
    yield Evasion(
        "html-cells/table-in-cell",
        page("<table><tr><td>SSN<td><table><tr><td>53<td>6-<td>22<td>-1<td>234</table></table>"),
        "A table within a cell.", "HTML 4.9.9",
    )  # fmt: skip
    yield Evasion(
        "html-cells/empty-cells-between",
        page("<table><tr><td>SSN<td>536<td width=1></td><td>-22<td width=1></td><td>-1234</table>"),
        "Narrow empty cells between the groups.", "HTML 4.9.9",
    )  # fmt: skip
    yield Evasion(
        "html-cells/downwards",
        page("<table><tr><td>S<td>" + "<br>".join("536-22-1234") + "</table>"),
        "One digit below the other.", "HTML 4.5.27",
    )  # fmt: skip


def written() -> Iterator[Evasion]:
    """Text that style sheets and lists write."""
    yield Evasion(
        "html-written/before",
        noise("<b class=a></b><b class=b></b>", '.a::before{content:"536-"}.b::after{content:"22-1234"}'),
        "The number stands in a style sheet.", "CSS Content 3, 1",
    )  # fmt: skip
    yield Evasion(
        "html-written/escapes",
        noise("<b class=a>1234</b>", '.a:before{content:"\\35\\33\\36\\2d 2\\000032-"}'),
        "Written by a style sheet in escapes.", "CSS Syntax 3, 4.3.7",
    )  # fmt: skip
    yield Evasion(
        "html-written/attribute",
        noise('<b data-a=536 data-b=1234>22</b>', 'b::before{content:attr(data-a) "-"}b::after{content:"-" attr(data-b)}'),
        "Written from attributes.", "CSS Values 3, 10",
    )  # fmt: skip
    yield Evasion(
        "html-written/counters",
        noise("<i class=a></i><i class=b></i><i class=c></i>",
              "p{counter-reset:n 530}.a{counter-increment:n 6}.a::after{content:counter(n) '-'}.b{counter-reset:m 22}"
              ".b::after{content:counter(m) '-'}.c{counter-reset:k 1233;counter-increment:k}.c::after{content:counter(k)}"),
        "The groups are counted.", f"{LISTS}, 4",
    )  # fmt: skip
    yield Evasion(
        "html-written/per-digit",
        noise("".join(f"<i class=c{n}></i>" for n in range(11)),
              "".join(f'.c{n}:after{{content:"{c}"}}' for n, c in enumerate("536-22-1234"))),
        "A rule for each digit.", "CSS Content 3, 1",
    )  # fmt: skip
    yield Evasion(
        "html-written/quotes",
        noise("<b class=a>22</b>", '.a{quotes:"536-" "-1234"}.a::before{content:open-quote;quotes:"536-" "-1234"}'
              '.a::after{content:close-quote;quotes:"536-" "-1234"}'),
        "The groups are quotation marks.", "CSS Content 3, 3",
    )  # fmt: skip
    yield Evasion(
        "html-written/marker",
        page("<p>SSN</p><ul><li>-22-1234</li></ul>", 'li{list-style:"536" inside}'),
        "The first group is the mark of a list's item.", f"{LISTS}, 3.2",
    )  # fmt: skip


def fields() -> Iterator[Evasion]:
    """What form fields and pictures show."""
    yield Evasion(
        "html-fields/inputs",
        page("<form>SSN <input size=3 value=536> <input size=2 value=22> <input size=4 value=1234></form>"),
        "The groups are the values of fields.", "HTML 4.10.5", value="536 22 1234",
    )  # fmt: skip
    yield Evasion(
        "html-fields/textarea",
        page("<form>SSN <textarea>536&#45;22&#x2d;1234</textarea></form>"),
        "In a text area, with character references.", "HTML 13.1.2.2",
    )  # fmt: skip
    yield Evasion(
        "html-fields/select",
        page("<form>SSN <select><option selected>536-22-1234</select></form>"),
        "The option that is chosen.", "HTML 4.10.7",
    )  # fmt: skip
    yield Evasion(
        "html-fields/placeholder",
        page("<form>SSN <input placeholder='536-22-1234'></form>"),
        "The placeholder of an empty field.", "HTML 4.10.5.3.10",
    )  # fmt: skip
    yield Evasion(
        "html-fields/alt-of-pictures",
        page("<p>SSN <img src=cid:none alt=536-><img src=cid:none alt=22-><img src=cid:none alt=1234></p>"),
        "The texts in place of pictures that are not loaded.", "HTML 4.8.4",
    )  # fmt: skip
    yield Evasion(
        "html-fields/svg-tspan",
        page("<p>SSN</p><svg width=300 height=40><text x=10 y=20>536<tspan>-22</tspan><tspan>-1234</tspan></text></svg>"),
        "A drawing's text in pieces.", "SVG 2, 11.2",
    )  # fmt: skip
    yield Evasion(
        "html-fields/svg-placed",
        page("<p>SSN</p><svg width=300 height=40 font-family=monospace font-size=16><text x=88 y=20>1234</text>"
             "<text x=10 y=20>536-</text><text x=54 y=20>22-</text></svg>"),
        "A drawing's texts, each at its place.", "SVG 2, 11.4",
    )  # fmt: skip


if __name__ == "__main__":
    write(evasions())
