"""Numbers that styles put in order, and plain ones that are grouped or broken otherwise."""

from collections.abc import Iterator

from corpus import SSN, Evasion, mail, write

HTML, PLAIN = b"Content-Type: text/html; charset=utf-8", b"Content-Type: text/plain; charset=utf-8"


def pages() -> Iterator[tuple[str, str, str]]:
    """Pages that show signs in another order, or write them from a sheet of their own."""
    backwards = f'<p>Her SSN is</p><p style="padding-left:20em;font-size:16px;letter-spacing:-24px">{SSN[::-1]}</p>'
    yield "letters-backwards", backwards, "CSS Text 3, 8.2"
    for name, style in (("places-by-margin", "margin-left"), ("places-by-padding", "padding-left")):
        signs = "".join(
            f'<span style="position:absolute;{style}:{at * 12}px">{sign}</span>'
            for at, sign in reversed(list(enumerate(SSN)))
        )
        yield name, f'<p>Her SSN is</p><div style="position:relative;height:2em">{signs}</div>', "CSS 2.2, 10.3.7"
    sheet = '<svg width=1 height=1><style>b::after{content:"&#53;36-22-1234"}</style></svg>'
    yield "sheet-in-drawing", f"{sheet}<p>Her SSN is <b></b></p>", "SVG 2, 6.6; HTML 13.2.6.5"


def texts() -> Iterator[tuple[str, str, str]]:
    """Plain texts, with the number as it stands there."""
    yield "apostrophes", "536'22'1234", "a text"
    yield "private-signs", "536\ue00022\ue0001234", "Unicode 16, 23.5"
    yield "section-signs", "536\u00a722\u00a71234", "a text"
    yield "other-points", "536\u16eb22\u16eb1234", "Unicode 16, 8.6"
    yield "set-in", "536-22-\n        1234", "a text"


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, source, at in pages():
        yield Evasion(f"later/{name}", mail(HTML, b"", source.encode()), "a style puts its signs in order", at)
    for name, text, at in texts():
        raw = mail(PLAIN, b"Content-Transfer-Encoding: 8bit", b"", f"Her SSN is {text}".encode())
        yield Evasion(f"later/{name}", raw, "written another way than it is read", at, value=text.strip())
    bank = "DE89=3704@0044!0532&0130%00"
    raw = mail(PLAIN, b"", f"Please pay to {bank} today".encode())
    yield Evasion("later/signs-between", raw, "signs of any kind between the groups", "ISO 13616", {"iban": 1}, bank)


if __name__ == "__main__":
    write(evasions())
