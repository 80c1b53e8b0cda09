# ruff: noqa: E501 (a case to a line)
"""Plain texts, calendars, cards and data formats that write a number another way than it is read."""

import base64
import json
from collections.abc import Iterator

from corpus import SSN, Evasion, mail, write

PLAIN = b"Content-Type: text/plain; charset=utf-8"


def plain(name: str, text: str, why: str, at: str, value: str = SSN) -> Evasion:
    """A text as it stands."""
    return Evasion(
        f"text-{name}", mail(PLAIN, b"Content-Transfer-Encoding: 8bit", b"", text.encode()), why, at, value=value
    )


def attached(name: str, file: str, media_type: str, data: bytes, why: str, at: str, value: str = SSN) -> Evasion:
    """A file of text."""
    raw = mail(
        b'Content-Type: multipart/mixed; boundary="b"', b"", b"--b", PLAIN, b"", b"see the file", b"--b",
        f'Content-Type: {media_type}; name="{file}"'.encode(), b"Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{file}"'.encode(), b"", base64.encodebytes(data).strip(), b"--b--",
    )  # fmt: skip
    return Evasion(name, raw, why, at, value=value)


def evasions() -> Iterator[Evasion]:
    """Characters, emphasis, lines, calendars and cards, data."""
    yield from characters()
    yield from lines()
    yield from calendars()
    yield from data()


def characters() -> Iterator[Evasion]:
    """Characters that look like digits and dashes, that turn, or that do not show."""
    yield plain(
        "characters/fullwidth", "Her SSN is ５３６－２２－１２３４.", "Full-width digits and dashes.", "Unicode 18.1"
    )
    yield plain("characters/arabic-indic", "Her SSN is ٥٣٦-٢٢-١٢٣٤.", "Arabic-Indic digits.", "Unicode 9.2")
    yield plain("characters/devanagari", "Her SSN is ५३६-२२-१२३४.", "Devanagari digits.", "Unicode 12.1")
    yield plain("characters/mathematical", "Her SSN is 𝟱𝟯𝟲-𝟮𝟮-𝟭𝟮𝟯𝟰.", "Mathematical digits.", "Unicode 22.2")
    yield plain("characters/enclosed", "Her SSN is ⑤③⑥-②②-①②③④.", "Digits in circles.", "Unicode 22.9")
    yield plain("characters/superscript", "Her SSN is ⁵³⁶⁻²²⁻¹²³⁴.", "Digits set high.", "Unicode 22.4")
    yield plain("characters/segmented", "Her SSN is 🯵🯳🯶-🯲🯲-🯱🯲🯳🯴.", "Digits of a display.", "Unicode 22.7")
    yield plain(
        "characters/keycaps",
        "Her SSN is 5\ufe0f\u20e33\ufe0f\u20e36\ufe0f\u20e3-2\ufe0f\u20e32\ufe0f\u20e3-1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34\ufe0f\u20e3.",
        "Digits on keys.",
        "UTS #51, 1.4.6",
    )
    yield plain("characters/dashes", "Her SSN is 536‒22−1234.", "A figure dash and a minus.", "Unicode 6.2")
    yield plain("characters/hyphens", "Her SSN is 536‐22‑1234.", "A hyphen and one that does not break.", "Unicode 6.2")
    yield plain(
        "characters/spaces",
        "Her SSN is 536\u200922\u202f1234.",
        "Thin spaces for dashes.",
        "Unicode 6.2",
        value="536221234",
    )
    yield plain(
        "characters/zero-width",
        "Her SSN is 5\u200b3\u200c6\u2060-2\u200d2-\ufeff12\u206334.",
        "Characters without width.",
        "Unicode 23.2",
    )
    yield plain("characters/soft-hyphens", "Her SSN is 53\u00ad6-2\u00ad2-12\u00ad34.", "Soft hyphens.", "Unicode 23.2")
    yield plain(
        "characters/tags",
        "Her SSN is 53\U000e0031\U000e003966-22-1234.".replace("66", "6"),
        "Tag characters, which are not displayed.",
        "Unicode 23.9",
    )
    yield plain(
        "characters/variation",
        "Her SSN is 5\ufe003\ufe016-2\ufe0e2-1\U000e0100234.",
        "Variation selectors.",
        "Unicode 23.4",
    )
    yield plain(
        "characters/combining",
        "Her SSN is 5\u03323\u03326\u0332-2\u03322\u0332-1\u03322\u03323\u03324\u0332.",
        "Underlined by combining marks.",
        "Unicode 7.9",
    )
    yield plain(
        "characters/override",
        "Her SSN is \u202e4321-22-635\u202c.",
        "Written backwards behind an override.",
        "UAX #9, 3.3.2",
    )
    yield plain(
        "characters/isolates",
        "Her SSN is \u2067\u2068536\u2069\u2068-22-\u2069\u20681234\u2069\u2069.".replace("\u2067", "\u2066"),
        "Pieces in isolates.",
        "UAX #9, 2.4",
    )


def lines() -> Iterator[Evasion]:
    """Emphasis within the number, and lines that break it."""
    flowed = b"Content-Type: text/plain; charset=utf-8; format=flowed"
    yield Evasion(
        "text-lines/flowed",
        mail(flowed, b"", b"Her SSN is 536-22- ", b"1234, please file it."),
        "A flowed line breaks the number.", "RFC 3676, 4.1",
    )  # fmt: skip
    yield Evasion(
        "text-lines/flowed-quotes",
        mail(flowed, b"", b"> Her SSN is 536-22- ", b"> 1234, please file it."),
        "A flowed line within a quotation breaks the number.", "RFC 3676, 4.5",
    )  # fmt: skip
    yield Evasion(
        "text-lines/flowed-delsp",
        mail(flowed + b"; delsp=yes", b"", b"Her SSN is 536-22-12 ", b"34, please file it."),
        "The space of a flowed line is deleted.", "RFC 3676, 4.1",
    )  # fmt: skip
    yield plain(
        "lines/escapes-of-a-terminal",
        "Her SSN is 5\x1b[1m36\x1b[0m-22-\x1b[4m1234\x1b[0m.",
        "Escapes that set bold and underline.",
        "ECMA-48, 8.3.117",
    )
    yield plain(
        "lines/struck-over",
        "Her SSN is 5\b53\b36\b6-\b-2\b22\b2-_\b1_\b2_\b3_\b4.",
        "Each character struck over.",
        "RFC 2646, mutt",
    )


def calendars() -> Iterator[Evasion]:
    """Folded lines, escapes, and files within."""
    head = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260105T083000Z\r\nDTSTART:20260105T083000Z\r\n"
    tail = b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    cases = {
        "folded": (b"DESCRIPTION:Her SSN is 536\r\n -2\r\n\t2-12\r\n 34\r\n", "Folded within the number.", "RFC 5545, 3.1"),
        "escaped": (b"SUMMARY:SSN\\; 536\r\n -22-\r\n 1234\\, please\r\n", "Folded, beside escapes.", "RFC 5545, 3.3.11"),
        "html-description": (b"X-ALT-DESC;FMTTYPE=text/html:<p>SSN 5<b>36</b>-<i>2\r\n 2</i>-1234</p>\r\n", "A page in a folded line.", "MS-OXCICAL 2.1.3.1.1.20.26"),
        "attached": (b"ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY:SGVyIFNTTiBpcyA1MzY\r\n tMjItMTIzNC4=\r\n", "A file in base64.", "RFC 5545, 3.8.1.1"),
    }  # fmt: skip
    for name, (lines, why, at) in cases.items():
        yield attached(f"calendar/{name}", "invite.ics", "text/calendar", head + lines + tail, why, at)
    card = b"BEGIN:VCARD\r\nVERSION:%s\r\nFN:Alice\r\n%sEND:VCARD\r\n"
    cards = {
        "folded": (b"4.0", b"NOTE:Her SSN is 53\r\n 6-22-1\r\n 234\r\n", "Folded within the number.", "RFC 6350, 3.2"),
        "quoted-printable": (b"2.1", b"NOTE;ENCODING=QUOTED-PRINTABLE:Her SSN is =35=33=36=2D22-=31234\r\n", "Quoted-printable within the card.", "vCard 2.1, 2.1.3"),
        "base64": (b"2.1", b"NOTE;ENCODING=BASE64:\r\n SGVyIFNTTiBpcyA1MzYtMjItMTIzNC4=\r\n\r\n", "A note in base64.", "vCard 2.1, 2.1.3"),
    }  # fmt: skip
    for name, (version, lines, why, at) in cards.items():
        yield attached(f"card/{name}", "alice.vcf", "text/vcard", card % (version, lines), why, at)
    entry = base64.b64encode(b"Her SSN is 536-22-1234.").decode()
    ldif = f"version: 1\ndn: cn=alice,dc=example\ncn: alice\ndescription:: {entry[:9]}\n {entry[9:]}\n"
    yield attached(
        "card/directory-entry", "alice.ldif", "text/ldif", ldif.encode(), "A folded value in base64.", "RFC 2849"
    )


def data() -> Iterator[Evasion]:
    """JSON, XML and tables of values."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in SSN)
    yield attached(
        "data/json-escapes",
        "a.json",
        "application/json",
        f'{{"ssn": "{escaped}"}}'.encode(),
        "Each character escaped.",
        "RFC 8259, 7",
    )
    pieces = json.dumps({"ssn": ["536", "-22-", "1234"]}).encode()
    yield attached("data/json-array", "a.json", "application/json", pieces, "The pieces in an array.", "RFC 8259, 5")
    xml = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "536"><!ENTITY c "&b;-22">]>'
    yield attached(
        "data/xml-entities",
        "a.xml",
        "application/xml",
        f"{xml}<a>SSN &c;-12&#51;&#x34;</a>".encode(),
        "Entities of its own, one in another.",
        "XML 1.0, 4.2",
    )
    yield attached(
        "data/xml-cdata",
        "a.xml",
        "application/xml",
        b'<?xml version="1.0"?><a>SSN <![CDATA[53]]>6<!-- 9 -->-<![CDATA[22]]>-<b>12</b>34</a>',
        "CDATA, comments and elements within.",
        "XML 1.0, 2.7",
    )
    yield attached(
        "data/xml-utf-16",
        "a.xml",
        "application/xml",
        '<?xml version="1.0" encoding="utf-16"?><a>SSN 536<b/>-22-1234</a>'.encode("utf-16"),
        "XML in UTF-16.",
        "XML 1.0, 4.3.3",
    )
    yield attached(
        "data/csv-semicolons",
        "a.csv",
        "text/csv",
        b'name;ssn\r\n"Moore; Alice";"536-22-1234"\r\n',
        "Semicolons, and one in quotes.",
        "RFC 4180, 2",
    )
    yield attached(
        "data/csv-columns",
        "a.csv",
        "text/csv",
        b"name,ssn,ssn,ssn\r\nAlice,536,22,1234\r\n",
        "The groups in columns of their own.",
        "RFC 4180, 2",
        value="536,22,1234",
    )
    yield attached(
        "data/tab-separated",
        "a.tsv",
        "text/tab-separated-values",
        b"name\tssn\r\nAlice\t536-22-1234\r\n",
        "Columns by tabs.",
        "IANA text/tab-separated-values",
    )
    yield attached(
        "data/markdown",
        "a.md",
        "text/markdown",
        b"Her SSN is **536**-_22_-`1234`, see [536](http://a.example)\\-22\\-1234.\n",
        "Emphasis within the number.",
        "CommonMark 0.31, 6.2",
    )
    yield attached(
        "data/svg",
        "a.svg",
        "image/svg+xml",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="40"><text x="5" y="20">SSN 53<tspan>6-</tspan><tspan font-weight="bold">22</tspan>-1234</text></svg>',
        "A drawing's text in pieces.",
        "SVG 2, 11.2",
    )
    yield attached(
        "data/amp",
        "a.html",
        "text/x-amp-html",
        b"<!doctype html><html amp4email><head><style amp-custom>.h{display:none}</style></head><body><p>SSN 5<b class=h>9</b>36-<i class=h>7</i>22-1234</p></body></html>",
        "A page for AMP.",
        "AMP for Email",
    )


if __name__ == "__main__":
    write(evasions())
