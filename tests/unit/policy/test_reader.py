"""The MIME reader gives every reading of an ambiguous message."""

import base64

import pytest

from policy.extraction.message import read_message
from policy.message import Message
from policy.reader.limits import Limits
from policy.reader.mime import Leaf, read_mime
from rules.content import FileKind

NUMBER = "536-22-1234"
SSN = f"SSN {NUMBER}".encode()
B64 = base64.b64encode(SSN)
HEAD = b"From: alice@example.com\r\nTo: bob@example.net\r\nSubject: hello\r\n"


def mail(*lines: bytes) -> bytes:
    return HEAD + b"\r\n".join(lines)


def texts(message: Message) -> str:
    return "\n\n".join(part.text for part in message.content.parts)


def multipart(content_type: bytes, *body: bytes) -> bytes:
    return mail(b"MIME-Version: 1.0", b"Content-Type: " + content_type, b"", *body)


EVASIONS = {
    "plain": mail(b"", SSN),
    "base64": mail(b"Content-Transfer-Encoding: base64", b"", B64),
    "quoted-printable with soft breaks": mail(
        b"Content-Transfer-Encoding: quoted-printable", b"", b"SSN 53=", b"6-22=2D12=", b"34"
    ),
    "soft break behind white space": mail(
        b"Content-Transfer-Encoding: quoted-printable", b"", b"SSN 536-=  \t", b"22-1234"
    ),
    "two content types, the second counts": mail(
        b"Content-Type: text/plain",
        b'Content-Type: multipart/mixed; boundary="b"',
        b"",
        b"--b",
        b"Content-Transfer-Encoding: base64",
        b"",
        B64,
        b"--b--",
    ),
    "two content types, the first counts": mail(
        b'Content-Type: multipart/mixed; boundary="b"',
        b"Content-Type: text/plain",
        b"",
        b"--b",
        b"Content-Transfer-Encoding: base64",
        b"",
        B64,
        b"--b--",
    ),
    "two encodings, the first counts": mail(
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: 7bit", b"", B64
    ),
    "two encodings, the second counts": mail(
        b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "two encodings that contradict each other": mail(
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"", b"SSN 536=2D22-1234"
    ),
    "unknown encoding": mail(b"Content-Transfer-Encoding: x-none", b"", SSN),
    "unknown encoding of base64": mail(b"Content-Transfer-Encoding: x-mystery", b"", B64 + B64),
    "encoding with a comment": mail(b"Content-Transfer-Encoding: base64 (really)", b"", B64),
    "encoding in quotes": mail(b'Content-Transfer-Encoding: "base64"', b"", B64),
    "encoding with a semicolon": mail(b"Content-Transfer-Encoding: base64;", b"", B64),
    "encoding in odd case": mail(b"CONTENT-TRANSFER-ENCODING: BaSe64", b"", B64),
    "base64 said to be 7bit": mail(b"Content-Transfer-Encoding: 7bit", b"", B64),
    "plain text said to be base64": mail(b"Content-Transfer-Encoding: base64", b"", SSN),
    "base64 in padded runs": mail(
        b"Content-Transfer-Encoding: base64",
        b"",
        base64.b64encode(b"SSN 5") + base64.b64encode(b"36-2") + base64.b64encode(b"2-1234"),
    ),
    "base64 with junk in it": mail(b"Content-Transfer-Encoding: base64", b"", b"!".join(bytes([c]) for c in B64)),
    "base64 without its padding": mail(b"Content-Transfer-Encoding: base64", b"", B64.rstrip(b"=")),
    "base64 with one character too many": mail(b"Content-Transfer-Encoding: base64", b"", B64 + b"Q"),
    "base64 with blanks": mail(b"Content-Transfer-Encoding: base64", b"", b" ".join(bytes([c]) for c in B64)),
    "text behind base64": mail(b"Content-Transfer-Encoding: base64", b"", b"aGVsbG8=", b"", SSN),
    "base64 of an encoded multipart": multipart(
        b"multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64",
        base64.b64encode(b"--b\r\n\r\n" + SSN + b"\r\n--b--\r\n"),
    ),
    "uuencoded block in a text": mail(b"", b"see:", b"begin 644 a.txt", b"/4U-.(#4S-BTR,BTQ,C,T", b"`", b"end"),
    "x-uuencode": mail(
        b"Content-Transfer-Encoding: x-uuencode", b"", b"begin 644 a.txt", b"/4U-.(#4S-BTR,BTQ,C,T", b"`", b"end"
    ),
    "preamble": multipart(b"multipart/mixed; boundary=b", SSN, b"--b", b"", b"hello", b"--b--"),
    "epilogue": multipart(b"multipart/mixed; boundary=b", b"--b", b"", b"hello", b"--b--", SSN),
    "part behind the end": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"", b"x", b"--b--", b"--b",
        b"Content-Transfer-Encoding: base64", b"", B64,
    ),
    "boundary never closed": multipart(b"multipart/mixed; boundary=b", b"--b", b"", SSN),
    "wrong boundary": multipart(
        b"multipart/mixed; boundary=other", b"--b", b"Content-Type: text/plain",
        b"Content-Transfer-Encoding: base64", b"", B64, b"--b--",
    ),
    "no boundary parameter": multipart(
        b"multipart/mixed", b"--b", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--"
    ),
    "no semicolon before the boundary": multipart(
        b"multipart/mixed boundary=b", b"--b", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--"
    ),
    "two boundaries, the first counts": multipart(
        b"multipart/mixed; boundary=b; boundary=c", b"--b", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--"
    ),
    "two boundaries, the second counts": multipart(
        b"multipart/mixed; boundary=c; boundary=b", b"--b", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--"
    ),
    "boundary in pieces": multipart(
        b'multipart/mixed; boundary*0="b1"; boundary*1="b2"', b"--b1b2",
        b"Content-Transfer-Encoding: base64", b"", B64, b"--b1b2--",
    ),
    "boundary percent-encoded": multipart(
        b"multipart/mixed; boundary*=us-ascii''b%31", b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary with escapes": multipart(
        b'multipart/mixed; boundary="b\\1"', b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary with escapes kept": multipart(
        b'multipart/mixed; boundary="b\\1"', b"--b\\1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary with an open quote": multipart(
        b'multipart/mixed; boundary="b1', b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary behind a comment": multipart(
        b"multipart/mixed; (hi;) boundary=(x)b1", b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary in single quotes": multipart(
        b"multipart/mixed; boundary='b1'", b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "delimiter with something behind": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"", b"x", b"--bcd", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "delimiter behind white space": multipart(
        b"multipart/mixed; boundary=b", b"  --b", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "boundary of a boundary": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"Content-Type: multipart/mixed; boundary=bb", b"",
        b"--bb", b"Content-Transfer-Encoding: base64", b"", B64, b"--bb--", b"--b--",
    ),
    "inner and outer share a boundary": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"Content-Type: multipart/mixed; boundary=b", b"",
        b"--b", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--", b"--b--",
    ),
    "part without headers": multipart(b"multipart/mixed; boundary=b", b"--b", b"", SSN, b"--b--"),
    "part without headers or blank line": multipart(b"multipart/mixed; boundary=b", b"--b", SSN, b"--b--"),
    "headers without the blank line": HEAD + SSN + b"\r\nmore text\r\n",
    "a header with no colon": HEAD + b"garbage line\r\nContent-Transfer-Encoding: base64\r\n\r\n" + B64,
    "body begins at the line that is no header": HEAD + b"garbage line\r\nSSN: 536-22-1234\r\n\r\nbye",
    "blank line of blanks": HEAD + b" \t\r\n" + SSN,
    "blank before the colon": mail(b"Content-Transfer-Encoding : base64", b"", B64),
    "folded content type": multipart(
        b'multipart/mixed;\r\n\tboundary=\r\n "b1"', b"--b1", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "message in base64": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"Content-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64", b"", base64.b64encode(HEAD + b"\r\n" + SSN), b"--b--",
    ),
    "message in a digest": multipart(
        b"multipart/digest; boundary=b", b"--b", b"", b"Subject: x", b"Content-Transfer-Encoding: base64", b"", B64
    ),
    "mail with line feeds only": b"Subject: x\nContent-Transfer-Encoding: base64\n\n" + B64,
    "mail in a file": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"Content-Type: application/octet-stream; name=a.bin", b"",
        b"From: a@b.example", b"Subject: x", b"Content-Transfer-Encoding: base64", b"", B64,
    ),
    "utf-16 with a mark": mail(
        b"Content-Type: text/plain; charset=utf-16", b"Content-Transfer-Encoding: base64", b"",
        base64.b64encode(SSN.decode().encode("utf-16")),
    ),
    "utf-16 said to be ascii": mail(
        b"Content-Type: text/plain; charset=us-ascii", b"Content-Transfer-Encoding: base64", b"",
        base64.b64encode(SSN.decode().encode("utf-16-be")),
    ),
    "utf-7": mail(b"Content-Type: text/plain; charset=utf-7", b"", b"SSN 5+ADM-6+AC0-22-1234"),
    "utf-7 that is not declared": mail(b"", b"SSN 5+ADM-6+AC0-22-1234"),
    "ebcdic": mail(
        b"Content-Type: text/plain; charset=cp037", b"Content-Transfer-Encoding: base64", b"",
        base64.b64encode(SSN.decode().encode("cp037")),
    ),
    "ascii said to be utf-16": mail(b"Content-Type: text/plain; charset=utf-16", b"", SSN),
    "unknown charset": mail(b"Content-Type: text/plain; charset=x-none", b"", SSN),
    "charset that is a trick": mail(b"Content-Type: text/plain; charset=unicode_escape", b"", SSN),
    "a byte that ends a sequence": mail(b"Content-Type: text/plain; charset=gb18030", b"", b"SSN \x81536-22-1234"),
    "no type at all": mail(b"Content-Type: ", b"", SSN),
    "type that is none": mail(b"Content-Type: html", b"", SSN),
    "html": mail(b"Content-Type: text/html", b"", b"<p>SSN 536<b>-22</b>-12&#51;4</p>"),
    "html said to be text": mail(b"Content-Type: text/plain", b"", b"<html><body>SSN 536<b>-22</b>-1234</body></html>"),
    "calendar": mail(b"Content-Type: text/calendar", b"", b"BEGIN:VCALENDAR", b"SUMMARY:SSN 536-2", b" 2-1234"),
    "flowed": mail(b"Content-Type: text/plain; format=flowed; delsp=yes", b"", b"SSN 536-22- ", b"1234"),
    "subject encoded": b"Subject: =?utf-8?b?" + base64.b64encode(b"SSN 536-2") + b"?= =?utf-8?q?2-1234?=\r\n\r\nx",
    "subject with blanks in the word": b"Subject: =?utf-8?q?SSN 536-22-1234?=\r\n\r\nx",
    "subject folded": b"Subject: SSN 536-\r\n 22-1234\r\n\r\nx",
    "display name": b"From: =?utf-8?q?536-22=2D1234?= <a@example.com>\r\n\r\nx",
    "name in quotes": b'From: "=?utf-8?q?536-22=2D1234?=" <a@example.com>\r\n\r\nx',
    "header nobody knows": b"X-Note: 536-22-1234\r\n\r\nx",
    "header behind a hundred others": b"X-A: b\r\n" * 150 + b"X-Note: =?utf-8?q?536-22=2D1234?=\r\n\r\nx",
    "file name": mail(b'Content-Disposition: attachment; filename="536-22-1234.txt"', b"", b"x"),
    "file name in pieces": mail(
        b"Content-Disposition: attachment; filename*0*=utf-8''536%2D; filename*1=22-1234.txt", b"", b"x"
    ),
    "file name encoded twice": mail(
        b"Content-Disposition: attachment; filename=a.txt", b'Content-Type: text/plain; name="=?utf-8?q?536-22-1234?="',
        b"", b"x",
    ),
    "part description": multipart(
        b"multipart/mixed; boundary=b", b"--b", b"Content-Description: 536-22-1234", b"", b"x", b"--b--"
    ),
}  # fmt: skip


@pytest.mark.parametrize("raw", EVASIONS.values(), ids=EVASIONS.keys())
def test_every_reading_is_given(raw: bytes) -> None:
    assert NUMBER in texts(read_message(raw))


def test_places_can_be_found_by_a_person() -> None:
    raw = multipart(
        b"multipart/mixed; boundary=b", b"--b", b"", b"hello", b"--b", b"Content-Type: message/rfc822",
        b'Content-Disposition: attachment; filename="fwd.eml"', b"", b"Subject: inner", b"", b"deep", b"--b--",
    )  # fmt: skip
    message = read_message(raw)
    places = {part.place: part.text for part in message.content.parts}
    assert places["subject"] == "hello"
    assert places["header From"] == "alice@example.com"
    assert places["body"] == "hello"
    assert places["fwd.eml > subject"] == "inner"
    assert places["fwd.eml > body"] == "deep"
    (fact,) = message.content.files
    assert (fact.kind, fact.name, fact.depth) == (FileKind.MESSAGE, "fwd.eml", 0)


def test_headers_are_decoded_and_lower_case() -> None:
    message = read_message(b"SUBJECT: =?iso-8859-1?q?Gr=FC=DFe?=\r\nX-A:  b \r\n c\r\n\r\n")
    assert message.subject == "Grüße"
    assert message.headers == (("subject", "Grüße"), ("x-a", "b  c"))


def test_machine_headers_are_no_content() -> None:
    raw = b"Message-ID: <536-22-1234@example.com>\r\nDKIM-Signature: v=1; b=5362212340\r\n\r\nx"
    assert NUMBER not in texts(read_message(raw))


def test_an_ordinary_message_has_one_reading_of_each_part() -> None:
    raw = multipart(
        b'multipart/alternative; boundary="b"', b"--b", b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable", b"", b"na=C3=AFve", b"--b",
        b"Content-Type: text/html; charset=utf-8", b"Content-Transfer-Encoding: base64", b"",
        base64.b64encode("<p>naïve</p>".encode()), b"--b--",
    )  # fmt: skip
    parts = [part for part in read_message(raw).content.parts if part.place.startswith("body")]
    assert [(part.place, part.text) for part in parts] == [("body", "naïve"), ("body (html)", "naïve")]


def test_what_lies_past_a_limit_is_told_and_still_read() -> None:
    raw = multipart(b"multipart/mixed; boundary=b", *[b"--b\r\n\r\nx"] * 30, b"--b", b"", SSN)
    message = read_message(raw, Limits(parts=10))
    assert [fact.reason for fact in message.content.files if fact.unreadable] == ["more parts than are read"]
    assert NUMBER in texts(message)


def test_nesting_past_the_limit_is_told() -> None:
    raw = HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 60 + SSN
    message = read_message(raw)
    assert "nested deeper than is read" in [fact.reason for fact in message.content.files if fact.unreadable]
    assert NUMBER in texts(message)


def test_headers_past_the_limit_are_told_and_still_read() -> None:
    message = read_message(b"X-A: b\r\n" * 50 + b"X-B: 536-22-1234\r\n\r\nx", Limits(headers=20))
    assert [fact.reason for fact in message.content.files] == ["more header fields than are read"]
    assert NUMBER in texts(message)
    assert len(message.headers) == 20


def test_ambiguity_without_end_is_told() -> None:
    header = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n" % n for n in range(9))
    message = read_message(header + b"\r\n--b1\r\n\r\nx")
    assert any(fact.unreadable for fact in message.content.files)


def test_a_piece_of_a_message_is_told() -> None:
    message = read_message(mail(b"Content-Type: message/partial; id=a; number=1; total=2", b"", b"half"))
    assert any(fact.unreadable and "piece" in fact.reason for fact in message.content.files)


def test_encrypted_parts_are_told() -> None:
    raw = multipart(
        b"multipart/encrypted; boundary=b", b"--b", b"Content-Type: application/octet-stream", b"",
        b"-----BEGIN PGP MESSAGE-----", b"--b--",
    )  # fmt: skip
    facts = read_message(raw).content.files
    assert facts
    assert all(fact.encrypted and not fact.unreadable for fact in facts)


def test_pgp_in_the_text_is_told() -> None:
    raw = mail(b"", b"hello", b"-----BEGIN PGP MESSAGE-----", b"abc", b"-----END PGP MESSAGE-----")
    assert [fact.encrypted for fact in read_message(raw).content.files] == [True]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\n\n\n",
        b":",
        b": x\r\n\r\n",
        b"\0\0\0",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\nx\r\n----\r\n",
        b"Content-Type: multipart/mixed; boundary*1=a; boundary*99999999=b\r\n\r\n--a",
        b'Content-Type: ;;;==="""(((\\\r\n\r\nx',
        b"Subject: =?=?=?q?==?=?x?b?====?=\r\n\r\n",
        b"\xff\xfe\xfd: \xff\r\n\r\n\xff",
    ],
)
def test_odd_bytes_raise_nothing(raw: bytes) -> None:
    assert read_message(raw).size == len(raw)


@pytest.mark.parametrize(
    "body",
    [
        b"SSN 536=2D22=2D1234",
        b"SSN =35=33=36-22-1234",
        b"SSN 536-22-=\r\n1234",
        b"SSN =35=33=\r\n=36=2D22-1234",
        b"SSN 5=33=36-22-1234",
        b"SSN =3536-22-1234",
        b"SSN 536-22-123=34 ",
        b"SSN 536-22-= \r\n1234",
        b"SSN 536-22-<=\r\nb>1234</b>",
        b"SSN 536=2d22=2d1234",
    ],
)
def test_a_number_in_quoted_printable_that_nobody_declared_is_read(body: bytes) -> None:
    page = b'<a href="x" class="y" id="z" title="u" style="v"><td align="left" valign="top">'
    for before in (b"", page):
        raw = mail(b"Content-Type: text/html", b"", before, body)
        assert any(NUMBER in part.text for part in read_message(raw).content.parts)


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        (b'charset="utf-8"', ["utf-8"]),
        (b"charset='ISO-8859-1'", ["iso-8859-1"]),
        (b'charset=utf-8; charset="UTF8"', ["utf-8"]),
        (b"charset=utf-8; charset=utf-16", ["utf-8", "utf-16"]),
        (b'charset=none-such; charset="no-other"', ["none-such"]),
        (b"format=flowed", [""]),
    ],
)
def test_a_part_is_read_once_for_each_way_in_which_its_charset_reads(declared: bytes, read: list[str]) -> None:
    raw = mail(b"Content-Type: text/plain; " + declared, b"", b"hello")
    charsets = [item.charset for item in read_mime(raw).items if isinstance(item, Leaf)]
    assert [charset.strip("'").lower() for charset in charsets] == read


def test_a_page_with_bare_widths_is_no_quoted_printable() -> None:
    page = b'<table width=30 height=10 border="0"><tr><td colspan=2 align="left">hello</td></tr></table>'
    texts = [part.text for part in read_message(mail(b"Content-Type: text/html", b"", page)).content.parts]
    assert texts.count("hello") == 2  # the subject, and what is displayed
    assert not any("width" in text for text in texts)


@pytest.mark.slow
def test_the_size_of_the_work_follows_the_size_of_the_message() -> None:
    line = (
        b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\nContent-Type: message/rfc822\r\n\r\n--a\r\n--b\r\n"
    )
    reading = read_mime(HEAD + line * 3000)
    given = sum(len(item.data) for item in reading.items if isinstance(item, Leaf))
    assert given < 40 * len(line) * 3000 + 4 * 1024 * 1024
    assert any(getattr(item, "unreadable", False) for item in reading.items)
