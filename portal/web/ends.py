"""The reasons why a message can no longer be opened: for its guest, and for a sender who sees what the guest sees."""

from enum import StrEnum

from delivery.safebox.participants import Invitation
from delivery.store.boxes import BoxState
from portal.web.render import _


class End(StrEnum):
    """Why there is nothing to open any more."""

    RECALLED = "recalled"
    DELETED = "deleted"
    DECLINED = "declined"
    REMOVED = "removed"


def end_of(invitation: Invitation) -> End | None:
    """Why it cannot be opened; None: it can."""
    if invitation.removed:
        return End.REMOVED
    if invitation.state is BoxState.RECALLED:
        return End.RECALLED
    if invitation.state is BoxState.DELETED:
        return End.DELETED
    return End.DECLINED if invitation.declined else None


def title_of(end: End) -> str:
    """What the window of its page is called."""
    titles = {
        End.RECALLED: _("The sender took this message back"),
        End.DELETED: _("This message is closed"),
        End.DECLINED: _("Closed for your address"),
        End.REMOVED: _("You no longer take part in this message"),
    }
    return titles[end]
