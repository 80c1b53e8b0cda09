"""Patterns an admin writes: of texts, of addresses, and bounds of numbers. All run in linear time."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import re2

from policy.domains import a_labels
from policy.message import Address, AddressInvalid

MAX_PATTERN: Final = 4096


class PatternInvalid(ValueError):
    """The pattern cannot be used; the text says why."""


def _compile(regex: str) -> Any:
    """RE2, since `re` would hold every connection on a pattern that backtracks."""
    if len(regex) > MAX_PATTERN:
        raise PatternInvalid(f"a pattern longer than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.dot_nl = True
    options.max_mem = 8 * 2**20
    try:
        return re2.compile(regex, options)
    except re2.error as cause:
        detail = cause.args[0] if cause.args else ""
        raise PatternInvalid(detail.decode() if isinstance(detail, bytes) else str(detail)) from cause


def _without_surrogates(text: str) -> str:
    """Without lone surrogates, which RE2 cannot read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A text with `*` and `?`, matched whole, or a regular expression, searched; upper and lower case are one."""

    source: str
    _find: Callable[[str], Any] = field(repr=False, compare=False)

    @classmethod
    def glob(cls, source: str) -> "TextPattern":
        """Only `*` and `?` stand for others: brackets are themselves, as in `[External] *`."""
        parts = (".*" if c == "*" else "." if c == "?" else re2.escape(c) for c in re.sub(r"\*+", "*", source.strip()))
        return cls(source, _compile("".join(parts)).fullmatch)

    @classmethod
    def regex(cls, source: str) -> "TextPattern":
        """A regular expression of RE2; raise PatternInvalid."""
        return cls(source, _compile(source).search)

    def matches(self, text: str) -> bool:
        """True where the text fits."""
        return self._find(_without_surrogates(text.strip())) is not None


def text_matches(patterns: Iterable[TextPattern], text: str) -> TextPattern | None:
    """The first pattern that fits."""
    return next((pattern for pattern in patterns if pattern.matches(text)), None)


def as_domain(text: str) -> str:
    """A domain in lower-case A-labels; raise PatternInvalid."""
    try:
        domain = a_labels(text)
    except UnicodeError as cause:
        raise PatternInvalid("not a domain name") from cause
    labels = domain.rstrip(".").split(".")
    if len(domain) > 253 or not all(re.fullmatch(r"(?!-)[a-z0-9_*?-]{1,63}(?<!-)", label) for label in labels):
        raise PatternInvalid("not a domain name")
    return ".".join(labels)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses, domains and patterns of either, looked up in a time that does not grow with their number."""

    mailboxes: frozenset[str] = frozenset()  # Address.key
    domains: frozenset[str] = frozenset()
    below: frozenset[str] = frozenset()  # "example.com" for "*.example.com"
    patterns: tuple[TextPattern, ...] = ()  # with @: of addresses; without: of domains

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Addresses":
        """Made of entries that `check_entry` accepted."""
        mailboxes: set[str] = set()
        domains: set[str] = set()
        below: set[str] = set()
        patterns: list[TextPattern] = []
        for entry in entries:
            local, at, name = entry.rpartition("@")
            tail = name.removeprefix("*.") if not at else name
            if "*" in local or "?" in local or "*" in tail or "?" in tail:
                patterns.append(TextPattern.glob(f"{local.lower()}{at}{as_domain(name)}"))
            elif at:
                mailboxes.add(Address.parse(entry).key)
            else:
                (below if tail != name else domains).add(as_domain(tail))
        return cls(frozenset(mailboxes), frozenset(domains), frozenset(below), tuple(patterns))

    def __contains__(self, address: Address) -> bool:
        if address.domain in self.domains or address.key in self.mailboxes:
            return True
        if self.below:
            labels = address.domain.split(".")
            if any(".".join(labels[start:]) in self.below for start in range(1, len(labels))):
                return True
        return any(p.matches(address.key if "@" in p.source else address.domain) for p in self.patterns)


def check_entry(entry: str) -> None:
    """Raise PatternInvalid unless this is an address, a domain, or a pattern of either."""
    if re.search(r"[\s<>,;]", entry) or entry.count("@") > 1:
        raise PatternInvalid("neither an address nor a domain")
    local, at, domain = entry.rpartition("@")
    if at and (not local or not domain):
        raise PatternInvalid("neither an address nor a domain")
    as_domain(domain)
    try:
        Addresses.of([entry])
    except AddressInvalid as cause:
        raise PatternInvalid(str(cause)) from cause


_OPERATORS: Final[dict[str, tuple[Callable[[int, int], bool], str]]] = {
    ">": (operator.gt, "more than"),
    ">=": (operator.ge, "at least"),
    "<": (operator.lt, "less than"),
    "<=": (operator.le, "at most"),
    "=": (operator.eq, "exactly"),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison with a number, as in `> 10`; a number alone means at least."""

    sign: str
    limit: int
    shown: str  # the limit as people wrote it

    @classmethod
    def parse(cls, value: object, number: Callable[[object], int]) -> "Bound":
        """Read `> 10 MB`; `number` reads what follows the sign. ValueError where it cannot."""
        text = str(value).strip()
        match = re.match(r"(>=|<=|>|<|=)", text) if isinstance(value, str) else None
        sign = match[1] if match else ">="
        rest: object = text[len(sign) :].strip() if match else value
        limit = number(rest)
        return cls(sign, limit, str(rest))

    def holds(self, value: int) -> bool:
        """True where the value is within."""
        return _OPERATORS[self.sign][0](value, self.limit)

    @property
    def is_constant(self) -> bool:
        """True where every number from 0 on gives the same answer: `>= 0` always holds, `< 0` never."""
        return self.limit == 0 and self.sign in (">=", "<")

    def __str__(self) -> str:
        return f"{_OPERATORS[self.sign][1]} {self.shown}"


def whole_number(value: object) -> int:
    """An int, also written as a text; ValueError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    raise ValueError("a whole number is expected, alone or behind >, >=, <, <= or =")
