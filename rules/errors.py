"""What goes wrong in a detector pack, told so that an admin can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackProblem:
    """One mistake in one pack. `line` and `column` count from 1; 0 where the place is not known."""

    source: str
    cause: str
    hint: str = ""
    detector: str = ""
    line: int = 0
    column: int = 0
    pointed: str = ""  # what is meant, and a caret below the place, on two lines

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        about = f" {self.detector}:" if self.detector else ""
        shown = "".join(f"\n    {line}" for line in self.pointed.splitlines())
        return f"{place}:{about} {self.cause}" + (f". {self.hint}" if self.hint else "") + shown


class RulesError(Exception):
    """Root of what this folder raises."""


class PackInvalid(RulesError):
    """A pack, or several, with every problem that was found."""

    def __init__(self, problems: tuple[PackProblem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class PatternRefused(RulesError):
    """A pattern that will not be used. `column` counts characters of the pattern from 1; 0 where not known.

    `pointed`: the pattern, and a caret below that column, on two lines.
    """

    def __init__(self, cause: str, hint: str = "", column: int = 0, pointed: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint
        self.column = column
        self.pointed = pointed


class EngineFailed(RulesError):
    """The matching engine could not be built or failed at a scan."""
