"""Outlook messages that say a thing twice, or otherwise than most: what any program would show is read."""

import struct
from unicodedata import normalize

import pytest
from outlook_writer import RENDER, attribute, message, msg, properties, stored, tnef, wide

from policy.extraction.extract import extract

NUMBER = "536-22-1234"
RTF = b"{\\rtf1\\ansi SSN 536\\'2d22-1234\\par}"
PAGE = b"<p>SSN 536<b>-22-</b>1234"
OTHER = stored(b"{\\rtf1 nothing}")
WITHIN = "__attach_version1.0_#00000000/"


def of_message(*values: tuple[int, int, bytes]) -> bytes:
    return attribute(1, 0x00069003, properties(*values))


def attachment(*values: tuple[int, int, bytes]) -> bytes:
    return attribute(2, 0x00069005, properties(*values))


def code_pages(*pages: tuple[int, int]) -> dict[str, bytes]:
    rows = b"".join(struct.pack("<HHII", 3, number, 6, value) + bytes(4) for number, value in pages)
    return {"__properties_version1.0": bytes(32) + rows}


def packed(rtf: bytes) -> bytes:
    """Packed RTF that tells sizes of none."""
    body = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<II4sI", 12, 0, b"LZFu", 0) + body


WIDE = "<p>SSN 536<b>-22-</b>1234".encode("utf-16-le")
EBCDIC = f"SSN {NUMBER}".encode("cp037")
DATA = f"SSN {NUMBER}".encode()
MANY = struct.pack("<IHHI", 1, 0x1102, 0x1013, 1) + struct.pack("<I", 28) + PAGE.ljust(28)
WINMAIL = {
    "wide page": tnef(attribute(1, 0x00069007, struct.pack("<II", 1200, 0)), of_message((0x102, 0x1013, WIDE))),
    "two pages": tnef(of_message((0x102, 0x1013, PAGE), (0x102, 0x1013, b"<p>nothing"))),
    "two pages of two types": tnef(of_message((0x102, 0x1013, PAGE), (0x1E, 0x1013, b"<p>nothing"))),
    "two blocks of properties": tnef(of_message((0x102, 0x1013, PAGE)), of_message((0x102, 0x1013, b"<p>nothing"))),
    "a list of pages": tnef(attribute(1, 0x00069003, MANY)),
    "two packed bodies": tnef(of_message((0x102, 0x1009, stored(RTF)), (0x102, 0x1009, OTHER))),
    "code page behind the text": tnef(
        attribute(1, 0x0002800C, EBCDIC), attribute(1, 0x00069007, bytes([37] + [0] * 7))
    ),
    "bytes of an attachment without an identifier": tnef(RENDER, attachment((0x102, 0x3701, DATA))),
    "bytes and another attachment": tnef(
        RENDER, attribute(2, 0x0006800F, DATA), attachment((0x102, 0x3701, b"nothing at all, but long"))
    ),
    "bytes twice": tnef(RENDER, attribute(2, 0x0006800F, DATA), attribute(2, 0x0006800F, b"nothing")),
    "two objects": tnef(
        RENDER,
        attachment(
            (0x0D, 0x3701, bytes(16) + tnef(attribute(1, 0x0002800C, DATA))),
            (0x0D, 0x3701, bytes(16) + tnef(attribute(1, 0x0002800C, b"nothing"))),
        ),
    ),
    "sizes that lie": tnef(of_message((0x102, 0x1009, packed(RTF)))),
}
HALVES = b"".join(b"\\u-10187?\\u%d?" % (0xDFE2 + digit - 0x10000) for digit in (1, 2, 3, 4))
MSG = {
    "two pages": msg(p10130102=b"<p>nothing", p1013001F=PAGE.decode()),
    "code page of the page": msg(code_pages((0x3FFD, 1252), (0x3FDE, 37)), p10130102=f"<p>{NUMBER}".encode("cp037")),
    "code page of texts": msg(code_pages((0x3FDE, 1252), (0x3FFD, 37)), p1000001E=EBCDIC),
    "bytes and a message": msg(
        message({"37010102": b"nothing"}, WITHIN), message({"1000001F": NUMBER}, f"{WITHIN}__substg1.0_3701000D/")
    ),
    "names in capitals": msg({f"{WITHIN.upper()}__SUBSTG1.0_37010102": DATA}),
    "a recipient in capitals": msg({"__RECIP_VERSION1.0_#00000000/__SUBSTG1.0_3001001F": wide(NUMBER)}),
    "a page told late": msg(
        p10090102=stored(
            b"{\\rtf1\\ansi{\\info "
            + b"x" * 5000
            + b"}\\fromhtml1 536{\\htmlrtf 99\\htmlrtf0}-22-{\\*\\htmltag84 <b>}1234}"
        )
    ),
    "signs of two halves": msg(p10090102=stored(b"{\\rtf1\\ansi\\fromhtml1 536-22-" + HALVES + b"}")),
    "signs of two bytes": msg(
        p10090102=stored(
            b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset128 B;}}"
            b"{\\f1 \\'82T\\'82\\'52\\htmlrtf 99\\htmlrtf0 \\'82\\'55}\\'962\\u50?-1234}"
        )
    ),
}


@pytest.mark.parametrize("data", [*WINMAIL.values(), *MSG.values()], ids=[*WINMAIL, *(f"msg: {name}" for name in MSG)])
def test_all_that_may_be_shown_is_read(data: bytes) -> None:
    shown = "\n".join(part.text for part in extract("a.bin", data).parts)
    assert NUMBER in normalize("NFKC", shown).replace("\u2013", "-")


def test_more_bodies_than_are_read_are_told() -> None:
    pages = [(0x102, 0x1013, b"<p>page %d" % number) for number in range(60)]
    assert [fact.unreadable for fact in extract("a.bin", tnef(of_message(*pages))).files] == [True]
