"""What the fuzzing begins with: the messages and documents of tests/messages as they arrive, and a small file a format.

Each seed has needles: words of its text that stand plainly in its bytes, so that it can be told when they are lost.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MESSAGES = Path(__file__).parents[1] / "messages"
LARGEST = 512 * 1024  # bytes of a seed: one case is to take milliseconds
_NO_SEEDS = {".json", ".py", ".md", ".js", ".txt", ".sh"}
WORD = "Nightingale 536-22-1234"  # what every built-in file says


@dataclass(frozen=True)
class Seed:
    """One file to begin with; `mail`: read as a message, else as a file."""

    name: str
    data: bytes
    mail: bool


def seeds() -> list[Seed]:
    """All of them, in an order that does not change."""
    found = [Seed(f"built-in/{name}", data, name.endswith(".eml")) for name, data in sorted(_built_in().items())]
    for path in sorted(MESSAGES.rglob("*")):
        if not path.is_file() or path.suffix in _NO_SEEDS or "sources" in path.parts or path.stat().st_size > LARGEST:
            continue
        found.append(Seed(str(path.relative_to(MESSAGES)), path.read_bytes(), path.suffix == ".eml"))
    return found


def packed(entries: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def _built_in() -> dict[str, bytes]:
    plain = f"Dear {WORD},\r\nthe papers are attached.\r\n".encode()
    page = f"<html><body><p>Dear <b>{WORD}</b><table><tr><td>a<td>b</table></body></html>".encode()
    docx, xlsx, pptx = _docx(), _xlsx(), _pptx()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in (("letter.txt", plain), ("deep/" * 30 + "page.html", page)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    zipped = packed({"letter.txt": plain, "inner/notes.docx": docx, "page.html": page})
    files = {
        "docx": docx,
        "xlsx": xlsx,
        "pptx": pptx,
        "odt": _odf("text", f"<text:p>{WORD}</text:p><text:p>more</text:p>"),
        "ods": _odf(
            "spreadsheet",
            f'<table:table table:name="One"><table:table-row table:number-rows-repeated="3"><table:table-cell '
            f'table:number-columns-repeated="2"><text:p>{WORD}</text:p></table:table-cell></table:table-row></table:table>',
        ),
        "zip": zipped,
        "stored.zip": packed({"letter.txt": plain, "more.zip": zipped}, zipfile.ZIP_STORED),
        "tar": tar.getvalue(),
        "tar.gz": gzip.compress(tar.getvalue(), mtime=0),
        "txt.gz": gzip.compress(plain, mtime=0),
        "tar.bz2": bz2.compress(tar.getvalue()),
        "txt.xz": lzma.compress(plain),
        "rtf": (
            r"{\rtf1\ansi\deff0{\fonttbl{\f0 Arial;}}{\info{\title "
            + WORD
            + r"}}\pard Dear "
            + WORD
            + r"\par\u8364?\'e9{\*\bkmkstart x}{\v hidden}\par}"
        ).encode(),
        "pdf": _pdf(),
        "html": page,
        "xml": f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY n "{WORD}">]><a><b c="d">{WORD}</b>&n;</a>'.encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><text>{WORD}</text></svg>'.encode(),
        "csv": f"name;number\r\nAnn;{WORD}\r\n".encode() * 5,
        "ics": f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{WORD}\r\n more\r\nEND:VEVENT\r\nEND:VCALENDAR".encode(),
        "vcf": f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{WORD}\r\nNOTE;ENCODING=b:SGVsbG8=\r\nEND:VCARD\r\n".encode(),
        "mbox": b"From a@b Mon Jan  5 10:00:00 2026\nFrom: a@example.com\nSubject: x\n\n" + plain + b"\n\n",
        "ole": _ole(),
        "plain.eml": b"From: a@example.com\r\nTo: b@example.org\r\nSubject: =?utf-8?q?P=C3=A4pers?=\r\n\r\n" + plain,
    }
    for name in ("docx", "xlsx", "zip", "pdf", "rtf", "html"):
        files[f"with-{name}.eml"] = _mail(plain, f"papers.{name}", files[name])
    return files


def _mail(plain: bytes, name: str, data: bytes) -> bytes:
    from base64 import encodebytes

    return b"".join(
        (
            b"Received: from a by b; Mon, 5 Jan 2026 10:00:00 +0000\r\nFrom: a@example.com\r\nTo: b@example.org\r\n",
            b'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_out"\r\n\r\npreamble\r\n',
            b'--=_out\r\nContent-Type: multipart/alternative; boundary="=_in"\r\n\r\n--=_in\r\n',
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            plain.replace(b"=", b"=3D")
            + b"\r\n--=_in\r\nContent-Type: text/html\r\n\r\n<p>Dear you</p>\r\n--=_in--\r\n",
            b"--=_out\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n",
            b"Content-Disposition: attachment; filename*0*=utf-8''pap; filename*1=\"ers.bin\"; filename="
            + name.encode(),
            b"\r\n\r\n" + encodebytes(data).replace(b"\n", b"\r\n") + b"--=_out--\r\n",
        )
    )


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PKG = "http://schemas.openxmlformats.org/package/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"


def _types(part: str, kind: str) -> str:
    of = "application/vnd.openxmlformats-officedocument."
    return (
        f'<Types xmlns="{_PKG}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="{part}" ContentType="{of}{kind}.main+xml"/></Types>'
    )


def _rels(kind: str, target: str) -> str:
    one = f'<Relationship Id="rId1" Type="{_REL}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PKG}/relationships">{one}</Relationships>'


def _docx() -> bytes:
    runs = f"<w:p><w:r><w:t>Dear {WORD}</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    return packed(
        {
            "[Content_Types].xml": _types("/word/document.xml", "wordprocessingml.document"),
            "_rels/.rels": _rels("officeDocument", "word/document.xml"),
            "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:body>{runs * 3}</w:body></w:document>',
            "word/footnotes.xml": f'<w:footnotes xmlns:w="{_WORD}"><w:footnote>{runs}</w:footnote></w:footnotes>',
            "docProps/core.xml": f"<core><title>{WORD}</title></core>",
        }
    )


def _xlsx() -> bytes:
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>{n}</v></c>'
        f'<c r="C{n}" t="inlineStr"><is><t>{WORD}</t></is></c></row>'
        for n in range(1, 5)
    )
    return packed(
        {
            "[Content_Types].xml": _types("/xl/workbook.xml", "spreadsheetml.sheet"),
            "_rels/.rels": _rels("officeDocument", "xl/workbook.xml"),
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
            '<sheet name="Pay" sheetId="1" state="hidden" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _rels("worksheet", "worksheets/sheet1.xml"),
            "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}"><si><t>Dear {WORD}</t></si></sst>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )


def _pptx() -> bytes:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    return packed(
        {
            "[Content_Types].xml": _types("/ppt/presentation.xml", "presentationml.presentation"),
            "_rels/.rels": _rels("officeDocument", "ppt/presentation.xml"),
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{_SLIDES}" xmlns:r="{_REL}">'
            '<p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": _rels("slide", "slides/slide1.xml"),
            "ppt/slides/slide1.xml": f'<p:sld xmlns:p="{_SLIDES}" xmlns:a="{drawing}">'
            f"<a:p><a:r><a:t>{WORD}</a:t></a:r></a:p></p:sld>",
        }
    )


def _odf(kind: str, body: str) -> bytes:
    of = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = f'xmlns:office="{of}:office:1.0" xmlns:text="{of}:text:1.0" xmlns:table="{of}:table:1.0"'
    inner = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    content = f"<office:document-content {spaces}>{inner}</office:document-content>"
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return packed(
        {"mimetype": mime, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}, zipfile.ZIP_STORED
    )


def _pdf() -> bytes:
    drawn = zlib.compress(f"BT /F1 12 Tf 20 100 Td ({WORD}) Tj ET".encode())
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Title({WORD})>>".encode(),
    ]
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _ole() -> bytes:
    """A compound file with one small stream of text, as [MS-CFB] lays it out."""
    from struct import pack

    free, end, fat = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += pack("<IIIIIIIIII", 0, 1, 1, 0, 0x1000, end, 0, end, 0, 0) + pack("<I", free) * 108
    table = pack("<4I", fat, end, 3, end) + pack("<I", free) * 124

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        body = text.ljust(64, b"\0") + pack("<HBBIII", len(text), kind, 1, free, free, child)
        return body + bytes(36) + pack("<IQ", start, size)

    text = (WORD + " ").encode() * 40
    folder = entry("Root Entry", 5, 1, end, 0) + entry("Contents", 2, free, 2, 4096) + bytes(256)
    return head[:512] + table + folder + text.ljust(1024, b".") + bytes(3072)


def words_of(text: str) -> Iterator[str]:
    """The words of a text that are worth looking for."""
    for word in text.split():
        if len(word) >= 6 and word.isascii() and word.replace("-", "").isalnum():
            yield word
