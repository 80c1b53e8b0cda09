"""What the subtypes of multipart and message mean (RFC 2046), and what stands in them."""

import base64
from collections.abc import Iterator

from corpus import HEAD, TEXT, Evasion, mail, multipart, write

B64 = base64.b64encode(TEXT)
PLAIN = b"Content-Type: text/plain; charset=us-ascii"
CODED = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + B64
HELLO = b"\nhello"


def kinds() -> Iterator[tuple[str, bytes, str, str]]:
    """What the subtypes mean."""
    html = b"Content-Type: text/html\n\n<p>hello</p>"
    number_html = b"Content-Type: text/html\n\n<p>" + TEXT + b"</p>"
    yield (
        "alternative-first",
        multipart(b"alternative; boundary=b", b"--b", PLAIN, b"", TEXT, b"--b", html, b"--b--"),
        "only the plain alternative has it",
        "RFC 2046 5.1.4",
    )
    yield (
        "alternative-last",
        multipart(b"alternative; boundary=b", b"--b", PLAIN, HELLO, b"--b", number_html, b"--b--"),
        "only the page has it",
        "RFC 2046 5.1.4",
    )
    yield (
        "alternative-unknown",
        multipart(b"alternative; boundary=b", b"--b", b"Content-Type: text/x-notes", b"", TEXT, b"--b", html, b"--b--"),
        "an alternative of unknown type has it",
        "RFC 2046 5.1.4",
    )
    yield (
        "related-start",
        multipart(
            b'related; boundary=b; start="<2@x>"; type="text/html"',
            b"--b",
            b"Content-ID: <1@x>",
            HELLO,
            b"--b",
            b"Content-ID: <2@x>\n" + number_html,
            b"--b--",
        ),
        "the root is the second part",
        "RFC 2387 3.2",
    )
    yield (
        "digest-default",
        multipart(b"digest; boundary=b", b"--b", b"", HEAD.rstrip(), CODED, b"--b--"),
        "parts of a digest are messages without saying so",
        "RFC 2046 5.1.5",
    )
    yield (
        "parallel",
        multipart(b"parallel; boundary=b", b"--b", CODED, b"--b--"),
        "multipart/parallel",
        "RFC 2046 5.1.6",
    )
    yield (
        "appledouble",
        multipart(
            b"appledouble; boundary=b",
            b"--b",
            b"Content-Type: application/applefile; name=notes.txt",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(b"\0\5\x16\7\0\2\0\0" + bytes(18)),
            b"--b",
            b"Content-Type: text/plain; name=notes.txt",
            b"Content-Transfer-Encoding: base64",
            b"",
            B64,
            b"--b--",
        ),
        "the data fork of a Macintosh file",
        "RFC 1740 3",
    )
    report = [
        b"--b",
        PLAIN,
        b"",
        b"Your mail could not be delivered.",
        b"--b",
        b"Content-Type: message/delivery-status",
        b"",
        b"Reporting-MTA: dns; mx.example.net",
        b"",
        b"Final-Recipient: rfc822; x@example.net",
        b"Action: failed",
        b"Status: 5.1.1",
    ]
    kind = b"report; report-type=delivery-status; boundary=b"
    yield (
        "report-message",
        multipart(kind, *report, b"--b", b"Content-Type: message/rfc822", b"", HEAD.rstrip(), CODED, b"--b--"),
        "the returned message of a delivery report",
        "RFC 3462 2",
    )
    returned = HEAD.replace(b"the form", b"SSN 536-22-1234").rstrip()
    yield (
        "report-headers",
        multipart(kind, *report, b"--b", b"Content-Type: text/rfc822-headers", b"", returned, b"--b--"),
        "returned headers of a delivery report",
        "RFC 3462 3",
    )
    status = [*report[:-1], b"Diagnostic-Code: smtp; 550 no mailbox for SSN 536-22-1234", b"Status: 5.1.1"]
    yield "report-status", multipart(kind, *status, b"--b--"), "a number in a delivery status", "RFC 3464 2.3.6"
    yield (
        "message",
        mail(b"Content-Type: message/rfc822", b"", HEAD.rstrip(), CODED),
        "a forwarded message",
        "RFC 2046 5.2.1",
    )
    yield (
        "message-subject",
        mail(b"Content-Type: message/rfc822", b"", returned, HELLO),
        "the subject of a forwarded message",
        "RFC 2046 5.2.1",
    )
    yield (
        "message-global",
        mail(b"Content-Type: message/global", b"", HEAD.rstrip(), CODED),
        "a forwarded message with international headers",
        "RFC 6532 3.7",
    )
    inner = HEAD.rstrip() + b"\n" + CODED
    for depth in range(5):
        inner = HEAD.replace(b"form", b"form %d" % depth).rstrip() + b"\nContent-Type: message/rfc822\n\n" + inner
    yield "message-deep", mail(b"Content-Type: message/rfc822", b"", inner), "messages six deep", "RFC 2046 5.2.1"
    whole = (HEAD + CODED + b"\n").replace(b"\n", b"\r\n")
    yield (
        "partial-one",
        mail(
            b'Content-Type: message/partial; id="1@x"; number=1; total=1', b"", whole.replace(b"\r\n", b"\n").rstrip()
        ),
        "a message in one piece of one",
        "RFC 2046 5.2.2",
    )
    yield (
        "external-body",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b'Content-Type: message/external-body; access-type=URL; URL="http://x.example/"',
            b"",
            b"Content-Type: text/plain",
            b"",
            TEXT,
            b"--b--",
        ),
        "the phantom body of a part that lies elsewhere",
        "RFC 2046 5.2.3",
    )
    yield (
        "octets-are-text",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: application/octet-stream",
            b"Content-Disposition: attachment; filename=notes",
            b"Content-Transfer-Encoding: base64",
            b"",
            B64,
            b"--b--",
        ),
        "a text that says it is octets",
        "RFC 2046 4.5.1",
    )
    yield (
        "image-is-text",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: image/png; name=photo.png",
            b"Content-Transfer-Encoding: base64",
            b"",
            B64,
            b"--b--",
        ),
        "a text that says it is a picture",
        "RFC 2046 4.2",
    )
    yield (
        "inline-parts",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            PLAIN,
            b"",
            b"Her SSN is 536-",
            b"--b",
            PLAIN,
            b"",
            b"22-1234, please",
            b"--b--",
        ),
        "a number over two texts shown below each other",
        "RFC 2183 2.1",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in kinds():
        yield Evasion(f"mime-structure/{name}", raw, why, at)


if __name__ == "__main__":
    write(evasions())
