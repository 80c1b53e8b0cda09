"""OpenDocument: fields, formats, lists and boxes that LibreOffice shows otherwise than their text was saved."""

import pytest

from policy.extraction.extract import extract

NUMBER = "536-22-1234"
_NAMES = {"office": "office", "style": "style", "text": "text", "table": "table", "draw": "drawing", "meta": "meta",
          "number": "datastyle", "form": "form", "fo": "xsl-fo-compatible", "svg": "svg-compatible"}  # fmt: skip
SPACES = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in _NAMES.items())
SPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:loext="urn:org:documentfoundation:names:loext:1.0"'
ALIGNED = (
    '<style:list-level-properties text:list-level-position-and-space-mode="label-alignment">'
    '<style:list-level-label-alignment text:label-followed-by="nothing"/></style:list-level-properties>'
)
NUMBERED = f'style:num-format="1" text:start-value="536">{ALIGNED}'
LIST = (
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" '
    f"{NUMBERED}</text:list-level-style-number></text:list-style>"
)
OUTLINE = (
    f'<text:outline-style><text:outline-level-style text:level="1" {NUMBERED}</text:outline-level-style>'
    "</text:outline-style>"
)
BULLET = (
    '<text:list-style style:name="L"><text:list-level-style-bullet text:level="1" text:bullet-char="5">'
    f"{ALIGNED}</text:list-level-style-bullet></text:list-style>"
)


def flat(body: str, kind: str = "text", styles: str = "", meta: str = "") -> bytes:
    start = (
        f'<?xml version="1.0"?><office:document {SPACES} office:mimetype="application/vnd.oasis.opendocument.{kind}">'
    )
    inner = f"<office:meta>{meta}</office:meta><office:automatic-styles>{styles}</office:automatic-styles>"
    return f"{start}{inner}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>".encode()


def found(data: bytes) -> str:
    return "\n".join(part.text for part in extract("a.fodt", data).parts)


DECLARED = '<text:user-field-decls><text:user-field-decl {} text:name="a"/></text:user-field-decls>'
GET = '<text:p><text:user-field-get text:name="a">999</text:user-field-get>-22-1234</text:p>'
CHOICE = (
    '<text:p><text:drop-down text:name="x"><text:label text:value="99"/>'
    '<text:label text:current-selected="true" text:value="536"/></text:drop-down>-22-1234</text:p>'
)
FILLED = ("a", "1234"), ("b", "22"), ("c", "536")
CONTROLS = "".join(f'<form:text form:id="{name}" form:current-value="{text}"/>' for name, text in FILLED)
INPUTS = "-".join(f'<draw:control draw:control="{name}" text:anchor-type="as-char"/>' for name in "cba")
BOX = '<draw:frame text:anchor-type="as-char"><draw:text-box><text:p>-22-</text:p></draw:text-box></draw:frame>'
ROW = "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in ("1234", "22", "536", "SSN"))
LEFTWARDS = (
    '<style:style style:name="t" style:family="table"><style:table-properties style:writing-mode="rl-tb"/>'
    "</style:style>"
)
PARAGRAPH = '<text:numbered-paragraph text:style-name="L"><text:p>-22-1234</text:p></text:numbered-paragraph>'
ITEM = '<text:list text:style-name="L"><text:list-item><text:p>36-22-1234</text:p></text:list-item></text:list>'
TABLE = '<table:table table:style-name="{}"><table:table-row>{}</table:table-row></table:table>'


@pytest.mark.parametrize(
    "data",
    [
        flat(DECLARED.format('office:value-type="string" office:string-value="536"') + GET),
        flat(DECLARED.format('office:value-type="float" office:value="536"') + GET),
        flat("<text:p><text:title>9</text:title>-22-1234</text:p>", meta="<dc:title>536</dc:title>"),
        flat(
            '<text:p><text:user-defined text:name="a">9</text:user-defined>-22-1234</text:p>',
            meta='<meta:user-defined meta:name="a">536</meta:user-defined>',
        ),
        flat(CHOICE),
        flat(f"<office:forms><form:form>{CONTROLS}</form:form></office:forms><text:p>{INPUTS}</text:p>"),
        flat(f"<text:p>536{BOX}1234</text:p>"),
        flat(PARAGRAPH, styles=LIST),
        flat('<text:h text:outline-level="1">-22-1234</text:h>', styles=OUTLINE),
        flat(ITEM, styles=BULLET),
    ],
    ids=["user's field", "number", "title", "property", "choice", "form", "box", "numbered", "heading", "bullet"],
)
def test_fields_lists_and_boxes_are_read_as_shown(data: bytes) -> None:
    assert NUMBER in found(data)


def test_a_table_that_runs_from_the_right_is_read_from_there() -> None:
    assert "536221234" in found(flat(TABLE.format("t", ROW), styles=LEFTWARDS))
    assert "536221234" not in found(flat(TABLE.format("t", ROW)))


CELL = '<style:style style:name="c" style:family="table-cell" style:data-style-name="N"/>'
WORDS = '<number:text>53</number:text><number:number number:min-integer-digits="1"/><number:text>-1234</number:text>'
CODE = f'<number:number-style style:name="N">{WORDS}</number:number-style>{CELL}'
WITHIN = (
    '<number:number-style style:name="N"><number:number number:min-integer-digits="9">'
    '<number:embedded-text number:position="6">-</number:embedded-text>'
    f'<number:embedded-text number:position="4">-</number:embedded-text></number:number></number:number-style>{CELL}'
)
BY_CONDITION = (
    f'<number:number-style style:name="M">{WORDS}</number:number-style><number:number-style style:name="N">'
    '<number:number number:min-integer-digits="1"/><style:map style:condition="value()&gt;=0" '
    f'style:apply-style-name="M"/></number:number-style>{CELL}'
)
OF_TEXT = (
    '<number:text-style style:name="N"><number:text>5</number:text><number:text-content/>'
    f"<number:text>-1234</number:text></number:text-style>{CELL}"
)
OF_DATES = (
    '<number:date-style style:name="N"><number:month/><number:text>/</number:text><number:day/>'
    f'<number:text>/</number:text><number:year number:style="long"/></number:date-style>{CELL}'
)
WHITE = '<style:style style:name="w" style:family="text"><style:text-properties fo:color="#ffffff"/></style:style>'


def sheet(kind: str, value: str, text: str, column: str = "") -> str:
    own = "" if column else 'table:style-name="c"'
    held = f'office:value-type="{kind}" office:{"date-" if kind == "date" else ""}value="{value}"'
    cell = f"<table:table-cell {own} {held}><text:p>{text}</text:p></table:table-cell>"
    first = f'<table:table-column table:default-cell-style-name="{column}"/>'
    return f'<table:table table:name="S">{first}<table:table-row>{cell}</table:table-row></table:table>'


@pytest.mark.parametrize(
    ("body", "styles", "shown"),
    [
        (sheet("float", "622", "9"), CODE, "53622-1234"),
        (sheet("float", "622", ""), CODE, "53622-1234"),
        (sheet("float", "622", "9", "c"), CODE, "53622-1234"),
        (sheet("float", "536221234", "9"), WITHIN, "536-22-1234"),
        (sheet("float", "622", "9"), BY_CONDITION, "53622-1234"),
        (sheet("string", "", "36-22"), OF_TEXT, "536-22-1234"),
        (sheet("date", "1980-05-03", "9"), OF_DATES, "5/3/1980"),
        (sheet("string", "", '536<text:span text:style-name="w">99</text:span>-22-1234'), WHITE, "536-22-1234"),
    ],
    ids=["stale", "no text", "of the column", "within", "condition", "text", "date", "white"],
)
def test_cells_are_read_as_their_format_shows_them(body: str, styles: str, shown: str) -> None:
    assert shown in found(flat(body, "spreadsheet", styles))


def test_a_formula_of_a_number_is_worked_out_whatever_was_saved() -> None:
    cell = '<table:table-cell table:formula="of:=536000000+221234" office:value-type="float" office:value="9"/>'
    row = f"<table:table-row><table:table-cell><text:p>SSN</text:p></table:table-cell>{cell}</table:table-row>"
    assert "SSN\t536221234" in found(flat(f"<table:table>{row}</table:table>", "spreadsheet"))


def test_cells_of_a_sheet_that_runs_from_the_right_are_read_from_there() -> None:
    body = f'<table:table table:name="S" table:style-name="t"><table:table-row>{ROW}</table:table-row></table:table>'
    assert "536221234" in found(flat(body, "spreadsheet", LEFTWARDS))


def test_text_of_the_windows_colour_is_seen() -> None:
    looks = 'style:use-window-font-color="true" loext:opacity="0%"'
    auto = f'<style:style style:name="a" style:family="text"><style:text-properties {looks}/></style:style>'
    pieces = ("a", "536"), ("w", "99"), ("a", "-22-1234")
    spans = (f'<text:span text:style-name="{name}">{text}</text:span>' for name, text in pieces)
    assert NUMBER in found(flat(f"<text:p>{''.join(spans)}</text:p>", styles=auto + WHITE))


def test_lines_and_round_shapes_are_boxes_too() -> None:
    placed = ("line", "x1", "y1", 9, "1234"), ("ellipse", "x", "y", 3, "536"), ("polygon", "x", "y", 6, "22")
    shapes = "".join(
        f'<draw:{kind} svg:{x}="{at}cm" svg:{y}="2cm"><text:p>{text}</text:p></draw:{kind}>'
        for kind, x, y, at, text in placed
    )
    assert "536 22 1234" in found(flat(f"<draw:page>{shapes}</draw:page>", "presentation"))
