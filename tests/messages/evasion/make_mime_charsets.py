"""Charsets (RFC 2045 5.1, RFC 2046 4.1.2, RFC 2978): rare names, wide characters, digits of other scripts."""

import base64
from collections.abc import Iterator

from corpus import SSN, TEXT, Evasion, mail, write

WORDS = TEXT.decode()
WIDE = WORDS.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
THAI = WORDS.translate({48 + digit: 0x0E50 + digit for digit in range(10)})
ARABIC = WORDS.translate({48 + digit: 0x0660 + digit for digit in range(10)})


def text(charset: bytes, body: bytes) -> bytes:
    """A text of this charset under base64."""
    return mail(
        b"Content-Type: text/plain; charset=" + charset,
        b"Content-Transfer-Encoding: base64",
        b"",
        base64.b64encode(body),
    )


def plain(charset: bytes, body: bytes) -> bytes:
    """A text of this charset as it is."""
    return mail(b"Content-Type: text/plain; charset=" + charset, b"Content-Transfer-Encoding: 8bit", b"", body)


def utf7(words: str) -> bytes:
    """Every character in base64, as UTF-7 allows."""
    return b"+" + base64.b64encode(words.encode("utf-16-be")).rstrip(b"=") + b"-"


def unicode_forms() -> Iterator[tuple[str, bytes, str, str]]:
    """The transformation formats, marked and unmarked."""
    yield "utf-16", text(b"utf-16", WORDS.encode("utf-16")), "UTF-16 with a mark", "RFC 2781"
    yield (
        "utf-16-big",
        text(b"utf-16", b"\xfe\xff" + WORDS.encode("utf-16-be")),
        "UTF-16 with a mark, big-endian",
        "RFC 2781",
    )
    yield (
        "utf-16-no-mark",
        text(b"utf-16", WORDS.encode("utf-16-be")),
        "UTF-16 without a mark is big-endian",
        "RFC 2781 4.3",
    )
    yield "utf-16le", text(b"utf-16le", WORDS.encode("utf-16-le")), "UTF-16LE", "RFC 2781"
    yield "utf-16be", text(b"UTF-16BE", WORDS.encode("utf-16-be")), "UTF-16BE", "RFC 2781"
    yield (
        "utf-16-undeclared",
        text(b"us-ascii", WORDS.encode("utf-16")),
        "UTF-16 with a mark said to be ASCII",
        "Unicode 23.8",
    )
    yield "utf-32", text(b"utf-32", WORDS.encode("utf-32")), "UTF-32 with a mark", "Unicode 3.10"
    yield "utf-32be", text(b"utf-32be", WORDS.encode("utf-32-be")), "UTF-32BE", "Unicode 3.10"
    yield (
        "ucs-2",
        text(b"iso-10646-ucs-2", WORDS.encode("utf-16-be")),
        "an older name of two bytes a character",
        "IANA charset registry",
    )
    yield (
        "ucs-4",
        text(b"iso-10646-ucs-4", WORDS.encode("utf-32-be")),
        "an older name of four bytes a character",
        "IANA charset registry",
    )
    yield (
        "utf-7",
        mail(b"Content-Type: text/plain; charset=utf-7", b"", b"Her SSN is " + utf7(SSN) + b", please"),
        "the number in the base64 of UTF-7",
        "RFC 2152",
    )
    yield (
        "utf-7-old-name",
        mail(b"Content-Type: text/plain; charset=unicode-1-1-utf-7", b"", b"Her SSN is " + utf7(SSN) + b", please"),
        "UTF-7 by its first name",
        "RFC 1642",
    )
    yield (
        "utf-7-pieces",
        mail(
            b"Content-Type: text/plain; charset=UTF-7",
            b"",
            b"Her SSN is 5" + utf7("36-2") + b"2-1" + utf7("2") + b"34, please",
        ),
        "some digits in UTF-7's base64, some as they are",
        "RFC 2152",
    )
    yield "utf-8-mark", plain(b"utf-8", b"\xef\xbb\xbf" + TEXT), "a byte order mark before the text", "RFC 3629 6"
    yield (
        "utf-8-fullwidth",
        plain(b"utf-8", WIDE.encode()),
        "fullwidth digits",
        "Unicode, Halfwidth and Fullwidth Forms",
    )
    yield "utf-8-said-ascii", plain(b"us-ascii", WIDE.encode()), "UTF-8 said to be ASCII", "RFC 2045 5.2"
    yield (
        "utf-8-no-charset",
        mail(b"Content-Transfer-Encoding: 8bit", b"", WIDE.encode()),
        "UTF-8 without any type",
        "RFC 2045 5.2",
    )
    yield (
        "utf-8-zero-width",
        plain(b"utf-8", "Her SSN is 5\u200b36\u200d-2\u20602-12\ufeff34, please".encode()),
        "characters without width within the number",
        "Unicode 23.2",
    )
    yield (
        "utf-8-soft-hyphen",
        plain(b"utf-8", "Her SSN is 536-2\u00ad2-12\u00ad34, please".encode()),
        "soft hyphens within the number",
        "Unicode 23.2",
    )
    yield (
        "utf-8-dashes",
        plain(b"utf-8", "Her SSN is 536\u201122\u20131234, please".encode()),
        "dashes of other kinds",
        "Unicode 6.2",
    )
    yield (
        "utf-8-combining",
        plain(b"utf-8", "Her SSN is 5\u034f36-22-12\u034f34, please".encode()),
        "a combining joiner nobody sees",
        "Unicode 23.2",
    )
    yield (
        "utf-8-styled",
        plain(b"utf-8", f"Her SSN is {SSN}, please".translate({48 + d: 0x1D7CE + d for d in range(10)}).encode()),
        "mathematical bold digits",
        "Unicode, Mathematical Alphanumeric Symbols",
    )


def others() -> Iterator[tuple[str, bytes, str, str]]:
    """Everything else."""
    yield (
        "ebcdic-037",
        text(b"ibm037", WORDS.encode("cp037")),
        "EBCDIC of the United States",
        "IANA charset registry, IBM037",
    )
    yield "ebcdic-500", text(b"ibm500", WORDS.encode("cp500")), "EBCDIC, international", "IANA charset registry, IBM500"
    yield (
        "ebcdic-1047",
        text(b"ibm1047", WORDS.encode("cp037")),
        "EBCDIC of open systems, which Python does not know",
        "IANA charset registry, IBM1047",
    )
    yield "ebcdic-273", text(b"IBM273", WORDS.encode("cp273")), "EBCDIC of Germany", "IANA charset registry, IBM273"
    yield (
        "ebcdic-285",
        text(b"ebcdic-cp-gb", WORDS.encode("cp037")),
        "EBCDIC of Britain, which Python does not know",
        "IANA charset registry, IBM285",
    )
    yield (
        "iso-2022-jp",
        plain(b"iso-2022-jp", WIDE.encode("iso2022_jp")),
        "fullwidth digits between escapes",
        "RFC 1468",
    )
    yield "iso-2022-kr", plain(b"iso-2022-kr", WIDE.encode("iso2022_kr")), "fullwidth digits between shifts", "RFC 1557"
    yield (
        "iso-2022-cn",
        plain(b"iso-2022-cn", b"\x1b$)A" + gb2312_shifted()),
        "fullwidth digits between shifts, which Python does not know",
        "RFC 1922",
    )
    yield "hz", plain(b"hz-gb-2312", WIDE.encode("hz")), "fullwidth digits between tildes and braces", "RFC 1843"
    yield (
        "gb2312",
        plain(b"gb2312", WIDE.encode("gb2312")),
        "fullwidth digits in GB 2312",
        "IANA charset registry, GB2312",
    )
    yield "gb18030", plain(b"gb18030", ARABIC.encode("gb18030")), "Arabic digits in four bytes each", "GB 18030"
    yield "big5", plain(b"big5", WIDE.encode("big5")), "fullwidth digits in Big5", "IANA charset registry, Big5"
    yield (
        "big5-hkscs",
        plain(b"big5-hkscs", WIDE.encode("big5hkscs")),
        "fullwidth digits in Big5 of Hong Kong",
        "IANA charset registry",
    )
    yield "euc-jp", plain(b"euc-jp", WIDE.encode("euc_jp")), "fullwidth digits in EUC-JP", "IANA charset registry"
    yield (
        "shift-jis",
        plain(b"shift_jis", WIDE.encode("cp932")),
        "fullwidth digits in Shift_JIS",
        "IANA charset registry",
    )
    yield (
        "shift-jis-windows",
        plain(b"windows-31j", WIDE.encode("cp932")),
        "Shift_JIS by the name of Windows",
        "IANA charset registry, Windows-31J",
    )
    yield "euc-kr", plain(b"euc-kr", WIDE.encode("euc_kr")), "fullwidth digits in EUC-KR", "RFC 1557"
    yield "euc-tw", plain(b"euc-tw", euc_tw()), "fullwidth digits in EUC-TW, which Python does not know", "CNS 11643"
    yield "thai", plain(b"tis-620", THAI.encode("tis-620")), "Thai digits", "TIS 620"
    yield (
        "thai-windows",
        plain(b"windows-874", THAI.encode("cp874")),
        "Thai digits in Windows-874",
        "IANA charset registry",
    )
    yield "thai-iso", plain(b"iso-8859-11", THAI.encode("iso8859-11")), "Thai digits in ISO 8859-11", "ISO/IEC 8859-11"
    yield "koi8", plain(b"koi8-u", "Её номер SSN 536-22-1234".encode("koi8-u")), "KOI8-U", "RFC 2319"
    yield (
        "x-mac-cyrillic",
        plain(b"x-mac-cyrillic", "Её номер SSN 536-22-1234".encode("mac-cyrillic")),
        "Cyrillic of the Macintosh",
        "WHATWG Encoding",
    )
    yield "viscii", plain(b"viscii", TEXT), "a charset that few know", "RFC 1456"
    yield "unknown", plain(b"x-no-such-charset", TEXT), "a charset that nobody knows", "RFC 2046 4.1.2"
    yield "unknown-8bit", plain(b"unknown-8bit", b"\xe9 " + TEXT), "a charset of no name", "RFC 1428"
    yield "empty-name", plain(b'""', TEXT), "an empty charset", "RFC 2045 5.1"
    yield "ansi-x3", plain(b"ANSI_X3.4-1968", TEXT), "ASCII by its registered name", "IANA charset registry"
    yield (
        "name-in-quotes",
        text(b'"  utf-16 "', WORDS.encode("utf-16")),
        "blanks around the name within quotes",
        "RFC 2045 5.1",
    )
    yield (
        "name-extended",
        mail(
            b"Content-Type: text/plain; charset*=us-ascii'en'utf%2D16be",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(WORDS.encode("utf-16-be")),
        ),
        "the charset's name percent-encoded",
        "RFC 2231 4",
    )
    yield (
        "name-split",
        mail(
            b"Content-Type: text/plain; charset*0=utf; charset*1=-16be",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(WORDS.encode("utf-16-be")),
        ),
        "the charset's name in two pieces",
        "RFC 2231 3",
    )
    yield (
        "name-comment",
        mail(
            b"Content-Type: text/plain; charset=utf-16be (two bytes)",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(WORDS.encode("utf-16-be")),
        ),
        "a comment behind the name",
        "RFC 2045 5.1",
    )
    yield (
        "name-twice",
        mail(
            b"Content-Type: text/plain; charset=us-ascii; charset=utf-16be",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(WORDS.encode("utf-16-be")),
        ),
        "two charsets",
        "RFC 2045 5.1",
    )
    page = b'<html><head><meta charset="utf-16"></head><body>' + TEXT + b"</body></html>"
    yield (
        "page-contradicts",
        mail(b"Content-Type: text/html; charset=us-ascii", b"", page),
        "a page that says it has another charset",
        "WHATWG HTML 13.2.3",
    )
    meta = b'<meta http-equiv="Content-Type" content="text/html; charset=iso-2022-jp"><p>' + WIDE.encode("iso2022_jp")
    yield (
        "page-declares",
        mail(b"Content-Type: text/html", b"Content-Transfer-Encoding: 8bit", b"", meta),
        "the charset stands in the page only",
        "WHATWG HTML 13.2.3",
    )


def gb2312_shifted() -> bytes:
    """Fullwidth text between SO and SI."""
    return b"".join(
        b"\x0e" + bytes(byte & 0x7F for byte in char.encode("gb2312")) + b"\x0f" if ord(char) > 127 else char.encode()
        for char in WIDE
    )


def euc_tw() -> bytes:
    """Fullwidth digits of CNS 11643 plane 1 (row 36, from cell 17 on); dashes stay as they are."""
    return b"".join(bytes([0xA4, 0xA1 + ord(char) - 48]) if char.isdigit() else char.encode() for char in WORDS)


def mac_arabic() -> bytes:
    """Arabic digits at B0 to B9."""
    return bytes(byte + 0x80 if 48 <= byte < 58 else byte for byte in TEXT)


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in (*unicode_forms(), *others()):
        yield Evasion(f"mime-charsets/{name}", raw, why, at)


if __name__ == "__main__":
    write(evasions())
