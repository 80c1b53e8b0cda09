"""By how much a rule did not apply: all its conditions are asked, also those behind the first that does not hold."""

from dataclasses import dataclass, field

from policy.conditions import Condition, ContentHas, View, ask
from policy.nesting import AllOf, AnyOf


@dataclass(frozen=True, slots=True)
class Nearness:
    """A sentence for each condition that holds, and for each that does not. Without the latter the whole holds."""

    held: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def applies(self) -> bool:
        """True where nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule for one recipient. `asked` is False where a rule above it had decided."""

    rule: str
    watch: bool
    asked: bool
    nearness: Nearness = field(repr=False)


def nearness(condition: Condition, view: View) -> Nearness:
    """What holds of a condition, and what is missing; of alternatives, the one that lacks least."""
    match condition:
        case AllOf(parts):
            several = [nearness(part, view) for part in parts]
            return Nearness(
                tuple(sentence for one in several for sentence in one.held),
                tuple(sentence for one in several for sentence in one.missing),
            )
        case AnyOf(parts):
            return _nearest([nearness(part, view) for part in parts])
        case ContentHas(wanted):
            checks = [one.check(view.findings) for one in wanted]
            return Nearness(
                tuple(check.because for check in checks if check.holds),
                tuple(check.because for check in checks if not check.holds),
            )
    check = ask(condition, view)
    return Nearness((check.because,)) if check.holds else Nearness((), (check.because,))


def _nearest(several: list[Nearness]) -> Nearness:
    best = min(several, key=lambda one: (len(one.missing), -len(one.held)))
    if best.applies or len(several) == 1:
        return best
    others = [sentence for one in several if one is not best for sentence in one.missing]
    more = f" (nor: {'; '.join(others)})" if others else ""
    return Nearness(best.held, (*best.missing[:-1], f"{best.missing[-1]}{more}"))
