"""Security profiles: the settings a SafeBox is made with, frozen into it at creation.

Stored with `model_dump(mode="json")`, read back with `model_validate`. What a sender may change of one in a mail of
theirs is in `adjust`; `wishes.py` reads what they wrote.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from delivery.languages import Language
from delivery.safebox.adjusting import Adjustable
from delivery.safebox.choices import AccountUse, Others, Replies, SecondFactor, Told, ToldOfEnd, Way
from delivery.safebox.spans import Retention, show_retention
from delivery.sections import Later, Section, Sender, Zone, wrong
from policy.units import Duration, Size, parse_duration, show_duration, show_size
from rules.content import FileKind

MOST_REMINDERS: Final = 2
_TEXT: Final = json.JSONEncoder(ensure_ascii=False)
_LARGEST: Final = 5 * 10**9  # bytes of one file: what one sealed object and its pieces are made for
_LONGEST_TEXT: Final = 20_000  # characters of a consent text


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_TEXT)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


def _or_none(value: object) -> timedelta:
    return timedelta(0) if value in (None, "none") else parse_duration(value)


def _some_days(value: timedelta) -> timedelta:
    if value > timedelta(days=90):
        raise wrong("a device is remembered for 90 days at most")
    return value


OrNone = Annotated[
    timedelta,
    BeforeValidator(_or_none),
    PlainSerializer(lambda value: show_duration(value) if value else "none", return_type=str),
    WithJsonSchema({"type": "string"}),
]  # 0: not at all
Remembered = Annotated[OrNone, AfterValidator(_some_days)]


class ConsentText(Section):
    """What guests accept before they see anything. A new version is asked for again in boxes made from then on."""

    version: Short = Field(examples=["2026-01"], description="Kept with who accepted it.")
    texts: Annotated[dict[Language, Text], Field(min_length=1)] = Field(
        examples=[{"en": "I keep what I read here to myself."}], description="By language: en, fr, de, es."
    )

    def in_language(self, language: str) -> tuple[str, str]:
        """The text in a language, else in English, else in the first one given; with the language it is in."""
        texts = {str(key): text for key, text in self.texts.items()}
        found = next((one for one in (language, "en") if one in texts), next(iter(texts)))
        return found, texts[found]


class ParticipantSettings(Section):
    """Who takes part, and what they may do."""

    replies: Replies = Field(
        default=Replies.OWNER,
        description="none; owner: guests may answer the sender; all: everybody in the box reads every answer.",
    )
    others: Others = Field(default=Others.PRIVATE, description="private, or visible: guests see who else was invited.")
    alias: Short | None = Field(
        default=None, examples=["Records office"], description="The name guests see in place of the sender's own."
    )
    privileged: tuple[Sender, ...] = Field(
        default=(),
        examples=[["Dana Deputy <dana@example.com>"]],
        description="Take part in every box with the same rights as its owner.",
    )
    colleagues: tuple[Sender, ...] = Field(
        default=(),
        examples=[["Records <records@example.com>"]],
        description="Take part in every box: they read and answer, and change nothing.",
    )
    may_add: StrictBool = Field(default=True, description="Whether the owner may add people once the box is made.")
    consent: ConsentText | None = Field(default=None, description="A text that guests accept before they read.")

    @model_validator(mode="after")
    def _all_see_all(self) -> Self:
        if self.replies is Replies.ALL and self.others is Others.PRIVATE:
            raise wrong("replies: all shows everybody in the box to everybody", "write others: visible")
        return self


class LifeSettings(Section):
    """How long a box is open, and how long its content stays."""

    open_for: Duration = Field(default=timedelta(days=30), description="How long guests may answer.")
    late_reply: Duration = Field(
        default=timedelta(days=7), description="An answer shortly before the end keeps the box open this much longer."
    )
    extension: StrictBool = Field(default=True, description="Whether the owner may keep it open longer.")
    longest: Duration = Field(
        default=timedelta(days=365),
        description="Neither extension nor late answer keeps it open for longer than this.",
    )
    retention: Retention = Field(
        default=timedelta(days=30),
        description="How long content stays readable after closing: none, a duration, or forever.",
    )
    reopening: StrictBool = Field(default=True, description="Whether the owner may open a closed box again.")
    manual_close: StrictBool = Field(default=True, description="Whether the owner may close it earlier.")
    manual_deletion: StrictBool = Field(default=True, description="Whether the owner may delete it earlier.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.open_for:
            raise wrong("open_for must be longer than 0")
        if self.open_for > self.longest:
            shown = show_duration(self.open_for)
            if "longest" in self.model_fields_set:
                raise wrong(f"open_for is {shown}, longer than longest", f"write longest: {shown}, or more")
            object.__setattr__(self, "longest", self.open_for)  # said of open_for alone: that is the longest then
        if self.retention is not None and not self.retention and self.reopening:
            if "reopening" in self.model_fields_set:
                raise wrong("reopening needs content that is kept", "write a retention, or reopening: false")
            object.__setattr__(self, "reopening", False)
        return self


class SigninSettings(Section):
    """How guests prove who they are."""

    ways: Annotated[tuple[Way, ...], Field(min_length=1)] = Field(
        default=(Way.CODE, Way.ACCOUNT, Way.PASSKEY),
        description="Each of these opens the box: code (mailed to the guest's address), sms, voice, question (set by "
        "the sender), account (with a password), passkey.",
    )
    account: AccountUse = Field(
        default=AccountUse.OPTIONAL, description="optional, or obligatory: guests register before they can read."
    )
    second_factor: SecondFactor = Field(
        default=SecondFactor.OPTIONAL,
        description="optional, or required: only an account opens it, by passkey or with a second factor.",
    )
    code_digits: StrictInt = Field(default=6, ge=6, le=10, description="Digits of a code.")
    code_minutes: StrictInt = Field(default=15, ge=1, le=60, description="How long a code counts.")
    tries: StrictInt = Field(
        default=5, ge=1, le=10, description="Wrong codes in one browser before a new one is needed."
    )
    tries_a_day: StrictInt = Field(
        default=20, ge=1, le=100, description="Wrong codes of one guest in a day before only longer ones count."
    )
    remember_device: Remembered = Field(
        default=timedelta(0), description="How long a browser that a guest trusts needs no new code: none, or a time."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        by_account = Way.ACCOUNT in self.ways or Way.PASSKEY in self.ways
        if self.account is AccountUse.OBLIGATORY and not by_account:
            raise wrong("account: obligatory needs account or passkey among the ways", "write ways: [code, account]")
        if self.second_factor is SecondFactor.REQUIRED and not by_account:
            raise wrong(
                "second_factor: required needs account or passkey among the ways", "write ways: [code, account]"
            )
        remembered = {Way.CODE, Way.SMS, Way.VOICE} & set(self.ways)
        if self.remember_device and not remembered:
            raise wrong("remember_device saves codes, and no way of this profile sends any", "leave it out")
        if self.remember_device and self.needs_account:
            raise wrong("remember_device saves codes, and here a code alone opens nothing", "leave it out")
        if len(set(self.ways)) < len(self.ways):
            raise wrong("a way is named twice", "name each way once")
        if self.tries > self.tries_a_day:
            raise wrong("tries is more than tries_a_day", f"write tries_a_day: {self.tries}, or more")
        return self

    @property
    def needs_account(self) -> bool:
        """A code alone opens nothing: it proves the address, then an account is made or opened."""
        return self.account is AccountUse.OBLIGATORY or self.second_factor is SecondFactor.REQUIRED


class NoticeContent(Section):
    """What is told by mail."""

    subject: StrictBool = Field(default=False, description="true: notices to guests show the mail's subject.")
    reminders: Annotated[tuple[Duration, ...], Field(max_length=MOST_REMINDERS)] = Field(
        default=(timedelta(days=7), timedelta(days=1)),
        description="How long before the end guests who have not opened it are reminded, at most twice; []: never.",
    )
    opened: Told = Field(
        default=Told.FIRST,
        description="When the owner is told that a guest opened it: first, every time, or never.",
    )
    closed: ToldOfEnd = Field(
        default=ToldOfEnd.EVERYBODY,
        description="Who is told that it closed: everybody, guests, owner, nobody. The owner only where somebody has "
        "not opened it, files of answers are nowhere else, or somebody else closed it.",
    )
    expiring: OrNone = Field(
        default=timedelta(days=3),
        description="How long before its content is deleted guests who can still read it are told, once; none: never.",
    )
    language: Language | None = Field(
        default=None,
        examples=["fr"],
        description="The language of notices to guests who have not chosen one; null: the first of `languages`.",
    )


class UploadSettings(Section):
    """What one answer may bring."""

    files: StrictInt = Field(default=20, ge=0, le=100, description="How many files; 0: none.")
    each: Size = Field(default=250 * 10**6, description="How large one of them may be.")
    together: Size = Field(default=10**9, description="How large all of them may be.")
    kinds: tuple[FileKind, ...] = Field(
        default=(),
        examples=[["document", "pdf", "image"]],
        description="Which kinds, by name, declared type and content: document, spreadsheet, presentation, pdf, "
        "archive, image, text, html, message, executable, unknown; []: any.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.each > self.together:
            if "together" in self.model_fields_set:
                raise wrong("each is more than together", f"write together: {show_size(self.each)}, or more")
            object.__setattr__(self, "together", self.each)  # said of each alone: one such file is the most then
        if self.each > _LARGEST:
            raise wrong(f"a file has {show_size(_LARGEST)} at most")
        if self.files and not self.each:
            raise wrong("each must be more than 0", "write files: 0 where answers bring none")
        return self


def tells_of_deletion(before: timedelta, open_for: timedelta, retention: timedelta | None) -> bool:
    """Whether so long before its content is deleted there is something to tell: after closing, or, where that deletes
    it, while it is open. When it closes, guests are told the time anyway.
    """
    return retention is not None and before < (retention or open_for)


class Profile(Section):
    """One security profile."""

    participants: ParticipantSettings = Field(default=ParticipantSettings(), description="Who takes part.")
    life: LifeSettings = Field(default=LifeSettings(), description="How long it is open and readable.")
    signin: SigninSettings = Field(default=SigninSettings(), description="How guests prove who they are.")
    notice: NoticeContent = Field(default=NoticeContent(), description="What is told by mail.")
    uploads: UploadSettings = Field(default=UploadSettings(), description="What one answer may bring.")
    adjust: Adjustable = Field(
        default=Adjustable(), description="What a sender may change in the mail itself, and how far."
    )
    zone: Zone | None = Field(
        default=None,
        examples=["Europe/Zurich"],
        description="The time zone of the box, in which notices and its record tell times; null: the organisation's.",
    )
    secure_link: Later = Field(default=None, description="Boxes by Secure Link: not in this version.")
    encryption: Later = Field(default=None, description="Link keys that the server cannot read: not in this version.")

    @model_validator(mode="after")
    def _is_told_in_time(self) -> Self:
        """What is told so long before an end that it never comes: left out where it was a default, else refused."""
        notice, life = self.notice, self.life
        open_for = life.open_for
        timely = tuple(span for span in notice.reminders if timedelta(0) < span < open_for)
        if timely != notice.reminders:
            if "reminders" in notice.model_fields_set:
                late = show_duration(next(span for span in notice.reminders if span not in timely))
                cause = f"a reminder {late} before the end never comes where it is open for {show_duration(open_for)}"
                raise wrong(cause, "write reminders: [1 day], or []")
            notice = notice.model_copy(update={"reminders": timely})
        if notice.expiring and not tells_of_deletion(notice.expiring, life.open_for, life.retention):
            if "expiring" in notice.model_fields_set:
                kept = show_retention(life.retention)
                cause = (
                    f"{show_duration(notice.expiring)} before its content is deleted never comes: retention is {kept}"
                )
                raise wrong(cause, "write expiring: none")
            notice = notice.model_copy(update={"expiring": timedelta(0)})
        object.__setattr__(self, "notice", notice)
        return self

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        adjust = self.adjust
        if adjust.open_for and not adjust.open_for.holds(self.life.open_for):
            raise wrong("adjust.open_for leaves out open_for itself", f"it is {show_duration(self.life.open_for)}")
        if adjust.open_for and adjust.open_for.to > self.life.longest:
            raise wrong("adjust.open_for goes beyond longest", f"longest is {show_duration(self.life.longest)}")
        if adjust.retention and not adjust.retention.holds(self.life.retention):
            raise wrong("adjust.retention leaves out retention itself", f"it is {show_retention(self.life.retention)}")
        if Replies.ALL in adjust.replies and Others.VISIBLE not in (self.participants.others, *adjust.others):
            raise wrong("adjust.replies: all needs guests who see each other", "write participants.others: visible")
        if AccountUse.OBLIGATORY in adjust.account and not {Way.ACCOUNT, Way.PASSKEY} & {
            *self.signin.ways,
            *adjust.ways,
        }:
            raise wrong(
                "adjust.account: obligatory needs account or passkey among the ways",
                "write signin.ways: [code, account]",
            )
        return self


def stored_profile(kept: Mapping[str, Any]) -> Profile:
    """The profile as a box keeps it. Every page asks, most boxes have the same few, and reading one takes longer than
    the rest of finding a box.
    """
    return _read(_TEXT.encode(kept))


@lru_cache(maxsize=256)
def _read(text: str) -> Profile:
    return Profile.model_validate(json.loads(text))
