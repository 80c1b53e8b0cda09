"""Patterns before they are used: that RE2 takes them, and how wide a match of theirs can get.

The width bounds how far back from a match's end its start is sought, and so what an admin's pattern can cost.
"""

import re
from typing import Final

import re2

from rules.errors import PatternRefused
from rules.refusals import re2_refusal, refuse_unsupported, show_column

MAX_MATCH_BYTES: Final = 4096
MAX_DEPTH: Final = 100  # groups within groups
UNBOUNDED: Final = 1 << 40

_REPEAT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
_FLAGS: Final = re.compile(r"\(\?(?:P?<\w+>|[imsU-]*:)")
_SET_FLAGS: Final = re.compile(r"\(\?[imsU-]+\)")
_CLASS_ESCAPE: Final = re.compile(
    r"\\(?:[pP](?:\{\^?\w+\}|\w)|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|Q.*?(?:\\E|$)|[0-7]{1,3}|.)", re.S
)
_LINE_ANCHOR: Final = re.compile(r"\^|\$")
_TEXT_ANCHOR: Final = re.compile(r"\\A|\\z")
_PROBES: Final = (b"", b"a", b" a 0 ")
_NO_WIDTH: Final = ("\\b", "\\B", "\\A", "\\z", "\\E")
_ONE_BYTE: Final = ("\\d", "\\w", "\\s", "\\C", "\\t", "\\n", "\\r", "\\f", "\\v", "\\a")

_FIXED: Final = re.compile(r"(?:\\b|(?:\\d|\[(?:[A-Za-z0-9 .-])+\]|[A-Za-z0-9 -]|\\[.-])(?:\{\d+\})?)+")
_REPEATED: Final = re.compile(r"\(\?:((?:\\d|[A-Za-z0-9 -])+)\)\{(\d{1,2})\}")  # such as (?: \d){15}
_FIXED_ITEM: Final = re.compile(r"\\b|(?:\\d|\[[^\]]+\]|[A-Za-z0-9 -]|\\[.-])(?:\{(\d+)\})?")


def fixed_width(regex: str) -> int:
    """The width in bytes of every match of a simple pattern; 0 where it may vary, or the pattern is not simple."""
    regex = _REPEATED.sub(lambda match: match[1] * int(match[2]), regex)
    if not _FIXED.fullmatch(regex):
        return 0
    return sum(int(item[1] or 1) for item in _FIXED_ITEM.finditer(regex) if item[0] != "\\b")


def has_line_anchor(regex: str) -> bool:
    """Whether the pattern holds ^ or $, which stand for the beginning and the end of any line."""
    return _search_outside_classes(_LINE_ANCHOR, regex) is not None


def has_text_anchor(regex: str) -> bool:
    """Whether the pattern asks where the whole text begins or ends."""
    return _search_outside_classes(_TEXT_ANCHOR, regex) is not None


def compile_pattern(regex: str) -> re2._Regexp:
    """`regex` as RE2 runs it, leftmost-longest; raise PatternRefused with the place and what to write instead."""
    refuse_unsupported(regex, _search_outside_classes)
    options = re2.Options()
    options.longest_match = True
    options.log_errors = False
    options.never_nl = False
    try:
        compiled = re2.compile(f"(?m){regex}" if has_line_anchor(regex) else regex, options)
    except re2.error as refusal:
        cause = refusal.args[0].decode("utf-8", "replace") if isinstance(refusal.args[0], bytes) else str(refusal)
        raise re2_refusal(regex, cause, _complaint_column(regex, cause)) from None
    if any(match is not None and match.start() == match.end() for match in map(compiled.search, _PROBES)):
        raise PatternRefused("the pattern matches the empty text", "Ask for at least one character")
    return compiled


class LazyPattern:
    """A pattern that is compiled when it is first needed, and then kept.

    Of some 700 patterns ordinary mail needs a few; all of them take as much memory as the engine's databases.
    """

    __slots__ = ("_compiled", "_regex")

    def __init__(self, regex: str) -> None:
        self._regex = regex
        self._compiled: re2._Regexp | None = None

    @property
    def compiled(self) -> re2._Regexp:
        """The pattern as RE2 runs it. Raises PatternRefused, though never for a pattern that was read from a pack."""
        if self._compiled is None:
            self._compiled = compile_pattern(self._regex)
        return self._compiled


def max_width(regex: str) -> int:
    """The longest match in bytes of UTF-8, counted high where it is not certain; raise PatternRefused past 4 KB."""
    reader = _WidthReader(regex)
    width = reader.alternatives()
    if width > MAX_MATCH_BYTES:
        hint = "Write how often at most, such as {1,40}" + (
            " instead of * or +" if reader.open_at and width >= UNBOUNDED else ""
        )
        what = "has no widest match" if width >= UNBOUNDED else f"can match {width} bytes"
        place = f" (column {reader.open_at})" if width >= UNBOUNDED and reader.open_at else ""
        shown = show_column(regex, reader.open_at)
        raise PatternRefused(f"the pattern {what}{place}; 4096 is the most", hint, reader.open_at, shown)
    return width


def _search_outside_classes(wanted: re.Pattern[str], regex: str) -> int | None:
    """The first match of `wanted` that is neither escaped nor in a character class."""
    if not wanted.search(regex):
        return None
    place = 0
    while place < len(regex):
        if wanted.match(regex, place):
            return place
        if regex[place] == "\\":
            escape = _CLASS_ESCAPE.match(regex, place)
            place = escape.end() if escape else place + 2
        elif regex[place] == "[":
            place = _class_end(regex, place)
        else:
            place += 1
    return None


def _class_end(regex: str, place: int) -> int:
    """The offset behind the class that opens at `place`; the pattern's length where it is not closed."""
    place += 1
    if regex[place : place + 1] == "^":
        place += 1
    first = True
    while place < len(regex):
        if regex[place] == "]" and not first:
            return place + 1
        first = False
        if regex.startswith("[:", place) and ":]" in regex[place:]:
            place = regex.index(":]", place) + 2
        else:
            place += 2 if regex[place] == "\\" else 1
    return place


def _complaint_column(regex: str, cause: str) -> int:
    """Where RE2's complaint points, as a column from 1; it quotes the piece it means behind a colon."""
    if cause.startswith(("missing )", "unexpected )")):
        return _unpaired_bracket(regex) + 1
    if cause.startswith("missing ]"):
        return regex.rfind("[") + 1
    if cause.startswith("trailing"):
        return len(regex)
    _, colon, piece = cause.partition(": ")
    if not colon or not piece:
        return 0
    place = _search_outside_classes(re.compile(re.escape(piece)), regex)
    return (regex.find(piece) if place is None else place) + 1


def _unpaired_bracket(regex: str) -> int:
    """The offset of the bracket without a partner; -1 where there is none."""
    opened: list[int] = []
    place = 0
    while place < len(regex):
        if regex[place] == "\\":
            place += 2
            continue
        if regex[place] == "[":
            place = _class_end(regex, place)
            continue
        if regex[place] == "(":
            opened.append(place)
        elif regex[place] == ")":
            if not opened:
                return place
            opened.pop()
        place += 1
    return opened[-1] if opened else -1


class _WidthReader:
    """Walks a pattern that RE2 has accepted, adding up its widest match."""

    def __init__(self, regex: str) -> None:
        self._regex = regex
        self._place = 0
        self._depth = 0
        self.open_at = 0  # column of the first repetition without an end

    def alternatives(self) -> int:
        widest = width = 0
        while self._place < len(self._regex) and self._regex[self._place] != ")":
            if self._regex[self._place] == "|":
                self._place += 1
                widest, width = max(widest, width), 0
            else:
                width = min(width + self._repeated(), UNBOUNDED)
        return max(widest, width)

    def _repeated(self) -> int:
        width = self._atom()
        while self._place < len(self._regex):
            char = self._regex[self._place]
            if char in "*+":
                if width:
                    self.open_at = self.open_at or self._place + 1
                    width = UNBOUNDED
                self._place += 1
            elif char == "?":
                self._place += 1
            elif char == "{" and (repeat := _REPEAT.match(self._regex, self._place)):
                most = repeat[3] or (None if repeat[2] else repeat[1])
                if most is None and width:
                    self.open_at = self.open_at or self._place + 1
                width = min(width * int(most), UNBOUNDED) if most is not None else (UNBOUNDED if width else 0)
                self._place = repeat.end()
            else:
                break
        return width

    def _atom(self) -> int:
        char = self._regex[self._place]
        if char == "(":
            return self._group()
        if char == "[":
            start, self._place = self._place, _class_end(self._regex, self._place)
            return _class_width(self._regex[start : self._place])
        if char == "\\":
            return self._escape()
        self._place += 1
        if char in "^$":
            return 0
        return 4 if char == "." else max(len(char.encode("utf-8", "replace")), 1 if char.isascii() else 4)

    def _group(self) -> int:
        alone = _SET_FLAGS.match(self._regex, self._place)
        if alone:
            self._place = alone.end()
            return 0
        flags = _FLAGS.match(self._regex, self._place)
        if self._depth == MAX_DEPTH:
            column = self._place + 1
            raise PatternRefused(f"groups are nested deeper than {MAX_DEPTH} levels", "Take some away", column)
        self._place = flags.end() if flags else self._place + 1
        self._depth += 1
        width = self.alternatives()
        self._depth -= 1
        self._place += 1
        return width

    def _escape(self) -> int:
        match = _CLASS_ESCAPE.match(self._regex, self._place)
        text = match[0] if match else self._regex[self._place :]
        self._place += len(text)
        if text in _NO_WIDTH:
            return 0
        if text.startswith("\\Q"):
            return len(text.encode())
        return 1 if text in _ONE_BYTE or (len(text) == 2 and not text[1].isalnum()) else 4


def _class_width(text: str) -> int:
    """1 where a class holds only ASCII as written, else 4."""
    plain = text.isascii() and not text.startswith("[^") and not re.search(r"\\[pPDWSx]|\[:\^", text)
    return 1 if plain else 4
