"""Reads `when`: makes conditions of plain data, and reports each mistake with its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from policy.conditions import (
    DAYS,
    AttachmentIs,
    ClientIs,
    Condition,
    ContentHas,
    HeaderHas,
    Known,
    Marked,
    RecipientCount,
    RecipientIs,
    SenderIs,
    SizeIs,
    TimeIs,
    Wanted,
    Who,
)
from policy.nesting import AllOf, AnyOf, Not
from policy.patterns import Addresses, Bound, PatternInvalid, TextPattern, check_entry, whole_number
from policy.problem import Path, did_you_mean, one_of
from policy.source import Source
from policy.units import parse_written_size
from rules.content import FileKind
from rules.finding import Confidence

MAX_NESTING: Final = 10
NO_DETECTOR: Final = "there is no detector or group"
WHO_KEYS: Final = ("in", "not_in")
ATTACHMENT_KEYS: Final = ("name", "type", "size", "count", "encrypted", "unreadable")
CONTENT_KEYS: Final = ("at_least", "unique", "confidence")
TIME_KEYS: Final = ("days", "between", "zone")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a policy may use; `lists` are those it defines itself."""

    detectors: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset({"standard"})
    namespaces: frozenset[str] = frozenset({"default"})
    lists: Mapping[str, Addresses] = field(default_factory=dict)


class Clauses:
    """Reads the conditions of one policy. Mistakes are reported to `source`, and give None instead of a condition."""

    def __init__(self, source: Source, names: Names) -> None:
        self._source = source
        self._names = names
        self._readers: dict[str, Callable[[Any, Path], Condition | None]] = {
            "sender": lambda value, path: self._who(value, path, SenderIs, sender=True),
            "recipients": lambda value, path: self._who(value, path, RecipientIs),
            "recipient_count": lambda value, path: self._bound(value, path, RecipientCount, whole_number),
            "subject": lambda value, path: self._header("Subject", value, path),
            "headers": self._headers,
            "attachments": self._attachments,
            "content": self._content,
            "size": lambda value, path: self._bound(value, path, SizeIs, parse_written_size),
            "marked": self._marked,
            "client": self._client,
            "time": self._time,
        }

    def when(self, value: Any, path: Path, depth: int = 0) -> Condition | None:
        """The condition of one `when`: all of its keys hold. `depth`: how many `any`, `all` and `not` enclose it."""
        if depth > MAX_NESTING:
            self._source.report(path, f"nested deeper than {MAX_NESTING} levels", "say it in several rules")
            return None
        keys = self._source.mapping(value, path, WHEN_KEYS)
        if keys is None:
            return None
        if not value:
            self._source.report(path, "is empty", "leave `when` out for a rule that always applies")
        parts = []
        for key, inner in keys.items():
            here = (*path, key)
            if key in ("any", "all"):
                part = self._several(key, inner, here, depth)
            elif key == "not":
                inverse = self.when(inner, here, depth + 1)
                part = Not(inverse) if inverse is not None else None
            else:
                part = self._readers[key](inner, here)
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _several(self, key: str, value: Any, path: Path, depth: int) -> Condition | None:
        entries = self._source.sequence(value, path, "conditions")
        if isinstance(value, list) and not value:
            self._source.report(path, "is an empty list, conditions are expected")
        parts = [self.when(inner, (*path, index), depth + 1) for index, inner in enumerate(entries)]
        whole = tuple(part for part in parts if part is not None)
        return AnyOf(whole) if key == "any" else AllOf(whole)

    def _who(
        self, value: Any, path: Path, make: Callable[[Who | None, Who | None], Condition], *, sender: bool = False
    ) -> Condition | None:
        if not isinstance(value, dict):
            return make(self._group(value, path, sender), None)
        sides = self._source.mapping(value, path, WHO_KEYS)
        if not value:
            self._source.report(path, "is empty", "write in: or not_in:")
        if not sides:
            return None
        groups = {key: self._group(inner, (*path, key), sender) for key, inner in sides.items()}
        return make(groups.get("in"), groups.get("not_in"))

    def _group(self, value: Any, path: Path, sender: bool) -> Who:
        known, lists, others, empty = [], [], [], False
        entries = self._source.texts(value, path, "`ours`, `partners`, a list, a domain, an address or a pattern")
        for place, entry in entries:
            if entry in tuple(Known):
                known.append(Known(entry))
            elif entry in self._names.lists:
                lists.append((entry, self._names.lists[entry]))
            elif entry == "<>" and sender:
                empty = True
            elif self.entry(entry, place):
                others.append(entry)
        shown = ", ".join(text for _, text in entries[:3]) + (", …" if len(entries) > 3 else "")
        return Who(tuple(known), tuple(lists), Addresses.of(others), empty, shown)

    def entry(self, entry: str, path: Path, *, in_list: bool = False) -> bool:
        """Whether this is an address, a domain or a pattern of either; reports it where it is not.

        A word without any of `@.*?` is taken for the name of a list that does not exist.
        """
        if not any(c in entry for c in "@.*?"):
            words = [*self._names.lists, *Known]
            if in_list:
                self._source.report(
                    path, f'"{entry}" is neither an address nor a domain', "lists cannot hold other lists"
                )
            else:
                hint = did_you_mean(entry, words) or f"lists here: {one_of(self._names.lists) or 'none'}"
                self._source.report(path, f'there is no list "{entry}"', hint)
            return False
        try:
            check_entry(entry)
        except PatternInvalid as cause:
            self._source.report(
                path, f'"{entry}": {cause}', "write bob@example.com, example.com, *.example.com or *@example.com"
            )
            return False
        return True

    def _bound(
        self,
        value: Any,
        path: Path,
        make: Callable[[Bound], Condition],
        number: Callable[[object], int],
    ) -> Condition | None:
        bound = self._limit(value, path, number)
        return make(bound) if bound is not None else None

    def _limit(self, value: Any, path: Path, number: Callable[[object], int]) -> Bound | None:
        try:
            bound = Bound.parse(value, number)
        except ValueError as cause:
            self._source.report(
                path, str(cause), "for example > 10" if number is whole_number else "for example > 10 MB"
            )
            return None
        if bound.is_constant:
            always = f"{bound} is always so" if bound.holds(0) else f"{bound} is never so"
            self._source.report(path, always, 'write "= 0" for none at all')
        return bound

    def patterns(self, value: Any, path: Path) -> tuple[TextPattern, ...]:
        """Read a glob, `{regex: …}`, or a list of either; bad ones are reported and left out."""
        entries = [(path, value)] if not isinstance(value, list) else [((*path, i), v) for i, v in enumerate(value)]
        if not entries:
            self._source.report(path, "is an empty list, a pattern is expected")
        found = (self._pattern(entry, place) for place, entry in entries)
        return tuple(pattern for pattern in found if pattern is not None)

    def _pattern(self, value: Any, path: Path) -> TextPattern | None:
        if isinstance(value, dict):
            keys = self._source.mapping(value, path, ("regex",), ("regex",))
            value, path, make = (keys or {}).get("regex"), (*path, "regex"), TextPattern.regex
            if value is None:
                return None
        else:
            make = TextPattern.glob
        text = self._source.text(value, path, "a text with * and ?, or {regex: …}")
        if text is None:
            return None
        try:
            return make(text)
        except PatternInvalid as cause:
            self._source.report(path, f"bad pattern: {cause}", "the language of patterns is that of RE2")
            return None

    def _header(self, name: str, value: Any, path: Path) -> Condition | None:
        patterns = self.patterns(value, path)
        return HeaderHas(name, patterns) if patterns else None

    def _headers(self, value: Any, path: Path) -> Condition | None:
        if not isinstance(value, dict) or not value:
            self._source.expected(value, path, 'header names with patterns, as in {X-Mailer: "*scanner*"}')
            return None
        parts: list[Condition] = []
        for name, inner in value.items():
            here = (*path, name)
            if not is_header_name(name):
                self._source.report(here, f'"{name}" is no name of a header', key=True)
            elif isinstance(inner, bool):
                parts.append(HeaderHas(name, present=inner))
            elif (part := self._header(name, inner, here)) is not None:
                parts.append(part)
        return AllOf(tuple(parts))

    def _attachments(self, value: Any, path: Path) -> Condition | None:
        keys = self._source.mapping(value, path, ATTACHMENT_KEYS)
        if keys is None:
            return None
        if not value:
            self._source.report(path, "is empty", f"ask for one or more of {one_of(ATTACHMENT_KEYS)}")
        kinds = self._source.texts(keys["type"], (*path, "type"), "a type of file") if "type" in keys else []
        chosen = [self._source.choice(word, place, tuple(FileKind)) for place, word in kinds]
        flags = {k: self._source.flag(keys[k], (*path, k)) for k in ("encrypted", "unreadable") if k in keys}
        return AttachmentIs(
            names=self.patterns(keys["name"], (*path, "name")) if "name" in keys else (),
            kinds=frozenset(FileKind(word) for word in chosen if word is not None),
            size=self._limit(keys["size"], (*path, "size"), parse_written_size) if "size" in keys else None,
            count=self._limit(keys["count"], (*path, "count"), whole_number) if "count" in keys else None,
            encrypted=flags.get("encrypted"),
            unreadable=flags.get("unreadable"),
        )

    def _content(self, value: Any, path: Path) -> Condition | None:
        if not isinstance(value, dict) or not value:
            self._source.expected(value, path, "detectors or groups with numbers, as in {us.ssn: 1}")
            return None
        wanted = (self._wanted(name, inner, (*path, name)) for name, inner in value.items())
        return ContentHas(tuple(item for item in wanted if item is not None))

    def _wanted(self, name: str, value: Any, path: Path) -> Wanted | None:
        names = self._names
        is_group = name in names.groups
        if not is_group and name not in names.detectors:
            known = names.detectors | names.groups
            alike = sorted(one for one in known if one.rpartition(".")[2] == name.rpartition(".")[2])  # us.mrn
            hint = f'Did you mean "{alike[0]}"?' if alike else did_you_mean(name, known)
            hint = hint or "`sealgate rules list` shows them all"
            self._source.report(path, f'{NO_DETECTOR} "{name}"', hint, key=True)
        if not isinstance(value, dict):
            number = self._at_least(value, path)
            return Wanted(name, is_group, number) if number is not None else None
        keys = self._source.mapping(value, path, CONTENT_KEYS) or {}
        at_least = self._at_least(keys.get("at_least", 1), (*path, "at_least"))
        unique = self._source.flag(keys.get("unique", True), (*path, "unique"))
        sure = self._source.choice(keys.get("confidence", "medium"), (*path, "confidence"), tuple(Confidence))
        if at_least is None or unique is None or sure is None:
            return None
        return Wanted(name, is_group, at_least, unique, Confidence(sure))

    def _at_least(self, value: Any, path: Path) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            self._source.report(path, f"{value} is always reached, 1 or more is expected", "use not: for none at all")
        else:
            self._source.expected(value, path, "a whole number, as in {us.ssn: 1}")
        return None

    def _marked(self, value: Any, path: Path) -> Condition | None:
        return Marked() if self._source.choice(value, path, ("secure",)) else None

    def _client(self, value: Any, path: Path) -> Condition | None:
        networks = []
        for place, text in self._source.texts(value, path, "a network, as in 10.0.8.0/24"):
            try:
                networks.append(ip_network(text))
            except ValueError:
                self._source.report(place, f'"{text}" is no network', _network_hint(text))
        return ClientIs(tuple[IPv4Network | IPv6Network, ...](networks))

    def _time(self, value: Any, path: Path) -> Condition | None:
        keys = self._source.mapping(value, path, TIME_KEYS)
        if keys is None:
            return None
        if "days" not in keys and "between" not in keys:
            self._source.report(path, "asks for nothing", "write days: or between:", key=True)
        days = self._source.texts(keys["days"], (*path, "days"), "a day") if "days" in keys else []
        chosen = [self._source.choice(word, place, DAYS) for place, word in days]
        begins, ends = self._between(keys["between"], (*path, "between")) if "between" in keys else (None, None)
        zone = keys.get("zone", "UTC")
        if not isinstance(zone, str) or zone not in available_timezones():
            hint = did_you_mean(str(zone), available_timezones()) or "write it as Europe/Zurich or UTC"
            self._source.report((*path, "zone"), f'"{zone}" is no time zone', hint)
            return None
        return TimeIs(ZoneInfo(zone), frozenset(day for day in chosen if day is not None), begins, ends)

    def _between(self, value: Any, path: Path) -> tuple[time | None, time | None]:
        entries = self._source.sequence(value, path, 'two times, as in ["18:00", "08:00"]')
        if isinstance(value, list) and len(value) != 2:
            self._source.report(
                path, "two times are expected, when it begins and when it ends", 'as in ["18:00", "08:00"]'
            )
        times = [self._clock(entry, (*path, index)) for index, entry in enumerate(entries)]
        if len(times) == 2 and times[0] is not None and times[0] == times[1]:
            self._source.report(path, "begins and ends at the same time")
        return (times[0], times[1]) if len(times) == 2 else (None, None)

    def _clock(self, value: Any, path: Path) -> time | None:
        try:
            if isinstance(value, str) and len(value) == 5:
                return time.fromisoformat(value)
        except ValueError:
            pass
        self._source.report(path, f'"{value}" is no time of day', 'write it as "08:00"')
        return None


WHEN_KEYS: Final = (
    "sender",
    "recipients",
    "recipient_count",
    "subject",
    "headers",
    "attachments",
    "content",
    "size",
    "marked",
    "client",
    "time",
    "any",
    "all",
    "not",
)


def is_header_name(name: object) -> bool:
    """Whether this is a header's name: printable ASCII without colon (RFC 5322 2.2), at most 78 characters."""
    return isinstance(name, str) and bool(name) and all("!" <= c <= "~" and c != ":" for c in name) and len(name) <= 78


def _network_hint(text: str) -> str:
    try:
        return f'Did you mean "{ip_network(text, strict=False)}"?'
    except ValueError:
        return "write it as 10.0.8.0/24 or 192.0.2.7"
