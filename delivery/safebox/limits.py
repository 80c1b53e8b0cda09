"""How much one answer may bring."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How much one answer may bring. `text` in characters, the others in bytes or pieces."""

    documents: int = 20
    document_bytes: int = 250 * 10**6
    total_bytes: int = 1000 * 10**6
    text: int = 100_000
