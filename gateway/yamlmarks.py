"""Strict YAML: plain data with a mark for every key and value, and every problem at once.

Only what YAML 1.2's core schema says (`no`, `on` and `1:30` are texts, `012` is twelve); no tags, anchors, aliases,
merge keys or second documents; no key twice. Built from the events of libyaml without recursion, so that neither depth
nor size of a hostile file can hurt.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from policy.problem import Mark, Path, Problem, dotted

MAX_BYTES: Final = 8 * 2**20
MAX_DEPTH: Final = 40
MAX_VALUES: Final = 200_000
MAX_PROBLEMS: Final = 100

_INT: Final = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + word[1:]) for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(slots=True)
class Document:
    """What a file holds. `data` is None where it could not be read at all; then `problems` says why."""

    file: str
    data: Any = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Mark] = field(default_factory=dict, repr=False)
    keys: dict[Path, Mark] = field(default_factory=dict, repr=False)
    whole: bool = True  # False where reading stopped early

    def where(self, path: Path, key: bool = False) -> Mark:
        """The mark of the value (or its key) at the path, else of the nearest thing around it that stands there."""
        while path:
            marks = (self.keys, self.values) if key else (self.values, self.keys)
            for known in marks:
                if path in known:
                    return known[path]
            path, key = path[:-1], True
        return self.values.get((), Mark(1, 1))

    def problem(self, path: Path, cause: str, hint: str = "", *, key: bool = False) -> Problem:
        """A problem at this path."""
        mark = self.where(path, key)
        return Problem(self.file, mark.line, mark.column, dotted(path), cause, hint)


def scalar(text: str) -> Any:
    """What a plain scalar is by YAML 1.2's core schema (section 10.3.2); an int past 300 digits stays a text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 300 else text


def read_limited(path: FilePath) -> bytes:
    """The bytes of a file, of one that is too large as many as `read_yaml` needs to say so. Raises OSError.

    A pipe to which nobody writes is empty: to open it must not wait, since the policy is read while mail comes.
    """
    with open(path, "rb", opener=_at_once) as file:
        return file.read(MAX_BYTES + 1)


def _at_once(path: str, flags: int) -> int:
    handle = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    return handle


def read_yaml(text: str | bytes, file: str) -> Document:
    """Read one document; never raises. Problems are in the order of the file."""
    document = Document(file)
    if len(text) > MAX_BYTES:
        document.problems.append(Problem(file, 0, 0, "", f"larger than {MAX_BYTES // 2**20} MiB"))
        document.whole = False
        return document
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        decoded.encode()
    except UnicodeError as error:
        line = text[: error.start].count(b"\n") + 1 if isinstance(text, bytes) and hasattr(error, "start") else 1
        document.problems.append(Problem(file, line, 1, "", "not UTF-8", "save the file as UTF-8"))
        document.whole = False
        return document
    _Builder(document).build(decoded)
    return document


@dataclass(slots=True)
class _Level:
    """A mapping or list under way."""

    path: Path
    items: dict[str, Any] | list[Any]
    key: str | None = None  # the key whose value comes next
    skip: bool = False  # that key cannot be used: its value is read and dropped
    drop: bool = False  # all of this is dropped: it leaves no marks


class _Stop(Exception):
    """Enough: reading on would tell nothing more."""


class _Builder:
    """Turns events into data and marks. An alias or a complex key becomes None, beside its problem."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.levels: list[_Level] = []
        self.count = 0
        self.documents = 0
        self.complex: int = 0  # depth inside a key that is itself a mapping or list

    def build(self, text: str) -> None:
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                self._event(event)
        except yaml.YAMLError as error:
            self._syntax(error)
        except _Stop:
            self.document.whole = False

    def _syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        cause = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML")
        context = getattr(error, "context", None)
        self.document.whole = False
        self.document.problems.append(
            Problem(
                self.document.file,
                line,
                column,
                "",
                f"{context}: {cause}" if context else cause,
                _syntax_hint(cause, context, getattr(error, "context_mark", None)),
            )
        )

    def _event(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._say(event, "a second document begins here", "keep one document a file")
                raise _Stop
        elif isinstance(event, yaml.NodeEvent):
            self.count += 1
            if self.count > MAX_VALUES:
                self._say(event, f"more than {MAX_VALUES} values")
                raise _Stop
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            if self.complex:
                self.complex -= 1
            else:
                self.levels.pop()

    def _node(self, event: yaml.NodeEvent) -> None:
        begins = isinstance(event, yaml.CollectionStartEvent)
        if self.complex:
            self.complex += begins
            return
        level = self.levels[-1] if self.levels else None
        if level is not None and isinstance(level.items, dict) and level.key is None:
            self._key(level, event)
            return
        path = self._path(level)
        drop = level is not None and (level.skip or level.drop)
        if not drop:
            self._foreign(event, path)
            self.document.values[path] = _mark(event)
        value: Any = None
        if isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.implicit[0] and not event.style else event.value
        elif begins:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._place(level, value)
        if begins:
            self._enter(event, _Level(path, value, drop=drop))

    def _enter(self, event: yaml.Event, level: _Level) -> None:
        if len(self.levels) >= MAX_DEPTH:
            self._say(event, f"nested deeper than {MAX_DEPTH} levels")
            raise _Stop
        self.levels.append(level)

    def _path(self, level: _Level | None) -> Path:
        if level is None:
            return ()
        return (*level.path, len(level.items) if isinstance(level.items, list) else level.key or "")

    def _place(self, level: _Level | None, value: Any) -> None:
        if level is None:
            self.document.data = value
        elif isinstance(level.items, list):
            level.items.append(value)
        else:
            if not level.skip:
                level.items[level.key or ""] = value
            level.key, level.skip = None, False

    def _key(self, level: _Level, event: yaml.NodeEvent) -> None:
        """A key is the text as written, whatever a value of that spelling would be."""
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.AliasEvent):
                self._foreign(event, level.path)
            else:
                self._say(event, "a key must be a single word or text", "quote it if it is meant as a text", level.path)
                self.complex = 1
            level.key, level.skip = "", True
            return
        path = (*level.path, event.value)
        self._foreign(event, path)
        level.key = event.value
        if event.value == "<<" and not event.style:
            self._say(event, "merge keys are not taken", "write the keys out", path)
            level.skip = True
        elif event.value in level.items:
            first = self.document.keys.get(path, Mark(0, 0))
            if not level.drop:
                self._say(event, f"stands here twice, first in line {first.line}", "keep one of them", path)
            level.skip = True
        elif not level.drop:
            self.document.keys[path] = _mark(event)

    def _foreign(self, event: yaml.NodeEvent, path: Path) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._say(
                event,
                f"*{event.anchor} is an alias, which is not taken",
                'write the value out; a text is "quoted"',
                path,
            )
        elif event.anchor is not None:
            self._say(
                event, f"&{event.anchor} is an anchor, which is not taken", "write values out where they are used", path
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._say(event, f"{tag} is a tag, which is not taken", "leave it out; quote what is meant as a text", path)

    def _say(self, event: yaml.Event, cause: str, hint: str = "", path: Path | None = None) -> None:
        line, column = _mark(event)
        key = dotted(path if path is not None else self.levels[-1].path if self.levels else ())
        self.document.problems.append(Problem(self.document.file, line, column, key, cause, hint))
        if len(self.document.problems) >= MAX_PROBLEMS:
            raise _Stop


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)


def _syntax_hint(cause: str, context: str | None, begun: yaml.Mark | None) -> str:
    if "end of stream" in cause and begun is not None:
        return f"it begins in line {begun.line + 1}: close the quote there"
    if "alias" in str(context) or "anchor" in str(context):
        return 'quote a text that begins with * or &: "*.example.com"'
    if "tab" in cause or "cannot start any token" in cause:
        return "indent with spaces, and quote texts that begin with *, %, @ or `"
    if "mapping values are not allowed" in cause:
        return "quote a text that has a colon in it"
    if "did not find expected" in cause or "could not find expected" in cause:
        return "look at the indentation, brackets and quotes here and in the line before"
    if "control characters" in cause or "unacceptable" in cause:
        return "the file has a byte that no text has"
    return ""
