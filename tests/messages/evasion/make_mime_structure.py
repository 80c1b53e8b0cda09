"""Multiparts and messages inside each other (RFC 2046), cut where programs cut them."""

import base64
from collections.abc import Iterator

from corpus import TEXT, Evasion, mail, multipart, write

B64 = base64.b64encode(TEXT)
PLAIN = b"Content-Type: text/plain; charset=us-ascii"
CODED = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + B64
HELLO = b"\nhello"


def boundary_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """How the boundary is written in Content-Type (RFC 2046 5.1.1, RFC 2231)."""
    at = "RFC 2046 5.1.1"

    def one(parameters: bytes, boundary: bytes) -> bytes:
        return multipart(parameters, b"--" + boundary, CODED, b"--" + boundary + b"--")

    yield "boundary-quoted-blanks", one(b'mixed; boundary="b  c d"', b"b  c d"), "blanks within the boundary", at
    yield "boundary-escaped", one(b'mixed; boundary="b\\c\\"d"', b'bc"d'), "escapes within the quotes", "RFC 822 3.3"
    yield "boundary-single-quotes", one(b"mixed; boundary='b'", b"'b'"), "single quotes are part of the boundary", at
    yield (
        "boundary-specials",
        one(b"mixed; boundary=b=c:d/e?f", b"b=c:d/e?f"),
        "specials outside quotes",
        "RFC 2045 5.1",
    )
    yield "boundary-unclosed-quote", one(b'mixed; boundary="b', b"b"), "the quote is never closed", "RFC 2045 5.1"
    yield (
        "boundary-split",
        one(b"mixed; boundary*0=bbb; boundary*1=ccc", b"bbbccc"),
        "the boundary in two pieces",
        "RFC 2231 3",
    )
    yield (
        "boundary-extended",
        one(b"mixed; boundary*=us-ascii'en'b%63d", b"bcd"),
        "the boundary percent-encoded",
        "RFC 2231 4",
    )
    yield (
        "boundary-split-and-whole",
        one(b"mixed; boundary=bbb; boundary*0=x; boundary*1=y", b"bbb"),
        "whole, and in pieces that say something else",
        "RFC 2231 3",
    )
    yield "boundary-twice-first", one(b"mixed; boundary=b; boundary=c", b"b"), "two boundaries, the first occurs", at
    yield "boundary-twice-last", one(b"mixed; boundary=c; boundary=b", b"b"), "two boundaries, the last occurs", at
    yield (
        "boundary-comment",
        one(b"mixed (a comment; boundary=x); boundary=b (c)", b"b"),
        "a comment that looks like a boundary",
        "RFC 822 3.4.3",
    )
    yield "boundary-blanks-around", one(b"mixed; boundary = b", b"b"), "blanks around the equals sign", "RFC 2045 5.1"
    yield "boundary-upper-case-name", one(b"MIXED; BOUNDARY=b", b"b"), "names without regard to case", "RFC 2045 5.1"
    yield (
        "boundary-folded",
        one(b"mixed;\n\tcharset=x;\n\tboundary=\n b", b"b"),
        "folded behind the equals sign",
        "RFC 822 3.1.1",
    )
    yield "boundary-no-semicolon", one(b"mixed boundary=b", b"b"), "no semicolon before the parameter", "RFC 2045 5.1"
    yield "boundary-semicolons", one(b"mixed;;; ; boundary=b;;", b"b"), "empty parameters", "RFC 2045 5.1"
    yield (
        "boundary-long",
        one(b'mixed; boundary="' + b"b" * 300 + b'"', b"b" * 300),
        "far longer than 70 characters",
        at,
    )
    yield "boundary-ends-in-dashes", one(b"mixed; boundary=b--", b"b--"), "a boundary that ends like a closing one", at
    yield "boundary-only-dashes", one(b"mixed; boundary=----", b"----"), "a boundary of dashes", at
    yield (
        "boundary-case",
        multipart(b"mixed; boundary=bC", b"--Bc", HELLO, b"--bC", CODED, b"--bC--"),
        "case counts in a boundary",
        at,
    )
    yield "boundary-of-one-dot", one(b'mixed; boundary="."', b"."), "a boundary of one character", at
    yield "boundary-empty", one(b'mixed; boundary=""', b""), "an empty boundary", at
    yield (
        "subtype-missing",
        mail(b"Content-Type: multipart; boundary=b", b"", b"--b", CODED, b"--b--"),
        "no subtype",
        "RFC 2045 5.1",
    )
    yield (
        "subtype-unknown",
        one(b"x-private; boundary=b", b"b"),
        "an unknown multipart is read as mixed",
        "RFC 2046 5.1.7",
    )
    yield (
        "type-spaced",
        mail(b"Content-Type: multipart / mixed; boundary=b", b"", b"--b", CODED, b"--b--"),
        "blanks around the slash",
        "RFC 822 3.4.2",
    )
    yield (
        "type-folded",
        mail(b"Content-Type:\n multipart/mixed;\n boundary=b", b"", b"--b", CODED, b"--b--"),
        "the type on the next line",
        "RFC 822 3.1.1",
    )
    yield (
        "type-twice",
        mail(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/plain", b"", b"--b", CODED, b"--b--"),
        "two types, programs take the first",
        "RFC 2045 5",
    )
    yield (
        "type-twice-last",
        mail(b"Content-Type: text/plain", b"Content-Type: multipart/mixed; boundary=b", b"", b"--b", CODED, b"--b--"),
        "two types, programs take the last",
        "RFC 2045 5",
    )


def delimiter_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Delimiter lines, and what stands around the parts (RFC 2046 5.1.1)."""
    at = "RFC 2046 5.1.1"
    yield (
        "delimiter-blanks",
        multipart(b"mixed; boundary=b", b"--b \t ", CODED, b"--b-- "),
        "blanks behind the delimiter",
        at,
    )
    yield (
        "delimiter-text-behind",
        multipart(b"mixed; boundary=b", b"--bcd", CODED, b"--b--"),
        "text behind the delimiter: a prefix is enough",
        at,
    )
    yield "delimiter-never-closed", multipart(b"mixed; boundary=b", b"--b", CODED), "no closing delimiter", at
    yield (
        "delimiter-closed-early",
        multipart(b"mixed; boundary=b", b"--b", HELLO, b"--b--", b"--b", CODED, b"--b--"),
        "a part behind the closing delimiter",
        at,
    )
    yield (
        "delimiter-no-blank-line",
        mail(b"Content-Type: multipart/mixed; boundary=b", b"--b", CODED, b"--b--"),
        "no blank line before the first delimiter",
        at,
    )
    yield (
        "delimiter-at-once",
        multipart(b"mixed; boundary=b", b"--b", b"--b", b"--b", CODED, b"--b--"),
        "empty parts before",
        at,
    )
    yield "no-delimiter", multipart(b"mixed; boundary=b", b"", TEXT), "a multipart without any part", at
    yield (
        "inner-is-prefix",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: multipart/mixed; boundary=bb",
            b"",
            b"--bb",
            CODED,
            b"--bb--",
            b"--b--",
        ),
        "the inner boundary begins with the outer",
        at,
    )
    yield (
        "outer-is-prefix",
        multipart(
            b"mixed; boundary=bb",
            b"--bb",
            b"Content-Type: multipart/mixed; boundary=b",
            b"",
            b"--b",
            CODED,
            b"--b--",
            b"--bb--",
        ),
        "the outer boundary begins with the inner",
        at,
    )
    yield (
        "inner-is-same",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: multipart/mixed; boundary=b",
            b"",
            b"--b",
            CODED,
            b"--b--",
            b"--b--",
        ),
        "inner and outer boundary are the same",
        at,
    )
    yield (
        "inner-not-closed",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: multipart/mixed; boundary=c",
            b"",
            b"--c",
            HELLO,
            b"--b",
            CODED,
            b"--b--",
        ),
        "the outer delimiter ends an inner part",
        at,
    )
    yield (
        "part-without-blank-line",
        multipart(b"mixed; boundary=b", b"--b", PLAIN, TEXT, b"--b--"),
        "no blank line behind the part's headers",
        "RFC 2046 5.1",
    )
    yield (
        "part-without-headers",
        multipart(b"mixed; boundary=b", b"--b", b"", TEXT, b"--b--"),
        "a part without headers",
        "RFC 2046 5.1",
    )
    yield (
        "part-header-odd",
        multipart(
            b"mixed; boundary=b", b"--b", b"no header at all", b"Content-Transfer-Encoding: base64", b"", B64, b"--b--"
        ),
        "a line among the headers that is none",
        "RFC 5322 2.2",
    )
    deep = CODED
    for depth in range(12):
        name = b"n%d" % depth
        deep = (
            b"Content-Type: multipart/mixed; boundary="
            + name
            + b"\n\n--"
            + name
            + b"\n"
            + deep
            + b"\n--"
            + name
            + b"--"
        )
    yield "nested-deep", mail(deep), "multiparts twelve deep", at
    yield (
        "mixed-line-ends",
        multipart(b"mixed; boundary=b", b"--b", CODED, b"--b--").replace(b"\r\n--b", b"\n--b"),
        "delimiters with bare line feeds among CRLF",
        at,
    )
    yield (
        "bare-line-feeds",
        multipart(b"mixed; boundary=b", b"--b", CODED, b"--b--").replace(b"\r\n", b"\n"),
        "line feeds only",
        at,
    )
    yield (
        "no-mime-version",
        multipart(b"mixed; boundary=b", b"--b", CODED, b"--b--").replace(b"MIME-Version: 1.0\r\n", b""),
        "no MIME-Version",
        "RFC 2045 4",
    )
    yield (
        "mime-version-odd",
        multipart(b"mixed; boundary=b", b"--b", CODED, b"--b--").replace(b"Version: 1.0", b"Version: (old) 0.9"),
        "a MIME-Version of its own",
        "RFC 2045 4",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in (*boundary_tricks(), *delimiter_tricks()):
        yield Evasion(f"mime-structure/{name}", raw, why, at)


if __name__ == "__main__":
    write(evasions())
