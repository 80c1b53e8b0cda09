"""Conditions made of conditions: all of them, any of them, not that one."""

from dataclasses import dataclass, field

from policy.conditions import Check, Condition, View, ask


@dataclass(frozen=True, slots=True)
class AllOf:
    """`all`, and the keys of one `when`: every part holds. Without parts it always holds."""

    parts: tuple[Condition, ...]
    varies: bool = field(init=False, compare=False)  # as any of its parts

    def __post_init__(self) -> None:
        """Work out `varies` once, since it is asked for every message."""
        object.__setattr__(self, "varies", any(part.varies for part in self.parts))

    def check(self, view: View) -> Check:
        """Ask the parts in order, up to the first that does not hold."""
        sentences = []
        for part in self.parts:
            check = ask(part, view)
            if not check.holds:
                return check
            sentences.append(check.because)
        return Check(True, "; ".join(sentences) or "it applies to every message")


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`any`: at least one of the conditions holds."""

    parts: tuple[Condition, ...]
    varies: bool = field(init=False, compare=False)  # as any of its parts

    def __post_init__(self) -> None:
        """Work out `varies` once, since it is asked for every message."""
        object.__setattr__(self, "varies", any(part.varies for part in self.parts))

    def check(self, view: View) -> Check:
        """Ask the parts in order, up to the first that holds."""
        sentences = []
        for part in self.parts:
            check = ask(part, view)
            if check.holds:
                return check
            sentences.append(check.because)
        return Check(False, "none of: " + "; ".join(sentences))


@dataclass(frozen=True, slots=True)
class Not:
    """`not`: the condition does not hold."""

    part: Condition

    @property
    def varies(self) -> bool:
        """True where the part's answer depends on the recipient."""
        return self.part.varies

    def check(self, view: View) -> Check:
        """The opposite answer with the part's sentence, which states a fact either way."""
        check = ask(self.part, view)
        return Check(not check.holds, f"{'not so' if check.holds else 'as asked, not'}: {check.because}")
