"""Changing a SafeBox's settings while it is open, as far as its security profile lets senders change them.

In their mail they ask with words (`wishes.py`), and the same words do it here. What guests were promised stays as it
was: whether they see each other and each other's answers, and how they prove who they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from delivery.languages import Language
from delivery.safebox.acting import LATE, Acting, ActRequest
from delivery.safebox.authority import ActResult, Principal, Standing
from delivery.safebox.choices import Replies, Told
from delivery.safebox.lifecycle import Act
from delivery.safebox.profile import Profile, stored_profile
from delivery.safebox.reminding import expiring_at, next_reminder_at, until_deleted
from delivery.safebox.spans import RetentionSpan
from delivery.safebox.wishes import adjust
from delivery.speech import phrase
from delivery.store.audit import EventKind
from delivery.store.boxes import move_box

_UNCHANGED: Final = phrase("These are its settings already: nothing was changed.")


@dataclass(frozen=True, slots=True)
class ChangeableSettings:
    """Which settings of a box can be changed, and to what; empty fields cannot be changed."""

    replies: tuple[Replies, ...] = ()
    opened: tuple[Told, ...] = ()
    language: tuple[Language, ...] = ()
    subject: bool = False
    reminders: bool = False  # switched off
    retention: RetentionSpan | None = None

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(
            len(self.replies) > 1
            or len(self.opened) > 1
            or len(self.language) > 1
            or self.subject
            or self.reminders
            or self.retention
        )


def changeable_settings(profile: Profile) -> ChangeableSettings:
    """What may be changed of a box with this profile. What it has now is among each of the choices."""
    allowed, people, notice = profile.adjust, profile.participants, profile.notice
    shared = people.replies is Replies.ALL  # all read all: nobody's answer may become, or cease to be, for all
    return ChangeableSettings(
        () if shared else tuple(one for one in Replies if one is people.replies or one in _private(allowed.replies)),
        tuple(one for one in Told if one is notice.opened or one in allowed.opened),
        tuple(one for one in Language if one is notice.language or one in allowed.language),
        allowed.subject,
        allowed.reminders and bool(notice.reminders),
        allowed.retention,
    )


def _private(replies: Sequence[Replies]) -> tuple[Replies, ...]:
    return tuple(one for one in replies if one is not Replies.ALL)


class Changing(Acting):
    """Adds the act of changing settings to the service."""

    async def change_settings(
        self, box_id: str, by: Principal, words: Sequence[str], namespace: str = "default"
    ) -> ActResult | None:
        """Change what the words ask for (`no-reply`, `keep-30d`), all of it or, with the reason, nothing."""
        now = self._desk.clock()

        def change(conn: Connection, standing: Standing) -> str:
            box, before = standing.box, stored_profile(standing.box.profile)
            adjusted = adjust(before, words)
            if adjusted.untaken:
                return adjusted.untaken[0]
            if sentence := _promised(before, adjusted.profile, words):
                return sentence
            if adjusted.profile == before:
                return _UNCHANGED
            deletes_at = until_deleted(adjusted.profile, box.closes_at)
            values: dict[str, Any] = {
                "profile": adjusted.profile.model_dump(mode="json"),
                "deletes_at": deletes_at,
                "remind_at": next_reminder_at(adjusted.profile, box.closes_at, now),
                "expiring_at": expiring_at(adjusted.profile, deletes_at, now),
            }
            stands = frozenset({box.state})
            return "" if move_box(conn, namespace, box_id, stands, closing_at=box.closes_at, **values) else LATE

        said = " ".join(words)
        request = ActRequest(namespace, box_id, by, Act.CHANGE, reason=said)
        return await self._do(request, EventKind.BOX_SETTINGS_CHANGED, change)


def _promised(before: Profile, after: Profile, words: Sequence[str]) -> str:
    """The sentence that refuses changes to what guests were promised; empty: nothing of it would change."""
    told = [
        (one.participants.others, one.participants.replies is Replies.ALL, one.signin, one.life.open_for)
        for one in (before, after)
    ]
    if told[0] == told[1]:
        return ""
    said = " ".join(words)
    return phrase(
        "“{word}” can be asked for in the mail alone: guests were told how it is when it was sent.", word=said
    )
