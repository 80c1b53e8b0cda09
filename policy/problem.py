"""Problems: what is wrong in a file people write, where, and what to do about it."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

LONGEST: Final = 600  # characters of a cause that are shown
Path = tuple[str | int, ...]  # keys and list positions from the top of a document


class Mark(NamedTuple):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


Where = Callable[[Path, bool], Mark]  # where(path, True): its key; where(path, False): its value


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. `line` and `column` count from 1; `line` 0: the file as a whole.

    `key` is the dotted path (`rules[2].when.size`); `pointed` a piece of the text with a caret below the mistake, on
    two lines; a `warning` does not keep the file from being used.
    """

    file: str
    line: int
    column: int
    key: str
    cause: str
    hint: str = ""
    pointed: str = ""
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f" {visible(self.key)}:" if self.key else ""
        hint = f" {sentence(visible(self.hint[:1].upper() + self.hint[1:]))}" if self.hint else ""
        shown = "".join(f"\n    {line}" for line in self.pointed.splitlines())
        return f"{kind}{place}:{key} {sentence(visible(self.cause))}{hint}{shown}"


def visible(text: str) -> str:
    """`text` fit to be shown: unprintable characters escaped (`\\u200b`), a long one shortened in its middle."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def sentence(text: str) -> str:
    """`text` with a full stop, unless it ends with a punctuation mark."""
    return text if text.endswith((".", "?", "!", ":")) else text + "."


def dotted(path: Path) -> str:
    """The path as people write it: `rules[2].when.size`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean "x"?`, or nothing where no known word is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, 1, 0.6) or [n for n in names if n.lower() == word.lower()]
    return f'Did you mean "{near[0]}"?' if near else ""


def one_of(words: Iterable[str]) -> str:
    """The words separated by commas, as in `none of a, b, c`."""
    return ", ".join(words)
