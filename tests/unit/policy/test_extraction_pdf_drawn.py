"""PDFs whose number is drawn beside the pages' own content, or by fonts that say something else than they show."""

import zlib
from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

import pytest

from policy.extraction.extract import extract
from policy.extraction.pdf.drawn import _SHOW, _meanings
from policy.extraction.pdf.objects import _TEXT
from policy.extraction.pdf.placed import _TOKEN

NUMBER = "536-22-1234"
WHERE = "/BBox[0 0 300 300]/Resources<</Font<</F1 5 0 R>>>>"
FORM = f"/Type/XObject/Subtype/Form{WHERE}"
PATTERN = f"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/XStep 300/YStep 300{WHERE}"
PAINTED = "/Pattern cs /P scn 0 0 300 300 re f"
FORMS = "/XObject<</A 6 0 R/B 7 0 R/C 8 0 R>>"
LAYER = "/OCProperties<</OCGs[9 0 R]/D<</OFF[9 0 R]>>>>"


def stream(data: str | bytes, about: str = "") -> bytes:
    raw = data if isinstance(data, bytes) else data.encode("latin-1")
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(raw), about.encode(), raw)


def pdf(content: str, *objects: str | bytes, resources: str = "", page: str = "", catalog: str = "") -> bytes:
    """A page; `objects` are numbered from 6 on."""
    body = [
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R{page}"
        f"/Resources<</Font<</F1 5 0 R/F2 6 0 R>>{resources}>>>>",
        stream(content),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *objects,
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(body, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each if isinstance(each, bytes) else each.encode("latin-1"))
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(body) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(out) + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(body) + 1, start)


def put(text: str, across: int, up: int = 100) -> str:
    return f"BT /F1 12 Tf {across} {up} Td ({text}) Tj ET "


def spread(number: str = NUMBER) -> str:
    """Sign by sign, in the order of the alphabet, each where it belongs."""
    return "".join(put(sign, 60 + 8 * at) for at, sign in sorted(enumerate(number), key=lambda pair: pair[::-1]))


def found(data: bytes) -> str:
    content = extract("a.pdf", data)
    return "\n".join(part.text.replace(" ", "") for part in content.parts)


HALVES = stream(put("SSN 536", 20), FORM), stream(put("99", 66), FORM), stream(put("-22-1234", 66), FORM)
SMALL = stream(put("99", 66), FORM.replace("300 300]", "1 1]"))
HIDING = f"{put('SSN 536', 20)}q 0 0 1 1 re W n {put('99', 66)}Q {put('-22-1234', 66)}"


@pytest.mark.parametrize(
    "data",
    [
        pdf(PAINTED, stream(spread(), PATTERN), resources="/Pattern<</P 6 0 R>>"),
        pdf(PAINTED, stream(put(NUMBER, 20), f"{PATTERN}/Length1 3"), resources="/Pattern<</P 6 0 R>>"),
        pdf(
            "/G gs 0 0 300 300 re f",
            stream(f"1 g q 1 0 0 1 9 9 cm {spread()} Q", f"{FORM}/Group<</S/Transparency/CS/DeviceGray>>"),
            resources="/ExtGState<</G<</SMask<</S/Luminosity/G 6 0 R>>>>>>",
        ),
        pdf("/A Do", stream(put("SSN 536-9922-1234", 20) + "1 g 72 95 13.3 20 re f", FORM), resources=FORMS),
        pdf("q 1 0 0 1 5 5 cm /A Do Q", stream(HIDING, FORM), resources=FORMS),
        pdf("/A Do /B Do /C Do", HALVES[0], SMALL, HALVES[2], resources=FORMS),
        pdf(
            "/A Do /B Do /C Do",
            HALVES[0],
            stream(put("99", 66), f"{FORM}/OC 9 0 R"),
            HALVES[2],
            "<</Type/OCG/Name(x)>>",
            resources=FORMS,
            catalog=LAYER,
        ),
        pdf(
            "/A Do /OC /o BDC /B Do EMC /C Do",
            *HALVES,
            "<</Type/OCG/Name(x)>>",
            resources=f"{FORMS}/Properties<</o 9 0 R>>",
            catalog=LAYER,
        ),
    ],
    ids=["pattern", "pattern that says Length1", "mask", "covered", "clipped", "box", "own layer", "layer around"],
)
def test_what_patterns_masks_and_forms_show_is_read(data: bytes) -> None:
    assert NUMBER in found(data)


FREE = "<</Type/Annot/Subtype/FreeText/Rect[{} 90 {} 112]/F 4/DA(/Helv 12 Tf 0 g)/Contents({})>>"
BOXES = [FREE.format(118, 150, "-1234"), FREE.format(96, 116, "22"), FREE.format(60, 92, "536-")]
RICH = "<</Subtype/Widget/FT/Tx/T(x)/Rect[60 90 200 112]/RV(<body><p>536<b>-22-</b>1234</p></body>)>>"
SHOWN_FILE = "<</Type/Filespec/F(a.txt)/EF<</F 6 0 R>>/CI<</M(536-22-1234)>>>>"


@pytest.mark.parametrize(
    "data",
    [
        pdf(put("SSN", 20), *BOXES, page="/Annots[6 0 R 7 0 R 8 0 R]"),
        pdf(put("SSN 536", 20), FREE.format(66, 150, "-22-1234"), page="/Annots[6 0 R]"),
        pdf(put("SSN", 20), RICH, page="/Annots[6 0 R]", catalog="/AcroForm<</Fields[6 0 R]>>"),
        pdf(put("SSN", 20), stream("hello", "/Type/EmbeddedFile"), SHOWN_FILE),
        pdf(put("SSN", 20), catalog="/PageLabels<</Nums[0<</P(536-22-)/S/D/St 1234>>]>>"),
        pdf("", catalog='/OpenAction<</S/JavaScript/JS(app.alert\\(["536","22","1234"].join\\("-"\\)\\))>>'),
        pdf("", catalog='/OpenAction<</S/JavaScript/JS(app.alert\\("\\\\x35\\\\x33\\\\u00366-22-1234"\\))>>').replace(
            b"\\u00366", b"\\u0036"
        ),
    ],
    ids=[
        "three texts",
        "text beside the page's",
        "marked up",
        "column of a portfolio",
        "page label",
        "joined",
        "codes",
    ],
)
def test_what_a_viewer_adds_is_read(data: bytes) -> None:
    assert NUMBER in found(data)


def test_a_packed_file_that_is_told_as_none_is_read() -> None:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("a.txt", f"SSN {NUMBER}")
    inner = stream(zlib.compress(out.getvalue()), "/Filter/FlateDecode")
    assert NUMBER in found(pdf("", inner, "<</Type/Filespec/F(a.zip)/EF<</F 6 0 R>>>>", catalog="/AF[7 0 R]"))


MEANINGS = b"1 begincodespacerange <%b> <%b> endcodespacerange 1 beginbfrange <%b> <%b> <0061> endbfrange"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"D835DFCE", {1: "\N{MATHEMATICAL BOLD DIGIT ZERO}", 2: "\N{MATHEMATICAL BOLD DIGIT ONE}"}),
        (b"FF10", {1: "\N{FULLWIDTH DIGIT ZERO}", 2: "\N{FULLWIDTH DIGIT ONE}"}),
        (b"D7FF", {1: "\ud7ff"}),  # what would follow is no character
    ],
)
def test_ranges_of_meanings_reach_every_character(target: bytes, expected: dict[int, str]) -> None:
    assert _meanings(b"1 beginbfrange <01> <02> <%b> endbfrange" % target) == expected


TOLD = "<</Type/FontDescriptor/FontName/Arial/Flags 32/FontBBox[0 0 1000 1000]>>"
WIDE = (
    "<</Subtype/CIDFontType0/BaseFont/KozMinPr6N-Regular/FontDescriptor 9 0 R"
    "/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 4>>>>"
)


@pytest.mark.parametrize(
    ("font", "code", "below"),
    [
        ("/Subtype/TrueType/FontDescriptor 8 0 R", ord, TOLD),
        ("/Subtype/Type1/FontDescriptor 8 0 R", ord, TOLD),
        ("/Subtype/TrueType/FontDescriptor 8 0 R/Encoding<</Type/Encoding>>", ord, TOLD),
        ("/Subtype/Type0/Encoding/UniJIS-UCS2-H/DescendantFonts[8 0 R]", ord, WIDE),
        ("/Subtype/Type0/Encoding/Identity-H/DescendantFonts[8 0 R]", lambda sign: ord(sign) - 31, WIDE),
    ],
    ids=["TrueType", "Type 1", "no base", "Unicode", "collection"],
)
def test_a_font_of_the_viewers_own_shows_its_codes(font: str, code: Callable[[str], int], below: str) -> None:
    size = 4 if "Type0" in font else 2
    codes = "".join(f"{code(sign):0{size}x}" for sign in NUMBER)
    first, last = (f"{code(sign):0{size}x}".encode() for sign in "09")
    meanings = stream(MEANINGS % (b"0" * size, b"f" * size, first, last))
    data = pdf(
        f"BT /F2 12 Tf 20 100 Td <{codes}> Tj ET", f"<</Type/Font/BaseFont/Arial{font}/ToUnicode 7 0 R>>", meanings,
        below, TOLD,
    )  # fmt: skip
    assert NUMBER in found(data)


@pytest.mark.parametrize("size", [2_000, 4_000])
def test_strings_without_an_end_are_looked_through_once(size: int) -> None:
    """Each match goes on where the one before it ended: what is looked at grows as the content does."""
    content = b"(\\" * size
    for pattern in (_SHOW, _TOKEN, _TEXT):
        assert [match.span() for match in pattern.finditer(content)] == [(0, 2 * size - 1)]
