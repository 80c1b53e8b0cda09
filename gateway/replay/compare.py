"""One old message before two policies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from gateway.children.pool import ChildrenDown
from gateway.replay.envelopes import NoRecipient, Overrides, envelope_of
from gateway.replay.sources import Source, take
from policy.decision import Decision, Verdict
from policy.engine import Facts, Policy
from policy.message import Message
from rules.matching import Matcher

ReadsOne = Callable[[bytes, tuple[str, ...]], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recipient gets by one policy."""

    action: str
    route: str
    partner: str | None
    profile: str | None
    rule: str
    adds: tuple[str, ...] = ()  # what is changed in the copy, and who is told
    because: str = field(default="", repr=False, compare=False)

    @property
    def way(self) -> tuple[object, ...]:
        """All that the recipient would notice: not which rule it was."""
        return self.action, self.route, self.partner, self.profile, self.adds


@dataclass(frozen=True, slots=True)
class Pair:
    """One recipient before and after; None: gets no copy."""

    address: str
    before: Outcome | None
    after: Outcome | None

    @property
    def changed(self) -> bool:
        """True where the recipient would notice."""
        return (self.before and self.before.way) != (self.after and self.after.way)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message. With `error` nothing was decided."""

    name: str
    sender: str = ""
    pairs: tuple[Pair, ...] = ()
    watched: tuple[tuple[str, str, str], ...] = ()  # by the second policy: rule, recipient, what it would have done
    closed: bool = False  # something in it could not be looked into
    error: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies that know the same detectors."""

    before: Policy
    after: Policy
    matcher: Matcher
    read: ReadsOne
    given: Overrides

    async def replay(self, source: Source) -> Replayed:
        """Read, find, decide twice. Whatever goes wrong with one message is told as its error."""
        try:
            taken = take(source)
            first, second = self.before.passwords, self.after.passwords
            message = await self.read(taken.raw, first)
            other = message if first == second else await self.read(taken.raw, second)
            envelope = envelope_of(message, self.given, sender=taken.sender, written=taken.written)
        except NoRecipient:
            return Replayed(source.name, error="names no recipient: say --to ADDRESS")
        except OSError as error:
            return Replayed(source.name, error=f"cannot be read: {error.strerror}")
        except ChildrenDown as error:
            return Replayed(source.name, error=str(error))
        numbers = count(1)

        def decide(policy: Policy, message: Message) -> tuple[Verdict, bool]:
            scanned = self.matcher.scan(message.content)
            seen = replace(message, content=scanned.content)
            facts = Facts(lambda: f"replay-{next(numbers)}")
            closed = any(file.encrypted or file.unreadable for file in scanned.content.files)
            return policy.decide(envelope, seen, scanned.findings, facts), closed

        earlier, _ = decide(self.before, message)
        later, closed = decide(self.after, other)
        return Replayed(
            source.name,
            str(envelope.sender or "<>"),
            _pairs(_outcomes(earlier), _outcomes(later)),
            tuple((watched.rule, watched.recipient, watched.would) for watched in later.watched),
            closed,
        )


def _pairs(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> tuple[Pair, ...]:
    return tuple(Pair(address, before.get(address), after.get(address)) for address in {**before, **after})


def _outcomes(verdict: Verdict) -> dict[str, Outcome]:
    told = tuple(sorted(f"{address} is told" for address, _ in verdict.notify))
    return {
        decision.recipient: _outcome(decision, told if index < len(verdict.decisions) else ())
        for index, decision in enumerate((*verdict.decisions, *verdict.copies))
    }


def _outcome(decision: Decision, told: tuple[str, ...]) -> Outcome:
    changes = decision.changes
    adds = [f"{name}: {value}" for name, value in changes.add_headers]
    if changes.subject is not None:
        adds.append(f"subject: {changes.subject}")
    because = next((reason.because for reason in decision.reasons if reason.rule == decision.rule), "")
    return Outcome(
        decision.action.value,
        decision.route.value,
        decision.partner,
        decision.profile,
        decision.rule,
        (*adds, *told),
        because,
    )
