"""Headers and encoded words (RFC 2047), and where headers end."""

import base64
from collections.abc import Iterator

from corpus import HEAD, TEXT, Evasion, mail, multipart, write

PLAIN = b"Content-Type: text/plain; charset=us-ascii"
HELLO = b"\nhello"


def word(text: str, charset: str = "utf-8", form: str = "b") -> bytes:
    """One encoded word."""
    data = text.encode(charset)
    coded = base64.b64encode(data) if form == "b" else b"".join(b"=%02X" % byte for byte in data)
    return b"=?%b?%b?%b?=" % (charset.encode(), form.encode(), coded)


def subject(value: bytes) -> bytes:
    """A message with this subject."""
    return mail(PLAIN, HELLO, head=HEAD.replace(b"the form", value))


def field(line: bytes) -> bytes:
    """A message with one header more."""
    return mail(line, PLAIN, HELLO)


def word_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Encoded words where they belong and where they do not."""
    at = "RFC 2047 6.2"
    yield "subject", subject(b"SSN 536-22-1234"), "the subject as it is", "RFC 5322 3.6.5"
    yield "subject-folded", subject(b"about the number\n SSN 536-22-1234"), "a folded subject", "RFC 5322 2.2.3"
    yield "subject-base64", subject(word("SSN 536-22-1234")), "a word in base64", "RFC 2047 4.1"
    yield "subject-quoted", subject(word("SSN 536-22-1234", form="q")), "a word in Q", "RFC 2047 4.2"
    yield "subject-underscores", subject(b"=?utf-8?Q?SSN_536=2D22=2D1234?="), "underscores are blanks", "RFC 2047 4.2"
    yield (
        "subject-lower-case",
        subject(b"=?UTF-8?b?" + base64.b64encode(b"SSN 536-22-1234") + b"?="),
        "a small letter for the encoding",
        "RFC 2047 2",
    )
    yield (
        "subject-adjacent",
        subject(word("SSN 536-") + b" " + word("22-1234")),
        "two words cut within the number, joined without the blank",
        at,
    )
    yield (
        "subject-adjacent-folded",
        subject(word("SSN 536-2") + b"\n " + word("2-12", form="q") + b"\n\t" + word("34")),
        "three words on three lines",
        at,
    )
    yield (
        "subject-adjacent-charsets",
        subject(word("SSN 536-", "iso-8859-1", "q") + b" " + word("22-1234", "utf-16-be")),
        "two words of different charsets",
        at,
    )
    yield (
        "subject-no-gap",
        subject(word("SSN 536-") + word("22-1234")),
        "two words without the blank between",
        "RFC 2047 2",
    )
    yield (
        "subject-language",
        subject(b"=?utf-8*en?b?" + base64.b64encode(b"SSN 536-22-1234") + b"?="),
        "a language behind the charset",
        "RFC 2231 5",
    )
    yield (
        "subject-no-padding",
        subject(b"=?utf-8?b?" + base64.b64encode(b"SSN 536-22-1234!").rstrip(b"=") + b"?="),
        "a word without its padding",
        "RFC 2047 4.1",
    )
    yield (
        "subject-in-text",
        subject(b"re:" + word("SSN 536-22-1234") + b":re"),
        "a word with no blank around it",
        "RFC 2047 5",
    )
    yield (
        "subject-unknown-charset",
        subject(b"=?x-no-such?b?" + base64.b64encode(b"SSN 536-22-1234") + b"?="),
        "a word of an unknown charset",
        "RFC 2047 6.2",
    )
    yield "subject-blanks-in-word", subject(b"=?utf-8?q?SSN 536=2D22-1234?="), "blanks within a word", "RFC 2047 2"
    yield (
        "subject-long-word",
        subject(b"=?utf-8?b?" + base64.b64encode(b"x" * 300 + b" SSN 536-22-1234") + b"?="),
        "a word far longer than 75 characters",
        "RFC 2047 2",
    )
    yield (
        "subject-iso-2022-jp",
        subject(word("SSN ５３６-２２-１２３４", "iso-2022-jp")),
        "fullwidth digits in ISO-2022-JP",
        "RFC 1468",
    )
    yield (
        "subject-utf-8-raw",
        mail(PLAIN, HELLO, head=HEAD.replace(b"the form", "SSN ５３６-22-1234".encode())),
        "UTF-8 without any encoding",
        "RFC 6532",
    )
    yield "subject-utf-7", subject(b"=?utf-7?q?SSN_+ADUAMwA2-=2D22-1234?="), "UTF-7 within a word", "RFC 2152"
    yield (
        "subject-split-character",
        subject(
            b"=?utf-8?b?"
            + base64.b64encode("SSN 536-2２".encode()[:-1])
            + b"?= =?utf-8?b?"
            + base64.b64encode("２".encode()[-1:] + b"-1234")
            + b"?="
        ),
        "a character cut over two words",
        "RFC 2047 5",
    )
    yield (
        "from-name",
        mail(PLAIN, HELLO, head=HEAD.replace(b"Alice Moore", b'"SSN 536-22-1234"')),
        "a name in quotes",
        "RFC 5322 3.4",
    )
    yield (
        "from-word",
        mail(PLAIN, HELLO, head=HEAD.replace(b"Alice Moore", word("SSN 536-22-1234"))),
        "a name in an encoded word",
        "RFC 2047 5",
    )
    yield (
        "from-quoted-word",
        mail(PLAIN, HELLO, head=HEAD.replace(b"Alice Moore", b'"' + word("SSN 536-22-1234") + b'"')),
        "a word within quotes, decoded by most",
        "RFC 2047 5",
    )
    yield (
        "from-comment",
        mail(
            PLAIN,
            HELLO,
            head=HEAD.replace(
                b"Alice Moore <alice@example.com>", b"alice@example.com (" + word("SSN 536-22-1234") + b")"
            ),
        ),
        "a word in a comment",
        "RFC 2047 5",
    )
    yield (
        "to-group",
        mail(PLAIN, HELLO, head=HEAD.replace(b"bob@example.net", b"SSN 536-22-1234: bob@example.net;")),
        "the name of a group",
        "RFC 5322 3.4",
    )
    yield (
        "cc-name",
        field(b"Cc: " + word("SSN 536-22-1234", form="q") + b" <c@example.net>"),
        "a name in Cc",
        "RFC 2047 5",
    )
    yield "comments", field(b"Comments: SSN 536-22-1234"), "a header for people", "RFC 5322 3.6.5"
    yield "keywords", field(b"Keywords: forms,\n =?utf-8?q?SSN_536-22-1234?="), "key words", "RFC 5322 3.6.5"
    yield "own-header", field(b"X-Note: SSN 536-22-1234"), "a header of no standard", "RFC 5322 3.6.8"
    yield "organization", field(b"Organization: " + word("SSN 536-22-1234")), "an organisation", "RFC 5536 3.2.9"
    yield (
        "long-header",
        field(b"X-Long: " + b"x" * 60000 + b" SSN 536-22-1234"),
        "a header of 60,000 characters",
        "RFC 5322 2.1.1",
    )
    yield (
        "many-folds",
        field(b"X-Long: begin" + b"\n x" * 900 + b"\n SSN 536-22-1234"),
        "a header of 900 lines",
        "RFC 5322 2.2.3",
    )
    yield (
        "many-headers",
        mail(*(b"X-%d: x" % number for number in range(600)), b"X-Note: SSN 536-22-1234", PLAIN, HELLO),
        "six hundred headers",
        "RFC 5322 3.6.8",
    )
    yield "subject-twice", mail(b"Subject: SSN 536-22-1234", PLAIN, HELLO), "a second subject", "RFC 5322 3.6"
    yield (
        "blank-before-colon",
        mail(PLAIN, HELLO, head=HEAD.replace(b"Subject: the form", b"Subject : SSN 536-22-1234")),
        "a blank between name and colon",
        "RFC 5322 4.5",
    )
    yield (
        "part-description",
        multipart(b"mixed; boundary=b", b"--b", b"Content-Description: SSN 536-22-1234", PLAIN, HELLO, b"--b--"),
        "the description of a part",
        "RFC 2045 8",
    )


def line_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Where headers end, and what ends a line."""
    yield "no-blank-line", mail(TEXT), "the text follows the headers at once", "RFC 5322 3.5"
    yield "line-of-blanks", mail(PLAIN, b" \t", TEXT), "a line of blanks before the text", "RFC 5322 4.2"
    yield (
        "header-without-colon",
        mail(PLAIN, b"this is no header", b"X-Note: SSN 536-22-1234", HELLO),
        "a line without a colon among the headers",
        "RFC 5322 2.2",
    )
    yield (
        "mailbox-line",
        b"From alice@example.com Mon Jan  5 09:30:00 2026\r\n" + mail(PLAIN, b"", TEXT),
        "the line of a mailbox before the headers",
        "RFC 4155",
    )
    yield (
        "mark-before-headers",
        b"\xef\xbb\xbf" + mail(b"Content-Transfer-Encoding: base64", b"", base64.b64encode(TEXT)),
        "a byte order mark before the first header",
        "RFC 3629 6",
    )
    yield "bare-returns", mail(PLAIN, b"", TEXT).replace(b"\r\n", b"\r"), "lines end in CR only", "RFC 5322 2.1"
    yield "bare-feeds", mail(PLAIN, b"", TEXT).replace(b"\r\n", b"\n"), "lines end in LF only", "RFC 5322 2.1"
    yield (
        "doubled-returns",
        mail(PLAIN, b"Content-Transfer-Encoding: base64", b"", base64.b64encode(TEXT)).replace(b"\r\n", b"\r\r\n"),
        "lines end in CR CR LF",
        "RFC 5322 2.1",
    )
    yield (
        "zero-bytes",
        mail(PLAIN, b"", b"Her SSN is 536\0-22-\0001234"),
        "NUL within the number, which is not shown",
        "RFC 5322 4",
    )
    yield (
        "backspaces",
        mail(PLAIN, b"", b"Her SSN is 536-22-1234\x08 as you know"),
        "control characters beside the number",
        "RFC 5322 4",
    )
    yield "type-empty", mail(b"Content-Type:", b"", TEXT), "an empty Content-Type", "RFC 2045 5.2"
    yield "type-no-subtype", mail(b"Content-Type: text", b"", TEXT), "a type without subtype", "RFC 2045 5.2"
    yield "type-unknown", mail(b"Content-Type: nothing/known", b"", TEXT), "a type nobody knows", "RFC 2045 5.2"
    yield "type-text-unknown", mail(b"Content-Type: text/x-own", b"", TEXT), "an unknown kind of text", "RFC 2046 4.1.4"
    yield (
        "type-semicolon-only",
        mail(b"Content-Type: ; charset=utf-8", b"Content-Transfer-Encoding: base64", b"", base64.b64encode(TEXT)),
        "parameters without a type",
        "RFC 2045 5.2",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in (*word_tricks(), *line_tricks()):
        yield Evasion(f"mime-headers/{name}", raw, why, at)


if __name__ == "__main__":
    write(evasions())
