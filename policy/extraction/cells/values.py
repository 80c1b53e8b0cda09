"""Values of cells, and what they come to as texts and numbers."""

from typing import Final

from policy.extraction.cells.format import plain_number

Value = str | float | bool
_LONGEST_RESULT: Final = 32_767


class Unknown(Exception):
    """A formula that is not followed."""


def cut(text: str) -> str:
    """A text that a cell has room for. Raises Unknown."""
    if len(text) > _LONGEST_RESULT:
        raise Unknown
    return text


def text_of(value: Value) -> str:
    """A value as a text."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return plain_number(value) if isinstance(value, float) else value


def number_of(value: Value) -> float:
    """A value as a number. Raises ValueError."""
    return float(value) if value != "" else 0.0
