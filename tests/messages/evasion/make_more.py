"""Pages, texts and mail that show a number in still other ways."""

from base64 import b64encode
from collections.abc import Iterator

from corpus import SSN, TEXT, Evasion, mail, multipart, write
from files import attached

B64 = b64encode(TEXT)


def _page(body: str) -> bytes:
    return mail(b"Content-Type: text/html; charset=utf-8", b"", body.encode())


def pages() -> Iterator[tuple[str, bytes, str, str]]:
    """What style sheets write and move."""
    style = "@counter-style x{system:fixed;symbols:'22';prefix:'536-';suffix:'-1234'}ol{list-style:x inside}"
    yield (
        "counter-style",
        _page(f"<style>{style}</style><p>Her SSN:</p><ol><li></li></ol>"),
        "a counter style of its own",
        "CSS Counter Styles 3",
    )
    digits = "@counter-style d{system:numeric;symbols:'4' '5' '3' '6' '2' '1'}"
    digits += "b::before{counter-reset:a 51;content:counter(a,d)}"
    yield (
        "counter-digits",
        _page(f"<style>{digits}</style><p>Her SSN: <b></b>-22-1234</p>"),
        "digits that a counter style exchanges",
        "CSS Counter Styles 3, 3.1.4",
    )
    yield (
        "list-string",
        _page("<p>Her SSN:</p><ul style=\"list-style:inside '536-22-'\"><li>1234</li></ul>"),
        "a list's mark is a string",
        "CSS Lists 3, 3.1",
    )
    marker = "ul{list-style:inside}li::marker{content:'536-22-'}"
    yield (
        "item-marker",
        _page(f"<style>{marker}</style><p>Her SSN:</p><ul><li>1234</li></ul>"),
        "the mark of an item",
        "CSS Lists 3, 3",
    )
    yield (
        "caption-written-last",
        _page("<table><tr><td>22-1234</td></tr><caption>Her SSN: 536-</caption></table>"),
        "a table's caption stands above it, wherever it is written",
        "HTML 4.9.2, CSS 2.2, 17.4.1",
    )
    quotes = "q{quotes:'536-22-' '1234'}"
    yield (
        "quotes-of-q",
        _page(f"<style>{quotes}</style><p>Her SSN: <q></q></p>"),
        "the quotes of a quotation",
        "CSS Content 3, 2.4",
    )
    moved = "<b style='position:relative;left:3ch'>-22-1234</b><b style='position:relative;left:-8ch'>536</b>"
    yield (
        "moved-past",
        _page(f"<p style='font-family:monospace'>Her SSN: {moved}</p>"),
        "two pieces moved past each other",
        "CSS 2.2, 9.4.3",
    )
    shifted = moved.replace("position:relative;left:3ch", "display:inline-block;transform:translateX(3ch)").replace(
        "position:relative;left:-8ch", "display:inline-block;transform:translateX(-8ch)"
    )
    yield (
        "shifted-past",
        _page(f"<p style='font-family:monospace'>Her SSN: {shifted}</p>"),
        "two pieces shifted past each other",
        "CSS Transforms 1",
    )


def mails() -> Iterator[tuple[str, bytes, str, str]]:
    """Structure, charsets and headers."""
    parts = b"".join(b"--b\n\n%b\n" % text for text in (b"Her SSN is 536", b"-22-", b"1234"))
    yield (
        "three-texts",
        multipart(b"mixed; boundary=b", parts + b"--b--"),
        "a number over three texts",
        "RFC 2046 5.1.3",
    )
    for name, charset, why in (
        ("gb2312", "gb18030", "Chinese"),
        ("shift-jis", "cp932", "Japanese"),
        ("euc-jp", "euc_jp", "Japanese, in EUC"),
        ("big5", "big5", "Chinese, in Big5"),
        ("euc-kr", "euc_kr", "Korean"),
    ):
        page = b"<meta charset=%b><p>SSN " % {"gb18030": b"gb2312"}.get(
            charset, charset.replace("cp932", "shift_jis").replace("_", "-").encode()
        )
        body = page.replace(b"shift-jis", b"shift_jis") + "５３６-２２-１２３４".encode(charset) + b"</p>"
        yield (
            f"wide-{name}",
            mail(b"Content-Type: text/html", b"", body),
            f"wide digits, {why}, which only the page says",
            "WHATWG Encoding",
        )


def files() -> Iterator[tuple[str, bytes, str, str]]:
    """Files that are two things, or of old programs."""
    page = b"GIF89a/*<html><body><p>Her SSN is 536<b>-22-</b>1234</p></body></html>"
    yield (
        "picture-named-page",
        attached("form.html", page, "text/html"),
        "a page that begins like a picture",
        "WHATWG MIME Sniffing",
    )
    size = len(TEXT)
    head = (
        bytes([0, 5, 0x16, 0, 0, 2, 0, 0])
        + bytes(16)
        + b"\0\1"
        + b"\0\0\0\1"
        + (38).to_bytes(4, "big")
        + size.to_bytes(4, "big")
    )
    yield (
        "applesingle",
        attached("form", head + TEXT, "application/applefile"),
        "a file of an older Macintosh",
        "RFC 1740",
    )


GROUPS = {
    "groups-in-brackets": ("(536)(22)(1234)", "each group in brackets"),
    "brackets-between-groups": ("536(22)1234", "brackets between the groups"),
    "digits-in-brackets": ("[5][3][6] [2][2] [1][2][3][4]", "each digit in brackets"),
    "groups-in-quotes": ("'536' '22' '1234'", "each group in quotes"),
}


def groups() -> Iterator[Evasion]:
    """Numbers whose groups stand in brackets and quotes, in a text and on a page."""
    for name, (value, why) in GROUPS.items():
        text = mail(b"Content-Type: text/plain", b"", f"Her SSN is {value}, please file it.".encode())
        yield Evasion(f"text-lines/{name}", text, why, "as people write it", value=value)
        tagged = f"<p>Her SSN is <b>{value[:6]}</b>{value[6:]}, please file it."
        yield Evasion(f"html-written/{name}", _page(tagged), f"{why}, on a page", "as people write it", value=value)


def evasions() -> Iterator[Evasion]:
    """All of them."""
    yield from groups()
    for family, each in (("html-written", pages), ("more", mails), ("more", files)):
        for name, raw, why, at in each():
            yield Evasion(f"{family}/{name}", raw, why, at, value=SSN)
    program = b"%!PS-Adobe-3.0\n/Helvetica findfont 12 scalefont setfont 20 20 moveto "
    program += b"(SSN 536) show (-22) show (-1234) show showpage\n"
    yield Evasion(
        "more/postscript",
        attached("form.ps", program, "application/postscript"),
        "a PostScript program, which is not run",
        "PostScript Language Reference, 3rd edition",
        found={"unreadable": 1},
    )


if __name__ == "__main__":
    write(evasions())
