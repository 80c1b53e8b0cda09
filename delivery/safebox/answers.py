"""A guest's answer, sealed part by part while it arrives."""

from dataclasses import dataclass
from enum import StrEnum

from delivery.safebox.limits import AnswerLimits


class TooMuch(StrEnum):
    """Which limit an upload passed."""

    DOCUMENTS = "documents"
    DOCUMENT_BYTES = "document_bytes"
    TOTAL_BYTES = "total_bytes"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer is kept. `stays_in_box`: it was too large for a mail, so the mail to the owner only says so."""

    message_id: str
    stays_in_box: bool


class AnswerRefused(Exception):
    """A limit was passed: `limit` says which, `allowed` how much would have been fine, `name` which document."""

    def __init__(self, limit: TooMuch, allowed: int, name: str = "") -> None:
        super().__init__(f"over the limit: {limit}")
        self.limit = limit
        self.allowed = allowed
        self.name = name


class AnswerDraft:
    """One answer under way. Use: (add_document, write*, finish_document)*, then send; or abort.

    Nothing is visible to anyone before `send`; what is aborted or forgotten is swept.
    """

    limits: AnswerLimits

    async def add_document(self, name: str, content_type: str = "") -> None:
        """Begin a document; raises AnswerRefused past the count."""
        raise AssertionError

    async def write(self, chunk: bytes) -> None:
        """More of the document; raises AnswerRefused as soon as a limit is passed."""
        raise AssertionError

    async def finish_document(self) -> None:
        """The document is whole."""
        raise AssertionError

    async def send(self, text: str) -> Answered | None:
        """Keep the answer and mail it to the owner. None: the box was closed, recalled or declined meanwhile."""
        raise AssertionError

    async def abort(self) -> None:
        """Throw away what was sealed so far. May be called twice, and after send (then it does nothing)."""
        raise AssertionError
