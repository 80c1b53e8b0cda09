"""The service that portal and commands use: SafeBoxes, found, opened, answered, taken back, destroyed.

Foreign, wrong and unknown ids, links and references are all None: nobody learns which it was.
"""

from datetime import datetime, timedelta

from delivery.safebox.answers import AnswerDraft
from delivery.safebox.contents import DocumentReader, Letter, OpenBox
from delivery.safebox.participants import Access, Invitation
from delivery.safebox.records import BoxRecord, BoxSummary


class SafeBoxes:
    """Every act on SafeBoxes, each in one transaction with its audit event."""

    # -- for guests ---------------------------------------------------------------------------------------------

    async def by_link(self, namespace: str, token: str) -> Invitation | None:
        """The invitation behind the locator of a link; changes and records nothing."""
        raise AssertionError

    async def by_reference(self, namespace: str, reference: str) -> Invitation | None:
        """The invitation behind a typed reference, however it is spelled; changes and records nothing."""
        raise AssertionError

    async def invitation(self, namespace: str, participant_id: str) -> Invitation | None:
        """The invitation of a participant; asked again on every request, so that a recall acts at once."""
        raise AssertionError

    async def for_address(self, namespace: str, address: str) -> tuple[Letter, ...]:
        """Everything sent to an address, newest first: what its account sees after signing in."""
        raise AssertionError

    async def send_code(
        self, namespace: str, participant_id: str, code: str, valid_for: timedelta, seen: Access
    ) -> bool:
        """Mail a code to the guest and record that. False: this box cannot be opened by a mailed code."""
        raise AssertionError

    async def open_box(self, namespace: str, participant_id: str, seen: Access) -> OpenBox | None:
        """Read the box, and record that it was read. None when it may not be read (any more)."""
        raise AssertionError

    async def document(self, namespace: str, participant_id: str, document_id: str) -> DocumentReader | None:
        """One document, to be read in pieces. Records nothing: see `downloaded`."""
        raise AssertionError

    async def original(self, namespace: str, participant_id: str) -> DocumentReader | None:
        """The whole mail as it came, without Bcc, to save as an e-mail file (message/rfc822). Records nothing."""
        raise AssertionError

    async def downloaded(
        self,
        namespace: str,
        participant_id: str,
        document_ids: tuple[str, ...],
        seen: Access,
        *,
        original: bool = False,
    ) -> bool:
        """Record a download. Call it BEFORE the first byte goes out: who breaks off one byte early has the rest too.
        Once a download, not for each Range piece. False: may not be read any more, so send nothing.
        """
        raise AssertionError

    async def begin_answer(self, namespace: str, participant_id: str, seen: Access) -> AnswerDraft | None:
        """Begin an answer. None when the box takes none (any more)."""
        raise AssertionError

    async def decline(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """ "Not meant for me": closes the box for this address for good, and tells the owner."""
        raise AssertionError

    async def lock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Too many wrong codes: locked until the owner or an account unlocks; the owner is told, once a day."""
        raise AssertionError

    async def unlock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Take the lock off."""
        raise AssertionError

    async def ask_again(self, namespace: str, participant_id: str, note: str, seen: Access) -> bool:
        """The guest of a closed or deleted box asks the owner to send it again; the owner gets a mail, once a day."""
        raise AssertionError

    async def resend(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Send the notice again, with a new link; earlier links live on, as long as the box does."""
        raise AssertionError

    # -- for owners and admins ----------------------------------------------------------------------------------

    async def list(self, namespace: str | None = None, *, states: tuple[str, ...] = ()) -> tuple[BoxSummary, ...]:
        """Boxes, newest first; None: of every namespace (commands only)."""
        raise AssertionError

    async def show(self, box_id: str, namespace: str = "default") -> BoxRecord | None:
        """One box with its guests and counts, without its content."""
        raise AssertionError

    async def recall(self, box_id: str, reason: str, actor: str, namespace: str = "default") -> bool | None:
        """Deny access at once. False: it is recalled or gone already; None: no such box."""
        raise AssertionError

    async def close(self, box_id: str, actor: str, namespace: str = "default") -> bool | None:
        """End contributions; reading goes on until the retention ends."""
        raise AssertionError

    async def delete(self, box_id: str, actor: str, namespace: str = "default") -> bool | None:
        """Destroy the key, then the content. The audit record stays."""
        raise AssertionError

    async def release(self, box_id: str, address: str, actor: str, namespace: str = "default") -> bool | None:
        """Let a mailed code suffice for one guest of a box made by fallback."""
        raise AssertionError

    async def keep_house(self, now: datetime) -> int:
        """Close and delete what is due; how many boxes moved. Safe to run in every worker."""
        raise AssertionError
