"""Pages of a PDF that show another text than is written in their content (ISO 32000-1)."""

import base64
import zipfile
from collections.abc import Iterator

from corpus import SSN, Evasion, write
from files import attached, packed, pdf, shown, stream

BEFORE = shown("SSN")
_STEP = 8
_WRITTEN = {"fields-in-a-row": "536 22 1234", "boxes-of-a-field": "536221234"}


def _spread(turn: str, across: float, up: float, by: tuple[float, float], number: str = SSN) -> str:
    """A sign at a time, in the order of the alphabet, each where it belongs."""
    signs = sorted(enumerate(number), key=lambda pair: (pair[1], pair[0]))
    return "".join(shown(sign, round(across + at * by[0], 2), round(up + at * by[1], 2), turn) for at, sign in signs)


def orders() -> Iterator[tuple[str, bytes, str, str]]:
    """Signs in another order than they stand in."""
    yield (
        "shuffled",
        pdf(BEFORE + _spread("1 0 0 1", 60, 300, (_STEP, 0))),
        "a sign at a time, shuffled",
        "ISO 32000-1, 9.4.2",
    )
    yield (
        "upside-down",
        pdf(shown("SSN", 340, 200, "-1 0 0 -1") + _spread("-1 0 0 -1", 300, 200, (-_STEP, 0)), page="/Rotate 180"),
        "a page turned around, signs shuffled",
        "ISO 32000-1, 7.7.3.3 Rotate",
    )
    yield (
        "on-its-side",
        pdf(shown("SSN", 200, 60, "0 1 -1 0") + _spread("0 1 -1 0", 200, 100, (0, _STEP)), page="/Rotate 90"),
        "a page on its side, signs shuffled",
        "ISO 32000-1, 7.7.3.3 Rotate",
    )
    yield (
        "gaps-undone",
        pdf("BT /F1 12 Tf 20 300 Td (SSN) Tj 87 0 Td (-1234) Tj -40 0 Td (536) Tj 20 0 Td (-22) Tj ET"),
        "pieces in another order, each moved to its place",
        "ISO 32000-1, 9.4.2 Td",
    )
    halves = [shown("SSN 536"), shown("-22-1234", 66)]
    form = "/Type/XObject/Subtype/Form/BBox[0 0 400 400]/Resources<</Font<</F1 5 0 R>>>>"
    yield (
        "forms",
        pdf("/B Do /A Do", *(stream(half, form) for half in halves), resources="/XObject<</A 6 0 R/B 7 0 R>>"),
        "two form XObjects, the second drawn first",
        "ISO 32000-1, 8.10",
    )


def covers() -> Iterator[tuple[str, bytes, str, str]]:
    """Digits in between that nobody sees."""
    yield (
        "covered",
        pdf(shown("SSN 536-9922-1234") + "1 g 72 295 13.3 20 re f"),
        "two digits in the middle lie under a white box",
        "ISO 32000-1, 8.5.3",
    )
    yield (
        "clipped",
        pdf(f"{shown('SSN 536')}q 0 0 1 1 re W n {shown('99', 66)}Q {shown('-22-1234', 66)}"),
        "two digits outside of the clip",
        "ISO 32000-1, 8.5.4",
    )
    layer = "/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>"
    yield (
        "layer-off",
        pdf(
            f"{shown('SSN 536')}/OC /o BDC {shown('99', 66)}EMC {shown('-22-1234', 66)}",
            "<</Type/OCG/Name(x)>>",
            resources="/Properties<</o 6 0 R>>",
            catalog=layer,
        ),
        "two digits on a layer that is off",
        "ISO 32000-1, 8.11",
    )
    yield (
        "off-the-page",
        pdf(f"{shown('SSN 536')}{shown('99', -50)}{shown('-22-1234', 66)}"),
        "two digits beside the page",
        "ISO 32000-1, 7.7.3.3 MediaBox",
    )
    yield (
        "actual-text",
        pdf("BT /F1 12 Tf 20 300 Td /Span<</ActualText(hello)>>BDC (SSN 536-22-1234) Tj EMC ET"),
        "another text in the place of the one that is drawn",
        "ISO 32000-1, 14.9.4",
    )


def fields() -> Iterator[tuple[str, bytes, str, str]]:
    """Annotations and forms."""
    form = "/Type/XObject/Subtype/Form/Resources<</Font<</F1 5 0 R>>>>/BBox[0 0 {} 30]"
    yield (
        "stamps",
        pdf(
            BEFORE,
            "<</Type/Annot/Subtype/Stamp/Rect[50 290 71 320]/F 4/AP<</N 7 0 R>>>>",
            stream("BT /F1 12 Tf 0 10 Td (536) Tj ET", form.format(21)),
            "<</Type/Annot/Subtype/Stamp/Rect[70 290 129 320]/F 4/AP<</N 9 0 R>>>>",
            stream("BT /F1 12 Tf 0 10 Td (-22-1234) Tj ET", form.format(59)),
            page="/Annots[8 0 R 6 0 R]",
        ),
        "the number on two stamps",
        "ISO 32000-1, 12.5.6.12",
    )
    widgets = [
        f"<</Type/Annot/Subtype/Widget/FT/Tx/T({at})/V({text})/DA(/F1 12 Tf)/F 4"
        f"/Rect[{50 + 30 * at} 292 {79 + 30 * at} 312]/AP<</N {9 + at} 0 R>>>>"
        for at, text in enumerate(("536", "22", "1234"))
    ]
    looks = [
        stream(f"/Tx BMC BT /F1 12 Tf 1 8 Td ({text}) Tj ET EMC", form.format(29).replace("30]", "20]"))
        for text in ("536", "22", "1234")
    ]
    yield (
        "fields-in-a-row",
        pdf(
            BEFORE,
            *widgets,
            *looks,
            page="/Annots[8 0 R 7 0 R 6 0 R]",
            catalog="/AcroForm<</Fields[6 0 R 7 0 R 8 0 R]/DR<</Font<</F1 5 0 R>>>>>>",
        ),
        "the groups of the number in three fields",
        "ISO 32000-1, 12.7.4.3",
    )


def more_fields() -> Iterator[tuple[str, bytes, str, str]]:
    """A field that is drawn by its boxes, and layers of which one is named as shown."""
    kept = "/AcroForm<</Fields[6 0 R]/NeedAppearances true/DR<</Font<</F1 5 0 R>>>>>>"
    yield (
        "boxes-of-a-field",
        pdf(
            BEFORE,
            "<</FT/Tx/T(n)/V(536221234)/Ff 16777216/MaxLen 9/DA(/F1 12 Tf)/Kids[7 0 R]>>",
            "<</Type/Annot/Subtype/Widget/Parent 6 0 R/F 4/Rect[50 292 250 312]>>",
            page="/Annots[7 0 R]",
            catalog=kept,
        ),
        "boxes that show the value of the field that they belong to",
        "ISO 32000-1, 12.7.3.1",
    )
    yield (
        "layers-but-one",
        pdf(
            f"/OC /o BDC {shown('SSN 536')}EMC /OC /p BDC {shown('99', 66)}EMC {shown('-22-1234', 66)}",
            "<</Type/OCG/Name(x)>>",
            "<</Type/OCG/Name(y)>>",
            resources="/Properties<</o 6 0 R/p 7 0 R>>",
            catalog="/OCProperties<</OCGs[6 0 R 7 0 R]/D<</BaseState/OFF/ON[6 0 R]>>>>",
        ),
        "all layers are off but the one that begins the number",
        "ISO 32000-1, 8.11.4.3",
    )


def packings() -> Iterator[tuple[str, bytes, str, str]]:
    """Content that is packed oddly."""
    content = shown(f"SSN {SSN}").encode()
    yield (
        "text-filters",
        pdf(stream(base64.a85encode(content.hex().encode() + b">") + b"~>", "/Filter[/A85/AHx]")),
        "two filters",
        "ISO 32000-1, 7.4",
    )
    halves = [stream("BT /F1 12 Tf 20 300 Td (SSN 536) Tj"), stream("(-22-1234) Tj ET")]
    data = pdf("", *halves).replace(b"/Contents 4 0 R", b"/Contents[6 0 R 7 0 R]")
    yield "content-in-pieces", data, "the content of a page in two streams", "ISO 32000-1, 7.8.2"
    yield (
        "behind-text",
        b"hello\n" * 100 + pdf(content),
        "text before the header, up to 1024 bytes of it",
        "ISO 32000-1, Annex H, note 13",
    )


def attachments() -> Iterator[tuple[str, bytes, str, str]]:
    """What a file holds beside its pages."""
    inner = packed({"letter.txt": f"Her SSN is {SSN}."}, zipfile.ZIP_STORED)
    yield (
        "portfolio",
        pdf(
            shown("hello"),
            "<</Type/Filespec/F(a.zip)/UF(a.zip)/EF<</F 7 0 R>>>>",
            stream(inner, "/Type/EmbeddedFile"),
            catalog="/Collection<</View/D>>/Names<</EmbeddedFiles<</Names[(a.zip)6 0 R]>>>>",
        ),
        "a zip in a portfolio",
        "ISO 32000-1, 12.3.5",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for each in (orders, covers, fields, more_fields, packings, attachments):
        for name, data, why, at in each():
            value = _WRITTEN.get(name, SSN)
            yield Evasion(f"pdf/{name}", attached("form.pdf", data, "application/pdf"), why, at, value=value)
    glyph = stream("0 0 d0 BT /F1 1000 Tf (5) Tj ET")
    font = (
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 1000 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 97/LastChar 97"
        "/Widths[600]/Encoding<</Differences[97/g1]>>/CharProcs<</g1 7 0 R>>/Resources<</Font<</F1 5 0 R>>>>>>"
    )
    yield Evasion(
        "pdf/signs-of-its-own",
        attached("form.pdf", pdf(shown("a").replace("/F1", "/F2"), font, glyph, resources="").replace(
            b"<</F1 5 0 R>>>>>>", b"<</F1 5 0 R/F2 6 0 R>>>>>>", 1
        ), "application/pdf"),
        "a font that draws its signs and tells nowhere what they are",
        "ISO 32000-1, 9.6.5",
        found={"unreadable": 1},
    )  # fmt: skip


if __name__ == "__main__":
    write(evasions())
