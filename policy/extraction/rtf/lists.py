"""The numbers that an RTF file's lists put in front of paragraphs, where the file does not write them itself."""

from typing import Final

from policy.extraction.office.wordstyles import Counters, Level, WordStyles, counted
from policy.extraction.rtf.state import whole
from policy.extraction.rtf.words import TOKEN

_TABLES: Final = (b"\\listtable", b"\\listoverridetable")
_LONGEST: Final = 1024 * 1024  # bytes of one table
_FORMS: Final = {0: "decimal", 1: "upperRoman", 2: "lowerRoman", 3: "upperLetter", 4: "lowerLetter", 22: "decimalZero",
                 23: "bullet", 255: "none"}  # fmt: skip
_BEHIND: Final = {1: " ", 2: ""}
_PLACES: Final = 9  # levels


def read_lists(data: bytes) -> Counters:
    """The tables of lists, by the numbers (`ls`) that paragraphs name ([MS-RTF] 1.9.1, List Tables)."""
    styles = WordStyles()
    lists: dict[int, dict[int, Level]] = {}
    for table in _TABLES:
        start = data.find(table)
        if start >= 0:
            _Table(styles, lists).read(data, start + len(table))
    return Counters(styles)


class _Table:
    def __init__(self, styles: WordStyles, lists: dict[int, dict[int, Level]]) -> None:
        self._styles = styles
        self._lists = lists
        self._levels: list[Level] = []
        self._numbers: dict[bytes, int] = {}
        self._said: dict[bytes, int] = {}  # of the open level
        self._text: list[str] = []
        self._starts: list[int | None] = []

    def read(self, data: bytes, at: int) -> None:
        groups: list[bytes] = []
        for match in TOKEN.finditer(data, at, min(len(data), at + _LONGEST)):
            word, number, escape, _, brace, plain = match.groups()
            if brace == b"{":
                groups.append(b"")
            elif brace:
                if not groups:
                    return
                self._end(groups.pop())
            elif word is not None:
                if groups and not groups[-1]:
                    groups[-1] = word
                    self._begin(word)
                self._word(word, whole(number), bool(groups) and groups[-1] == b"leveltext")
            elif groups and groups[-1] == b"leveltext":
                self._text.append(
                    bytes.fromhex("".join(escape.decode().split())).decode("latin-1") if escape else _plain(plain)
                )

    def _begin(self, word: bytes) -> None:
        if word in {b"list", b"listoverride"}:
            self._levels, self._numbers, self._starts = [], {}, []
        elif word in {b"listlevel", b"lfolevel"}:
            self._said, self._text = {}, []

    def _word(self, word: bytes, number: int, is_text: bool) -> None:
        if word in {b"listid", b"ls"}:
            self._numbers[word] = number
        elif word == b"u" and is_text:
            self._text.append(chr(number & 0xFFFF))
        else:
            self._said[word] = number

    def _end(self, word: bytes) -> None:
        if word == b"listlevel":
            self._levels.append(self._level())
        elif word == b"lfolevel":
            self._starts.append(self._said.get(b"levelstartat") if b"listoverridestartat" in self._said else None)
        elif word == b"list":
            self._lists[self._numbers.get(b"listid", 0)] = dict(enumerate(self._levels[:_PLACES]))
        elif word == b"listoverride":
            levels = dict(self._lists.get(self._numbers.get(b"listid", 0), {}))
            for at, start in enumerate(self._starts[:_PLACES]):
                if start is not None and at in levels:
                    old = levels[at]
                    levels[at] = Level(start, old.form, old.text, old.suffix)
            name = str(self._numbers.get(b"ls", 0))
            self._styles.levels[name] = levels
            own = any(start is not None for start in self._starts)
            self._styles.kin[name] = f"{self._numbers.get(b'listid', 0)}{f' {name}' if own else ''}"

    def _level(self) -> Level:
        text = "".join(self._text)[1:].partition(";")[0]  # behind its length
        text = "".join(f"%{ord(sign) + 1}" if ord(sign) < _PLACES else sign for sign in text.replace("%", ""))
        form = _FORMS.get(self._said.get(b"levelnfcn", self._said.get(b"levelnfc", 0)), "decimal")
        return Level(
            self._said.get(b"levelstartat", 1), form, text, _BEHIND.get(self._said.get(b"levelfollow", 0), "\t")
        )


def _byte(escape: bytes) -> str:
    return bytes.fromhex("".join(escape.decode().split())).decode("latin-1")


def _plain(plain: bytes | None) -> str:
    return plain.decode("latin-1") if plain else ""


_FORMS_OF_OLD: Final = {
    b"pndec": "decimal", b"pnucltr": "upperLetter", b"pnucrm": "upperRoman", b"pnlcltr": "lowerLetter",
    b"pnlcrm": "lowerRoman",
}  # fmt: skip


class OldLabels:
    """Numbers as Word 6 and 95 write them: before the paragraphs that have them (`pn`)."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}
        self._part = b""
        self._at = 1
        self._form = ""

    def begin(self) -> None:
        """A group that says how the next paragraphs are numbered."""
        self._texts, self._part, self._at, self._form = {}, b"", 1, "none"

    def word(self, word: bytes, number: int | None) -> None:
        """A word within it."""
        self._part = word if word in {b"pntxtb", b"pntxta"} else self._part
        self._form = _FORMS_OF_OLD.get(word, self._form)
        self._at = number or 0 if word == b"pnstart" else self._at

    def text(self, plain: bytes) -> None:
        """A text within it."""
        self._texts[self._part] = self._texts.get(self._part, "") + plain.decode("latin-1")

    def end(self) -> None:
        """Paragraphs from here on have none."""
        self._form = ""

    def label(self) -> str:
        """Of the next paragraph."""
        if not self._form:
            return ""
        number = "" if self._form == "none" else counted(self._at, self._form)
        self._at += 1
        return f"{self._texts.get(b'pntxtb', '')}{number}{self._texts.get(b'pntxta', '')}"
