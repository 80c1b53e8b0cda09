"""Second readings of a text: letters that are drawn like digits within a number, and like other letters within a word.

`536-22-l234` and `53б-22-1234` are numbers to whoever reads them, and `ІBАN` with Cyrillic letters is a label; in most
texts such letters stand for themselves. So they are read so beside the plain reading, and only where a number or a word
of two scripts shows that they are meant so.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rules.budget import Budget
from rules.encoded import Segment, is_packed, numbers_decoded, unpacked
from rules.normalise import BARRIER, Normalised
from rules.turns import sub_in_turns

_AROUND: Final = 512  # bytes on either side of what is disguised, which hold the words that name it

_MARKS_PER_STEP: Final = 4  # marks looked at in the time of one step of the budget
_STEPS_TO_UNPACK: Final = 8  # for each packed text

_DIGITS: Final = {
    **dict.fromkeys("OoОоΟοՕօᴏ〇零", "0"),
    **dict.fromkeys("IlІіӀӏǀΙιı一壹〡", "1"),
    **dict.fromkeys("Ƨƨ二贰〢", "2"),
    **dict.fromkeys("ЗзƷʒȜȝӠӡ三叁〣", "3"),
    **dict.fromkeys("Чч四肆〤", "4"),
    **dict.fromkeys("SЅѕƼƽ五伍〥", "5"),
    **dict.fromkeys("бᏮ六陆〦", "6"),
    **dict.fromkeys("七柒〧", "7"),
    **dict.fromkeys("BВвȢȣ八捌〨", "8"),
    **dict.fromkeys("九玖〩", "9"),
}
_HAN: Final = "〇零一壹二贰三叁四肆五伍六陆七柒八捌九玖〡〢〣〤〥〦〧〨〩"
_LETTERS: Final = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХҮԚԜаеѕіјкорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιɪɴʀʙʜʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢı",
        "ABESIJKMHOPCTYXYQWaesijkopcyxhdqwABEZHIKMNOPTYXoiINRBHLACDEJKMOPTUVWZi",
        strict=True,
    )
)
_FOREIGN_LOOKALIKES: Final = "".join(char for char in _DIGITS if not char.isascii() and char not in _HAN)
_LETTER_LOOKALIKES: Final = "".join(_LETTERS)
# For the engine: where a closer look is worth while, in any text and in one that is not ASCII.
MARK: Final = "|".join(
    (
        r"\d[ ./_-]?[OoIl]{1,3}[ ./_-]?\d",
        r"\d[SB]\d",
        r"\b[OoIlSB]\d{1,3}[ ./_-]\d",
        r"\d{5}[OoIl]\b",
    )
)
FOREIGN_MARK: Final = "|".join(
    (
        rf"\d[./_-]?[{_FOREIGN_LOOKALIKES}]",
        rf"[{_FOREIGN_LOOKALIKES}][./_-]?\d",
        rf"[{_HAN}]{{2}}[ ./_-]{{0,2}}[{_HAN}]",
        rf"[A-Za-z][{_LETTER_LOOKALIKES}]",
        rf"[{_LETTER_LOOKALIKES}][A-Za-z]",
    )
)
_LOOKALIKES: Final = "".join(_DIGITS)
_NUMBER: Final = re.compile(rf"(?<!\w)[0-9{_LOOKALIKES}](?:[ ./_-]{{0,3}}[0-9{_LOOKALIKES}]){{6,33}}(?!\w)")
_CODE: Final = re.compile(r"(?:^[SB](?=[^-]* )| [SB])")  # such letters begin codes; a dashed number is none
_GROUP: Final = re.compile(r"[^ ./_-]+")
_WORD: Final = re.compile(rf"(?<!\w)\w*[{_LETTER_LOOKALIKES}]\w*")
_FEWEST_DIGITS: Final = 5  # true digits of a number


class Disguised:
    """A second reading of pieces of a text: `normal` is all of it, joined with BARRIER. Offsets are characters."""

    def __init__(self, pieces: Sequence[Sequence[Segment]]) -> None:
        self._begins: list[int] = []  # of each segment, in `normal`
        self._starts: list[int] = []  # and in the text
        place = 0
        for piece in pieces:
            for start, said in piece:
                self._begins.append(place)
                self._starts.append(start)
                place += len(said)
            place += len(BARRIER)
        text = BARRIER.join("".join(said for _, said in piece) for piece in pieces)
        self.normal = Normalised(text.encode(), text)

    def origin(self, offset: int) -> int:
        """The offset in the text of a character of `normal`."""
        index = bisect_right(self._begins, offset) - 1
        return self._starts[index] + offset - self._begins[index]


def disguised(normal: Normalised, marks: Sequence[int], budget: Budget) -> Disguised | None:
    """The second reading around `marks` (ends of what the engine saw, in bytes); None where it says nothing new."""
    budget.left -= len(marks) // _MARKS_PER_STEP
    pieces: list[list[Segment]] = []
    data, characters = normal.data, _CharacterCounter(normal.data)
    packed = [mark for mark in marks if is_packed(data, mark)]
    others = set(marks).difference(packed) if packed else marks
    for first, last in _spans_around(data, others):
        piece = data[first:last].decode("utf-8", "ignore")
        plain = undisguised(piece)
        segments = numbers_decoded(plain)
        if segments or plain != piece:
            start = characters.before(first)
            pieces.append([(start + at, said) for at, said in segments or [(0, plain)]])
    pieces += _unpacked_pieces(data, packed, budget)
    return Disguised(pieces) if pieces else None


def _unpacked_pieces(data: bytes, marks: Sequence[int], budget: Budget) -> Iterator[list[Segment]]:
    """The unpacked texts at the marks, each with its surroundings; neighbours share what stands between them."""
    characters = _CharacterCounter(data)
    piece: list[Segment] = []
    begun = done = 0  # where what was unpacked last begins and ends, in characters and in bytes
    for first, last, text in unpacked(data, marks):
        budget.left -= _STEPS_TO_UNPACK
        if budget.spent:
            break
        if piece and done <= first <= done + 2 * _AROUND:
            piece.append((begun, data[done:first].decode("utf-8", "ignore")))
        else:
            if piece:
                piece.append((begun, _text_behind(data, done)))
                yield piece
            ahead = (
                data[_char_start(data, max(0, first - _AROUND)) : first].decode("utf-8", "ignore")
                if first >= done
                else ""
            )
            piece = [(characters.before(first) - len(ahead), ahead)]
        start = characters.before(first)
        piece.append((start, text))
        begun, done = start + last - first, last
    if piece:
        piece.append((begun, _text_behind(data, done)))
        yield piece


def _text_behind(data: bytes, place: int) -> str:
    return data[place : _char_start(data, min(len(data), place + _AROUND))].decode("utf-8", "ignore")


class _CharacterCounter:
    """Counts the characters before places in bytes, which have to rise."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known = (0, 0)

    def before(self, place: int) -> int:
        """How many characters stand before `place`, no smaller than the last one asked for."""
        done, counted = self._known
        self._known = place, counted + len(self._data[done:place].decode("utf-8", "ignore"))
        return self._known[1]


def undisguised(text: str) -> str:
    """The text with lookalikes replaced by the digits and letters that they look like; as long as before."""
    plain = sub_in_turns(_NUMBER, _number, text)
    return plain if text.isascii() else sub_in_turns(_WORD, _word, plain)


def _number(match: re.Match[str]) -> str:
    text = match[0]
    digits = sum(char.isascii() and char.isdigit() for char in text)
    han = sum(char in _HAN for char in text)
    looks = sum(char in _DIGITS for char in text)
    if not looks or (digits < _FEWEST_DIGITS and han < _FEWEST_DIGITS + 2) or 3 * (looks - han) > 2 * (digits + han):
        return text
    if _CODE.search(text):
        return text
    # A group of letters alone is a word (`IS 2002 1234567`), unless dashes or dots hold it.
    for group in _GROUP.finditer(text):
        held = text[group.start() - 1 : group.start()] not in ("", " ") or text[group.end() : group.end() + 1] in "-./_"
        if not held and all(char in _DIGITS and char not in _HAN for char in group[0]):
            return text
    return "".join(_DIGITS.get(char, char) for char in text)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    mixed = any(char.isascii() and char.isalnum() for char in word)
    if not mixed or any(not char.isascii() and char not in _LETTERS for char in word):
        return word
    return "".join(_LETTERS.get(char, char) for char in word)


def _spans_around(data: bytes, marks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The pieces of the text around the marks, cut between characters; they do not touch."""
    first = last = -1
    for mark in sorted(marks):
        start, stop = (
            _char_start(data, max(0, mark - _AROUND)),
            _char_start(data, min(len(data), mark + _AROUND)),
        )
        if first >= 0 and start <= last:
            last = max(last, stop)
            continue
        if first >= 0:
            yield first, last
        first, last = start, stop
    if first >= 0:
        yield first, last


def _char_start(data: bytes, place: int) -> int:
    """The start of the UTF-8 character that `place` falls into."""
    while 0 < place < len(data) and data[place] & 0xC0 == 0x80:
        place -= 1
    return place
