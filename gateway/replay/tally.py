"""The sums of a replay: by rule, by kind of change, by recipient."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.replay.compare import Outcome, Pair, Replayed

EXAMPLES = 3
Side: TypeAlias = "tuple[str, str] | None"  # the rule and the route; None: gets no copy


@dataclass(slots=True)
class Change:
    """Copies that went one way by one rule, and would go another by another."""

    recipients: int = 0
    messages: int = 0
    addresses: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, Pair]] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Tally:
    """The sums over all messages so far."""

    messages: int = 0
    recipients: int = 0
    changed_messages: int = 0
    changed_recipients: int = 0
    renamed: int = 0  # copies that go the same way by another rule
    closed: int = 0  # messages with something that could not be looked into
    failed: int = 0
    skipped: int = 0
    before: Counter[str] = field(default_factory=Counter)  # copies that each rule decides
    after: Counter[str] = field(default_factory=Counter)
    watched: Counter[tuple[str, str]] = field(default_factory=Counter)  # by the second: rule, what it would do
    changes: dict[tuple[Side, Side], Change] = field(default_factory=dict)

    def add(self, replayed: Replayed) -> None:
        """Count one message."""
        if replayed.error:
            self.failed += 1
            return
        self.messages += 1
        self.closed += replayed.closed
        self.watched.update((rule, would) for rule, _, would in replayed.watched)
        seen: set[tuple[Side, Side]] = set()
        for pair in replayed.pairs:
            self.recipients += 1
            self.before.update([pair.before.rule] if pair.before else [])
            self.after.update([pair.after.rule] if pair.after else [])
            if pair.changed:
                self.changed_recipients += 1
                self._change(replayed, pair, seen)
            elif pair.before and pair.after and pair.before.rule != pair.after.rule:
                self.renamed += 1
        self.changed_messages += bool(seen)

    def _change(self, replayed: Replayed, pair: Pair, seen: set[tuple[Side, Side]]) -> None:
        key = side(pair.before), side(pair.after)
        change = self.changes.setdefault(key, Change())
        change.recipients += 1
        change.addresses[pair.address.lower()] += 1
        if key not in seen:
            seen.add(key)
            change.messages += 1
            if len(change.examples) < EXAMPLES:
                change.examples.append((replayed.name, pair))

    def in_order(self) -> Sequence[tuple[tuple[Side, Side], Change]]:
        """The changes, those of most copies first."""
        return sorted(self.changes.items(), key=lambda item: (-item[1].recipients, repr(item[0])))


def side(outcome: Outcome | None) -> Side:
    """What changes are summed by."""
    return None if outcome is None else (outcome.rule, outcome.route)
