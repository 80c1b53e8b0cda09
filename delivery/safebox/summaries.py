"""Boxes as owners and admins see them: who and when, never the content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState, Role


@dataclass(frozen=True, slots=True)
class GuestSummary:
    """One guest of a box."""

    participant_id: str
    address: str = field(repr=False)
    state: GuestState
    locked_at: datetime | None = None
    released_at: datetime | None = None
    by_fallback: bool = False
    role: Role = Role.GUEST
    removed_at: datetime | None = None
    recalled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BoxSummary:
    """One line of `box list`."""

    id: str
    namespace: str
    owner: str = field(repr=False)
    state: BoxState
    profile: str
    by_fallback: bool
    created_at: datetime
    closes_at: datetime
    deletes_at: datetime | None
    guests: tuple[GuestSummary, ...]
    staff: tuple[GuestSummary, ...] = ()  # privileged participants and colleagues


@dataclass(frozen=True, slots=True)
class BoxStory:
    """`box show`: the summary with what happened."""

    summary: BoxSummary
    message_id: str
    closed_at: datetime | None
    recalled_at: datetime | None
    deleted_at: datetime | None
    messages: int
    documents: int
    bytes_kept: int
    events: tuple[tuple[datetime, str, str | None], ...] = ()  # (when, kind, participant id)
    profile: Profile = field(default=Profile())  # frozen when it was made
    subject: str = field(default="", repr=False)  # as long as the key is there, also of what was taken back
    names: Mapping[str, str] = field(default_factory=dict, repr=False)  # by participant, as long
