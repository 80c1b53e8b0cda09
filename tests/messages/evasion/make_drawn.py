"""Pages whose pieces come from drawings and from other parts of the message, and documents of boxes and fields."""

from collections.abc import Iterator

from corpus import HEAD, Evasion, mail, write
from files import attached, cell, docx, packed, paragraph, run, xlsx

SPACE = 'xmlns="http://www.w3.org/2000/svg"'
PLACES = [(10, "4"), (0, "5"), (9, "3"), (1, "3"), (8, "2"), (2, "6"), (7, "1"), (3, "-"), (6, "-"), (4, "2"), (5, "2")]
JUNK = "536<i class=x>77</i>-22-<i class=x>9</i>1234"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
SPACES = " ".join(f'xmlns:{short}="{ODF}:{name}:1.0"' for short, name in (
    ("office", "office"), ("text", "text"), ("style", "style"), ("draw", "drawing"), ("svg", "svg-compatible"),
))  # fmt: skip


def _drawing(text: str, width: int = 12) -> str:
    return f'<svg {SPACE} width="{width}" height="24"><text y="16">{text}</text></svg>'


def drawings() -> Iterator[tuple[str, str, str]]:
    """Pages with drawings and frames."""
    signs = "".join(f'<text id="d{at}" y="20">{at}</text>' for at in range(10)) + '<text id="d-" y="20">-</text>'
    uses = "".join(f'<use href="#d{sign}" xlink:href="#d{sign}" x="{10 + 10 * at}"/>' for at, sign in PLACES)
    linked = f'{SPACE} xmlns:xlink="http://www.w3.org/1999/xlink" width="400" height="40"'
    yield "svg-used-again", f"<svg {linked}><defs>{signs}</defs>{uses}</svg>", "SVG 2, 5.6"
    anchored = '<text y="20" x="100" text-anchor="end">536-22</text><text y="20" x="100">-1234</text>'
    yield "svg-anchor", f'<svg {SPACE} width="400" height="40">{anchored}</svg>', "SVG 2, 11.10.2"
    yield (
        "foot-first",
        "<table><tfoot><tr><td>1234</td></tr></tfoot><tbody><tr><td>536-22-</td></tr></tbody></table>",
        "HTML, 4.9.7",
    )


def _related(page: str, *parts: tuple[str, str, str]) -> bytes:
    lines = ['Content-Type: multipart/related; boundary=b; type="text/html"', "", "--b", "Content-Type: text/html", ""]
    lines.append(f"<!doctype html><p>Her SSN is {page}</p>")
    for kind, name, body in parts:
        lines += ["--b", f"Content-Type: {kind}", name, "", body]
    return mail(*(line.encode() for line in lines), b"--b--")


def borrowed() -> Iterator[tuple[str, bytes, str]]:
    """Pages that take something from other parts."""
    gone, writes = ".x{display:none}", ".n::before{content:'536'}.n::after{content:'1234'}"
    own = "Content-ID: <s@x>"
    link = '<link rel=stylesheet href="cid:s@x">'
    yield "sheet-that-hides", _related(link + JUNK, ("text/css", own, gone)), "RFC 2392"
    yield "sheet-that-writes", _related(f"{link}<b class=n>-22-</b>", ("text/css", own, writes)), "RFC 2392"
    imported = "<style>@import 'cid:s@x';</style><b class=n>-22-</b>"
    yield "sheet-imported", _related(imported, ("text/css", own, writes)), "CSS Cascade 5, 2"
    drawn = [
        ("image/svg+xml", f"Content-ID: <{name}@x>", _drawing(text, wide))
        for name, text, wide in (("a", "536-22", 48), ("b", "-1234", 40))
    ]
    yield "drawings", _related('<img src="cid:a@x"><img src="cid:b@x">', *drawn), "RFC 2392"


def _odt(body: str, styles: str = "") -> bytes:
    kind = "application/vnd.oasis.opendocument.text"
    entry = f'<manifest:file-entry manifest:full-path="%s" manifest:media-type="{kind}"/>'
    entries = entry % "/" + entry % "content.xml"
    manifest = f'<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0">{entries}</manifest:manifest>'
    content = f"{styles}<office:body><office:text>{body}</office:text></office:body>"
    return packed(
        {
            "mimetype": kind,
            "META-INF/manifest.xml": manifest,
            "content.xml": f'<office:document-content {SPACES} office:version="1.2">{content}'
            "</office:document-content>",
        }
    )


def documents() -> Iterator[tuple[str, str, bytes, str, str]]:
    """Boxes by place, values that a program works out."""
    frames = "".join(
        f'<w:p><w:pPr><w:framePr w:w="240" w:wrap="around" w:vAnchor="page" w:hAnchor="page" w:x="{1000 + 240 * at}"'
        f' w:y="2000"/></w:pPr><w:r><w:t>{sign}</w:t></w:r></w:p>'
        for at, sign in PLACES
    )
    yield "docx-frames", "a.docx", docx(frames + paragraph(run("SSN"))), "a frame for each sign", "ECMA-376 17.3.1.11"
    declared = '<text:user-field-decl office:value-type="string" office:string-value="22" text:name="a"/>'
    shown = '<text:p>SSN 536-<text:user-field-get text:name="a"/>-1234</text:p>'
    field = _odt(f"<text:user-field-decls>{declared}</text:user-field-decls>{shown}")
    yield "odt-user-field", "a.odt", field, "a field whose value stands in its declaration", "ODF 1.3, 7.4.9"
    level = '<text:list-level-style-number text:level="1" style:num-format="1" text:start-value="536"/>'
    styles = (
        f'<office:automatic-styles><text:list-style style:name="L">{level}</text:list-style></office:automatic-styles>'
    )
    item = "<text:list-item><text:p>-22-1234</text:p></text:list-item>"
    listed = _odt(f'<text:p>SSN</text:p><text:list text:style-name="L">{item}</text:list>', styles)
    yield "odt-list-label", "a.odt", listed, "the label of a list", "ODF 1.3, 5.3.2"
    book = xlsx((cell("A1", "SSN"), cell("B1", "", kind="", style=1, formula="536221000+234")), code="000\\-00\\-0000")
    yield "xlsx-sum", "a.xlsx", book, "a sum without its result, in a format with dashes", "ECMA-376 18.8.30"


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, body, at in drawings():
        raw = mail(b"Content-Type: text/html; charset=utf-8", b"", f"<!doctype html><p>Her SSN is {body}</p>".encode())
        yield Evasion(f"drawn/{name}", raw, name.replace("-", " "), at)
    for name, raw, at in borrowed():
        yield Evasion(f"borrowed/{name}", raw, f"{name.replace('-', ' ')}, in another part", at)
    entities = '<!DOCTYPE html [<!ENTITY a "536-22"><!ENTITY b "&a;-1234">]>'
    body = "<head><title>a</title></head><body><p>SSN &b;</p></body>"
    page = f'{entities}<html xmlns="http://www.w3.org/1999/xhtml">{body}</html>'
    raw = mail(b"Content-Type: application/xhtml+xml; charset=utf-8", b"", page.encode())
    yield Evasion("drawn/page-entities", raw, "entities that the page declares", "XML 1.0, 4.2.1")
    named = f'<!DOCTYPE svg [<!ENTITY a "536-22">]>{_drawing("&a;-1234", 120)}'
    yield Evasion(
        "drawn/svg-entities",
        attached("a.svg", named.encode(), "image/svg+xml"),
        "entities of a drawing",
        "XML 1.0, 4.2.1",
    )
    for name, file, data, why, at in documents():
        yield Evasion(f"drawn/{name}", attached(file, data), why, at)
    comment = HEAD.replace(b"+0100\n", b"+0100 (SSN 536-22-1234)\n")
    yield Evasion("drawn/date-comment", mail(b"", b"see above", head=comment), "a comment in Date", "RFC 5322, 3.2.2")


if __name__ == "__main__":
    write(evasions())
