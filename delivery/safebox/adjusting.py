"""What a sender may change of a profile in a mail of theirs, and how far."""

from pydantic import Field, StrictBool

from delivery.languages import Language
from delivery.safebox.choices import AccountUse, Others, Replies, Told, Way
from delivery.safebox.spans import RetentionSpan, Span
from delivery.sections import Section


class Adjustable(Section):
    """The settings that senders may change. One that is left out stays as the profile has it, whatever they ask for."""

    open_for: Span | None = Field(default=None, description="`[secure 7d]`: how long guests may answer.")
    retention: RetentionSpan | None = Field(
        default=None, description="`[secure keep-30d]`: how long it can be read after closing."
    )
    replies: tuple[Replies, ...] = Field(
        default=(), examples=[["none", "owner"]], description="`[secure no-reply]`, `reply`, `reply-all`."
    )
    others: tuple[Others, ...] = Field(
        default=(), examples=[["private", "visible"]], description="`[secure visible]`, `private`."
    )
    ways: tuple[Way, ...] = Field(
        default=(), examples=[["account"]], description="`[secure by-account]`: this way to sign in, and no other."
    )
    account: tuple[AccountUse, ...] = Field(
        default=(), examples=[["optional", "obligatory"]], description="`[secure account]`, `no-account`."
    )
    opened: tuple[Told, ...] = Field(
        default=(),
        examples=[["first", "every", "never"]],
        description="`[secure tell-every]`, `tell-first`, `tell-never`.",
    )
    language: tuple[Language, ...] = Field(
        default=(),
        examples=[["en", "fr", "de", "es"]],
        description="`[secure in-fr]`: the language of notices to guests.",
    )
    subject: StrictBool = Field(default=False, description="`[secure subject]`, `no-subject`: in notices to guests.")
    reminders: StrictBool = Field(default=False, description="`[secure no-reminders]`.")
