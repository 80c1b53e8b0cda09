r"""What RE2 does not take, said in the words of who wrote the pattern: what it is, where it stands, what to write.

RE2 reads each text once, whatever the pattern, and so knows nothing that would have to go back: look-around,
back-references, possessive and atomic groups. What it would take silently and otherwise than meant is told as well:
`{,3}` and `\<` are text for it.
"""

import re
from collections.abc import Callable
from typing import Final

from rules.errors import PatternRefused

Search = Callable[[re.Pattern[str], str], int | None]

_WIDEST_SHOWN: Final = 72  # characters of a pattern in a message
_SYNTAX: Final = "Patterns are RE2: https://github.com/google/re2/wiki/Syntax"
_BEFORE: Final = "Match what stands before as well and mark the value: (?P<value>...)"
# What other engines know, outside classes. The first that is found is told.
_UNSUPPORTED: Final = (
    (r"\(\?=", "look-around (?=", "Match what follows as well and mark the value, (?P<value>...), or use `near`"),
    (r"\(\?!", "look-around (?!", "Use `alone: true`, `unless` or a `check` instead; `near` says what has to be there"),
    (r"\(\?<=", "look-around (?<=", f"{_BEFORE}; words go into `near` or `unless`"),
    (r"\(\?<!", "look-around (?<!", "Use `alone: true`, `unless` or a `check` instead"),
    (r"\\[1-9]|\(\?P=|\\k[<{']|\\g[{<0-9-]", "back-reference", "Write the repetition out, or use a `check`"),
    (r"\(\?>", "atomic group (?>", "Write (?:...): RE2 never goes back"),
    (r"(?:[*+?]|\{\d+(?:,\d*)?\})\+", "possessive quantifier", "Leave the last + away: RE2 never goes back"),
    (r"\(\?(?:R|0|[1-9]\d*|[+-]\d+|&\w+|P>\w+)\)", "recursion", "Write the group out as often as it may stand"),
    (r"\(\?\(", "condition (?(", "Write two patterns"),
    (r"\(\?#", "comment (?#", "Comments stand behind # in the file"),
    (
        r"\(\?[a-zA-Z-]*x[a-zA-Z-]*[):]",
        "flag x",
        "Write the pattern without blanks; comments stand behind # in the file",
    ),
    (r"\(\?'", "group (?'name'", "Write (?P<name>...)"),
    (r"\{,\d+\}", "{,n}, which RE2 reads as text", "Write {0,n}"),
    (r"\\Z", "unknown escape \\Z", "Write \\z for the end of the text, $ for the end of a line"),
    (r"\\K", "unknown escape \\K", _BEFORE),
    (r"\\G", "unknown escape \\G", "Every match is looked for by itself; leave it away"),
    (r"\\h", "unknown escape \\h", "Write [ \\t]"),
    (r"\\R", "unknown escape \\R", "Write \\r?\\n"),
    (
        r"\\X",
        "unknown escape \\X",
        "Write \\pL for a letter of any script; texts are normalised before they are searched",
    ),
    (r"\\[uUN]", "unknown escape \\u, \\U or \\N", "Write the character itself, or \\x{e4}"),
    (r"\\e|\\c", "unknown escape \\e or \\c", "Write \\x{1b}"),
    (r"\\[<>yYmM]", "word boundary as other programs write it", "Write \\b; for the sign itself, < and > need no \\"),
)
_UNSUPPORTED_COMPILED: Final = tuple((re.compile(piece), cause, hint) for piece, cause, hint in _UNSUPPORTED)
# What RE2 says, by how it begins: in plainer words, and what to do.
_RE2_ERRORS: Final = (
    ("missing )", "unclosed group", f"Close it with ), or write \\( for the bracket itself. {_SYNTAX}"),
    ("missing ]", "unclosed character class", f"Close it with ], or write \\[ for the bracket itself. {_SYNTAX}"),
    ("unexpected )", "a closing bracket too many", f"Write \\) for the bracket itself. {_SYNTAX}"),
    ("no argument for repetition", "nothing to repeat", f"Write \\* or \\+ for the sign itself. {_SYNTAX}"),
    ("bad repetition operator", "two repetitions in a row", "Leave one away"),
    ("invalid repetition size", "invalid repetition size", "{2,5} repeats two to five times; 1000 is the most"),
    ("trailing \\", "a \\ at the end", "Write \\\\ for the sign itself"),
    ("invalid escape sequence", "unknown escape", _SYNTAX),
    ("invalid character class range: \\", "unknown Unicode class", "Known are such as \\p{L} and \\p{Greek}"),
    ("invalid character class range: [:", "unknown POSIX class", "[[:alpha:]] and [[:digit:]] are two"),
    ("invalid character class range", "a range that runs backwards", "Write the lower end first"),
    ("invalid named capture", "unreadable name of a group", "Write (?P<name>...), with letters, digits and _"),
    ("invalid perl operator", "unknown group", f"Groups are (...), (?:...), (?i:...) and (?P<value>...). {_SYNTAX}"),
    ("pattern too large", "the pattern is too large", "Write fewer or smaller repetitions, or several patterns"),
)  # fmt: skip


def refuse_unsupported(regex: str, search: Search) -> None:
    """Raise PatternRefused for the first construct in `regex` that other engines know and RE2 does not.

    `search` finds a piece outside of character classes, and gives its offset.
    """
    found = ((search(piece, regex), cause, hint) for piece, cause, hint in _UNSUPPORTED_COMPILED)
    places = sorted((place, cause, hint) for place, cause, hint in found if place is not None)
    if places:
        place, cause, hint = places[0]
        raise refused(regex, cause, hint, place + 1)


def re2_refusal(regex: str, said: str, column: int) -> PatternRefused:
    """What RE2 `said` of a pattern, in plainer words and with a hint."""
    piece = said.partition(": ")[2]
    for start, cause, hint in _RE2_ERRORS:
        if said.startswith(start):
            quoted = f" {piece}" if piece and start.startswith(("invalid", "bad")) else ""
            return refused(regex, cause + quoted, hint, column)
    return refused(regex, said, _SYNTAX, column)


def refused(regex: str, cause: str, hint: str, column: int) -> PatternRefused:
    """The refusal, showing the place in the pattern. `column` counts from 1; 0: the pattern as a whole."""
    where = f" at column {column} of the pattern" if column else ""
    return PatternRefused(f"{cause}{where}", hint, column, show_column(regex, column))


def show_column(regex: str, column: int) -> str:
    """The pattern, or what of it fits a line, with a caret below the column; empty where there is no column."""
    if not column or "\n" in regex:
        return ""
    first = max(0, min(column - 1 - _WIDEST_SHOWN // 2, len(regex) - _WIDEST_SHOWN))
    shown = regex[first : first + _WIDEST_SHOWN]
    before, behind = "..." if first else "", "..." if first + _WIDEST_SHOWN < len(regex) else ""
    return f"{before}{shown}{behind}\n{' ' * (len(before) + column - 1 - first)}^"
