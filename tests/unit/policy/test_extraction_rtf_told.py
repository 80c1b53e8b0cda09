"""RTF: numbers of lists, what some programs hide, and words written in ways of their own."""

import pytest

from policy.extraction.extract import extract

NUMBER = "536-22-1234"
FONTS = r"{\fonttbl{\f0 Arial;}{\f2\fcharset128 MS Mincho;}}"
LEVEL = (
    r"\levelnfc0\levelstartat536\levelfollow2{\leveltext\'02\'00-;}{\levelnumbers\'01;}",
    r"\levelnfc255\levelfollow2{\leveltext\'0b536-22-1234;}{\levelnumbers;}",
)
LISTS = (
    r"{\*\listtable{\list\listtemplateid1{\listlevel%s}\listid7}}"
    r"{\*\listoverridetable{\listoverride\listid7\listoverridecount0\ls1}}"
)
SHAPE = r"{{\shp{{\*\shpinst\shpleft{}\shptop0{{\shptxt \pard {}\par}}}}}}"
FRAME = r"\pard\posx%d\posy500\absw1000 %s\par"


def rtf(body: str, head: str = r"{\rtf1\ansi\ansicpg1252\deff0") -> bytes:
    return f"{head}{FONTS}{body}}}".encode("latin-1")


def found(data: bytes) -> str:
    content = extract("a.rtf", data)
    assert not any(fact.unreadable for fact in content.files)
    return "\n".join(part.text for part in content.parts)


@pytest.mark.parametrize(
    "body",
    [
        LISTS % LEVEL[0] + r"\pard\ls1\ilvl0 22-1234\par",
        LISTS % LEVEL[1] + r"\pard\ls1\ilvl0 is her SSN\par",
        (LISTS % LEVEL[0]).replace("startat536", "startat1").replace(
            r"overridecount0", r"overridecount1{\lfolevel\listoverridestartat\levelstartat535}"
        ) + r"\pard\ls1 a\par\pard\ls1 22-1234\par",
        r"\pard{\*\pn\pnlvlbody\pnstart536\pndec{\pntxtb}{\pntxta -}}22-1234\par",
        r"\pard{\*\pn\pnlvlbody\pnstart535\pndec{\pntxta -}}a\par 22-1234\par",
    ],
    ids=["level", "level of a text", "begun anew", "Word 6", "Word 6, the next"],
)  # fmt: skip
def test_the_numbers_of_lists_stand_in_front(body: str) -> None:
    assert NUMBER in found(rtf(body))


def test_a_number_that_the_file_writes_itself_is_not_put_twice() -> None:
    body = LISTS % LEVEL[0] + r"{\listtext 536-}\pard\ls1\ilvl0 22-1234\par"
    shown = found(rtf(body))
    assert NUMBER in shown
    assert "536-536-" not in shown


@pytest.mark.parametrize(
    "body",
    [
        r"\pard 536{\mvf 99}-22-1234\par",
        r"\pard 536{\webhidden 99}-22-1234\par",
        r"\pard 536{\nonshppict 99}-22-1234\par",
        r"\pard 536{\tcn 99}-22-1234\par",
        r"\pard 536{\colortbl;\red1 {\*\ud -22}}-1234\par",
        r"\pard {\mmath{\*\moMath{\mr 536}{\mr -22-1234}}}\par",
        r"\pard {\*\do\dobxcolumn\dobypara\dptxbx{\dptxbxtext\pard 536-22-1234\par}}\par",
        "\\pard 5\\'3\n36-22-1234\\par",
        r"\pard 536\li00000000000000000001 -22-1234\par",
        r"\pard 536\u-0000000000000065491 ?22-1234\par",
        r"\pard {\field{\*\fldinst FORMDROPDOWN {\*\formfield{\fftype2\ffres1{\*\ffl 9}{\*\ffl 536}}}}{\fldrslt }}"
        r"-22-1234\par",
    ],
    ids=["moved", "hidden in pages", "for old readers", "entry", "within a table", "formula", "box of old",
         "byte over two lines", "long number", "long code", "choice"],
)  # fmt: skip
def test_the_number_is_read_as_shown(body: str) -> None:
    assert NUMBER in found(rtf(body))


@pytest.mark.parametrize(
    "body",
    [
        r"\pard\trowd\rtlrow\cellx1000\cellx2000\cellx3000\cellx4000\intbl 1234\cell 22\cell 536\cell SSN\cell\row",
        r"\pard\par" + "".join(SHAPE.format(at, text) for at, text in ((3000, "1234"), (1000, "536"), (2000, "22"))),
        FRAME % (3000, "1234") + FRAME % (1000, "536") + FRAME % (2000, "22"),
    ],
    ids=["from the right", "shapes", "frames"],
)
def test_cells_and_boxes_stand_where_they_are_shown(body: str) -> None:
    shown = found(rtf(body)).replace("\t", " ")
    assert "536 22 1234" in shown or "536221234" in shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (rtf(r"\pard 536\'d022\'d01234\par", r"{\rtf1\mac\deff0"), "536\u201322\u20131234"),
        (rtf(r"\pard \'82\'54\'82\'52\'82\'55\par", r"{\rtf1\ansi\deff2"), "\uff15\uff13\uff16"),
    ],
    ids=["Macintosh", "usual font"],
)
def test_bytes_are_read_in_the_files_own_charset(data: bytes, shown: str) -> None:
    assert shown in found(data)
