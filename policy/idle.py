"""Rules that can never apply, whatever message comes. They give warnings, not problems."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from policy.conditions import NOBODY, Condition, Known, RecipientCount, RecipientIs, SenderIs, SizeIs, Who
from policy.decision import Action
from policy.language import CopyTo, Rule
from policy.message import Address, AddressInvalid
from policy.nesting import AllOf, AnyOf, Not
from policy.patterns import Addresses, Bound
from policy.route import Directory

ALWAYS: Final = AllOf(())
_ONWARD: Final = frozenset({Action.HOLD, Action.REJECT})  # rules below them go on to be asked (`policy.engine`)


class Idle(NamedTuple):
    """A rule that can never apply: its index in the policy, why, and what to do about it."""

    number: int
    cause: str
    hint: str


def idle_rules(rules: Sequence[Rule], directory: Directory) -> Iterator[Idle]:
    """Each rule that can never apply, in order; `directory` says whether there are partners at all."""
    end = _last_asked(rules)
    for number, rule in enumerate(rules):
        if end is not None and number > end:
            cause = f'"{rule.name}" is never asked: "{rules[end].name}" above it decides about everything'
            yield Idle(number, cause, "move it up, or take it out")
        elif (why := _why_never(rule.when, directory)) is not None:
            yield Idle(number, f'"{rule.name}" never applies: {why}', "look at its conditions, or take it out")


def never_asked(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Names of the rules below one that decides about everything."""
    end = _last_asked(rules)
    return () if end is None else tuple(rule.name for rule in rules[end + 1 :])


def _last_asked(rules: Sequence[Rule]) -> int | None:
    """The index of the last rule that is ever asked, since it decides about everything; None where all are asked.

    `hold` is no such end, since the rules below say where a copy goes once it is released; nor is `reject` where
    a rule asks for copies, since a copy is never rejected.
    """
    copies = any(isinstance(addition, CopyTo) for rule in rules for addition in rule.also)
    for number, rule in enumerate(rules):
        if rule.watch or rule.ending is None or rule.when != ALWAYS:
            continue
        if rule.ending.action not in _ONWARD or (rule.ending.action is Action.REJECT and not copies):
            return number
    return None


def _why_never(condition: Condition, directory: Directory) -> str | None:
    """Why no message can fit the condition; None where one might."""
    if isinstance(condition, AnyOf):
        reasons = [_why_never(part, directory) for part in condition.parts]
        return reasons[0] if reasons and all(reason is not None for reason in reasons) else None
    if isinstance(condition, AllOf):
        parts = tuple(_flattened(condition))
        reasons = [_why_never(part, directory) for part in parts]
        return next((reason for reason in reasons if reason is not None), None) or _contradiction(parts)
    if isinstance(condition, Not):
        return "`not` stands before what always holds" if condition.part == ALWAYS else None
    if isinstance(condition, (RecipientCount, SizeIs)):
        return _contradiction((condition,))
    if isinstance(condition, (SenderIs, RecipientIs)) and condition.within is not None:
        return _why_nobody(condition.within, condition.without, directory)
    return None


def _flattened(condition: AllOf) -> Iterator[Condition]:
    for part in condition.parts:
        if isinstance(part, AllOf):
            yield from _flattened(part)
        else:
            yield part


def _contradiction(parts: tuple[Condition, ...]) -> str | None:
    """Why these conditions cannot all hold; None where they might."""
    if any(isinstance(part, Not) and part.part in parts for part in parts):
        return "one condition asks for what another, with `not`, excludes"
    for kind, least, what in ((RecipientCount, 1, "recipient_count"), (SizeIs, 1, "size")):
        bounds = [part.bound for part in parts if isinstance(part, kind)]
        if bounds and not _can_hold(bounds, least):
            return f"no {what} is {' and '.join(map(str, bounds))}"
    return None


def _can_hold(bounds: list[Bound], least: int) -> bool:
    """Whether some number from `least` on is within all bounds. If any is, one next to a limit is."""
    tried = {least, *(bound.limit + step for bound in bounds for step in (-1, 0, 1))}
    return any(number >= least and all(bound.holds(number) for bound in bounds) for number in tried)


def _why_nobody(within: Who, without: Who | None, directory: Directory) -> str | None:
    """Why no address can be in `within` and not in `without`; None where one might."""
    only_partners = within.known == (Known.PARTNERS,) and not (within.lists or within.empty_sender)
    if only_partners and within.others == NOBODY and not (directory.partners or directory.proven):
        return "the configuration has no `partners`"
    if without is None:
        return None
    wanted = (*(entries for _, entries in within.lists), within.others)
    anybody = within.known or within.empty_sender or any(entries != NOBODY for entries in wanted)
    excluded = (*(entries for _, entries in without.lists), without.others)
    if (
        anybody
        and set(within.known) <= set(without.known)
        and within.empty_sender <= without.empty_sender
        and all(_covered(entries, without, excluded, directory) for entries in wanted)
    ):
        return "everybody who is `in` is also `not_in`"
    return None


def _covered(entries: Addresses, without: Who, excluded: Iterable[Addresses], directory: Directory) -> bool:
    """Whether all `entries` are excluded too; of a pattern that is known only if the same pattern is excluded."""
    groups = tuple(excluded)
    try:
        mailboxes = all(without.holding(Address.parse(key), directory) is not None for key in entries.mailboxes)
        domains = all(_domain_covered(f"x@{name}", groups, without, directory) for name in entries.domains)
        below = all(_below_covered(name, groups) for name in entries.below)
    except AddressInvalid:  # an entry that no address has: nothing is said of it
        return False
    sources = {pattern.source for pattern in chain.from_iterable(group.patterns for group in groups)}
    return mailboxes and domains and below and {pattern.source for pattern in entries.patterns} <= sources


def _domain_covered(anyone: str, groups: tuple[Addresses, ...], without: Who, directory: Directory) -> bool:
    """Whether the domain of `anyone` is excluded: by name, by a domain above it, or as ours or a partner's."""
    address = Address.parse(anyone)
    known = Who(known=without.known).holding(address, directory) is not None
    return known or any(address in Addresses(domains=group.domains, below=group.below) for group in groups)


def _below_covered(name: str, groups: tuple[Addresses, ...]) -> bool:
    return any(name in group.below or Address.parse(f"x@{name}") in Addresses(below=group.below) for group in groups)
