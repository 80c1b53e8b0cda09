"""Outlook messages and winmail.dat: bodies in every form, recipients, attachments, messages within."""

import base64
import json
import struct
from pathlib import Path

import pytest
from outlook_writer import RENDER, attached, attribute, message, msg, properties, stored, tnef, wide

from policy.extraction.collected import File
from policy.extraction.extract import extract, read_whole
from policy.extraction.outlook.lzfu import PackedRtfBroken, page_in_rtf, unpacked_rtf
from rules.content import Content, FileKind

NUMBER = "536-22-1234"
RTF = b"{\\rtf1\\ansi SSN 536\\'2d22-1234\\par}"
# [MS-OXRTFCP] 4.1.1: the first example of the specification.
EXAMPLE = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
FROM_HTML = (
    b"{\\rtf1\\ansi\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}}{\\*\\htmltag64 <p>}\\htmlrtf \\par noise\\htmlrtf0 "
    b"SSN 536{\\*\\htmltag84 <b>}-22-{\\*\\htmltag92 </b>}1234{\\*\\htmltag72 </p>}}"
)
ZIPPED = base64.b64decode(
    "UEsDBBQAAQAIAAAAIQAEhnsOIQAAADAAAAAFAAAAYS50eHTIv6WgMrHjoP83NmrK9FDPbmSwrdqQp68LNUchwr+cIolQSwECFAAUAAEACAAAACEA"
    "BIZ7DiEAAAAwAAAABQAAAAAAAAAAAAAAAAAAAAAAYS50eHRQSwUGAAAAAAEAAQAzAAAARAAAAAAA"
)


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


READ = {
    "subject": msg(p0037001F=f"SSN {NUMBER}"),
    "body": msg(p1000001F=f"SSN {NUMBER}"),
    "body of eight bits": msg(p1000001E=f"SSN {NUMBER}".encode()),
    "page": msg(p10130102=b"<p>SSN 536<b>-22-</b>1234</p>"),
    "packed body": msg(p10090102=stored(RTF)),
    "page in a packed body": msg(p10090102=stored(FROM_HTML)),
    "headers": msg(p007D001F=f"X-Patient: {NUMBER}\r\n"),
    "own property": msg(p8001001F=NUMBER),
    "several texts": msg(**{"p8002101F-00000001": NUMBER}),
    "recipient": msg(message({"3001001F": f"Ann {NUMBER}"}, "__recip_version1.0_#00000000/")),
    "attachment": msg(attached(NUMBER.encode(), "a.txt")),
    "name of an attachment": msg(attached(b"x", f"{NUMBER}.bin")),
    "message within": msg(
        message({"3001001F": "within"}, "__attach_version1.0_#00000000/"),
        message({"1000001F": NUMBER}, "__attach_version1.0_#00000000/__substg1.0_3701000D/"),
    ),
    "large": msg(p1000001F="nothing here\n" * 9_000 + NUMBER),
    "locked archive whose password the body tells": msg(attached(ZIPPED, "a.zip"), p1000001F="The password is Tiger7!"),
}


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_it_is_read(data: bytes) -> None:
    content = extract("a.msg", data)
    assert NUMBER in shown(content)
    assert content.files[0].kind is FileKind.MESSAGE
    assert not any(fact.unreadable for fact in content.files)


def test_places_lead_to_what_lies_within() -> None:
    content = extract("a.msg", READ["message within"])
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.msg > within > body"]
    assert [(fact.name, fact.depth) for fact in content.files] == [("a.msg", 0), ("within", 1)]


def test_a_body_that_cannot_be_unpacked_is_told() -> None:
    content = extract("a.msg", msg(p10090102=b"LZFX" * 8))
    assert [fact.unreadable for fact in content.files] == [True]


def test_a_locked_file_in_the_place_of_a_body_is_told_and_opened() -> None:
    locked = Path(__file__).parents[2] / "messages" / "documents" / "modern" / "qpdf-user-password.pdf"
    number = json.loads((locked.parent / "expected.json").read_text())[locked.name]["number"]
    file = File("a.msg", msg(p10090102=stored(locked.read_bytes())), "a.msg")
    for passwords, found in (((), False), (("Tiger7!",), True)):
        outcome = read_whole(file, passwords=passwords)
        assert (number in shown(outcome.content)) == found
        assert any(fact.encrypted for fact in outcome.content.files)
        assert outcome.met_a_lock


def test_an_attachment_kept_elsewhere_is_told() -> None:
    content = extract("a.msg", msg(message({"3707001F": "plan.docx"}, "__attach_version1.0_#00000000/")))
    assert [(fact.name, fact.unreadable) for fact in content.files] == [("a.msg", False), ("plan.docx", True)]


def test_packed_rtf_as_published() -> None:
    assert unpacked_rtf(EXAMPLE, 1000) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize("data", [b"", b"x" * 15, b"x" * 40])
def test_packed_rtf_that_is_none(data: bytes) -> None:
    with pytest.raises(PackedRtfBroken):
        unpacked_rtf(data, 1000)


def test_the_page_in_an_rtf() -> None:
    assert page_in_rtf(FROM_HTML) == "<p>SSN 536<b>-22-</b>1234</p>"
    assert page_in_rtf(RTF) == ""


WINMAIL = {
    "subject": tnef(attribute(1, 0x00018004, NUMBER.encode() + b"\0")),
    "body": tnef(attribute(1, 0x0002800C, NUMBER.encode() + b"\0")),
    "wide property": tnef(attribute(1, 0x00069003, properties((0x1F, 0x8503 & 0x7FFF, wide(NUMBER))))),
    "page": tnef(attribute(1, 0x00069003, properties((0x102, 0x1013, b"<p>536<b>-22-</b>1234")))),
    "packed body": tnef(attribute(1, 0x00069003, properties((0x102, 0x1009, stored(RTF))))),
    "recipients": tnef(attribute(1, 0x00069004, struct.pack("<I", 1) + properties((0x1E, 0x3001, NUMBER.encode())))),
    "attachment": tnef(RENDER, attribute(2, 0x00018010, b"a.txt\0"), attribute(2, 0x0006800F, NUMBER.encode())),
    "name": tnef(RENDER, attribute(2, 0x00069005, properties((0x1F, 0x3707, wide(f"{NUMBER}.bin"))))),
    "message within": tnef(
        RENDER,
        attribute(
            2,
            0x00069005,
            properties(
                (0x1F, 0x3707, wide("within")),
                (0x0D, 0x3701, bytes(16) + tnef(attribute(1, 0x0002800C, NUMBER.encode()))),
            ),
        ),
    ),
    "message in a message": tnef(RENDER, attribute(2, 0x0006800F, msg(p1000001F=NUMBER))),
}


@pytest.mark.parametrize("data", WINMAIL.values(), ids=WINMAIL)
def test_winmail_is_read(data: bytes) -> None:
    content = extract("winmail.dat", data)
    assert NUMBER in shown(content)
    assert content.files[0].kind is FileKind.MESSAGE
    assert not any(fact.unreadable for fact in content.files)


@pytest.mark.parametrize("cut", [10, 25, 60])
def test_a_winmail_cut_short_is_told(cut: int) -> None:
    assert any(fact.unreadable for fact in extract("winmail.dat", WINMAIL["attachment"][:cut]).files)
