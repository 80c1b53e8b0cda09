"""Mails taken apart: ordinary ones, odd ones, and ones that were made to hurt."""

import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.safebox.htmltext import text_of_html
from delivery.safebox.mail import MAX_SHOWN, parse_mail, without_bcc
from delivery.safebox.names import MAX_BYTES, MAX_CHARS, clean_name, clean_type, kind_of

TOP = b"From: a@b.example\r\nMIME-Version: 1.0\r\n"


def multipart(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts)
    return TOP + b"Content-Type: multipart/" + kind + b"; boundary=x\r\n\r\n" + body + b"--x--\r\n"


def test_text_and_html_are_one_message_and_pictures_are_found() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Jörg Müller <j@b.example>"
    mail["To"] = 'Bob <bob@x.example>, "Team, the" <team@X.example>'
    mail["Cc"] = "group: c@x.example;"
    mail["Subject"] = "Grüße"
    mail.set_content("plain ü")
    mail.add_alternative('<p>rich ü <img src="cid:pic@x"></p>', subtype="html")
    mail.get_payload()[1].add_related(b"PNG", "image", "png", cid="<pic@x>", filename="p.png")
    mail.add_attachment("a,b\n", subtype="csv", filename="t.csv")
    read = parse_mail(mail.as_bytes())
    assert (read.subject, read.from_name, read.from_address) == ("Grüße", "Jörg Müller", "j@b.example")
    assert read.text.strip() == "plain ü"
    assert read.html is not None
    assert "rich ü" in read.html
    assert [(one.name, one.type, one.kind, one.content_id) for one in read.documents] == [
        ("p.png", "image/png", "picture", "pic@x"),
        ("t.csv", "text/csv", "spreadsheet", None),
    ]
    assert set(read.named) == {"bob@x.example", "team@x.example", "c@x.example"}
    assert not read.is_unreadable


def test_html_alone_gets_a_text_too() -> None:
    read = parse_mail(TOP + b"Content-Type: text/html\r\n\r\n<style>x</style><p>One<br>two &amp; 3 < 4</p><p>five")
    assert read.text == "One\ntwo & 3 < 4\n\nfive"


def test_texts_around_an_attachment_are_all_body() -> None:
    raw = multipart(
        b"mixed",
        b"\r\nabove",
        b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF",
        b"Content-Type: text/html\r\n\r\n<b>below</b>",
    )
    read = parse_mail(raw)
    assert read.text == "above\n\nbelow"
    assert read.html is not None
    assert "above" in read.html
    assert len(read.documents) == 1


def test_a_mail_within_the_mail_is_a_document() -> None:
    inner = b"Content-Type: message/rfc822\r\n\r\nSubject: Inner/../x\r\n\r\ninner text"
    read = parse_mail(multipart(b"mixed", b"\r\nouter", inner))
    [document] = read.documents
    assert (document.name, document.type, document.kind) == ("Inner_.._x.eml", "message/rfc822", "mail")
    assert b"inner text" in document.content


def test_no_body_at_all() -> None:
    for raw in (b"", b"\r\n", b"Subject: x", TOP + b"Content-Type: multipart/mixed\r\n\r\nno boundary", b"\0" * 100):
        read = parse_mail(raw)
        assert read.html is None
        assert not read.is_unreadable


def test_what_is_too_long_to_show_is_a_document_too() -> None:
    read = parse_mail(TOP + b"\r\n" + b"word \r\n" * (MAX_SHOWN // 4))
    assert read.is_cut
    assert len(read.text) == MAX_SHOWN
    assert [document.name for document in read.documents] == ["whole message.txt"]


@pytest.mark.parametrize("charset", ["rot13", "idna", "punycode", "unknown-9", "utf-7", "x" * 10_000, "\x00"])
def test_odd_charsets_give_text(charset: str) -> None:
    raw = TOP + f'Content-Type: text/plain; charset="{charset}"\r\n\r\nabc'.encode()
    assert parse_mail(raw).text == "abc"


DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(2000))
BOMBS = {
    "nested": DEEP + b"\r\nhi\r\n",
    "nested, long": DEEP[:20000] + b"\r\n" + b"hi\r\n" * 200_000,
    "parameters": b'Content-Type: multipart/mixed; a="' + b";" * 1_000_000 + b'"; boundary=x\r\n\r\n--x\r\n\r\nhi',
    "name of 10 MB": multipart(b"mixed", b'Content-Disposition: attachment; filename="' + b"a" * 10**7 + b'"\r\n\r\nx'),
    "many parts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n\r\n" * 100_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 500_000 + b"\r\n\r\nx",
    "comments": b"To: " + b"(" * 1_000_000 + b"\r\n\r\nx",
    "tags": TOP + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
    "open comments": TOP + b"Content-Type: text/html\r\n\r\n" + b"<!--" * 500_000,
    "open scripts": TOP + b"Content-Type: text/html\r\n\r\n" + b"<script>" * 500_000,
    "signs": TOP + b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(name: str) -> None:
    before = time.process_time()
    read = parse_mail(BOMBS[name])
    assert time.process_time() - before < 60  # without the guards some of these take hours
    if read.is_unreadable:
        assert [one.content for one in read.documents] == [BOMBS[name]]


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_give_a_mail(raw: bytes) -> None:
    alone = parse_mail(raw)
    assert not alone.is_unreadable or [one.content for one in alone.documents] == [raw]
    assert len(alone.text) <= MAX_SHOWN
    parse_mail(multipart(b"mixed", raw, b"Content-Type: message/rfc822\r\n\r\n" + raw))  # raises nothing either


@settings(deadline=None)
@given(st.text(max_size=500), st.integers(1, 99))
def test_any_name_becomes_a_file_name(name: str, position: int) -> None:
    clean = clean_name(name, "application/pdf", position)
    assert clean
    assert clean.isprintable()
    assert not set(clean) & set('/\\<>:"|?*')
    assert clean.strip(". ") == clean
    assert len(clean) <= MAX_CHARS
    assert len(clean.encode()) <= MAX_BYTES
    assert clean_name(clean, "application/pdf", position) == clean


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nb\x00.txt", "a b.txt"),
        ("con.txt", "_con.txt"),
        ("...", "document-1.pdf"),
        ("", "document-1.pdf"),
        ("ä" * 300 + ".pdf", "ä" * 108 + ".pdf"),
    ],
)
def test_names_are_cleaned(name: str, clean: str) -> None:
    assert clean_name(name, "application/pdf", 1) == clean


def test_types_are_cleaned() -> None:
    assert clean_type("Text/HTML; charset=x") == "text/html"
    for odd in ("", "x", "text/html\r\nX: y", "a/b/c", "\u202e/x", "a/" + "b" * 500):
        assert clean_type(odd) == "application/octet-stream"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_bcc_goes_and_nothing_else(end: bytes) -> None:
    lines = [b"To: a@x", b"BCC : b@x,", b"\tc@x", b" d@x", b"Resent-Bcc:e@x", b"Subject: bcc: stays", b" Bcc: folded"]
    rest = [b"X-Bcc: stays", b"", b"Bcc: in the body", b""]
    kept = [lines[0], *lines[5:], *rest]
    assert without_bcc(end.join(lines + rest)) == end.join(kept)
    assert without_bcc(b"bcc: only") == b""
    assert without_bcc(b"") == b""


@settings(deadline=None)
@given(st.text(alphabet="<>/!-pbrdiv script&;x\n\0", max_size=300))
def test_any_html_gives_text(html: str) -> None:
    text = text_of_html(html)
    assert "\0" not in text and "\n\n\n" not in text


@pytest.mark.parametrize(
    ("name", "declared", "kind"),
    [
        ("a.pdf", "application/octet-stream", "pdf"),
        ("invoice.exe", "application/pdf", "other"),
        ("scan", "application/pdf", "pdf"),
        ("notes.unknown", "text/plain", "text"),
    ],
)
def test_no_declared_type_makes_a_program_look_like_a_document(name: str, declared: str, kind: str) -> None:
    assert kind_of(name, declared) == kind


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: text/plain; charset=iso-2022-jp-2",
        b"Subject: =?iso-2022-jp-2?q?=1B.J=1BNw?=",
        b"Content-Disposition: attachment; filename*=iso-2022-jp-2''%1B.J%1BNw",
        b"Content-Type: multipart/mixed; boundary*=iso-2022-jp-2''%1B.J%1BNw",
    ],
)
def test_what_breaks_a_codec_gives_a_mail(header: bytes) -> None:
    """Python's codec fails with RuntimeError at these."""
    mail = parse_mail(header + b"\r\n\r\nkept \x1b.J\x1bNw\r\n")
    assert "kept" in mail.text or b"kept" in mail.documents[0].content
