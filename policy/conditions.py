"""Conditions: the questions of a rule's `when`. Each gives its answer, and a sentence that says why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from policy.intent import Intent
from policy.message import Address, Envelope, Message
from policy.patterns import Addresses, Bound, TextPattern, text_matches
from policy.route import Directory
from policy.units import show_size
from rules.content import FileFact, FileKind
from rules.finding import Confidence, Finding


class Check(NamedTuple):
    """Whether a condition holds, and why (or why not)."""

    holds: bool
    because: str


@dataclass(frozen=True, slots=True)
class View:
    """What conditions look at: one message for one recipient, with its findings, by id of the detector."""

    envelope: Envelope
    message: Message
    findings: Mapping[str, Finding]
    intent: Intent
    directory: Directory
    at: datetime
    recipient: Address
    memo: dict[int, Check] = field(repr=False)  # answers that are the same for every recipient, by id of the condition


class Condition(Protocol):
    """One question. `varies`: the answer depends on the recipient."""

    @property
    def varies(self) -> bool:
        """True where each recipient must be asked anew."""
        ...

    def check(self, view: View) -> Check:
        """Answer for this message and recipient."""
        ...


def ask(condition: Condition, view: View) -> Check:
    """Ask a condition; if its answer does not depend on the recipient, only once per message (`View.memo`)."""
    if condition.varies:
        return condition.check(view)
    key = id(condition)
    if key not in view.memo:
        view.memo[key] = condition.check(view)
    return view.memo[key]


NOBODY: Final = Addresses()


class Known(StrEnum):
    """Words for groups of addresses that the configuration knows."""

    OURS = "ours"
    PARTNERS = "partners"


@dataclass(frozen=True, slots=True)
class Who:
    """A set of addresses: what `ours` and `partners` stand for, the policy's lists, and entries of its own."""

    known: tuple[Known, ...] = ()
    lists: tuple[tuple[str, Addresses], ...] = ()
    others: Addresses = NOBODY
    empty_sender: bool = False  # `<>`
    shown: str = ""  # the entries as written, shortened

    def holding(self, address: Address, directory: Directory) -> str | None:
        """How the address belongs to the set, as the end of a sentence; None where it does not."""
        if Known.OURS in self.known and directory.is_ours(address):
            return "is ours"
        if Known.PARTNERS in self.known and (partner := directory.partner_of(address)) is not None:
            return f"belongs to partner {partner}"
        for name, entries in self.lists:
            if address in entries:
                return f"is in the list {name}"
        return f"is among {self.shown}" if address in self.others else None


def _belongs(address: Address | None, within: Who | None, without: Who | None, directory: Directory) -> Check:
    who = str(address) if address else "<>"
    sentences = []
    for group, wanted in ((within, True), (without, False)):
        if group is None:
            continue
        if address is None:
            how = "is the empty sender" if group.empty_sender else None
        else:
            how = group.holding(address, directory)
        sentence = f"{who} {how or f'is not among {group.shown}'}"
        if (how is not None) is not wanted:
            return Check(False, sentence)
        sentences.append(sentence)
    return Check(True, " and ".join(sentences))


@dataclass(frozen=True, slots=True)
class SenderIs:
    """`sender`: whether the envelope's sender is in `within`, if given, and not in `without`."""

    within: Who | None
    without: Who | None = None
    varies: bool = False

    def check(self, view: View) -> Check:
        """Both sides must agree."""
        return _belongs(view.envelope.sender, self.within, self.without, view.directory)


@dataclass(frozen=True, slots=True)
class RecipientIs:
    """`recipients`: whether the recipient being decided is in `within`, if given, and not in `without`."""

    within: Who | None
    without: Who | None = None
    varies: bool = True

    def check(self, view: View) -> Check:
        """Both sides must agree."""
        return _belongs(view.recipient, self.within, self.without, view.directory)


@dataclass(frozen=True, slots=True)
class RecipientCount:
    """`recipient_count`: how many recipients the envelope has."""

    bound: Bound
    varies: bool = False

    def check(self, view: View) -> Check:
        """Compare the count with the bound."""
        count = len(view.envelope.recipients)
        return Check(self.bound.holds(count), f"{count} recipient{'s' * (count != 1)}, asked {self.bound}")


@dataclass(frozen=True, slots=True)
class HeaderHas:
    """`subject` and `headers`: any value of the header fits any pattern; without patterns: whether there is one."""

    name: str  # as written
    patterns: tuple[TextPattern, ...] = ()
    present: bool = True
    varies: bool = False

    def check(self, view: View) -> Check:
        """Look at every header of that name."""
        values = view.message.header(self.name)
        if not self.patterns:
            there = bool(values)
            return Check(there is self.present, f"there is {'a' if there else 'no'} header {self.name}")
        for value in values:
            if (found := text_matches(self.patterns, value)) is not None:
                return Check(True, f'{self.name} fits "{found.source}"')
        asked = ", ".join(f'"{p.source}"' for p in self.patterns[:3]) + ", …" * (len(self.patterns) > 3)
        return Check(False, f"{self.name} does not fit {asked}" if values else f"there is no header {self.name}")


@dataclass(frozen=True, slots=True)
class AttachmentIs:
    """`attachments`: all of it holds for one file, at any depth; `count` of such files.

    With `count` alone the files that the sender attached are counted, not those inside of them.
    """

    names: tuple[TextPattern, ...] = ()
    kinds: frozenset[FileKind] = frozenset()
    size: Bound | None = None
    encrypted: bool | None = None
    unreadable: bool | None = None
    count: Bound | None = None
    varies: bool = False

    def check(self, view: View) -> Check:
        """Look at every file that was found."""
        files = view.message.content.files
        if self._only_counts:
            files = tuple(file for file in files if file.depth == 0)
        fitting = [file for file in files if self._fits(file)]
        said = f"{len(fitting)} of {len(files)} files {self._asked()}".rstrip()
        if fitting and not self._only_counts:
            said += f": {fitting[0].place or fitting[0].name}" + ", …" * (len(fitting) > 1)
        if self.count is not None:
            return Check(self.count.holds(len(fitting)), f"{said}, asked {self.count}")
        return Check(bool(fitting), said)

    @property
    def _only_counts(self) -> bool:
        asked = (self.size, self.encrypted, self.unreadable)
        return not self.names and not self.kinds and all(one is None for one in asked)

    def _fits(self, file: FileFact) -> bool:
        return (
            (not self.names or text_matches(self.names, file.name) is not None)
            and (not self.kinds or file.kind in self.kinds)
            and (self.size is None or self.size.holds(file.size))
            and (self.encrypted is None or file.encrypted is self.encrypted)
            and (self.unreadable is None or file.unreadable is self.unreadable)
        )

    def _asked(self) -> str:
        asked = []
        if self.names:
            asked.append("named " + " or ".join(p.source for p in self.names))
        if self.kinds:
            asked.append("of type " + " or ".join(sorted(self.kinds)))
        if self.size is not None:
            asked.append(f"of {self.size}")
        for word, wanted in (("encrypted", self.encrypted), ("unreadable", self.unreadable)):
            if wanted is not None:
                asked.append(word if wanted else f"not {word}")
        return ", ".join(asked)


_SURE: Final = {
    Confidence.LOW: "low or surer",
    Confidence.MEDIUM: "medium or surer",
    Confidence.HIGH: "high",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of one detector or group: `{at_least, unique, confidence}`."""

    name: str
    is_group: bool
    at_least: int = 1
    unique: bool = True
    confidence: Confidence = Confidence.MEDIUM

    def found(self, findings: Mapping[str, Finding]) -> int:
        """Distinct values (or hits) as sure as asked for; a group sums its detectors."""
        return _number(self._mine(findings), self.confidence, self.unique)

    def check(self, findings: Mapping[str, Finding]) -> Check:
        """Enough or not; where not, what there is that does not count."""
        mine = self._mine(findings)
        found = _number(mine, self.confidence, self.unique)
        holds = found >= self.at_least
        every = "" if self.unique else " (every hit counts)"
        said = f"needs {self.at_least} {self.name}{every}, found {found} ({_SURE[self.confidence]})"
        if not holds and mine:
            less = _number(mine, Confidence.LOW, self.unique) - found
            hits = _number(mine, self.confidence, unique=False)
            said += f" in {hits} places" if self.unique and hits > found else ""
            said += f", and {less} less sure" if less else ""
        return Check(holds, said)

    def _mine(self, findings: Mapping[str, Finding]) -> list[Finding]:
        if self.is_group:
            return [finding for finding in findings.values() if self.name in finding.groups]
        return [findings[self.name]] if self.name in findings else []


def _number(findings: Iterable[Finding], confidence: Confidence, unique: bool) -> int:
    if unique:
        return sum(len(finding.values(confidence)) for finding in findings)
    return sum(finding.count(confidence) for finding in findings)


@dataclass(frozen=True, slots=True)
class ContentHas:
    """`content`: enough of each."""

    wanted: tuple[Wanted, ...]
    varies: bool = False

    def check(self, view: View) -> Check:
        """All detectors are counted even if one fails, so that the sentence tells of all."""
        sentences, holds = [], True
        for wanted in self.wanted:
            check = wanted.check(view.findings)
            holds = holds and check.holds
            sentences.append(check.because)
        return Check(holds, "; ".join(sentences))


@dataclass(frozen=True, slots=True)
class SizeIs:
    """`size`: how many bytes the whole message has, as received."""

    bound: Bound
    varies: bool = False

    def check(self, view: View) -> Check:
        """Compare the size with the bound."""
        return Check(
            self.bound.holds(view.message.size), f"the message has {show_size(view.message.size)}, asked {self.bound}"
        )


@dataclass(frozen=True, slots=True)
class Marked:
    """`marked: secure`: the sender asked for it."""

    varies: bool = False

    def check(self, view: View) -> Check:
        """Any mark will do."""
        marks = view.intent.marks
        return Check(bool(marks), " and ".join(marks) if marks else "the sender did not mark it secure")


@dataclass(frozen=True, slots=True)
class ClientIs:
    """`client`: the address that brought the message, to us or to the trusted server in front of us."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    varies: bool = False

    def check(self, view: View) -> Check:
        """Whether the address is in any of the networks."""
        address = view.envelope.client.origin or view.envelope.client.address
        mapped = getattr(address, "ipv4_mapped", None)
        for network in self.networks:
            if address in network or (mapped is not None and mapped in network):
                return Check(True, f"the client {address} is in {network}")
        return Check(False, f"the client {address} is not in {', '.join(map(str, self.networks))}")


DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class TimeIs:
    """`time`: the day of the week, and the time of day (which may pass midnight), both as a clock in `zone` shows."""

    zone: ZoneInfo
    days: frozenset[str] = frozenset()
    begins: time | None = None
    ends: time | None = None
    varies: bool = False

    def check(self, view: View) -> Check:
        """The end is not within."""
        local = view.at.astimezone(self.zone)
        said = f"it is {DAYS[local.weekday()]} {local:%H:%M} in {self.zone.key}"
        if self.days and DAYS[local.weekday()] not in self.days:
            return Check(False, f"{said}, asked {', '.join(d for d in DAYS if d in self.days)}")
        if self.begins is not None and self.ends is not None:
            now = local.time()
            if self.begins <= self.ends:
                within = self.begins <= now < self.ends
            else:
                within = now >= self.begins or now < self.ends
            said += f", {'' if within else 'not '}between {self.begins:%H:%M} and {self.ends:%H:%M}"
            return Check(within, said)
        return Check(True, said)
