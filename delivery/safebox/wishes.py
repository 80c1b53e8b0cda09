"""What a sender asks of a profile in the mail itself, word by word: `[secure 7d no-reply]`. Pure.

A word that is known and allowed changes the profile; every other one is told to the sender in a sentence. Where more is
asked than the profile allows, the nearest that it allows is taken, and that is told too.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from delivery.languages import Language
from delivery.safebox.choices import AccountUse, Others, Replies, Told, Way
from delivery.safebox.profile import Profile, tells_of_deletion
from delivery.safebox.spans import Span
from delivery.speech import Phrase, phrase
from policy.units import MAX_SECONDS

_SPAN: Final = re.compile(r"([0-9]{1,6})(h|hours?|d|days?|w|weeks?)")
_SECONDS: Final = {"h": 3600, "d": 86400, "w": 604800}
_KEEP: Final = "keep-"


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The profile as the sender wants it, as far as they may; `untaken` says in sentences what was not done."""

    profile: Profile
    untaken: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wish:
    """One setting that a word asks for: where it stands, and to what."""

    group: str
    setting: str
    value: Any


_WORDS: Final[Mapping[str, _Wish]] = {
    "no-reply": _Wish("participants", "replies", Replies.NONE),
    "reply": _Wish("participants", "replies", Replies.OWNER),
    "reply-all": _Wish("participants", "replies", Replies.ALL),
    "private": _Wish("participants", "others", Others.PRIVATE),
    "visible": _Wish("participants", "others", Others.VISIBLE),
    "account": _Wish("signin", "account", AccountUse.OBLIGATORY),
    "no-account": _Wish("signin", "account", AccountUse.OPTIONAL),
    **{f"by-{way}": _Wish("signin", "ways", way) for way in Way},
    **{f"in-{language}": _Wish("notice", "language", language) for language in Language},
    **{f"tell-{told}": _Wish("notice", "opened", told) for told in Told},
    "subject": _Wish("notice", "subject", True),
    "no-subject": _Wish("notice", "subject", False),
    "no-reminders": _Wish("notice", "reminders", ()),
}
WORDS: Final = (*_WORDS, "7d", "12h", "2w", "keep-30d", "keep-none", "keep-forever")


def adjust(profile: Profile, words: Collection[str], names: Collection[str] = ()) -> Adjusted:
    """The profile with the words applied in order. `names`: the configured profiles, which are words too."""
    known = {name.lower() for name in names}
    told: list[Phrase] = []
    for word in words:
        if word in known:
            continue  # chosen, or refused, where the profile was chosen
        profile = _apply(profile, word, told.append)
    return Adjusted(profile, tuple(told))


def is_known(word: str) -> bool:
    """Whether the word means anything, allowed or not."""
    return word in _WORDS or _length(word) is not None or (word.startswith(_KEEP) and _keep(word) is not None)


def not_understood(word: str) -> Phrase:
    """What its sender is told of a word that means nothing."""
    return phrase("“{word}” is not a word that is understood here.", word=word)


def _apply(profile: Profile, word: str, tell: Callable[[Phrase], None]) -> Profile:
    length = _length(word)
    if length is not None:
        return _longer(profile, word, length, tell)
    if word.startswith(_KEEP):
        return _kept(profile, word, tell)
    wish = _WORDS.get(word)
    if wish is None:
        tell(not_understood(word))
        return profile
    if not _allowed(profile, wish):
        if _has(profile, wish):
            return profile
        tell(phrase("“{word}” was not followed: the security profile does not let senders change this.", word=word))
        return profile
    value = wish.value
    if wish.setting == "ways":
        value = (wish.value,)
    return _changed(profile, wish.group, {wish.setting: value}, word, tell)


def _longer(profile: Profile, word: str, length: timedelta, tell: Callable[[Phrase], None]) -> Profile:
    limit: Span | None = profile.adjust.open_for
    if limit is None:
        if length != profile.life.open_for:
            time = profile.life.open_for
            tell(phrase("“{word}” was not followed: messages here are open for {time}.", word=word, time=time))
        return profile
    taken = min(max(length, limit.least), limit.to)
    if taken != length:
        tell(phrase("“{word}” is outside what may be chosen: the message is open for {time}.", word=word, time=taken))
    return _changed(profile, "life", {"open_for": taken}, word, tell)


def _kept(profile: Profile, word: str, tell: Callable[[Phrase], None]) -> Profile:
    found = _keep(word)
    if found is None:
        tell(not_understood(word))
        return profile
    wanted, limit = found[0], profile.adjust.retention
    if limit is None:
        if wanted != profile.life.retention:
            time = _kept_for(profile.life.retention)
            tell(phrase("“{word}” was not followed. After closing, it is kept: {time}.", word=word, time=time))
        return profile
    taken = wanted
    if not limit.holds(wanted):
        too_short = wanted is not None and (limit.least is None or wanted < limit.least)
        taken = limit.least if too_short else limit.to
        kept = _kept_for(taken)
        tell(phrase("“{word}” is outside what may be chosen. After closing, it is kept: {time}.", word=word, time=kept))
    return _changed(profile, "life", {"retention": taken}, word, tell)


def _kept_for(retention: timedelta | None) -> Phrase | timedelta:
    if retention is None:
        return phrase("until somebody deletes it")
    return retention or phrase("not at all")


def _changed(
    profile: Profile, group: str, values: Mapping[str, Any], word: str, tell: Callable[[Phrase], None]
) -> Profile:
    """The profile with a group's settings changed, if it still makes sense as a whole."""
    life = {**dict(profile.life), **(values if group == "life" else {})}
    if life["retention"] is not None and not life["retention"]:
        life["reopening"] = False
    life["longest"] = max(life["longest"], life["open_for"])
    notice = {**dict(profile.notice), **(values if group == "notice" else {})}
    notice["reminders"] = tuple(span for span in notice["reminders"] if span < life["open_for"])
    if not tells_of_deletion(notice["expiring"], life["open_for"], life["retention"]):
        notice["expiring"] = timedelta(0)
    parts: dict[str, Any] = {name: value for name, value in profile if name != "adjust"}
    if group in ("participants", "signin"):
        parts[group] = {**dict(parts[group]), **values}
    parts |= {"life": life, "notice": notice}
    try:
        # `adjust` has done its work: what is frozen into the box needs no limits, and values moved within them.
        return Profile.model_validate(parts).model_copy(update={"adjust": profile.adjust})
    except ValidationError:
        tell(phrase("“{word}” was not followed: it contradicts the rest of the security profile.", word=word))
        return profile


def _allowed(profile: Profile, wish: _Wish) -> bool:
    limit = getattr(profile.adjust, wish.setting)
    return limit if isinstance(limit, bool) else wish.value in limit


def _has(profile: Profile, wish: _Wish) -> bool:
    """The profile says so already."""
    value = getattr(getattr(profile, wish.group), wish.setting)
    return bool(value == ((wish.value,) if wish.setting == "ways" else wish.value))


def _length(word: str) -> timedelta | None:
    found = _SPAN.fullmatch(word)
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2][0]]
    return timedelta(seconds=min(seconds, MAX_SECONDS)) if seconds else None


def _keep(word: str) -> tuple[timedelta | None] | None:
    """A retention in a tuple; None: no word for one."""
    said = word.removeprefix(_KEEP)
    if said == "forever":
        return (None,)
    if said == "none":
        return (timedelta(0),)
    length = _length(said)
    return None if length is None else (length,)
