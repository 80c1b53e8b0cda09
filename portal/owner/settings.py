"""What can be changed of a box's settings, as a form, and what was chosen in it as the words of a mail's mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from delivery.languages import NAMES
from delivery.safebox.changing import changeable_settings
from delivery.safebox.choices import Replies, Told
from delivery.safebox.profile import Profile
from delivery.safebox.spans import RetentionSpan
from delivery.speech import phrase

_SAID: Final = {Replies.NONE: "no-reply", Replies.OWNER: "reply"}
_REPLIES: Final = {
    Replies.NONE: phrase("Guests cannot answer"),
    Replies.OWNER: phrase("Guests answer the sender alone"),
}
_TOLD: Final = {
    Told.FIRST: phrase("When each guest first opens it"),
    Told.EVERY: phrase("Each time somebody opens it"),
    Told.NEVER: phrase("Never"),
}
_DAYS: Final = (1, 3, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650)


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting: the name of its field, and what can be chosen, the words of a mark with a text for each."""

    name: str
    title: str
    options: tuple[tuple[str, str], ...]
    now: str  # the words of what it is; empty: none of the options


def settings_of(profile: Profile) -> tuple[Choice, ...]:
    """Every setting that can be changed."""
    may, people, notice = changeable_settings(profile), profile.participants, profile.notice
    yes_no = (("subject", phrase("Show the subject")), ("no-subject", phrase("Do not show the subject")))
    found = [
        Choice(
            "replies",
            phrase("Answers"),
            tuple((_SAID[one], _REPLIES[one]) for one in may.replies),
            _SAID.get(people.replies, ""),
        ),
        Choice("retention", phrase("How long it can be read after it closes"), *_retentions(profile, may.retention)),
        Choice(
            "opened",
            phrase("When the sender is told by e-mail"),
            tuple((f"tell-{one}", _TOLD[one]) for one in may.opened),
            f"tell-{notice.opened}",
        ),
        Choice(
            "language",
            phrase("Language of e-mails to guests"),
            tuple((f"in-{one}", NAMES[one]) for one in may.language),
            f"in-{notice.language}" if notice.language else "",
        ),
        Choice(
            "subject",
            phrase("E-mails to guests"),
            yes_no if may.subject else (),
            "subject" if notice.subject else "no-subject",
        ),
        Choice(
            "reminders",
            phrase("Reminders to guests who have not opened it"),
            (("", phrase("As the security profile says")), ("no-reminders", phrase("No reminders")))
            if may.reminders
            else (),
            "",
        ),
    ]
    return tuple(one for one in found if len(one.options) > 1)


def words_of(profile: Profile, form: Mapping[str, str]) -> tuple[str, ...]:
    """What was chosen, as words; only what is on the form counts, and what is as it was is left out."""
    chosen = ((one, form.get(one.name, "")) for one in settings_of(profile))
    return tuple(said for one, said in chosen if said and said != one.now and said in dict(one.options))


def _retentions(profile: Profile, span: RetentionSpan | None) -> tuple[tuple[tuple[str, str], ...], str]:
    """What can be chosen, shortest first, and what it is now."""
    now = profile.life.retention
    if span is None:
        return (), _kept(now)
    lengths = {timedelta(days=days) for days in _DAYS} | {one for one in (span.least, span.to, now) if one is not None}
    lengths = {one for one in lengths | {timedelta(0)} if span.holds(one)}
    options: list[timedelta | None] = [*sorted(lengths), *([None] if span.holds(None) else [])]
    return tuple((_kept(one), _length(one)) for one in options), _kept(now)


def _kept(length: timedelta | None) -> str:
    if length is None:
        return "keep-forever"
    hours = int(length.total_seconds()) // 3600
    if not length:
        return "keep-none"
    return f"keep-{hours // 24}d" if hours % 24 == 0 else f"keep-{hours}h"


def _length(length: timedelta | None) -> str:
    if length is None:
        return phrase("Until somebody deletes it")
    return phrase("For {time}", time=length) if length else phrase("Not at all: it is deleted when it closes")
