"""Building the files of the corpus: mail with an attachment, zips, Office documents and PDFs, always the same bytes."""

import io
import zipfile
from base64 import encodebytes

from corpus import HEAD

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PKG = "http://schemas.openxmlformats.org/package/2006"
_OF = "application/vnd.openxmlformats-officedocument."


def attached(name: str, data: bytes, media_type: str = "application/octet-stream") -> bytes:
    """A message with one attachment."""
    lines = (
        f'Content-Type: {media_type}; name="{name}"',
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{name}"',
    )
    head = HEAD + "\n".join(lines).encode() + b"\n\n"
    return (head + encodebytes(data)).replace(b"\n", b"\r\n")


def packed(entries: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def links(*each: tuple[str, str, str]) -> str:
    """The relationships of a part: id, kind, target."""
    found = "".join(
        f'<Relationship Id="{key}" Type="{kind if ":" in kind else f"{_REL}/{kind}"}" Target="{target}"/>'
        for key, kind, target in each
    )
    return f'<Relationships xmlns="{_PKG}/relationships">{found}</Relationships>'


def _types(*parts: tuple[str, str]) -> str:
    defaults = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    defaults += '<Default Extension="xml" ContentType="application/xml"/>'
    defaults += '<Default Extension="htm" ContentType="text/html"/>'
    overrides = "".join(f'<Override PartName="{name}" ContentType="{_OF}{kind}+xml"/>' for name, kind in parts)
    return f'<Types xmlns="{_PKG}/content-types">{defaults}{overrides}</Types>'


def run(text: str, look: str = "") -> str:
    """A run of a docx."""
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str) -> str:
    """A paragraph of a docx."""
    return f"<w:p>{''.join(runs)}</w:p>"


def docx(
    body: str, parts: dict[str, str] | None = None, kinds: tuple[tuple[str, str], ...] = (), linked: str = ""
) -> bytes:
    """A docx; `kinds` are the types of further parts, `linked` the relationships of its main part."""
    spaces = f'xmlns:w="{_W}" xmlns:m="{_M}" xmlns:r="{_REL}"'
    entries: dict[str, bytes | str] = {
        "[Content_Types].xml": _types(("/word/document.xml", "wordprocessingml.document.main"), *kinds),
        "_rels/.rels": links(("r1", "officeDocument", "word/document.xml")),
        "word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
    }
    if linked:
        entries["word/_rels/document.xml.rels"] = linked
    return packed(entries | {name: text.replace("<w:_", f"<w:_ {spaces}") for name, text in (parts or {}).items()})


def word_space() -> str:
    """The declaration that further parts of a docx need."""
    return f'xmlns:w="{_W}"'


def cell(place: str, value: str, *, kind: str = "inlineStr", style: int = 0, formula: str = "") -> str:
    """A cell; `kind` empty is a number."""
    said = f"<f>{formula}</f>" if formula else ""
    if kind == "inlineStr":
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t>{value}</t></is></c>'
    typed = f' t="{kind}"' if kind else ""
    return f'<c r="{place}" s="{style}"{typed}>{said}{f"<v>{value}</v>" if value else ""}</c>'


def xlsx(*rows: tuple[str, ...], code: str = "General", before: str = "", around: str = "", strings: str = "") -> bytes:
    """A workbook of one sheet. `code` is the number format of style 1."""
    body = "".join(f'<row r="{number}">{"".join(row)}</row>' for number, row in enumerate(rows, 1))
    styles = (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="{code}"/></numFmts>'
        '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf xfId="0"/>'
        '<xf numFmtId="164" applyNumberFormat="1" xfId="0"/></cellXfs></styleSheet>'
    )
    wide = '<cols><col min="1" max="12" width="24" customWidth="1"/></cols>'
    sheet = f'<worksheet xmlns="{_MAIN}">{before}{wide}<sheetData>{body}</sheetData>{around}</worksheet>'
    kinds = [
        ("/xl/workbook.xml", "spreadsheetml.sheet.main"),
        ("/xl/worksheets/sheet1.xml", "spreadsheetml.worksheet"),
        ("/xl/styles.xml", "spreadsheetml.styles"),
    ]
    linked = [("r1", "worksheet", "worksheets/sheet1.xml"), ("r2", "styles", "styles.xml")]
    entries: dict[str, bytes | str] = {}
    if strings:
        kinds.append(("/xl/sharedStrings.xml", "spreadsheetml.sharedStrings"))
        linked.append(("r3", "sharedStrings", "sharedStrings.xml"))
        entries["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{strings}</sst>'
    sheets = '<sheets><sheet name="Pay" sheetId="1" r:id="r1"/></sheets>'
    return packed(
        {
            "[Content_Types].xml": _types(*kinds),
            "_rels/.rels": links(("r1", "officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}">{sheets}</workbook>',
            "xl/_rels/workbook.xml.rels": links(*linked),
            "xl/styles.xml": styles,
            "xl/worksheets/sheet1.xml": sheet,
            **entries,
        }
    )


def stream(data: bytes | str, about: str = "") -> bytes:
    """A stream of a PDF."""
    raw = data.encode("latin-1") if isinstance(data, str) else data
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(raw), about.encode(), raw)


def pdf(content: bytes | str, *objects: bytes | str, resources: str = "", page: str = "", catalog: str = "") -> bytes:
    """A PDF of one page; further objects are numbered from 6 on, the font is /F1."""
    body: list[bytes | str] = [
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R{page}"
        f"/Resources<</Font<</F1 5 0 R>>{resources}>>>>",
        content if isinstance(content, bytes) and content.startswith(b"<<") else stream(content),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *objects,
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, each in enumerate(body, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each.encode("latin-1") if isinstance(each, str) else each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(body) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(out) + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(body) + 1, start)


def shown(text: str, across: float = 20, up: float = 300, turn: str = "") -> str:
    """A text on a page of a PDF."""
    return f"BT /F1 12 Tf {f'{turn} {across} {up} Tm' if turn else f'{across} {up} Td'} ({text}) Tj ET "
