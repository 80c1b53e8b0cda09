"""Office documents that show a number which does not stand in their XML as one (ECMA-376)."""

from collections.abc import Iterator

from corpus import SSN, Evasion, write
from files import attached, cell, docx, links, packed, paragraph, run, word_space, xlsx

_SYMBOLS = {"-": "F02D"} | {str(digit): f"F03{digit}" for digit in range(10)}


def _symbol(sign: str) -> str:
    return f'<w:r><w:sym w:font="Symbol" w:char="{_SYMBOLS[sign]}"/></w:r>'


def _field(instruction: str, result: str = "") -> str:
    return f'<w:fldSimple w:instr="{instruction}">{result}</w:fldSimple>'


def words() -> Iterator[tuple[str, bytes, str, str]]:
    """Text documents."""
    before = run("SSN ")
    signs = "".join(map(_symbol, SSN))
    yield "symbols", docx(paragraph(before, signs)), "each sign a symbol of the font Symbol", "ECMA-376 17.3.3.30"
    pieces = "".join(f"<w:sdt><w:sdtContent>{run(sign)}</w:sdtContent></w:sdt>" for sign in SSN)
    yield "controls", docx(paragraph(before, pieces)), "each sign in a content control", "ECMA-376 17.5.2"
    dash = "<w:r><w:noBreakHyphen/></w:r>"
    broken = paragraph(before, run("536"), dash, run("2"), "<w:r><w:softHyphen/></w:r>", run("2"), dash, run("1234"))
    yield "hyphens", docx(broken), "hyphens that are elements", "ECMA-376 17.3.3.18"
    moved = paragraph(before, run("536-"), f'<w:moveTo w:id="1" w:author="a">{run("22")}</w:moveTo>', run("-1234"))
    yield "moved-here", docx(moved), "moved here by a tracked change", "ECMA-376 17.13.5.25"
    level = (
        '<w:lvl w:ilvl="0"><w:start w:val="536"/><w:numFmt w:val="decimal"/><w:lvlText w:val="SSN %1-22"/>'
        '<w:suff w:val="nothing"/></w:lvl>'
    )
    numbering = (
        f'<w:numbering {word_space()}><w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    listed = '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>'
    yield (
        "list-label",
        docx(
            paragraph(listed, run("-1234")),
            {"word/numbering.xml": numbering},
            (("/word/numbering.xml", "wordprocessingml.numbering"),),
            links(("r1", "numbering", "numbering.xml")),
        ),
        "the label of a list",
        "ECMA-376 17.9",
    )


def sheets() -> Iterator[tuple[str, bytes, str, str]]:
    """Workbooks."""
    name = cell("A1", "SSN")

    def book(*cells: str, code: str = "General", **more: str) -> bytes:
        return xlsx((name, *cells), code=code, **more)

    number = cell("B1", "536221234", kind="", style=1)
    yield "format", book(number, code="000\\-00\\-0000"), "dashes by the number format", "ECMA-376 18.8.30"
    minus = cell("B1", "-536221234", kind="", style=1)
    yield (
        "format-below-zero",
        book(minus, code="0;000\\-00\\-0000"),
        "dashes in the section for negatives",
        "ECMA-376 18.8.31",
    )
    small = cell("B1", "536", kind="", style=1)
    yield (
        "format-words",
        book(small, code="0&quot;-22-1234&quot;"),
        "the rest of it in the format's words",
        "ECMA-376 18.8.31",
    )
    nothing = cell("B1", "0", kind="", style=1)
    yield (
        "format-of-zero",
        book(nothing, code="0;0;&quot;536-22-1234&quot;"),
        "the format of zero is the number",
        "ECMA-376 18.8.31",
    )
    text = cell("B1", "536", style=1)
    yield (
        "format-of-text",
        book(text, code="0;0;0;@&quot;-22-1234&quot;"),
        "the format of text adds the rest",
        "ECMA-376 18.8.31",
    )
    thousands = cell("B1", "536221234000", kind="", style=1)
    yield "format-thousands", book(thousands, code="000\\-00\\-0000,"), "divided by a thousand", "ECMA-376 18.8.31"
    either = "[&lt;=999]0;000\\-00\\-0000"
    yield "format-condition", book(number, code=either), "a format with a condition", "ECMA-376 18.8.31"
    groups = (cell("B1", "536", kind=""), cell("C1", "22", kind=""), cell("D1", "1234", kind=""))
    yield "groups", book(*groups), "a group a cell", "ECMA-376 18.3.1.4"
    yield "cells-backwards", xlsx((*reversed(groups), name)), "cells of a row in another order", "ECMA-376 18.3.1.4"
    for title, formula, why in (
        ("joined", "B1&amp;&quot;-&quot;&amp;C1&amp;&quot;-&quot;&amp;D1", "a formula joins the groups"),
        ("looked-up", "VLOOKUP(&quot;SSN&quot;,A1:B1,2,FALSE)&amp;&quot;-22-1234&quot;", "a formula looks a group up"),
        ("indirect", "INDIRECT(&quot;B&quot;&amp;1)&amp;&quot;-22-1234&quot;", "a formula asks for a cell by its name"),
        ("index", "INDEX(A1:D1,1,2)&amp;&quot;-22-&quot;&amp;OFFSET(A1,0,3)", "a formula counts cells"),
        ("characters", "CHAR(53)&amp;CHAR(51)&amp;CHAR(54)&amp;&quot;-22-1234&quot;", "characters by their codes"),
        ("hexadecimal", "TEXT(HEX2DEC(&quot;1FF61632&quot;),&quot;000-00-0000&quot;)", "another base"),
    ):
        made = (name, *groups, cell("E1", "", kind="str", formula=formula))
        yield f"formula-{title}", xlsx(made), why, "ECMA-376 18.17"
    runs = "<si><r><t>SSN 536</t></r><r><rPr><b/></rPr><t>-22</t></r><r><t>-1234</t></r></si>"
    yield "rich-text", xlsx((cell("A1", "0", kind="s"),), strings=runs), "runs of rich text", "ECMA-376 18.4.8"


def values() -> Iterator[tuple[str, str, bytes, str, str]]:
    """Tables of values that sheets open: (name, ending, bytes, why, at)."""
    csv = b'SSN,"=""536""&""-22-1234"""\r\n'
    yield "csv-formula", "csv", csv, "a formula among comma separated values", "LibreOffice 7.4, RFC 4180"
    sylk = b'ID;PWXL;N;E\r\nC;Y1;X1;K"SSN"\r\nC;X2;K536\r\nC;X3;K22\r\nC;X4;K1234\r\nE\r\n'
    yield "sylk-groups", "slk", sylk, "a group a cell in SYLK", "SYLK"
    rows = b"".join(b'1,0\r\n"%b"\r\n' % text for text in (b"SSN", b"536", b"22", b"1234"))
    head = b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,4\r\n""\r\nTUPLES\r\n0,1\r\n""\r\n'
    head += b'DATA\r\n0,0\r\n""\r\n-1,0\r\nBOT\r\n'
    yield "dif-groups", "dif", head + rows + b"-1,0\r\nEOD\r\n", "a group a cell in DIF", "Data Interchange Format"


_GROUPED = {"groups", "cells-backwards", "sylk-groups", "dif-groups"}


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for each, ending in ((words, "docx"), (sheets, "xlsx")):
        for name, data, why, at in each():
            value = "536,22,1234" if name in _GROUPED else "5,3,6,-,2,2,-,1,2,3,4" if name == "digit-a-cell" else SSN
            value = SSN if ending == "docx" else value
            yield Evasion(f"office/{ending}-{name}", attached(f"form.{ending}", data), why, at, value=value)
    for name, ending, data, why, at in values():
        value = "536,22,1234" if name in _GROUPED else SSN
        yield Evasion(f"office/{name}", attached(f"form.{ending}", data), why, at, value=value)
    glyphs = "".join(
        f'<Glyphs UnicodeString="{text}" OriginX="{across}" OriginY="50" FontRenderingEmSize="12" FontUri="/f.odttf"/>'
        for text, across in (("-1234", 90), ("SSN", 10), ("-22", 70), ("536", 50))
    )
    page = f'<FixedPage xmlns="http://schemas.microsoft.com/xps/2005/06" Width="400" Height="400">{glyphs}</FixedPage>'
    told = glyphs.replace("UnicodeString", "Indices")
    for name, body, found in (
        ("xps-shuffled", page, {"us.ssn": 1}),
        ("xps-untold", page.replace(glyphs, told), {"unreadable": 1}),
    ):
        parts = {"[Content_Types].xml": "<Types/>", "_rels/.rels": links(), "Documents/1/Pages/1.fpage": body}
        why = (
            "pieces of a page that stand side by side"
            if found == {"us.ssn": 1}
            else "glyphs that do not say what they are"
        )
        if name == "xps-untold":
            yield Evasion(f"office/{name}", attached("form.xps", packed(parts)), why, "ECMA-388 12.1", found=found)
    formula = cell("A1", "", kind="str", formula="&quot;536-&quot;&amp;WEBSERVICE(&quot;http://x.example/&quot;)")
    yield Evasion(
        "office/xlsx-not-followed",
        attached("form.xlsx", xlsx((formula,))),
        "a formula that makes a text and has no result",
        "ECMA-376 18.17",
        found={"unreadable": 1},
    )


if __name__ == "__main__":
    write(evasions())
