"""SafeBoxes in the database: boxes, participants, links, messages, documents. Every query is scoped by namespace."""

from enum import StrEnum


class BoxState(StrEnum):
    """Where a SafeBox stands; the moves are in delivery.safebox.lifecycle."""

    OPEN = "open"
    CLOSED = "closed"  # takes nothing more, can be read
    RECALLED = "recalled"  # taken back: cannot be read
    DELETED = "deleted"  # its key is destroyed


class Role(StrEnum):
    """What somebody is in a SafeBox."""

    OWNER = "owner"
    GUEST = "guest"
    PRIVILEGED = "privileged"


class GuestState(StrEnum):
    """How far a guest has come."""

    INVITED = "invited"  # the notice is in the queue
    NOTIFIED = "notified"  # a server took the notice
    BOUNCED = "bounced"  # the notice could not be delivered
    READ = "read"
    ANSWERED = "answered"
    DECLINED = "declined"  # "not meant for me"
