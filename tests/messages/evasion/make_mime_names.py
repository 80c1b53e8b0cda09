"""Names of files (RFC 2183, RFC 2231), and texts that programs join (RFC 3676)."""

from collections.abc import Iterator

from corpus import SSN, Evasion, mail, multipart, write
from make_mime_headers import HELLO, PLAIN, word


def named(*parameters: bytes, disposition: bytes = b"attachment; ") -> bytes:
    """A file with this name."""
    lines = (
        b"Content-Disposition: " + disposition + b";\n ".join(parameters),
        b"Content-Type: application/octet-stream",
    )
    return multipart(b"mixed; boundary=b", b"--b", PLAIN, HELLO, b"--b", *lines, b"", b"hello", b"--b--")


def typed(*parameters: bytes) -> bytes:
    """A file with this name in Content-Type."""
    line = b"Content-Type: application/octet-stream;\n " + b";\n ".join(parameters)
    return multipart(b"mixed; boundary=b", b"--b", PLAIN, HELLO, b"--b", line, b"", b"hello", b"--b--")


def name_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Names of files (RFC 2183, RFC 2231)."""
    at = "RFC 2231 3"
    yield "name-plain", named(b"filename=536-22-1234.txt"), "a name as it is", "RFC 2183 2.3"
    yield "name-quoted", named(b'filename="SSN 536-22-1234.txt"'), "a name in quotes", "RFC 2183 2.3"
    yield "name-escaped", named(b'filename="SSN 536\\-22\\-1234.txt"'), "escapes within quotes", "RFC 822 3.3"
    yield "name-split", named(b"filename*0=536-", b"filename*1=22-1234.txt"), "a name in two pieces", at
    yield "name-split-order", named(b"filename*1=22-1234.txt", b"filename*0=536-"), "pieces in another order", at
    yield "name-extended", named(b"filename*=utf-8''SSN%20536%2D22%2D1234.txt"), "a name percent-encoded", "RFC 2231 4"
    yield (
        "name-split-extended",
        named(b"filename*0*=utf-8''SSN%20536%2D", b"filename*1=22-12", b"filename*2*=%33%34.txt"),
        "pieces, some of them percent-encoded",
        "RFC 2231 4.1",
    )
    yield (
        "name-many-pieces",
        named(*(b"filename*%d=%b" % (number, bytes([byte])) for number, byte in enumerate(b"SSN-536-22-1234"))),
        "a piece for every character",
        at,
    )
    yield (
        "name-word",
        named(b'filename="' + word("SSN 536-22-1234.txt") + b'"'),
        "an encoded word, against the standard",
        "RFC 2047 5",
    )
    yield (
        "name-two-words",
        named(b'filename="' + word("SSN 536-") + b" " + word("22-1234.txt") + b'"'),
        "two encoded words cut within the number",
        "RFC 2047 6.2",
    )
    yield "name-in-type", typed(b"name=536-22-1234.txt"), "the name in Content-Type", "RFC 1521 7.2"
    yield (
        "name-in-type-split",
        typed(b"name*0*=us-ascii'en'536%2D", b"name*1*=22%2D1234"),
        "the name in Content-Type, in pieces",
        at,
    )
    both = (
        b"Content-Disposition: attachment; filename=a.txt\nContent-Type: application/octet-stream; name=536-22-1234.txt"
    )
    yield (
        "name-two",
        multipart(b"mixed; boundary=b", b"--b", both, b"", b"hello", b"--b--"),
        "two names that differ",
        "RFC 2183 2.3",
    )
    yield "name-twice", named(b"filename=a.txt", b"filename=536-22-1234.txt"), "the name given twice", "RFC 2183 2"
    yield (
        "name-no-disposition",
        named(b"filename=536-22-1234.txt", disposition=b"; "),
        "no word before the name",
        "RFC 2183 2",
    )
    yield "name-unclosed", named(b'filename="SSN 536-22-1234.txt'), "the quote is never closed", "RFC 2045 5.1"
    yield (
        "name-wide",
        named(b"filename*=utf-8''" + b"".join(b"%%%02X" % byte for byte in "５３６-２２-１２３４".encode())),
        "fullwidth digits in a name",
        "RFC 2231 4",
    )
    yield "name-upper-case", named(b"FILENAME=536-22-1234.txt"), "the parameter in capitals", "RFC 2045 5.1"


def joined_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Lines that programs join, and directions that they turn."""
    at = "RFC 3676 4.2"
    flowed = b"Content-Type: text/plain; format=flowed"
    yield (
        "flowed-delsp",
        mail(flowed + b"; delsp=yes", b"", b"Her SSN is 536-22- ", b"1234, please"),
        "a soft line end within the number, the blank deleted",
        at,
    )
    yield (
        "flowed-delsp-quoted",
        mail(flowed + b"; delsp=yes", b"", b"> Her SSN is 536- ", b"> 22-1234, please"),
        "the same in a quotation",
        "RFC 3676 4.5",
    )
    yield (
        "flowed-quoted-deep",
        mail(flowed + b"; delsp=yes", b"", b">> Her SSN is 536-22 ", b">>-1234, please"),
        "a quotation in a quotation",
        "RFC 3676 4.5",
    )
    yield (
        "flowed-stuffed",
        mail(flowed + b"; delsp=yes", b"", b" Her SSN is 536-22 ", b" -1234, please"),
        "space-stuffed lines",
        "RFC 3676 4.4",
    )
    yield (
        "flowed-case",
        mail(b"Content-Type: text/plain; Format=Flowed; DelSp=YES", b"", b"Her SSN is 536-22- ", b"1234, please"),
        "parameters without regard to case",
        "RFC 2045 5.1",
    )
    yield (
        "flowed-kept-space",
        mail(flowed, b"", b"Her SSN is 536 ", b"22 ", b"1234, please"),
        "a number grouped by the blanks of soft line ends",
        at,
    )
    yield (
        "wrapped-line",
        mail(PLAIN, b"", b"Her SSN is 536-22-", b"1234, please file it."),
        "a number over two lines",
        "RFC 5322 2.1.1",
    )
    utf8 = b"Content-Type: text/plain; charset=utf-8"
    turned = "Her SSN is \u202e4321-22-635\u202c, please".encode()
    yield (
        "right-to-left",
        mail(utf8, b"Content-Transfer-Encoding: 8bit", b"", turned),
        "the number written backwards and turned round when shown",
        "Unicode UAX 9",
    )
    page = "<p>Her SSN is <span>\u202e4321-22-635\u202c</span>, please</p>".encode()
    yield (
        "right-to-left-page",
        mail(b"Content-Type: text/html; charset=utf-8", b"Content-Transfer-Encoding: 8bit", b"", page),
        "the same in a page",
        "Unicode UAX 9",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in name_tricks():
        yield Evasion(f"mime-names/{name}", raw, why, at)
    for name, raw, why, at in joined_tricks():
        value = "536221234" if name == "flowed-kept-space" else SSN
        yield Evasion(f"mime-lines/{name}", raw, why, at, value=value)


if __name__ == "__main__":
    write(evasions())
