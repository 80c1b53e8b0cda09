"""Security profiles: the settings a SafeBox is made with, frozen into it at creation."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PlainSerializer, StrictBool, StrictInt, WithJsonSchema, model_validator

from delivery.sections import Section, wrong
from policy.units import Duration, parse_duration, show_duration


class Replies(StrEnum):
    """Who an answer of a guest may go to."""

    NONE = "none"
    OWNER = "owner"


class Others(StrEnum):
    """Whether guests of one box see each other's addresses."""

    PRIVATE = "private"
    VISIBLE = "visible"


class AccountUse(StrEnum):
    """Whether a guest must have an account to read."""

    OPTIONAL = "optional"
    OBLIGATORY = "obligatory"


class Way(StrEnum):
    """How a guest may prove who they are."""

    CODE = "code"  # by mail to the address the notice went to
    ACCOUNT = "account"  # made before, with a password


def _retention(value: object) -> timedelta | None:
    if value is None or value == "forever":
        return None
    return timedelta(0) if value == "none" else parse_duration(value)


def _show_retention(value: timedelta | None) -> str:
    if value is None:
        return "forever"
    return show_duration(value) if value else "none"


Retention = Annotated[
    timedelta | None,
    BeforeValidator(_retention),
    PlainSerializer(_show_retention, return_type=str),
    WithJsonSchema({"type": "string"}),
]  # None: forever; 0: none


class ParticipantSettings(Section):
    """Who takes part, and what they may do."""

    replies: Replies = Field(default=Replies.OWNER, description="none, or owner: guests may answer the sender.")
    others: Others = Field(default=Others.PRIVATE, description="private, or visible: guests see who else was invited.")


class LifeSettings(Section):
    """How long a box is open, and how long its content stays."""

    open_for: Duration = Field(default=timedelta(days=30), description="How long guests may answer.")
    late_reply: Duration = Field(
        default=timedelta(days=7), description="An answer shortly before the end keeps the box open this much longer."
    )
    retention: Retention = Field(
        default=timedelta(days=30),
        description="How long content stays readable after closing: none, a duration, or forever.",
    )
    manual_close: StrictBool = Field(default=True, description="Whether the owner may close it earlier.")
    manual_deletion: StrictBool = Field(default=True, description="Whether the owner may delete it earlier.")

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not self.open_for:
            raise wrong("open_for must be longer than 0")
        return self


class SigninSettings(Section):
    """How guests prove who they are."""

    ways: Annotated[tuple[Way, ...], Field(min_length=1)] = Field(
        default=(Way.CODE, Way.ACCOUNT), description="code: sent to the guest's address; account: made before."
    )
    account: AccountUse = Field(
        default=AccountUse.OPTIONAL, description="optional, or obligatory: guests register before they can read."
    )
    code_digits: StrictInt = Field(default=6, ge=6, le=10, description="Digits of a code.")
    code_minutes: StrictInt = Field(default=15, ge=1, le=60, description="How long a code counts.")
    tries: StrictInt = Field(
        default=5, ge=1, le=10, description="Wrong codes in one browser before a new one is needed."
    )
    tries_a_day: StrictInt = Field(
        default=20, ge=1, le=100, description="Wrong codes of one guest in a day before locking."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.account is AccountUse.OBLIGATORY and Way.ACCOUNT not in self.ways:
            raise wrong("account: obligatory needs account among the ways", "write ways: [code, account]")
        return self


class NoticeContent(Section):
    """What the invitation tells."""

    subject: StrictBool = Field(default=False, description="true: the notice shows the mail's subject.")


class Profile(Section):
    """One security profile. Stored with `model_dump(mode="json")`, read back with `model_validate`."""

    participants: ParticipantSettings = Field(default=ParticipantSettings(), description="Who takes part.")
    life: LifeSettings = Field(default=LifeSettings(), description="How long it is open and readable.")
    signin: SigninSettings = Field(default=SigninSettings(), description="How guests prove who they are.")
    notice: NoticeContent = Field(default=NoticeContent(), description="What the invitation tells.")
