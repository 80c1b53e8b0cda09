"""Flat OpenDocument sources: one feature each, with a number in a place that common readers miss.

`@` stands for the number, `@9` for its nine digits, `@a`, `@b`, `@c` for its three groups.
"""
# ruff: noqa: E501 (markup is easier to read on one line)

_NS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" '
    'xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" '
    'xmlns:form="urn:oasis:names:tc:opendocument:xmlns:form:1.0" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'office:version="1.3"'
)
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_STYLES = """
<style:style style:name="Hidden" style:family="text"><style:text-properties text:display="none"/></style:style>
<style:style style:name="White" style:family="text"><style:text-properties fo:color="#ffffff"/></style:style>
<style:style style:name="Tiny" style:family="text"><style:text-properties fo:font-size="1pt"/></style:style>
<style:style style:name="Bold" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="Red" style:family="text"><style:text-properties fo:color="#ff0000"/></style:style>
<style:style style:name="Frame" style:family="graphic"/>
<style:style style:name="Sect" style:family="section"/>
<style:style style:name="HideTab" style:family="table" style:master-page-name="Default"><style:table-properties table:display="false"/></style:style>
<style:style style:name="ShowTab" style:family="table" style:master-page-name="Default"><style:table-properties table:display="true"/></style:style>
<number:number-style style:name="N7"><number:number number:min-integer-digits="9"><number:embedded-text number:position="4">-</number:embedded-text><number:embedded-text number:position="6">-</number:embedded-text></number:number></number:number-style>
<style:style style:name="Ssn" style:family="table-cell" style:data-style-name="N7"/>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1" style:num-prefix="@a-@b-" text:start-value="@c"><style:list-level-properties text:list-level-position-and-space-mode="label-alignment"><style:list-level-label-alignment text:label-followed-by="space"/></style:list-level-properties></text:list-level-style-number></text:list-style>
<style:style style:name="HidePage" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>
"""


def _flat(kind: str, body: str, header: str, meta: str) -> str:
    header_part = f"<style:header><text:p>{header}</text:p></style:header>" if header else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_NS} '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}"><office:meta>{meta}</office:meta>'
        '<office:styles/><office:automatic-styles><style:page-layout style:name="pm"><style:page-layout-properties '
        'fo:page-width="21cm" fo:page-height="29.7cm"/><style:header-style/><style:footer-style/></style:page-layout>'
        f"{_STYLES}</office:automatic-styles><office:master-styles>"
        f'<style:master-page style:name="{"Standard" if kind == "text" else "Default"}" style:page-layout-name="pm">'
        f"{header_part}</style:master-page></office:master-styles><office:body>"
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document>"
    )


def _p(text: str) -> str:
    return f"<text:p>{text}</text:p>"


def text(body: str, *, header: str = "", meta: str = "", before: str = "") -> str:
    """A text document."""
    return _flat("text", f"{before}{_p('A letter about the matter at hand.')}{body}{_p('Kind regards')}", header, meta)


def sheets(tables: str, *, header: str = "", meta: str = "", before: str = "", behind: str = "") -> str:
    """A spreadsheet."""
    return _flat("spreadsheet", before + tables + behind, header, meta)


def slides(pages: str, *, meta: str = "") -> str:
    """A presentation."""
    return _flat("presentation", pages, "", meta)


def _cell(value: str, attributes: str = 'office:value-type="string"') -> str:
    return f"<table:table-cell {attributes}>{_p(value)}</table:table-cell>"


def _table(*rows: str, name: str = "Pay", style: str = "ShowTab", before: str = "", column: str = "") -> str:
    columns = column or '<table:table-column table:number-columns-repeated="20"/>'
    return f'<table:table table:name="{name}" table:style-name="{style}">{before}{columns}{"".join(rows)}</table:table>'


def _row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def _change(kind: str, inner: str = "") -> str:
    info = "<office:change-info><dc:creator>A</dc:creator><dc:date>2024-01-01T00:00:00</dc:date></office:change-info>"
    return (
        f'<text:tracked-changes><text:changed-region xml:id="c1" text:id="c1"><text:{kind}>{info}{inner}</text:{kind}>'
        "</text:changed-region></text:tracked-changes>"
    )


def _frame(inner: str, extra: str = "") -> str:
    return (
        f'<draw:frame draw:style-name="Frame" draw:name="f" text:anchor-type="paragraph" svg:width="6cm" '
        f'svg:height="2cm">{inner}{extra}</draw:frame>'
    )


TEXTS = {
    "split-runs": text(_p('<text:span text:style-name="Bold">@a</text:span>-<text:span text:style-name="Red">@b</text:span>-@c')),
    "hidden-text": text(_p('See <text:span text:style-name="Hidden">@</text:span> there')),
    "hidden-noise": text(_p('@a<text:span text:style-name="Hidden">99</text:span>-@b-@c')),
    "white-noise": text(_p('@a<text:span text:style-name="White">99</text:span>-@b-@c')),
    "tiny-noise": text(_p('@a-@b<text:span text:style-name="Tiny">7</text:span>-@c')),
    "header": text(_p("x"), header="@"),
    "footnote": text(_p('x<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>@</text:p></text:note-body></text:note>')),
    "footnote-within": text(_p('@a<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>see</text:p></text:note-body></text:note>-@b-@c')),
    "endnote": text(_p('x<text:note text:id="n2" text:note-class="endnote"><text:note-citation>i</text:note-citation><text:note-body><text:p>@</text:p></text:note-body></text:note>')),
    "comment": text(_p("x<office:annotation><dc:creator>A</dc:creator><text:p>@</text:p></office:annotation>")),
    "comment-within": text(_p("@a-@b<office:annotation><dc:creator>A</dc:creator><text:p>why</text:p></office:annotation>-@c")),
    "deleted": text(_p('x <text:change text:change-id="c1"/> y'), before=_change("deletion", _p("@"))),
    "deleted-noise": text(_p('@a<text:change text:change-id="c1"/>-@b-@c'), before=_change("deletion", _p("99"))),
    "inserted": text(_p('<text:change-start text:change-id="c1"/>@<text:change-end text:change-id="c1"/>'), before=_change("insertion")),
    "inserted-noise": text(_p('@a<text:change-start text:change-id="c1"/>99<text:change-end text:change-id="c1"/>-@b-@c'), before=_change("insertion")),
    "text-box": text(_p("x" + _frame("<draw:text-box>" + _p("@") + "</draw:text-box>"))),
    "alternative-text": text(_p("x" + _frame(f"<draw:image><office:binary-data>{_PNG}</office:binary-data></draw:image>", "<svg:title>t</svg:title><svg:desc>@</svg:desc>"))),
    "hidden-section": text(f'<text:section text:style-name="Sect" text:name="S" text:display="none">{_p("@")}</text:section>'),
    "table-cells": text(_table(_row(*(_cell(each) for each in ("SSN", "@a", "-@b-", "@c"))))),
    "list-label": text(f'<text:list text:style-name="L1"><text:list-item>{_p("is the number")}</text:list-item></text:list>'),
    "ruby": text(_p("<text:ruby><text:ruby-base>@a</text:ruby-base><text:ruby-text>99</text:ruby-text></text:ruby>-@b-@c")),
    "title": text(_p("x"), meta="<dc:title>@</dc:title>"),
    "own-property": text(_p("x"), meta='<meta:user-defined meta:name="ssn" meta:value-type="string">@</meta:user-defined>'),
    "link-target": text(_p('<text:a xlink:type="simple" xlink:href="https://example.com/?ssn=@">here</text:a>')),
    "spaces-and-tabs": text(_p('SSN<text:tab/>@a<text:span text:style-name="Bold"/>-@b-<text:span/>@c<text:s text:c="3"/>x')),
}  # fmt: skip

SHEETS = {
    "hidden-sheet": sheets(_table(_row(_cell("x"))) + _table(_row(_cell("a"), _cell("@")), name="Salaries", style="HideTab")),
    "hidden-row": sheets(_table(_row(_cell("x")), _row(_cell("a"), _cell("@"), attributes='table:visibility="collapse"'))),
    "hidden-column": sheets(_table(_row(_cell("x"), _cell("@")), column='<table:table-column/><table:table-column table:visibility="collapse"/>')),
    "cell-comment": sheets(_table(_row(f'<table:table-cell office:value-type="string"><office:annotation><dc:creator>A</dc:creator>{_p("@")}</office:annotation>{_p("x")}</table:table-cell>'))),
    "page-header": sheets(_table(_row(_cell("x"))), header="@"),
    "number-format": sheets(_table(_row(_cell("SSN"), _cell("@", 'table:style-name="Ssn" office:value-type="float" office:value="@9"')))),
    "split-cells": sheets(_table(_row(_cell("SSN"), _cell("@a"), _cell("-@b-"), _cell("@c")))),
    "formula": sheets(_table(_row(_cell("x"), '<table:table-cell table:formula="of:=&quot;@a&quot;&amp;&quot;-@b-@c&quot;"/>'))),
    "formula-of-cells": sheets(_table(_row(_cell("@a"), _cell("@b"), _cell("@c"), '<table:table-cell table:formula="of:=[.A1]&amp;&quot;-&quot;&amp;[.B1]&amp;&quot;-&quot;&amp;[.C1]"/>'))),
    "validation": sheets(_table(_row('<table:table-cell table:content-validation-name="v1" office:value-type="string"><text:p>x</text:p></table:table-cell>')), before='<table:content-validations><table:content-validation table:name="v1" table:base-cell-address="Pay.A1"><table:help-message table:title="t" table:display="true"><text:p>@</text:p></table:help-message></table:content-validation></table:content-validations>'),
    "named-expression": sheets(_table(_row(_cell("x"))), behind='<table:named-expressions><table:named-expression table:name="secret" table:base-cell-address="$Pay.$A$1" table:expression="&quot;@&quot;"/></table:named-expressions>'),
    "sheet-name": sheets(_table(_row(_cell("x")), name="SSN @")),
    "text-box": sheets(_table(_row(_cell("x")), before=f'<table:shapes><draw:frame svg:width="6cm" svg:height="2cm" svg:x="1cm" svg:y="1cm"><draw:text-box>{_p("@")}</draw:text-box></draw:frame></table:shapes>')),
    "title": sheets(_table(_row(_cell("x"))), meta="<dc:title>@</dc:title>"),
}  # fmt: skip


def _page(inner: str, extra: str = "") -> str:
    return f'<draw:page draw:name="p" draw:master-page-name="Default" {extra}>{inner}</draw:page>'


def _box(inner: str) -> str:
    return f'<draw:frame svg:width="10cm" svg:height="3cm" svg:x="2cm" svg:y="2cm"><draw:text-box>{inner}</draw:text-box></draw:frame>'


SLIDES = {
    "notes": slides(_page(_box(_p("x")) + f'<presentation:notes><draw:frame presentation:class="notes" svg:width="10cm" svg:height="3cm" svg:x="2cm" svg:y="12cm"><draw:text-box>{_p("@")}</draw:text-box></draw:frame></presentation:notes>')),
    "hidden-slide": slides(_page(_box(_p("x"))) + _page(_box(_p("@")), 'draw:style-name="HidePage"')),
    "comment": slides(_page(_box(_p("x")) + f'<office:annotation svg:x="1cm" svg:y="1cm"><dc:creator>A</dc:creator><dc:date>2024-01-01T00:00:00</dc:date>{_p("@")}</office:annotation>')),
    "table": slides(_page('<draw:frame svg:width="20cm" svg:height="3cm" svg:x="2cm" svg:y="2cm"><table:table>' + '<table:table-column table:number-columns-repeated="4"/>' + _row(*(_cell(each, "") for each in ("SSN", "@a", "-@b-", "@c"))) + "</table:table></draw:frame>")),
    "split-runs": slides(_page(_box(_p('<text:span text:style-name="Bold">@a</text:span>-<text:span text:style-name="Red">@b</text:span>-@c')))),
}  # fmt: skip
