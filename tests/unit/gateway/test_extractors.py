"""A whole message through the Reader and its children."""

import base64
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO

import pytest

from gateway.children.pool import ChildPool, ChildrenDown, PoolLimits
from gateway.extractors import Reader, _is_quick, read_file, read_message
from policy.message import Message

NUMBER = "536-22-1234"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def packed(entries: dict[str, str | bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def docx() -> bytes:
    document = f'<w:document xmlns:w="{_W}"><w:p><w:r><w:t>SSN {NUMBER}</w:t></w:r></w:p></w:document>'
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document})


def attached(name: str, data: bytes, media_type: str = "application/octet-stream") -> bytes:
    head = b"Content-Type: %b\r\nContent-Disposition: attachment; filename=%b\r\n" % (
        media_type.encode(),
        name.encode(),
    )
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n")


def mail(*parts: bytes, boundary: bytes = b"outer") -> bytes:
    head = b"From: a@example.com\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
    kind = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % boundary
    return head + kind + b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


def forwarded() -> bytes:
    inner = mail(b"\r\nsee attached", attached("papers.zip", packed({"notes.docx": docx()})), boundary=b"inner")
    return mail(b"\r\nfyi", b"Content-Type: message/rfc822\r\n\r\n" + inner)


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with ChildPool(1) as pool:
        yield Reader(pool)


def places(message: Message) -> list[str]:
    return [part.place for part in message.content.parts if NUMBER in part.text]


async def test_a_document_in_a_zip_in_a_forwarded_message(reader: Reader) -> None:
    message = await reader.read(forwarded())
    assert places(message) == ["message 1 > papers.zip > notes.docx"]
    assert [(fact.name, fact.depth) for fact in message.content.files] == [
        ("", 0),
        ("papers.zip", 1),
        ("notes.docx", 2),
    ]
    assert message.subject == "hello"


async def test_parts_stay_in_reading_order(reader: Reader) -> None:
    message = await reader.read(
        mail(b"\r\nfirst", attached("a.docx", docx()), b"\r\nsecond", attached("b.docx", docx()), b"\r\nthird")
    )
    texts = [part.text for part in message.content.parts if part.place in {"a.docx", "b.docx", "body"}]
    number = f"SSN {NUMBER}"
    assert texts == ["first", "a.docx", number, "second", "b.docx", number, "third"]


async def test_a_large_message_is_read(reader: Reader) -> None:
    text = b"nothing to see here\n" * 60_000 + b"SSN 536-22-1234\n"
    assert places(await reader.read(mail(attached("a.txt", text, "text/plain")))) == ["a.txt"]


@pytest.mark.slow
async def test_a_long_page_is_read_by_a_child_and_is_no_attachment(reader: Reader) -> None:
    page = b"<p>nothing</p>" * 100_000 + b"<p>536<b>-22</b>-1234</p>"
    message = await reader.read(b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + page)
    assert places(message) == ["body (html)"]
    assert message.content.files == ()


async def test_without_children_the_mail_has_to_come_again() -> None:
    async with ChildPool(1, pool=PoolLimits(waiting=0)) as pool:
        with pytest.raises(ChildrenDown):
            await Reader(pool).read(forwarded())


async def test_text_alone_needs_no_child() -> None:
    pool = ChildPool(1)  # never started
    assert places(await Reader(pool).read(b"Subject: x\r\n\r\nSSN 536-22-1234")) == ["body"]


def test_commands_read_messages_and_files() -> None:
    assert places(read_message(forwarded())) == ["message 1 > papers.zip > notes.docx"]
    assert NUMBER in read_file(docx(), "notes.docx").parts[0].text
    assert NUMBER in read_file(b"SSN 536-22-1234", "notes.txt").parts[0].text


@pytest.mark.parametrize(
    ("raw", "quick"),
    [
        (b"Subject: a\r\n\r\n" + b"Words and words.\r\n" * 3_000, True),
        (b"Subject: a\r\n\r\n" + b"Words and words.\r\n" * 9_000, False),
        (b"Subject: a\r\n\r\n" + "Grüße.\r\n".encode() * 3_000, False),
        (b"Subject: a\r\n\r\n<p>A</p>" + b"Words and words.\r\n" * 3_000, False),
        (b"Subject: a\r\n\r\n" + b"--b\r\n\r\nWords and words.\r\n" * 2_000, False),
        (b"Subject: a\r\n\r\n" + b"--b\r\n" * 30 + b"Words and words.\r\n" * 3_000, True),
        (b"Subject: a\r\n\r\n" + b"--b\r\n" * 31 + b"Words and words.\r\n" * 3_000, False),
        (b"Subject: " + b"=?" * 60 + b"\r\n\r\n" + b"Words and words.\r\n" * 3_000, True),
        (b"Subject: " + b"=?" * 61 + b"\r\n\r\n" + b"Words and words.\r\n" * 3_000, False),
        (b"Subject: " + b"=?" * 61 + b"\r\n\r\n" + b"Words and words.\r\n" * 100, False),
        (b"Subject: a\r\n" + b"X-Field: b\r\n" * 100 + b"\r\n", True),
        (b"Subject: a\r\n" + b"X-Field: b\r\n" * 101 + b"\r\n", False),
        (b"Subject: a\r\n\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 36, False),
        (b"Subject: a\r\n\r\n" + b"<p>Words</p>\r\n" * 60, True),
        (b"Subject: a\r\n\r\n" + b"<p>Words</p>\r\n" * 100, False),
        (b"Subject: a\r\n\r\n" + "Grüße.\r\n".encode() * 1_000, True),
        (b"Subject: a\r\n\r\n" + b"Words and words.\r\n" * 3_000 + b"BEGIN:VCARD", False),
        (b"Subject: a\r\n\r\n" + b"Words and words.\r\n" * 3_000 + b"x-hTmL", False),
        (b"Subject: a\r\n\r\n" + b"</ 1 > begins:v.\r\n" * 3_000, True),
    ],
)
def test_what_may_take_long_is_read_in_a_thread(raw: bytes, *, quick: bool) -> None:
    assert _is_quick(raw) is quick
