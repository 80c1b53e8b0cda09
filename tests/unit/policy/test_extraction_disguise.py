"""Files that hide a text where few look: it is read, or the file is told."""

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from policy.extraction.extract import extract
from policy.extraction.message import read_message

NUMBER = "536-22-1234"
TEXT = f"SSN {NUMBER}".encode()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + bytes(4)


def png(*chunks: bytes, behind: bytes = b"") -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"") + behind


def segment(mark: bytes, data: bytes) -> bytes:
    return b"\xff\xd8\xff" + mark + struct.pack(">H", len(data) + 2) + data + b"\xff\xd9"


def tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def named_twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("a.txt")
        entry.extra = struct.pack("<HHBI", 0x7075, 5 + len(TEXT), 1, zlib.crc32(b"a.txt")) + TEXT
        archive.writestr(entry, "nothing")
    return buffer.getvalue()


def picture_in_document() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
        archive.writestr("word/media/a.jpg", segment(b"\xfe", TEXT))
    return buffer.getvalue()


MAIL = b"From: a@example.com\nContent-Transfer-Encoding: quoted-printable\n\nSSN =3536-22-1234\n"
READ = {
    "png text": png(chunk(b"tEXt", b"Comment\0" + TEXT)),
    "png packed text": png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(TEXT))),
    "png packed international text": png(chunk(b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(TEXT))),
    "tar behind a tar": tar(b"nothing") + tar(TEXT),
    "behind a picture": png(behind=b"<html>SSN 5<b>36</b>-22-1234"),
    "jpeg comment": segment(b"\xfe", TEXT),
    "jpeg description in UTF-16": segment(b"\xe1", b"Exif\0\0" + TEXT.decode().encode("utf-16-le")),
    "gif that is a page": b"GIF89a/*<p>SSN 5<b>3</b>6-22-1234",
    "drawing in a drawing": b'<svg><image href="data:image/svg+xml,%3Csvg%3E5<tspan>36-22-1234"/></svg>'.replace(
        b"5<tspan>", b"5%3Ctspan%3E"
    ),
    "name in gzip": b"\x1f\x8b\x08\x08" + bytes(5) + b"\3" + TEXT + b".txt\0" + gzip.compress(b"x")[10:],
    "second name in zip": named_twice(),
    "second mail of a mailbox": b"From a x\nSubject: x\nFrom: b@x\n\nhi\n\nFrom b x\n" + MAIL,
    "mail with few headers": MAIL,
    "rtf behind a line end": b"\r\n{\\rtf1 SSN \\'35\\'33\\'36-22-1234}",
    "rtf field": b"{\\rtf1 SSN 5{\\field{\\*\\fldinst X}{\\fldrslt 36}}-22-1234}",
    "rtf hidden noise": b"{\\rtf1 SSN 5{\\v 9}36-\\v 7\\v0 22-1234}",
    "escapes of a script": b'{"ssn": "\\x35\\x336-22-1234"}',
}
READ["picture in a document"] = picture_in_document()
READ["yEnc"] = b"=ybegin line=128 size=5 name=a.txt\r\n" + bytes(byte + 42 & 255 for byte in TEXT) + b"\r\n=yend"
TOLD = {
    "BinHex": b"(This file must be converted with BinHex 4.0)\r\n\r\n:#h0[BA4bFf9d8f!J3!!!!!!:",
    "age": b"age-encryption.org/v1\n-> X25519 a\n",
    "armoured age": b"notes\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
    "armoured CMS": b"-----BEGIN CMS-----\nMIA\n",
    "OpenSSL": b"Salted__" + bytes(range(100, 200)),
    "disk image": bytes(32769) + b"CD001" + bytes(100) + bz2.compress(TEXT),
    "zeros": bytes(9000) + bz2.compress(TEXT),
}


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_it_is_read(data: bytes) -> None:
    assert any(NUMBER in part.text for part in extract("a", data).parts)


@pytest.mark.parametrize("data", TOLD.values(), ids=TOLD)
def test_it_is_told(data: bytes) -> None:
    assert any(fact.unreadable or fact.encrypted for fact in extract("a", data).files)


@pytest.mark.parametrize(
    "mail",
    [
        b"Content-Type: text/html\n\n<pre>-----BEGIN PGP MESSAGE-----\n\nhQEM\n</pre>",
        b"Content-Type: text/plain\n\n(This file must be converted with BinHex 4.0)\n\n:#h0[BA4bFf9d8f!J3!!:",
        b'Content-Type: message/external-body; access-type=URL; URL="http://x.example"\n\nContent-Type: text/plain\n\n',
    ],
)
def test_a_body_is_told(mail: bytes) -> None:
    assert any(fact.unreadable or fact.encrypted for fact in read_message(mail).content.files)


def test_a_clean_picture_has_no_text() -> None:
    content = extract("a.png", png(chunk(b"IDAT", bytes(range(128, 256)))))
    assert content.parts == ()
    assert not content.files[0].unreadable
