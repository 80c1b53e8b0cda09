"""What Outlook's messages and winmail.dat share: properties of a message, and how they are read ([MS-OXPROPS])."""

from dataclasses import dataclass, field
from typing import Final

from policy.extraction.collected import Collected, File, Inner, clean_text, inner_place
from policy.extraction.html.page import page_readings
from policy.extraction.outlook.lzfu import PackedRtfBroken, page_in_rtf, unpacked_rtf
from policy.extraction.text.tables import joined_cells
from policy.reader.charsets import decode

BODY, HTML, RTF = 0x1000, 0x1013, 0x1009
CODEPAGE, MESSAGE_CODEPAGE = 0x3FDE, 0x3FFD
DISPLAY_NAME, LONG_NAME, SHORT_NAME, DATA, SUBJECT = 0x3001, 0x3707, 0x3704, 0x3701, 0x0037
_LABELS: Final = {
    SUBJECT: "subject", BODY: "body", 0x0E04: "to", 0x0E03: "cc", 0x0E02: "bcc", 0x0C1A: "from", 0x0042: "from",
    0x007D: "headers", 0x3701: "attachment",
}  # fmt: skip
_MOST_CODEPAGES: Final = 4
_MOST_BODIES: Final = 50  # of one message
_SLACK: Final = 16  # zeros at the end that some count and others do not
_MACHINE: Final = frozenset(
    {0x001A, 0x1035, 0x1042, 0x1039, 0x300B, 0x0C1E, 0x0064, 0x3002, 0x0075, 0x0077, 0x3703, 0x370E, 0x3712, 0x007D}
)  # classes, identifiers, types of addresses; the transport's headers are read as a mail's


@dataclass(slots=True)
class Properties:
    """Of one message, recipient or attachment. `texts` by property; the bodies as bytes.

    What stands in it twice is kept twice, and each code page is tried: programs differ in which they take.
    """

    texts: list[tuple[int, str]] = field(default_factory=list, repr=False)
    narrow: list[tuple[int, bytes]] = field(default_factory=list, repr=False)  # texts of eight bits, until `settle`
    pages: list[tuple[bytes, str]] = field(default_factory=list, repr=False)  # with their charset, where it is known
    rtf: list[bytes] = field(default_factory=list, repr=False)
    codepages: list[int] = field(default_factory=list)

    @property
    def charsets(self) -> tuple[str, ...]:
        """Of texts with eight bits a character, likeliest first."""
        known = [each for each in dict.fromkeys(self.codepages) if each][:_MOST_CODEPAGES]
        return tuple("utf-8" if each == 65001 else f"cp{each}" for each in known) or ("",)

    def settle(self) -> None:
        """Once all of them are there: texts of eight bits become texts."""
        for number, data in self.narrow:
            texts = dict.fromkeys(text_of(data, wide=False, charset=charset) for charset in self.charsets)
            self.texts += [(number, text) for text in texts]
        self.narrow.clear()

    def text(self, *numbers: int) -> str:
        """The first that there is."""
        found = (text for number in numbers for known, text in self.texts if known == number and text)
        return next(found, "")


def tell_message(own: Properties, file: File, into: Collected, inner: Inner) -> bool:
    """Texts and bodies of one message; False when a body cannot be read. Its words are tried as passwords."""
    others: list[str] = []
    for number, text in own.texts:
        if number in _LABELS and number not in _MACHINE:
            place = inner_place(file.place, _LABELS[number])
            into.text(place, text)
            if "\t" in text:
                into.text(place, joined_cells(text))
        elif number not in _MACHINE:
            others.append(text)
    into.text(inner_place(file.place, "properties"), "\n".join(dict.fromkeys(others)))
    headers = own.text(0x007D)
    if headers:
        into.text(inner_place(file.place, "headers"), headers)
    learnt = [own.text(SUBJECT), own.text(BODY)]
    pages, packed = list(dict.fromkeys(own.pages)), list(dict.fromkeys(own.rtf))
    for page, said in pages[:_MOST_BODIES]:
        readings = {decode(page, charset): charset for charset in reversed([said] if said else own.charsets)}
        for charset in reversed(readings.values()):
            learnt += _tell_page(page, charset, file, into)
    whole = max(len(pages), len(packed)) <= _MOST_BODIES
    for each in packed[:_MOST_BODIES]:
        whole = _tell_rtf(each, learnt, file, into, inner) and whole
    into.learn(learnt)
    return whole


def _tell_page(page: bytes, charset: str, file: File, into: Collected) -> list[str]:
    shown: list[str] = []
    for reading in page_readings(page, charset):
        for label, text in reading.named():
            into.text(inner_place(file.place, label or "body (html)"), text)
            shown.append(text)
    return shown[:1]


def _tell_rtf(packed: bytes, learnt: list[str], file: File, into: Collected, inner: Inner) -> bool:
    try:
        rtf = unpacked_rtf(packed, into.budget.room())
    except PackedRtfBroken:
        return False
    if not rtf.strip(b"\0 \r\n"):
        return True
    if not into.budget.take_bytes(len(rtf)):
        return False
    page = page_in_rtf(rtf)
    if page:
        learnt += _tell_page(clean_text(page).encode(), "utf-8", file, into)
    place = inner_place(file.place, "body (rtf)")
    before = len(into.files)
    inner(File("", rtf, place, file.depth), into)
    told = [fact for fact in into.files[before:] if fact.place != place or fact.unreadable or fact.encrypted]
    into.files[before:] = told
    return len(rtf) + _SLACK >= int.from_bytes(packed[4:8], "little")


def text_of(data: bytes, *, wide: bool, charset: str) -> str:
    """A text property, without the zero at its end."""
    text = data.decode("utf-16-le", "replace") if wide else decode(data, charset)
    return text.rstrip("\0")
