"""RTF: what is displayed, what is hidden, fields, notes, and the files and pictures within."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final

from policy.extraction.office.fields import unasked
from policy.extraction.rtf.boxes import PLACES, Boxes
from policy.extraction.rtf.lists import OldLabels, read_lists
from policy.extraction.rtf.state import CHANGES, Change, State, flagged, looked, whole
from policy.extraction.rtf.tables import SYMBOLS_ABOVE, Fonts, pale_colours
from policy.extraction.rtf.words import (
    BYTES,
    ENDS,
    ESCAPED,
    LABELLED,
    OF_MACHINES,
    SHOWN,
    SIGNS,
    SILENT,
    TOKEN,
    UNSEEN,
)
from policy.extraction.text.pieces import FAINT, FIELD, HIDDEN, Line, Reading, readings_of

_LOUD: Final = frozenset({"text", "beside", "choice"})
_PACKED: Final = frozenset({"object", "picture"})
_HEX: Final = re.compile(rb"[^0-9a-fA-F]+")
_DEEPEST: Final = 5_000
_LONGEST_FIELD: Final = 200  # pieces of one instruction
_BEHIND: Final = 65_536  # bytes behind the last group that are looked at
_NOTHING: Final = b"\0\r\n\t \x1a"
_MOST_TURNS: Final = 20_000
_MOST_CHOICES: Final = 100
_MOST_FILES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says: the readings of each place, files and pictures within, whether it was read whole."""

    texts: dict[str, list[Reading]] = field(repr=False)
    beside: str = field(repr=False)
    objects: list[bytes] = field(repr=False)
    pictures: list[bytes] = field(repr=False)
    whole: bool


def read_found(data: bytes) -> Found:
    """All that is in a file."""
    return _Reader(data).run()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = State()
        self._groups: list[State] = []
        self._fonts = Fonts()
        self._pale = pale_colours(data)
        self._raw = bytearray()
        self._lines: dict[str, list[Line]] = {}
        self._open: dict[str, Line] = {}
        self._counts: dict[str, int] = {}
        self._beside: list[str] = []
        self._hex: list[bytes] = []
        self._objects: list[bytes] = []
        self._pictures: list[bytes] = []
        self._skip = 0
        self._whole = True
        self._states: dict[State, State] = {}
        self._turns: dict[tuple[int, bytes, int | None], tuple[State, State]] = {}
        self._lists = read_lists(data)
        self._old_labels = OldLabels()
        self._labelled: set[str] = set()  # places whose open paragraph says its number itself
        self._leftwards = False  # the open row's cells
        self._choices: list[str] = []  # of a form's list, and which is chosen
        self._chosen = 0
        self._boxes = Boxes()
        self._began = False  # the group that holds the whole text

    def run(self) -> Found:
        data, at = self._data, 0
        match_token = TOKEN.match
        while at < len(data):
            match = match_token(data, at)
            if match is None:
                at += 1
                continue
            at = match.end()
            word, number, escape, sign, brace, plain = match.groups()
            if plain is not None:
                self._plain(plain)
            elif word is not None:
                if word == b"bin":
                    at += self._binary(data, at, whole(number))
                else:
                    self._word(word, number)
            elif escape is not None:
                self._byte(bytes.fromhex("".join(escape.decode().split())))
            elif brace == b"{":
                self._begin()
            elif brace == b"}":
                self._whole &= bool(self._groups)
                self._end()
                if not self._groups and data[at : at + _BEHIND].strip(_NOTHING):
                    self._whole = False  # programs end here, and not all of them: what follows is read, and told
            elif sign is not None:
                self._sign(sign)
        self._flush()
        for place in list(self._open):
            self._end_line(place)
        texts = {place: readings_of(lines) for place, lines in self._lines.items()}
        if placed := self._boxes.text():
            texts.setdefault("", []).append(Reading(placed))
        beside = "".join(self._beside)
        beside = "\n".join(dict.fromkeys(line.strip() for line in beside.split("\n") if line.strip()))
        return Found(texts, beside, self._objects, self._pictures, self._whole and not self._groups)

    def _stale(self, state: State) -> State:
        """The same state when its group has begun."""
        key = (id(state), b"", None)
        known = self._turns.get(key)
        if known is None or known[0] is not state:
            known = (state, replace(state, fresh=False))
            if len(self._turns) < _MOST_TURNS:
                self._turns[key] = known
        return known[1]

    def _begin(self) -> None:
        self._flush()
        if len(self._groups) >= _DEEPEST:
            self._whole = False
            return
        self._whole = self._whole and (bool(self._groups) or not self._began)  # a group behind the end of the text
        self._began = True
        self._groups.append(self._state)
        flags = self._state.flags | (HIDDEN if self._state.pair else 0)
        self._state = replace(self._state, starred=False, fresh=True, pair=False, flags=flags)

    def _end(self) -> None:
        self._flush()
        self._skip = 0
        ended = self._state
        self._state = self._groups.pop() if self._groups else State()
        if self._boxes.end_with(len(self._groups)):
            self._boxes.leave(self._open[ended.place].shown() if ended.place in self._open else "")
        if ended.into in {"object", "picture"} and self._state.into != ended.into:
            self._take(ended.into)
        elif ended.flags & FIELD and not self._state.flags & FIELD and ended.into == "text":
            line = self._open.get(ended.place, Line())
            last = takewhile(lambda piece: piece[1] & FIELD, reversed(line.pieces[-_LONGEST_FIELD:]))
            said = "".join(reversed([text for text, _, _ in last]))
            if said.lstrip()[:3].upper() in {"EQ ", "SYM"}:
                self._add(unasked(said))
        elif ended.into == "beside" and self._beside:
            self._beside.append("\n")

    def _take(self, kind: str) -> None:
        """A file or picture that is written in hexadecimal digits."""
        digits = _HEX.sub(b"", b"".join(self._hex))
        self._hex.clear()
        kept = self._objects if kind == "object" else self._pictures
        if len(kept) >= _MOST_FILES:
            self._whole = False
        elif digits:
            kept.append(bytes.fromhex(digits[: len(digits) & ~1].decode("ascii")))

    def _binary(self, data: bytes, at: int, size: int) -> int:
        size = max(0, min(size, len(data) - at))
        if self._state.into in {"object", "picture"}:
            self._hex.append(data[at : at + size].hex().encode())
        return size

    def _plain(self, plain: bytes) -> None:
        if self._skip:
            taken = min(self._skip, len(plain))
            self._skip -= taken
            plain = plain[taken:]
        into = self._state.into
        if into in _LOUD:
            self._raw += plain
        elif into in _PACKED:
            self._hex.append(plain)
        elif into == "label":
            self._old_labels.text(plain)

    def _byte(self, byte: bytes) -> None:
        if self._skip:
            self._skip -= 1
        elif self._state.into in {"text", "beside", "choice"}:
            self._raw += byte

    def _flush(self) -> None:
        """Bytes that were gathered, in the charset of their font."""
        if self._raw:
            charset = self._fonts.charset(self._state.font)
            raw = bytes(self._raw)
            self._raw.clear()
            text = raw.decode(charset, "replace")
            self._add(text.translate(SYMBOLS_ABOVE) if charset == "latin-1" else text)

    def _add(self, text: str) -> None:
        state = self._state
        if state.into == "choice":
            self._choices[-1] += text
        elif state.into == "beside":
            self._beside.append(text)
        elif state.into == "text" and text:
            line = self._open.setdefault(state.place, Line())
            last = line.pieces[-1][0] if line.pieces else ""
            if last and "\ud800" <= last[-1] < "\udc00" and "\udc00" <= text[0] < "\ue000":
                pair = (last[-1] + text[0]).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
                line.pieces[-1] = (last[:-1] + pair, *line.pieces[-1][1:])
                text = text[1:]
            line.pieces.append((text, state.flags, state.look))

    def _end_line(self, place: str) -> None:
        line = self._open.pop(place, Line())
        if line.pieces and place not in self._labelled:
            self._number(line)
        self._labelled.discard(place)
        if self._leftwards:
            line.other = "\t".join(reversed(line.shown().split("\t")))
        self._boxes.line(line.shown())
        self._counts[place] = self._counts.get(place, 0) + 1
        line.mark = f"paragraph {self._counts[place]}"
        self._lines.setdefault(place, []).append(line)

    def _number(self, line: Line) -> None:
        """The number of its list in front of a paragraph that does not say it itself."""
        label, behind = self._lists.label(str(self._state.list), self._state.level) if self._state.list else ("", "")
        label = label or self._old_labels.label()
        if label:
            line.pieces[:0] = [(label, 0, ""), (behind, 0, "suffix")]

    def _sign(self, sign: bytes) -> None:
        self._flush()
        if sign == b"*":
            self._state = replace(self._state, starred=True)
        elif sign in b"\r\n" and self._state.into == "text":
            self._end_line(self._state.place)
        elif self._skip:
            self._skip -= 1
        elif self._state.into in {"text", "beside"}:
            self._add(ESCAPED.get(sign, sign.decode("latin-1")))

    def _word(self, word: bytes, number: bytes | None) -> None:
        self._flush()
        state = self._state
        if word == b"u" and number:
            if state.into in {"text", "beside"}:
                code = whole(number) & 0xFFFF
                self._add(chr(code - 0xF000 if 0xF020 <= code < 0xF080 or 0xF0A0 <= code < 0xF100 else code))
            self._skip = min(100, max(0, state.skips))
            return
        self._skip = 0
        if state.into == "silent" and word not in {b"f", b"fcharset", b"cpg", b"ud"}:
            return
        value = int(number) if number and len(number) < 10 else None
        if state.into == "label":
            self._old_labels.word(word, value)
            return
        if state.fresh and self._destination(word):
            return
        self._around(word, value)
        handler = _WORDS.get(word)
        if handler:
            self._turn(state, word, value, handler)
        elif word in ENDS:
            if state.into == "text":
                self._end_line(state.place)
            elif state.into == "fonts":
                self._whole = False  # paragraphs among the fonts: a bracket is missing, and which text is meant is open
        elif word in SIGNS:
            self._add(SIGNS[word])
        if self._state.fresh and word not in {b"f", b"rtf"}:
            self._state = self._stale(self._state)

    def _choose(self) -> None:
        """The entry of a form's list that is shown."""
        self._beside.append("\n".join(self._choices) + "\n")
        self._add(self._choices[self._chosen] if self._chosen < len(self._choices) else "")
        self._choices.clear()

    def _around(self, word: bytes, value: int | None) -> None:
        """Words that hold for more than their group."""
        if word in OF_MACHINES:
            self._fonts.has_charset_of(OF_MACHINES[word])
        elif word == b"deff":
            self._fonts.usual = value or 0
        elif word == b"pard":
            self._old_labels.end()
            self._boxes.word(word, value, len(self._groups))
        elif word in {b"trowd", b"rtlrow"}:
            self._leftwards = word == b"rtlrow"
        elif word == b"ffres":
            self._chosen = value or 0
        elif word in PLACES:
            self._boxes.word(word, value, len(self._groups))

    def _turn(
        self, state: State, word: bytes, value: int | None, handler: "Callable[[_Reader, int | None], None]"
    ) -> None:
        """What a word makes of a state: worked out once, since files go to and fro between a few of them."""
        if state.into == "fonts" or word == b"ansicpg":
            handler(self, value)
            return
        key = (id(state), word, value)
        known = self._turns.get(key)
        if known is None or known[0] is not state:
            handler(self, value)
            self._state = self._states.setdefault(self._state, self._state)
            if len(self._states) > _MOST_TURNS:
                self._states.clear()
            if len(self._turns) < _MOST_TURNS:
                self._turns[key] = (state, self._state)
            return
        self._state = known[1]
        if word == b"f":
            self._fonts.named = value or 0

    def _destination(self, word: bytes) -> bool:
        """Whether the word says what its group is, and is not text as it stands around it."""
        state = self._state
        if word in {b"shp", b"do"}:
            self._boxes.word(word, None, len(self._groups))
        if word in SILENT:
            self._state = replace(state, into="fonts" if word == b"fonttbl" else "silent", fresh=False)
        elif word in BYTES:
            self._state = replace(state, into=BYTES[word], fresh=False)
            self._hex.clear()
        elif word in LABELLED:
            self._state = State(place=LABELLED[word], skips=state.skips, font=state.font, fresh=False)
            self._whole = self._whole and len(self._lines) < 50
        elif word in UNSEEN and state.into == "text":
            self._state = replace(state, flags=state.flags | HIDDEN, fresh=False)
        elif word == b"pn":
            self._state = replace(state, into="label", fresh=False)
            self._old_labels.begin()
        elif word == b"ffl":
            self._state = replace(state, into="choice", fresh=False)
            self._choices = [*self._choices[:_MOST_CHOICES], ""]
        elif word == b"fldinst":
            self._state = replace(state, into="text", flags=state.flags | FIELD, fresh=False)
        elif word == b"upr":
            self._state = replace(state, pair=True, fresh=False)
        elif word == b"ud":
            self._state = replace(state, into="text", flags=state.flags & ~HIDDEN, fresh=False)
        elif word in SHOWN:
            if word in {b"listtext", b"pntext"}:
                self._labelled.add(state.place)
            self._state = replace(state, into="text" if word != b"shppict" else state.into, fresh=False)
        elif state.starred:
            self._state = replace(state, into="beside" if state.into == "text" else state.into, fresh=False)
        else:
            if word == b"fldrslt" and self._choices:
                self._choose()
            return word in {b"fldrslt", b"field", b"shp", b"object", b"result"}
        return True

    def _set_font(self, value: int | None) -> None:
        self._fonts.named = value or 0
        self._state = replace(self._state, font=value if value is not None else -1)
        if self._state.into != "fonts":
            self._state = looked(self._state, "f", value)

    def _set_charset(self, value: int | None) -> None:
        if self._state.into == "fonts" and value is not None:
            self._fonts.has_charset(value)

    def _set_page(self, value: int | None) -> None:
        self._fonts.has_page(value, in_table=self._state.into == "fonts")

    def _colour(self, value: int | None) -> None:
        self._state = looked(flagged(self._state, FAINT, on=(value or 0) in self._pale), "cf", value)


def _changed(change: Change) -> Callable[[_Reader, int | None], None]:
    def change_state(reader: _Reader, value: int | None) -> None:
        reader._state = change(reader._state, value)

    return change_state


_WORDS: Final[dict[bytes, Callable[[_Reader, int | None], None]]] = {
    b"f": _Reader._set_font,
    b"fcharset": _Reader._set_charset,
    b"cpg": _Reader._set_page,
    b"ansicpg": _Reader._set_page,
    b"cf": _Reader._colour,
    **{word: _changed(change) for word, change in CHANGES.items()},
}
