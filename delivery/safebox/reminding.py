"""When guests are reminded, and told of the end. Pure."""

from datetime import datetime, timedelta

from delivery.safebox.profile import Profile


def next_reminder_at(profile: Profile, closes_at: datetime, now: datetime) -> datetime | None:
    """The next time to remind that lies after `now`; None: there is none."""
    times = (closes_at - before for before in profile.notice.reminders)
    return min((at for at in times if at > now), default=None)


def longest_open(profile: Profile, created_at: datetime) -> datetime:
    """The latest time that a box made then may be open until."""
    return created_at + profile.life.longest


def until_deleted(profile: Profile, closes_at: datetime) -> datetime | None:
    """When the content of a box that closes then is destroyed; None: never."""
    retention: timedelta | None = profile.life.retention
    return None if retention is None else closes_at + retention


def expiring_at(profile: Profile, deletes_at: datetime | None, now: datetime) -> datetime | None:
    """When guests are told that the content goes soon; None: never, or that time is over."""
    before = profile.notice.expiring
    if deletes_at is None or not before or deletes_at - before <= now:
        return None
    return deletes_at - before
